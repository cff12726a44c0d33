// The ranges of the overview, and how counts of the server become what its charts show.
import { TYPES, VERDICTS, type Bucket, type Stats, type Verdict } from '../../lib/standing'
import type { Series, Tone } from '../../parts/chart/series'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export interface Range {
  id: 'hour' | 'day' | 'week' | 'month'
  /** On the button, and in a sentence. */
  name: string
  said: string
  interval: Stats['interval']
  step: number
  steps: number
}
const DAY_RANGE: Range = { id: 'day', name: 'Day', said: 'the last 24 hours', interval: 'hour', step: HOUR, steps: 24 }
export const RANGES: Range[] = [
  { id: 'hour', name: 'Hour', said: 'the last hour', interval: 'minute', step: MINUTE, steps: 60 },
  DAY_RANGE,
  { id: 'week', name: 'Week', said: 'the last 7 days', interval: 'hour', step: HOUR, steps: 7 * 24 },
  { id: 'month', name: '30 days', said: 'the last 30 days', interval: 'day', step: DAY, steps: 30 },
]
export const rangeOf = (id: string | null): Range => RANGES.find((range) => range.id === id) ?? DAY_RANGE

/** Where a range begins: the interval that goes on now is its last one, so the question changes only when that ends. */
export const beginOf = (range: Range, now: number) => Math.floor(now / range.step) * range.step - (range.steps - 1) * range.step

export const bucketTimes = (buckets: Bucket[]) => buckets.map(({ at }) => Date.parse(at))

const TYPE_TONES: Record<string, Tone> = { track: 1, page: 2, screen: 3, identify: 4, group: 5, alias: 6 }
const VERDICT_TONES: Record<Verdict, Tone> = { appended: 'good', duplicate: 'quiet', rejected: 'bad', filtered: 'warn' }

/** Stored calls by type; types that never came are left out. */
export function byType(buckets: Bucket[]): Series[] {
  const all = TYPES.map((type) => ({ name: type as string, tone: TYPE_TONES[type] ?? 'quiet', values: buckets.map(({ types }) => types[type] ?? 0) }))
  const came = all.filter(({ values }) => values.some((value) => value > 0))
  return came.length ? came : all.slice(0, 1)
}

/** All calls by what became of them. */
export const byVerdict = (buckets: Bucket[]): Series[] =>
  VERDICTS.map((name) => ({ name, tone: VERDICT_TONES[name], values: buckets.map(({ verdicts }) => verdicts[name]) }))

export const verdictTotal = (buckets: Bucket[], verdict: Verdict) => buckets.reduce((sum, { verdicts }) => sum + verdicts[verdict], 0)
