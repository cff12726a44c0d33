// Filters survive the way through the address bar, and strangers in it do no harm.
import { describe, expect, it } from 'vitest'
import { asked, filter, filtersOf, order, worded } from './filters'

describe('filters', () => {
  it('come back from the address as they went into it', () => {
    const all = [
      filter('group', 'g 1&x=y'),
      filter('trait', 'pro', 'plan'),
      filter('trait', '30', 'age', 'gt'),
      filter('trait', '60', 'age', 'lt'),
      filter('trait', '', 'address.city', 'exists'),
      filter('trait', '', 'phone', 'missing'),
      filter('event', 'Order Completed'),
      filter('seen_after', '2026-01-01T00:00:00.000Z'),
    ]
    const query = new URLSearchParams(all.map(({ member, value }) => [member, value]))
    expect(filtersOf(new URLSearchParams(query.toString()))).toEqual(all)
    expect(asked(query).toString()).toBe(query.toString())
  })

  it('are what the server takes: each once, nothing that it does not know', () => {
    const query = new URLSearchParams('group=a&group=b&tab=x&cursor=c&search=+&anonymous=maybe&incomplete=false&trait.=1&event=')
    expect(asked(query).toString()).toBe('group=a')
  })

  it('keep the toggles and the search', () => {
    const query = new URLSearchParams('anonymous=only&incomplete=true&search=%20ada%20')
    expect(Object.fromEntries(asked(query))).toEqual({ anonymous: 'only', incomplete: 'true', search: 'ada' })
  })

  it('read as words', () => {
    expect(worded(filter('trait', '5', 'logins', 'gt'), String)).toEqual(['logins >', '5'])
    expect(worded(filter('trait', '', 'phone', 'missing'), String)).toEqual(['phone is not there', ''])
    expect(worded(filter('seen_after', 'T'), (at) => `at ${at}`)).toEqual(['Seen after', 'at T'])
  })
})

describe('order', () => {
  it('is the last seen first unless the address knows better', () => {
    expect(order(new URLSearchParams())).toEqual({ sort: 'last_seen', order: 'desc' })
    expect(order(new URLSearchParams('sort=name'))).toEqual({ sort: 'name', order: 'asc' })
    expect(order(new URLSearchParams('sort=constructor&order=up'))).toEqual({ sort: 'last_seen', order: 'desc' })
    expect(order(new URLSearchParams('sort=events&order=asc'))).toEqual({ sort: 'events', order: 'asc' })
  })
})
