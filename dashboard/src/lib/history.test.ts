// Samples become rates and gaps.
import { describe, expect, it } from 'vitest'
import { joined, lately, rate, stepsOf, summed } from './history.svelte'
import type { Sample } from './standing'

const at = (s: number) => new Date(1_800_000_000_000 + s * 1000).toISOString()
const sample = (s: number, appended: number) => ({ at: at(s), appended }) as Sample
const of = (one: Sample) => one.appended

describe('samples of the server', () => {
  it('are counted a second, whatever lies between them', () => {
    expect(rate([sample(0, 10), sample(10, 60), sample(70, 120)], of)).toEqual([null, 5, 1])
  })
  it('leave a gap where a counter began anew, and where the server did not run', () => {
    expect(rate([sample(0, 900), sample(10, 3), sample(20, 13), sample(900, 20)], of)).toEqual([null, null, 1, null])
  })
  it('leave a gap for a destination that was not there yet', () => {
    expect(rate([sample(0, 1), sample(10, 2)], () => undefined)).toEqual([null, null])
  })
  it('are summed by steps, the first sample being where counting began', () => {
    const items = [sample(0, 100), sample(10, 101), sample(290, 103), sample(310, 104), sample(610, 2), sample(900, 4)]
    expect(stepsOf(items, 300_000).map((ms) => (ms - 1_800_000_000_000) / 1000)).toEqual([0, 300, 600, 900])
    expect(summed(items, of, 300_000)).toEqual([3, 1, 0, 2])
    expect(summed([], of, 300_000)).toEqual([])
  })
  it('say the rate of the last minute', () => {
    expect(lately([sample(0, 0), sample(60, 600), sample(90, 630), sample(120, 660)], of)).toBe(1)
    expect(lately([sample(0, 5)], of)).toBeNull()
    expect(lately([], of)).toBeNull()
  })
  it('are joined without repeating any, and forgotten with time', () => {
    const all = joined([sample(0, 1), sample(10, 2)], [sample(10, 2), sample(20, 3)], Date.parse(at(5)))
    expect(all.map(of)).toEqual([2, 3])
  })
})
