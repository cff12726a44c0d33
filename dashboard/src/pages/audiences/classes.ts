// Classes of audiences in words, and how their history becomes a chart.
import type { Audience } from '../../lib/types'

type Class = Audience['class']
export const CLASSES: Record<Class, { one: string; many: string; means: string }> = {
  audience: { one: 'Audience', many: 'Audiences', means: 'Who fits a rule now: people enter and leave.' },
  journey_step: { one: 'Journey step', many: 'Journey steps', means: 'Who stands at a step of a journey now.' },
  computed_trait: { one: 'Computed trait', many: 'Computed traits', means: 'A value that was worked out for each person; counted are those who have one.' },
}
const ORDER: Class[] = ['audience', 'journey_step', 'computed_trait']

/** By class, the largest first; `most` is the largest of the class. */
export function grouped(all: Audience[], search: string) {
  const wanted = search.trim().toLowerCase()
  const found = wanted ? all.filter(({ key, name }) => `${key}\n${name}`.toLowerCase().includes(wanted)) : all
  return ORDER.map((name) => {
    const items = found.filter((one) => one.class === name).toSorted((a, b) => b.members - a.members || a.key.localeCompare(b.key))
    return { name, items, most: Math.max(1, items[0]?.members ?? 0) }
  }).filter(({ items }) => items.length)
}

export interface Change {
  at: string
  entered: number
  left: number
}

/** Every step from `since` to `until`, those without a change too, and the sum of changes up to each. */
export function filled(items: Change[], since: number, until: number, step: number) {
  const first = Math.floor(since / step)
  const at = Array.from({ length: Math.max(1, Math.floor(until / step) - first + 1) }, (_, k) => (first + k) * step)
  const changes = new Map(items.map((one) => [Math.floor(Date.parse(one.at) / step) * step, one]))
  let sum = 0
  const running = at.map((ms) => (sum += (changes.get(ms)?.entered ?? 0) - (changes.get(ms)?.left ?? 0)))
  return { at, entered: at.map((ms) => changes.get(ms)?.entered ?? 0), left: at.map((ms) => -(changes.get(ms)?.left ?? 0)), running }
}
