// The span of the activity bars, and times between the address bar and the date picker.
import type { Interval } from './shapes'

const HOUR = 3_600_000
const SIZE: Record<Interval, number> = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR }
/** Fewer bars would be too coarse to see anything, more too fine. */
const LEAST: Record<Interval, number> = { hour: 24, day: 14, week: 26 }
const MOST: Record<Interval, number> = { hour: 72, day: 90, week: 104 }

export interface Span {
  interval: Interval
  since: number
  bars: number
}

/** The finest bars that reach back to when the person was first seen, as far as there is room for them. */
export function span(firstSeen: number, end: number): Span {
  const reach = (interval: Interval) => (floor(end, interval) - floor(firstSeen, interval)) / SIZE[interval] + 1
  const interval = reach('hour') <= MOST.hour ? 'hour' : reach('day') <= MOST.day ? 'day' : 'week'
  const bars = Math.min(MOST[interval], Math.max(LEAST[interval], reach(interval)))
  return { interval, since: floor(end, interval) - (bars - 1) * SIZE[interval], bars }
}

/** The beginning of the interval in UTC, as the server counts; weeks begin on Monday, and 1970 began on a Thursday. */
export function floor(at: number, interval: Interval): number {
  const shift = interval === 'week' ? 3 * SIZE.day : 0
  return Math.floor((at + shift) / SIZE[interval]) * SIZE[interval] - shift
}

/** How many calls each bar has. */
export function bars({ interval, since, bars }: Span, items: { at: string; count: number }[]): number[] {
  const counts = new Array<number>(bars).fill(0)
  for (const { at, count } of items) {
    const bar = Math.round((floor(Date.parse(at), interval) - since) / SIZE[interval])
    if (bar >= 0 && bar < bars) counts[bar]! += count
  }
  return counts
}

export const barAt = ({ interval, since }: Span, bar: number) => new Date(since + bar * SIZE[interval]).toISOString()

/** A time as the picker has it: local, without a zone. */
export function toPicker(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return ''
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** The picker's time for the address; null if it is none. */
export function fromPicker(text: string): string | null {
  const date = new Date(text)
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : null
}
