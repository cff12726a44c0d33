// What a chart shows, and the sums and sentences about it; drawing is draw.ts.

export type Tone = 1 | 2 | 3 | 4 | 5 | 6 | 'good' | 'warn' | 'bad' | 'quiet'
export const TONES: Tone[] = [1, 2, 3, 4, 5, 6]

export interface Series {
  name: string
  tone: Tone
  /** One for each time; null is a gap. */
  values: (number | null)[]
}
/** Bars and areas are stacked on each other, lines are not. */
export type Kind = 'bars' | 'areas' | 'lines'
export type Column = (number | null)[]

/** What to draw for each series: stacked ones as sums with those below, hidden ones without a height of their own. */
export function columns(series: Series[], kind: Kind, hidden: ReadonlySet<string>): Column[] {
  if (kind === 'lines') return series.map((one) => (hidden.has(one.name) ? one.values.map(() => null) : one.values))
  // What goes down (people who left) is stacked by itself below the line.
  const up: number[] = []
  const down: number[] = []
  return series.map((one) => {
    const pile = one.values.some((value) => (value ?? 0) < 0) ? down : up
    return one.values.map((value, k) => {
      pile[k] = (pile[k] ?? 0) + (hidden.has(one.name) ? 0 : (value ?? 0))
      return value === null ? null : pile[k]
    })
  })
}

export const total = (values: Column) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0)
export const newest = (values: Column) => values.findLast((value) => value !== null) ?? null

/** Whether there is anything to see. */
export const isFlat = (series: Series[]) => series.every((one) => one.values.every((value) => !value))

/** The chart in a sentence, for who does not see it. */
export function sentence(title: string, at: number[], series: Series[], resting: 'sum' | 'last', format: (n: number) => string, when: (ms: number) => string): string {
  const first = at[0]
  const last = at[at.length - 1]
  if (first === undefined || last === undefined || !series.length) return `${title}: nothing yet.`
  const said = series.map(({ name, values }) => {
    if (resting === 'sum') return `${name} ${format(total(values))}`
    const now = newest(values)
    const most = values.reduce<number>((high, value) => Math.max(high, value ?? 0), 0)
    return now === null ? `${name}: not known` : `${name} ${format(now)} now, at most ${format(most)}`
  })
  return `${title}, ${when(first)} to ${when(last)}: ${said.join('; ')}.`
}
