// Where a call stands in the feed: newest first, by when it happened, then by when it was taken.
import type { Item } from '../../lib/types'

type Placed = Pick<Item, 'timestamp' | 'sequence'>

/** Whether `a` stands above `b`. Times are written so that they compare as texts. */
export const isAbove = (a: Placed, b: Placed) =>
  a.timestamp === b.timestamp ? a.sequence > b.sequence : a.timestamp > b.timestamp

/** Two ordered lists as one; a call that is in both is there once, as the first list has it. */
export function merged<T extends Placed>(first: T[], second: T[]): T[] {
  if (!first.length) return second
  if (!second.length) return first
  const [lastOfFirst, topOfSecond] = [first[first.length - 1]!, second[0]!]
  if (isAbove(lastOfFirst, topOfSecond)) return [...first, ...second]
  const all: T[] = []
  let [a, b] = [0, 0]
  while (a < first.length && b < second.length) {
    const [one, other] = [first[a]!, second[b]!]
    if (one.sequence === other.sequence) b += 1
    else if (isAbove(one, other)) {
      all.push(one)
      a += 1
    } else {
      all.push(other)
      b += 1
    }
  }
  // The rest of one of them; a loop, as spreading thousands into a call is limited.
  for (; a < first.length; a += 1) all.push(first[a]!)
  for (; b < second.length; b += 1) all.push(second[b]!)
  return all
}

/** In order, each once: calls come in the order in which they were taken, which may be another. */
export function ordered<T extends Placed>(batch: T[]): T[] {
  const sorted = [...batch].sort((a, b) => (isAbove(a, b) ? -1 : 1))
  return sorted.filter((one, at) => one.sequence !== sorted[at - 1]?.sequence)
}

/** What heartbeats of one video session have in common, as the server has it; null for other calls. */
function session(call: Beat): string | null {
  if (call.type !== 'track' || !/( Playing|_playing)$/.test(call.event ?? '')) return null
  const id = call.properties['session_id']
  return id === undefined || id === null || id === '' ? null : JSON.stringify([call.event, id])
}
type Beat = Pick<Item, 'type' | 'event' | 'properties' | 'collapsed'>

/** Neighbouring heartbeats of one session as one line, the newest: pages come so, what happens now comes one by one. */
export function folded<T extends Beat>(items: T[]): T[] {
  const all: T[] = []
  let last: string | null = null
  for (const call of items) {
    const beat = session(call)
    const line = all[all.length - 1]
    if (line && beat !== null && beat === last) {
      // A line of the server counts those below it already.
      all[all.length - 1] = { ...line, collapsed: Math.max(line.collapsed ?? 1, call.collapsed ?? 1) + (line.collapsed && call.collapsed ? 0 : 1) }
    } else all.push(call)
    last = beat
  }
  return all.length === items.length ? items : all
}
