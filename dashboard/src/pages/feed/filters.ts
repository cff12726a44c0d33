// What of the feed is shown, as it stands in the address: each filter in words, and as the API asks for it.

export const FILTERS = ['type', 'event', 'source', 'person', 'group', 'since', 'until'] as const
export type Filter = (typeof FILTERS)[number]

export const NAMES: Record<Filter, string> = {
  type: 'Type',
  event: 'Event',
  source: 'Source',
  person: 'Person',
  group: 'Group',
  since: 'From',
  until: 'Until',
}

/** The filters that are set. */
export function chosen(query: URLSearchParams): [Filter, string][] {
  return FILTERS.flatMap((name) => {
    const value = query.get(name)
    return value ? [[name, value] as [Filter, string]] : []
  })
}

/** What the API is asked; what else stands in the address is not passed on. */
export function asked(query: URLSearchParams): URLSearchParams {
  const wanted = new URLSearchParams(chosen(query))
  if (query.get('hidden') === 'true') wanted.set('hidden', 'true')
  return wanted
}

/** The stream that fits; null when nothing of now would fit. It has no times of its own. */
export function stream(query: URLSearchParams): string | null {
  if (query.get('until')) return null
  const wanted = asked(query)
  wanted.delete('since')
  const text = wanted.toString()
  return text ? `/api/feed/live?${text}` : '/api/feed/live'
}

/** A time of the API as a field for times wants it, in the reader's own time zone. */
export function toField(time: string | null): string {
  const date = new Date(time ?? '')
  if (Number.isNaN(date.getTime())) return ''
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const seconds = date.getSeconds() ? `:${two(date.getSeconds())}` : ''
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}${seconds}`
}

/** And back. */
export function fromField(field: string): string {
  const date = new Date(field)
  return field && !Number.isNaN(date.getTime()) ? date.toISOString() : ''
}

/** An address under which exactly this call is shown, hidden or not. */
export function linkTo(call: { event: string | null; timestamp: string; type: string; person: { id: string } | null }): string {
  const query = new URLSearchParams({ type: call.type })
  if (call.event) query.set('event', call.event)
  if (call.person) query.set('person', call.person.id)
  query.set('since', call.timestamp)
  query.set('until', new Date(Date.parse(call.timestamp) + 1).toISOString())
  query.set('hidden', 'true')
  return `/feed?${query}`
}
