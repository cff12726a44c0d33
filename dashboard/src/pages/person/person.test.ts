// What the page of a person works out by itself: the tree of ids, kinds of values, bars and times.
import { describe, expect, it } from 'vitest'
import type { Id, IdRow, Link } from './shapes'
import { bars, floor, fromPicker, span, toPicker } from './time'
import { fits, shown } from './values'
import { below, linkWords, refusalWords, together, tree } from './who'

const user = (id: string): Id => ({ kind: 'user_id', id })
const visitor = (id: string): Id => ({ kind: 'anonymous_id', id })
const row = (id: Id): IdRow => ({ ...id, first_seen: null, last_seen: null, calls: 1 })
const link = (from: Id, to: Id, sequence = 1, rule = 'R2'): Link => ({ from, to, rule, sequence, message_id: null, at: null, text: '' })

describe('tree', () => {
  it('puts each id below the one that it is joined to, whichever way the link points', () => {
    const ids = [visitor('a'), user('old'), user('new'), visitor('b')].map(row)
    const links = [link(visitor('a'), user('old')), link(user('old'), user('new'), 2, 'R4b'), link(visitor('b'), user('new'), 3)]
    const nodes = tree({ ids, links }, 'user_id:new')
    expect(nodes.map(({ row, depth }) => [row.id, depth])).toEqual([['new', 0], ['old', 1], ['a', 2], ['b', 1]])
    expect(below(nodes, 1).map(({ id }) => id)).toEqual(['old', 'a'])
    expect(below(nodes, 3).map(({ id }) => id)).toEqual(['b'])
    expect(below(nodes, 9)).toEqual([])
  })

  it('keeps a user and a visitor of the same letters apart', () => {
    const nodes = tree({ ids: [row(user('7')), row(visitor('7'))], links: [link(visitor('7'), user('7'))] }, 'user_id:7')
    expect(nodes.map(({ row, depth }) => [row.kind, depth])).toEqual([['user_id', 0], ['anonymous_id', 1]])
  })

  it('shows ids whose link was cut off, and an unknown root is no trouble', () => {
    expect(tree({ ids: [row(user('a')), row(user('b'))], links: [] }, 'user_id:z')).toHaveLength(2)
    expect(tree({ ids: [], links: [] }, undefined)).toEqual([])
  })

  it('stays fast for a chain and for a hub of ten thousand', () => {
    const ids = Array.from({ length: 10_000 }, (_, n) => row(visitor(String(n))))
    const chain = ids.slice(1).map((one, n) => link(one, ids[n]!, n))
    expect(tree({ ids, links: chain }, 'anonymous_id:0').at(-1)?.depth).toBe(9999)
    const hub = ids.slice(1).map((one, n) => link(one, ids[0]!, n))
    expect(tree({ ids, links: hub }, 'anonymous_id:0').filter(({ depth }) => depth === 1)).toHaveLength(9999)
  })
})

describe('words', () => {
  it('are there for each rule and refusal that the server knows', () => {
    for (const rule of ['R2', 'R4b', 'R4c', 'R4e', 'operator']) expect(linkWords(rule).name).not.toBe('another rule')
    for (const code of ['shared_device', 'alias_anon_claimed', 'blocked_id', 'alias_blocked_id', 'alias_user_not_allowed', 'too_many_ids'])
      expect(refusalWords(code).todo).not.toBe('')
  })
})

describe('possible duplicates', () => {
  it('are named once, with all that is equal', () => {
    const face = (id: string) => ({ id, name: null, email: null })
    const found = together([{ person: face('a'), by: 'email' }, { person: face('b'), by: 'phone' }, { person: face('a'), by: 'phone' }])
    expect(found.map(({ person, by }) => [person.id, by])).toEqual([['a', ['email', 'phone']], ['b', ['phone']]])
  })
})

describe('values', () => {
  it('are shown as what they are', () => {
    expect(shown(null).kind).toBe('none')
    expect(shown(false)).toEqual({ kind: 'boolean', value: false })
    expect(shown(20240301)).toEqual({ kind: 'number', text: '20240301' })
    expect(shown('2024-03-01T10:00:00Z').kind).toBe('date')
    expect(shown('2024-13-41T10:00:00Z').kind).toBe('text')
    expect(shown('2024').kind).toBe('text')
    expect(shown('https://example.com/a?b')).toEqual({ kind: 'link', url: 'https://example.com/a?b' })
    expect(shown({ city: 'Rome', zip: 1 })).toMatchObject({ kind: 'json', text: '{ city, zip }' })
    expect(shown([1, 2])).toMatchObject({ text: 'a list of 2' })
  })

  it('never make a link of what is none', () => {
    for (const evil of ['javascript:alert(1)', ' https://x', 'data:text/html,x', '//example.com', 'https://', 'http://a b'])
      expect(shown(evil).kind).toBe('text')
  })

  it('cut long ones between characters', () => {
    const long = shown('👩'.repeat(1000))
    expect(long.kind === 'long' && /[\uD800-\uDBFF]$/.test(long.start)).toBe(false)
  })

  it('are found by name and by value', () => {
    expect(fits('plan', 'Pro', 'PRO')).toBe(true)
    expect(fits('plan', 'Pro', 'lan')).toBe(true)
    expect(fits('address', { city: 'Rome' }, 'rome')).toBe(true)
    expect(fits('plan', null, 'x')).toBe(false)
  })
})

describe('activity', () => {
  const end = Date.parse('2026-11-23T22:30:00Z')

  it('takes the finest bars that reach back far enough', () => {
    expect(span(end - 86_400_000, end).interval).toBe('hour')
    expect(span(end - 30 * 86_400_000, end).interval).toBe('day')
    expect(span(end - 900 * 86_400_000, end).interval).toBe('week')
  })

  it('puts each count into its bar, the newest last', () => {
    const days = span(end - 30 * 86_400_000, end)
    const counts = bars(days, [{ at: '2026-11-23T00:00:00.000Z', count: 3 }, { at: '2026-11-21T00:00:00.000Z', count: 2 }, { at: '2020-01-01T00:00:00.000Z', count: 9 }])
    expect(counts).toHaveLength(31)
    expect(counts.slice(-3)).toEqual([2, 0, 3])
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(5)
  })

  it('keeps to so many bars as can be read', () => {
    expect(span(end, end).bars).toBe(24)
    expect(span(end - 5 * 86_400_000, end)).toMatchObject({ interval: 'day', bars: 14 })
    expect(span(0, end)).toMatchObject({ interval: 'week', bars: 104 })
  })

  it('begins weeks on Monday', () => {
    expect(new Date(floor(end, 'week')).toISOString()).toBe('2026-11-23T00:00:00.000Z')
    expect(new Date(floor(end - 86_400_000, 'week')).toISOString()).toBe('2026-11-16T00:00:00.000Z')
  })
})

describe('the picker', () => {
  it('gives back the second that it was given', () => {
    const at = '2026-03-29T01:30:05.000Z'
    expect(fromPicker(toPicker(at))).toBe(at)
    expect(fromPicker('')).toBeNull()
    expect(toPicker('soon')).toBe('')
  })
})
