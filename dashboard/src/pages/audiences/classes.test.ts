// Audiences by class, and their changes day by day.
import { describe, expect, it } from 'vitest'
import { filled, grouped } from './classes'
import type { Audience } from '../../lib/types'

const DAY = 86_400_000
const one = (key: string, members: number, kind: Audience['class'] = 'audience'): Audience => ({ key, name: key.toUpperCase(), class: kind, members })

describe('audiences', () => {
  it('stand by class, the largest first, empty classes left out', () => {
    const all = [one('a', 1), one('t', 5, 'computed_trait'), one('b', 9)]
    expect(grouped(all, '').map(({ name, items, most }) => [name, items.map(({ key }) => key), most])).toEqual([['audience', ['b', 'a'], 9], ['computed_trait', ['t'], 5]])
    expect(grouped(all, ' T ').map(({ name }) => name)).toEqual(['computed_trait'])
    expect(grouped([one('z', 0)], '')[0]?.most).toBe(1)
  })
  it('show days without a change, those who left below the line, and the running sum', () => {
    const found = filled([{ at: new Date(2 * DAY).toISOString(), entered: 5, left: 2 }, { at: new Date(4 * DAY).toISOString(), entered: 0, left: 4 }], DAY + 5, 4 * DAY + 9, DAY)
    expect(found.at).toEqual([DAY, 2 * DAY, 3 * DAY, 4 * DAY])
    expect(found.entered).toEqual([0, 5, 0, 0])
    expect(found.left.map((n) => n + 0)).toEqual([0, -2, 0, -4])
    expect(found.running).toEqual([0, 3, 3, -1])
  })
})
