// How times, numbers and values read.
import type { Json } from './types'

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const shortDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
const whole = new Intl.NumberFormat()
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

/** `3 minutes ago`, from two times in milliseconds. */
export function ago(at: number, now: number): string {
  const seconds = (at - now) / 1000
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  }
  return Math.abs(seconds) < 10 ? 'just now' : relative.format(Math.trunc(seconds), 'second')
}

export const exact = (at: string) => exactly.format(new Date(at))
export const timeOfDay = (at: string) => clock.format(new Date(at))

/** The day of a time in words: Today, Yesterday, or its date. */
export function day(at: string, now = new Date()): string {
  const date = new Date(at)
  const days = Math.round((midnight(now) - midnight(date)) / 86_400_000)
  if (days === 0 || days === 1) return days ? 'Yesterday' : 'Today'
  return (date.getFullYear() === now.getFullYear() ? shortDay : longDay).format(date)
}
const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()

export const count = (n: number) => whole.format(n)
export const roughly = (n: number) => (n < 10_000 ? whole.format(n) : compact.format(n))
export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`

/** `1.2 GB`: powers of a thousand, as disks are sold. */
export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let step = 0
  while (n >= 1000 && step < units.length - 1) {
    n /= 1000
    step += 1
  }
  return `${n < 10 && step ? n.toFixed(1) : Math.round(n)} ${units[step]}`
}

/** `340 ms`, `2.1 s`, `5 min`, `3 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

/** A value in one line: text as it is, the rest as JSON. */
export const text = (value: Json | undefined): string =>
  typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value)

/** At most so many characters, without cutting one in two. */
export function cut(value: string, most: number): string {
  if (value.length <= most) return value
  return `${[...value.slice(0, most)].slice(0, -1).join('')}…`
}

/** What a person is called where there is one line for it. */
export const called = (who: { id: string; name?: string | null; email?: string | null; user_id?: string | null }) =>
  who.name || who.email || who.user_id || `Visitor ${who.id.slice(0, 8)}`

/** One or two letters for an avatar. */
export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s]/gu, ' ').trim().split(/\s+/u)
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : undefined]
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase() || '?'
}
