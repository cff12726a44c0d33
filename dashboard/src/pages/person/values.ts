// What a value is, so that it can be shown as that: a date as a date, a link as a link.
import type { Json } from '../../lib/types'

export type Shown =
  | { kind: 'none' }
  | { kind: 'boolean'; value: boolean }
  | { kind: 'number'; text: string }
  | { kind: 'date'; at: string }
  | { kind: 'link'; url: string }
  | { kind: 'text'; text: string }
  | { kind: 'long'; text: string; start: string }
  | { kind: 'json'; text: string; value: Json }

const LONG = 240
const DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/

export function shown(value: Json): Shown {
  if (value === null) return { kind: 'none' }
  if (typeof value === 'boolean') return { kind: 'boolean', value }
  // As it is: grouped digits would make an id or a year look like an amount.
  if (typeof value === 'number') return { kind: 'number', text: String(value) }
  if (typeof value !== 'string') return { kind: 'json', text: summary(value), value }
  if (value.length > LONG) return { kind: 'long', text: value, start: start(value, LONG) }
  if (DATE.test(value) && !Number.isNaN(Date.parse(value))) return { kind: 'date', at: value }
  return webAddress(value) ? { kind: 'link', url: value } : { kind: 'text', text: value }
}

/** Only what opens a page of the web; a `javascript:` in a trait stays text. */
function webAddress(value: string): boolean {
  if (!/^https?:\/\/\S+$/i.test(value)) return false
  try {
    return ['http:', 'https:'].includes(new URL(value).protocol)
  } catch {
    return false
  }
}

/** The beginning of a text, no character cut in two. */
export const start = (text: string, most: number) => {
  const kept = text.slice(0, most)
  return /[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept
}

function summary(value: Json[] | { [key: string]: Json }): string {
  if (Array.isArray(value)) return value.length === 1 ? 'a list of 1' : `a list of ${value.length}`
  const names = Object.keys(value)
  const first = names.slice(0, 4).map((name) => start(name, 24)).join(', ')
  return names.length ? `{ ${first}${names.length > 4 ? ', …' : ''} }` : '{ }'
}

/** Whether a trait has all these letters in its name or value; of a long value only the beginning is looked at. */
export function fits(key: string, value: Json, letters: string): boolean {
  const wanted = letters.trim().toLowerCase()
  if (!wanted || key.toLowerCase().includes(wanted)) return true
  const text = typeof value === 'string' ? value.slice(0, 4000) : value !== null && typeof value === 'object' ? JSON.stringify(value).slice(0, 4000) : String(value)
  return text.toLowerCase().includes(wanted)
}
