// A range of records to deliver again, as the form holds it and as the server wants it.

export interface Wish {
  by: 'time' | 'sequence'
  from: string
  to: string
  type: string
  event: string
  state: 'dead' | 'all'
}
export type Edge = string | number
export interface Body {
  state: 'dead' | 'all'
  from?: Edge
  to?: Edge
  type?: string
  event?: string
}

/** What is wrong with a wish, in words; null when it can be ordered. */
export function problem(wish: Wish): string | null {
  for (const [name, text] of [['From', wish.from], ['To', wish.to]] as const) {
    if (text.trim() && edge(wish.by, text) === null) return wish.by === 'time' ? `${name} is no time.` : `${name} has to be a whole number from 1.`
  }
  const [from, to] = [edge(wish.by, wish.from), edge(wish.by, wish.to)]
  if (wish.state === 'all' && from === null) return 'Say from where on: delivered calls are sent again only from a place that is named.'
  if (from !== null && to !== null && Number(from instanceof Date ? from.getTime() : from) >= Number(to instanceof Date ? to.getTime() : to)) return 'To has to be after From.'
  return null
}

/** One end of the range; null when there is none, or nothing readable. */
export function edge(by: Wish['by'], text: string): number | Date | null {
  if (!text.trim()) return null
  if (by === 'sequence') return /^[1-9]\d{0,15}$/.test(text.trim()) ? Number(text) : null
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? null : at
}

export function body(wish: Wish): Body {
  const said = (text: string) => {
    const found = edge(wish.by, text)
    return found instanceof Date ? found.toISOString() : (found ?? undefined)
  }
  return { state: wish.state, from: said(wish.from), to: said(wish.to), type: wish.type || undefined, event: wish.event.trim() || undefined }
}

const MINUTE = 60_000
/** How finely records of a span can be counted by /api/stats, which has at most 2,000 intervals and a year in one answer; null when it is too long. */
export function counting(ms: number): 'minute' | 'hour' | 'day' | null {
  if (ms <= 1_900 * MINUTE) return 'minute'
  if (ms <= 1_900 * 60 * MINUTE) return 'hour'
  return ms <= 365 * 24 * 60 * MINUTE ? 'day' : null
}
