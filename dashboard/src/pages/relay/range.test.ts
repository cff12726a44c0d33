// A range as the form holds it becomes an order, or a sentence about what is wrong.
import { describe, expect, it } from 'vitest'
import { body, counting, problem, type Wish } from './range'

const wish = (change: Partial<Wish>): Wish => ({ by: 'sequence', from: '', to: '', type: '', event: '', state: 'dead', ...change })

describe('a range to deliver again', () => {
  it('may be everything for dead letters, and needs a beginning for all', () => {
    expect(problem(wish({}))).toBeNull()
    expect(problem(wish({ state: 'all' }))).toContain('from where on')
    expect(problem(wish({ state: 'all', from: '1' }))).toBeNull()
  })
  it('refuses what is no place, and ends that cross', () => {
    expect(problem(wish({ from: '0' }))).toContain('From')
    expect(problem(wish({ to: '-4' }))).toContain('To')
    expect(problem(wish({ from: '1e3' }))).toContain('From')
    expect(problem(wish({ from: '9', to: '9' }))).toContain('after')
    expect(problem(wish({ by: 'time', from: 'yesterday' }))).toContain('no time')
    expect(problem(wish({ by: 'time', from: '2026-11-23T10:00', to: '2026-11-23T09:00' }))).toContain('after')
  })
  it('is sent with what was filled in only', () => {
    expect(JSON.stringify(body(wish({ from: ' 5 ', event: ' Signed Up ' })))).toBe('{"state":"dead","from":5,"event":"Signed Up"}')
    const timed = body(wish({ by: 'time', state: 'all', from: '2026-11-23T10:00', type: 'track' }))
    expect(timed).toMatchObject({ state: 'all', from: new Date('2026-11-23T10:00').toISOString(), type: 'track' })
  })
  it('is counted as finely as one answer allows', () => {
    expect([3.6e6, 2 * 864e5, 60 * 864e5, 300 * 864e5, 800 * 864e5].map(counting)).toEqual(['minute', 'hour', 'hour', 'day', null])
  })
})
