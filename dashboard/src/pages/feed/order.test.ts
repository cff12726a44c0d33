// The order of the feed.
import { describe, expect, it } from 'vitest'
import { folded, isAbove, merged, ordered } from './order'

const at = (timestamp: string, sequence: number) => ({ timestamp, sequence })

describe('order of the feed', () => {
  it('is newest first, then the one taken last', () => {
    expect(isAbove(at('2026-11-02', 1), at('2026-11-01', 9))).toBe(true)
    expect(isAbove(at('2026-11-01', 1), at('2026-11-01', 2))).toBe(false)
    expect(ordered([at('1', 1), at('3', 3), at('2', 2), at('3', 3)]).map((one) => one.sequence)).toEqual([3, 2, 1])
  })

  it('puts a late call where it belongs and no call twice', () => {
    const shown = [at('9', 9), at('5', 5), at('3', 3)]
    expect(merged([at('9', 9), at('4', 10)], shown).map((one) => one.sequence)).toEqual([9, 5, 10, 3])
    expect(merged([], shown)).toBe(shown)
    expect(merged(shown, [])).toBe(shown)
    expect(merged(shown, shown)).toEqual(shown)
  })

  it('is the same as sorting, for any two lists', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
    let state = seed
    const draw = (most: number) => (state = (state * 48_271 + 11) % 2_147_483_647) % most
    for (let round = 0; round < 300; round += 1) {
      const all = Array.from({ length: draw(30) }, (_, sequence) => at(String(draw(9)), sequence))
      const some = () => ordered(all.filter(() => draw(2)))
      const [first, second] = [some(), some()]
      expect(merged(first, second), `seed ${seed}`).toEqual(ordered([...first, ...second]))
    }
  })
})

describe('heartbeats', () => {
  const beat = (session: string | null, collapsed?: number, event = 'Video Content Playing') =>
    ({ type: 'track' as const, event, properties: { session_id: session }, collapsed })

  it('of one session are one line', () => {
    expect(folded([beat('a'), beat('a'), beat('a')])).toEqual([beat('a', 3)])
    expect(folded([beat('a'), beat('a', 5)])).toEqual([beat('a', 6)])
    expect(folded([beat('a', 6), beat('a', 5)])).toEqual([beat('a', 6)])
  })

  it('of others stay apart', () => {
    const apart = [beat('a'), beat('b'), beat('a'), beat(null), beat(null), beat('a', undefined, 'Video Playback Started')]
    expect(folded(apart)).toBe(apart)
  })
})
