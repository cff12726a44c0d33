// What the server says about one person beyond the person itself, as docs/API.md describes it.
import type { Face, GroupName, Json, Person } from '../../lib/types'

export interface Id {
  kind: 'user_id' | 'anonymous_id'
  id: string
}
export interface IdRow extends Id {
  first_seen: string | null
  last_seen: string | null
  calls: number
}
export interface Link {
  from: Id
  to: Id
  rule: string
  message_id: string | null
  sequence: number
  at: string | null
  text: string
  /** The record that removed the link again. */
  undone_by?: number
}
export interface Refusal {
  from: Id | null
  to: Id
  code: string
  message_id: string | null
  sequence: number
  at: string | null
  text: string
}
export interface Duplicate {
  person: { id: string; name: string | null; email: string | null }
  by: 'email' | 'phone'
}
export interface Identity {
  id: string
  ids: IdRow[]
  links: Link[]
  undone: Link[]
  refused: Refusal[]
  possible_duplicates: Duplicate[]
  /** There is more than is named here. */
  cut: boolean
  through: number
}

export interface Setting {
  value: Json
  time: string
  message_id: string | null
  sequence: number
}
export interface Trait extends Setting {
  key: string
  class: 'audience' | 'computed' | 'journey_step' | null
  former: Setting[]
}
export interface Activity {
  interval: Interval
  items: { at: string; count: number }[]
  through: number
}
export type Interval = 'hour' | 'day' | 'week'

interface Side {
  value: Json
  time: string
}
export interface Preview {
  from: Face
  into: Face
  person: Person
  conflicts: { key: string; from: Side; into: Side; winner: 'from' | 'into' }[]
  timeline: { from: number; into: number; after: number; at_least: boolean }
  group: { from: GroupName | null; into: GroupName | null; after: GroupName | null }
}
export interface Merged {
  sequence: number
  person: Person
}
export interface Undone {
  sequence: number
  undone: number
  people: Person[]
  note: string
}
export interface Erasure {
  /** In the answer to the order; in the list it is `id`. */
  erasure?: string | number
  id?: string | number
  calls: number
  state: 'running' | 'done'
}
