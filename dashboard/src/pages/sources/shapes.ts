// What the API says about sources, tokens and the calls that come in.

export interface Source {
  name: string
  kind: 'server' | 'browser'
  enabled: boolean
  merges: 'all' | 'anonymous'
  signed: boolean
  configured: boolean
  created_at: string | null
  /** Of the calls that were accepted. */
  last_call_at?: string | null
  calls?: number
}
export interface Token {
  name: string
  scope: 'read' | 'admin'
  configured: boolean
  created_at: string | null
}
/** One call as it came in, taken or refused. */
export interface Seen {
  at: string
  source: string | null
  status: 'appended' | 'duplicate' | 'filtered' | 'rejected'
  type: string | null
  event: string | null
  message_id: string | null
  user_id: string | null
  anonymous_id: string | null
  sequence: number | null
  code: string | null
  message: string | null
  fix: string | null
  body: string | null
}
export interface Tested {
  message_id: string
  sequence: number | null
  status: Seen['status']
  code: string | null
  message: string | null
  fix?: string | null
}

/** What a source of each kind is for. */
export const KINDS: Record<Source['kind'], [string, string]> = {
  server: ['Server', 'Your own programs and services send, and the key stays a secret among them.'],
  browser: ['Browser or app', 'Web pages and apps send, where everybody can read the key: its rate is limited by default.'],
}
export const MERGES: Record<Source['merges'], [string, string]> = {
  all: ['All ids', 'An alias may join any two ids into one person.'],
  anonymous: ['Anonymous ids only', 'An alias may only add a visitor to a user, never join two users: safer where everybody can read the key.'],
}
/** What became of a call, in a word, and how good that is. */
export const STATUS: Record<Seen['status'], [string, 'good' | 'warn' | 'bad' | '']> = {
  appended: ['accepted', 'good'],
  duplicate: ['duplicate', ''],
  filtered: ['filtered', 'warn'],
  rejected: ['rejected', 'bad'],
}

/** Who a call is about, as it says itself. */
export const whose = (call: Pick<Seen, 'user_id' | 'anonymous_id'>) => call.user_id ?? call.anonymous_id ?? ''
/** `track Signed Up`. */
export const what = (call: Pick<Seen, 'type' | 'event'>) => [call.type ?? 'call', call.event].filter(Boolean).join(' ')
