// Which people are asked for: filters between the address bar, the chips and the questions to the server. The members
// of the address are those of GET /api/people, so that a filter means the same everywhere.

export type Kind = 'group' | 'audience' | 'trait' | 'event' | 'seen_after' | 'seen_before'
export type Operator = 'is' | 'gt' | 'lt' | 'exists' | 'missing'

export interface Filter {
  kind: Kind
  /** The member of the query that this filter is. */
  member: string
  value: string
  /** Of a trait. */
  key?: string
  operator?: Operator
}

export const KINDS: Record<Kind, string> = {
  group: 'Group',
  audience: 'Audience',
  trait: 'Trait',
  event: 'Did the event',
  seen_after: 'Seen after',
  seen_before: 'Seen before',
}
export const OPERATORS: Record<Operator, string> = {
  is: 'is',
  gt: 'is more than',
  lt: 'is less than',
  exists: 'is there',
  missing: 'is not there',
}
export const SORTS = {
  last_seen: 'Last seen',
  first_seen: 'First seen',
  events: 'Events',
  name: 'Name',
  email: 'Email',
} as const
export type Sort = keyof typeof SORTS

const PLAIN = ['group', 'audience', 'event', 'seen_after', 'seen_before'] as const
/** The server takes no more of them. */
export const TRAITS_MOST = 16

/** The filter that this makes. */
export function filter(kind: Kind, value: string, key = '', operator: Operator = 'is'): Filter {
  if (kind !== 'trait') return { kind, member: kind, value }
  const there = operator === 'exists' || operator === 'missing'
  const ending = there ? '.exists' : operator === 'is' ? '' : `.${operator}`
  return { kind, key, operator, member: `trait.${key}${ending}`, value: there ? String(operator === 'exists') : value }
}

function trait(member: string, value: string): Filter | undefined {
  const [, key, ending] = /^trait\.(.+?)(?:\.(gt|lt|exists))?$/s.exec(member) ?? []
  if (!key) return undefined
  const operator = ending === 'exists' ? (value === 'false' ? 'missing' : 'exists') : ((ending as Operator | undefined) ?? 'is')
  return filter('trait', value, key, operator)
}

/** The filters of an address, in its order; each member counts once, as the server wants it. */
export function filtersOf(query: URLSearchParams): Filter[] {
  const found = new Map<string, Filter>()
  for (const [member, value] of query) {
    const plain = PLAIN.find((kind) => kind === member)
    const one = plain && value ? filter(plain, value) : trait(member, value)
    if (one && !found.has(one.member)) found.set(one.member, one)
  }
  return [...found.values()]
}

/** What the server is asked: filters, search and the two toggles, without order. */
export function asked(query: URLSearchParams): URLSearchParams {
  const to = new URLSearchParams()
  for (const { member, value } of filtersOf(query)) to.set(member, value)
  const search = query.get('search')?.trim()
  if (search) to.set('search', search)
  const anonymous = query.get('anonymous')
  if (anonymous === 'true' || anonymous === 'only') to.set('anonymous', anonymous)
  if (query.get('incomplete') === 'true') to.set('incomplete', 'true')
  return to
}

/** How the list is sorted: what the address says, or the last seen first. */
export function order(query: URLSearchParams): { sort: Sort; order: 'asc' | 'desc' } {
  const sort = query.get('sort')
  const known = sort !== null && Object.hasOwn(SORTS, sort) ? (sort as Sort) : 'last_seen'
  const turned = query.get('order')
  return { sort: known, order: turned === 'asc' || turned === 'desc' ? turned : usual(known) }
}

/** Names from A on, times and numbers from the newest and most on. */
export const usual = (sort: Sort) => (sort === 'name' || sort === 'email' ? 'asc' : 'desc')

/** A filter in words, in two parts: what, and its value. */
export function worded(one: Filter, time: (at: string) => string): [string, string] {
  if (one.kind !== 'trait') return [KINDS[one.kind], one.kind.startsWith('seen') ? time(one.value) : one.value]
  const signs: Record<Operator, string> = { is: '=', gt: '>', lt: '<', exists: 'is there', missing: 'is not there' }
  const there = one.operator === 'exists' || one.operator === 'missing'
  return [`${one.key} ${signs[one.operator ?? 'is']}`, there ? '' : one.value]
}
