// Filters of the feed in the address.
import { describe, expect, it } from 'vitest'
import { asked, chosen, fromField, linkTo, stream, toField } from './filters'

describe('filters of the feed', () => {
  it('takes what it knows from the address and nothing else', () => {
    const query = new URLSearchParams('event=Signed+Up&type=track&hidden=true&tab=x&source=')
    expect(chosen(query)).toEqual([['type', 'track'], ['event', 'Signed Up']])
    expect(asked(query).toString()).toBe('type=track&event=Signed+Up&hidden=true')
    expect(asked(new URLSearchParams('hidden=1')).toString()).toBe('')
  })

  it('follows what happens now, unless the past was asked for', () => {
    expect(stream(new URLSearchParams('since=2026-01-01T00:00:00.000Z&person=a%2Fb'))).toBe('/api/feed/live?person=a%2Fb')
    expect(stream(new URLSearchParams('until=2026-01-01T00:00:00.000Z'))).toBeNull()
    expect(stream(new URLSearchParams())).toBe('/api/feed/live')
  })

  it('brings a time through a field and back', () => {
    for (const time of ['2026-11-23T12:05:00.000Z', '2026-03-29T00:59:07.000Z']) expect(fromField(toField(time))).toBe(time)
    expect(toField('no time')).toBe('')
    expect(fromField('')).toBe('')
  })

  it('links to one call', () => {
    const call = { event: 'A & B', type: 'track', timestamp: '2026-11-23T12:05:00.999Z', person: { id: 'p1' } }
    const query = new URL(linkTo(call), 'http://x').searchParams
    expect(query.get('event')).toBe('A & B')
    expect(query.get('until')).toBe('2026-11-23T12:05:01.000Z')
    expect(query.get('hidden')).toBe('true')
  })
})
