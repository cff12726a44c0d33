// Ranges and what is summed over them.
import { describe, expect, it } from 'vitest'
import { beginOf, byType, byVerdict, rangeOf, RANGES, verdictTotal } from './ranges'
import type { Bucket } from '../../lib/standing'

const bucket = (types: Record<string, number>, rejected = 0): Bucket => ({
  at: '2026-11-23T10:00:00.000Z',
  types,
  sources: {},
  verdicts: { appended: 1, duplicate: 2, rejected, filtered: 0 },
  active_people: 1,
})

describe('the overview', () => {
  it('takes a day for an address that names no range', () => {
    expect(rangeOf(null).id).toBe('day')
    expect(rangeOf('century').id).toBe('day')
    expect(rangeOf('week').id).toBe('week')
  })
  it('asks for whole intervals, the running one last', () => {
    const now = Date.parse('2026-11-23T10:59:59.999Z')
    const begins = RANGES.map((range) => new Date(beginOf(range, now)).toISOString())
    expect(begins).toEqual(['2026-11-23T10:00:00.000Z', '2026-11-22T11:00:00.000Z', '2026-11-16T11:00:00.000Z', '2026-10-25T00:00:00.000Z'])
  })
  it('shows the types that came, and one when none did', () => {
    expect(byType([bucket({ track: 2, alias: 0 }), bucket({ group: 1 })]).map(({ name, values }) => [name, values])).toEqual([['track', [2, 0]], ['group', [0, 1]]])
    expect(byType([bucket({})]).map(({ name }) => name)).toEqual(['track'])
  })
  it('counts verdicts', () => {
    const buckets = [bucket({}, 3), bucket({}, 4)]
    expect(byVerdict(buckets).map(({ name, values }) => [name, values])).toEqual([['appended', [1, 1]], ['duplicate', [2, 2]], ['rejected', [3, 4]], ['filtered', [0, 0]]])
    expect(verdictTotal(buckets, 'rejected')).toBe(7)
  })
})
