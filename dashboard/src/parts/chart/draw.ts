// Draws with uPlot. This file and the library are loaded when the first chart is seen.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { ticks } from './time'
import type { Column, Kind } from './series'

export interface Look {
  kind: Kind
  height: number
  /** Where ticks of the values may stand: at whole numbers only, at lengths of time that have a name, or anywhere. */
  ticks: Ticks
  isUtc: boolean
  format: (n: number) => string
  /** Colours as the page has them now. */
  colours: string[]
  text: string
  line: string
  font: string
  /** Which place the cursor is at, or null. */
  at: (place: number | null) => void
}

export type Ticks = 'whole' | 'time' | 'any'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LENGTHS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, ...[1, 2, 3, 5, 7, 14, 30, 90, 365].map((days) => days * 24 * HOUR)]
const WHOLE = [1, 2, 5].flatMap((n) => Array.from({ length: 14 }, (_, power) => n * 10 ** power)).sort((a, b) => a - b)
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [1, 5]]

/** A chart in `box`; `range` says which times it shows. */
export function draw(box: HTMLElement, look: Look, range: () => [number, number]): uPlot {
  const stacked = look.kind !== 'lines'
  // A line through one value is nothing to be seen.
  const few = (plot: uPlot) => plot.data[0].length < 4
  const series = look.colours.map((stroke, k): uPlot.Series => {
    const bars = look.kind === 'bars' && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [0.82, 64], align: 1 }) } : {}
    const dash = stacked ? {} : { dash: DASHES[k % DASHES.length] }
    return { stroke, width: look.kind === 'bars' ? 0 : 1.75, fill: stacked ? stroke : undefined, points: { show: !stacked && few, size: 6, fill: stroke }, ...bars, ...dash }
  })
  const grid = { stroke: look.line, width: 1 }
  const shared = { stroke: look.text, font: look.font, grid, ticks: { show: false } }
  return new uPlot(
    {
      width: box.clientWidth || 300,
      height: look.height,
      ms: 1,
      tzDate: (ms) => (look.isUtc ? uPlot.tzDate(new Date(ms), 'Etc/UTC') : new Date(ms)),
      legend: { show: false },
      padding: [8, 20, 0, 0],
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { show: !stacked, size: 7 },
        // A bar reaches from its time to the next, so the one under the cursor is the one that began before it.
        dataIdx: (plot, _, closest, x) => (look.kind === 'bars' && (plot.data[0]?.[closest] ?? 0) > x ? Math.max(0, closest - 1) : closest),
      },
      scales: {
        x: { time: true, range: () => range() },
        y: { range: (_, low, high) => [Math.min(0, low ?? 0) * 1.08, Math.max((high ?? 0) * 1.08, (low ?? 0) < 0 ? 0 : 1)] },
      },
      axes: [
        { ...shared, grid: { show: false }, space: 70, size: 26, gap: 6, values: (_, at, __, ___, step) => ticks(at, step, look.isUtc) },
        {
          ...shared,
          size: (_, labels) => 16 + 7 * Math.max(2, ...(labels ?? []).map((label) => label.length)),
          values: (_, at) => at.map((n) => look.format(n)),
          space: 30,
          ...(look.ticks !== 'any' && { incrs: look.ticks === 'whole' ? WHOLE : LENGTHS }),
        },
      ],
      // The highest sum first: each lower one is painted over it.
      series: [{}, ...(stacked ? series.toReversed() : series)],
      hooks: { setCursor: [(plot) => look.at(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? (plot.cursor.idx ?? null) : null)] },
    },
    [[], ...series.map(() => [])],
    box,
  )
}

/** Gives a chart other numbers. */
export function fill(plot: uPlot, kind: Kind, at: number[], drawn: Column[]) {
  plot.setData([at, ...(kind === 'lines' ? drawn : drawn.toReversed())])
}
