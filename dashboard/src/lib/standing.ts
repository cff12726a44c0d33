// The shapes that tell how the server stands: its state, counts by interval, samples of the last day, destinations.

export const TYPES = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const
export const VERDICTS = ['appended', 'duplicate', 'rejected', 'filtered'] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Bucket {
  at: string
  types: Record<string, number>
  sources: Record<string, number>
  verdicts: Record<Verdict, number>
  active_people: number
}
export interface Stats {
  interval: 'minute' | 'hour' | 'day'
  buckets: Bucket[]
}

export interface Status {
  version: string
  durability: 'synced' | 'written' | 'memory'
  tail: number
  uptime_ms: number
  started_at: string
  accounts: Record<'received' | 'appended' | 'duplicate' | 'rejected', number>
  relay: { destination: string; state: DestinationState; lag_events: number; lag_ms: number; dead: number }[]
  /** How often each code, since the start. */
  rejections: Record<string, number>
  views: { lag_events: number; lag_ms: number; parked: number; disk_bytes: number; memory_bytes: number; stopped: string | null }
  journal: { disk_bytes: number; disk_free_bytes: number; disk_low: boolean; queued_bytes: number; poisoned: boolean }
}

export interface Sample {
  at: string
  appended: number
  duplicate: number
  rejected: number
  filtered: number
  /** Bytes that wait to be written to the journal. */
  journal_queued_bytes: number | null
  views_lag_events: number
  views_lag_ms: number
  disk_bytes: { journal: number; views: number; relay: number }
  disk_free_bytes: number | null
  memory_bytes: number | null
  relay: Record<string, DestinationSample>
}
export interface DestinationSample {
  delivered: number
  failed: number
  dead: number
  pending: number
  lag_ms: number
}

export type DestinationState = 'running' | 'paused' | 'alarm' | 'disabled' | 'failed'
export type DeliveryState = 'pending' | 'delivered' | 'filtered' | 'dead'

export interface Destination {
  name: string
  format: string
  url: string
  state: DestinationState
  reason: string | null
  counts: Record<DeliveryState, number>
  lag_events: number
  lag_ms: number
  rate_per_second: number
  breaker: string
  in_flight: number
  waiting: number
  concurrency: number
  outcomes: Record<string, number>
  last_success: string | null
  last_failure: { at: string; text: string } | null
  redelivering: number
}
export interface Delivery {
  sequence: number
  message_id: string | null
  type: string | null
  event: string | null
  received_at: string | null
  state: DeliveryState
  code: string | null
  attempts: number
  attempted_at: string | null
  due: string | null
  status: number | null
  failure: string | null
  answer: string | null
  latency_ms: number | null
}
export interface Attempt {
  at: string
  status: number | null
  failure: string | null
  latency_ms: number | null
  answer: string | null
}
/** An order to deliver again, as it was taken. */
export interface Order {
  destination: string
  from: number
  to: number
  records: number
}
