// The shapes of the API, as docs/API.md and /openapi.json describe them.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type Traits = Record<string, Json>

export interface Page<T> {
  items: T[]
  next: string | null
  through: number
}
export interface Session {
  name: string
  scope: 'read' | 'admin'
  expires_at: string | null
  avatars: boolean
}
export interface GroupName {
  id: string
  name: string | null
}
export interface Person {
  id: string
  user_id: string | null
  former_user_ids: string[]
  anonymous_ids: string[]
  reserved_ids: string[]
  name: string | null
  email: string | null
  phone: string | null
  avatar: string | null
  traits: Traits
  audiences: Record<string, boolean>
  computed: Traits
  group: GroupName | null
  first_seen: string
  last_seen: string
  events: number
  anonymous: boolean
  incomplete: boolean
}
export interface Face {
  id: string
  name: string | null
  email: string | null
  avatar: string | null
}
/** A line of the feed or of a timeline. */
export interface Item {
  sequence: number
  message_id: string
  type: 'track' | 'page' | 'screen' | 'identify' | 'group' | 'alias' | 'merge' | 'undo'
  event: string | null
  title: string
  category: string | null
  timestamp: string
  received_at: string
  person: Face | null
  group: GroupName | null
  source: string
  hidden: boolean
  properties: Traits
  context: Traits
  /** How many heartbeats of one video session this line stands for. */
  collapsed?: number
}
export interface Group {
  id: string
  name: string | null
  traits: Traits
  members: number
  first_seen: string
  last_seen: string
}
export interface Audience {
  key: string
  name: string
  class: 'audience' | 'computed_trait' | 'journey_step'
  members: number
}
export interface EventName {
  name: string
  type: string
  category: string | null
  count: number
  first_seen: string
  last_seen: string
  hidden: boolean
}
