// What the charts of the relay show: deliveries, failures and lag of each destination over the samples of the last day.
import { gauge, rate, summed } from '../../lib/history.svelte'
import type { DestinationSample, Sample } from '../../lib/standing'
import { TONES, type Series } from '../../parts/chart/series'

type Of = (sample: DestinationSample) => number

/** How many lines a reader can tell apart. */
export const LINES_MAX = TONES.length

/** What is rare is counted by steps of this length. */
export const STEP_MS = 300_000

/** A line for each destination; of many, those with the most. */
export function lines(items: Sample[], names: string[], of: Of, as: 'rate' | 'gauge' | 'sum'): Series[] {
  const all = names.map((name) => {
    const at = (sample: Sample) => {
      const found = sample.relay[name]
      return found && of(found)
    }
    return { name, values: as === 'rate' ? rate(items, at) : as === 'sum' ? summed(items, at, STEP_MS) : gauge(items, at) }
  })
  const most = (values: (number | null)[]) => values.reduce<number>((high, value) => Math.max(high, value ?? 0), 0)
  const kept = all.length > LINES_MAX ? all.toSorted((a, b) => most(b.values) - most(a.values)).slice(0, LINES_MAX) : all
  return kept.map((one, k) => ({ ...one, tone: TONES[k % TONES.length] ?? 1 }))
}
