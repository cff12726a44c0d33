// Stacks, hidden series and the sentence of a chart.
import { describe, expect, it } from 'vitest'
import { columns, isFlat, sentence, type Series } from './series'

const none = new Set<string>()
const a: Series = { name: 'a', tone: 1, values: [1, 2, null] }
const b: Series = { name: 'b', tone: 2, values: [10, 0, 5] }

describe('a chart', () => {
  it('stacks bars and areas, and lines not', () => {
    expect(columns([a, b], 'bars', none)).toEqual([[1, 2, null], [11, 2, 5]])
    expect(columns([a, b], 'lines', none)).toEqual([a.values, b.values])
  })
  it('gives what is hidden no height', () => {
    expect(columns([a, b], 'areas', new Set(['a']))).toEqual([[0, 0, null], [10, 0, 5]])
    expect(columns([a, b], 'lines', new Set(['a']))).toEqual([[null, null, null], b.values])
  })
  it('stacks what goes down below the line', () => {
    const left: Series = { name: 'left', tone: 'bad', values: [-3, 0, -1] }
    expect(columns([b, left], 'bars', none)).toEqual([[10, 0, 5], [-3, 0, -1]])
  })
  it('says its numbers in a sentence', () => {
    const when = (ms: number) => `t${ms}`
    expect(sentence('Calls', [1, 2, 3], [a, b], 'sum', String, when)).toBe('Calls, t1 to t3: a 3; b 15.')
    expect(sentence('Lag', [1, 2, 3], [a], 'last', String, when)).toBe('Lag, t1 to t3: a 2 now, at most 2.')
    expect(sentence('Lag', [], [a], 'last', String, when)).toBe('Lag: nothing yet.')
  })
  it('knows when there is nothing to see', () => {
    expect(isFlat([{ ...a, values: [0, null] }])).toBe(true)
    expect(isFlat([a])).toBe(false)
  })
})
