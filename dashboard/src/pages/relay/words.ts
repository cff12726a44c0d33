// States, codes and failures of the relay in words; docs/RELAY.md has them in full.
import type { Delivery, DeliveryState, Destination } from '../../lib/standing'
import { duration } from '../../lib/words'

/** How a destination stands, in a sentence that says what to do. */
export function standing({ state, reason, breaker, counts, lag_ms }: Destination): string {
  switch (state) {
    case 'paused':
      return 'Paused: nothing is sent, calls wait until somebody resumes it.'
    case 'alarm':
      return 'The receiver does not accept the key. Nothing is lost, calls wait: set api_key, start the server again, then resume.'
    case 'disabled':
      return 'The configuration says enabled = false: nothing is sent, what comes waits.'
    case 'failed':
      return `It stopped by a fault${reason ? `: ${reason}` : ''}. Look at the disk and the log, then start the server again.`
    case 'running':
      if (breaker !== 'closed') return 'The receiver does not answer. One call now and then sees whether it is back; the others wait and are sent in order then.'
      if (reason) return reason
      return counts.pending ? `Sending; the oldest waiting call came ${duration(lag_ms)} ago.` : 'Everything that came in is settled.'
  }
}

export const STATES: { id: DeliveryState; name: string; none: string }[] = [
  { id: 'pending', name: 'Pending', none: 'Nothing waits here.' },
  { id: 'delivered', name: 'Delivered', none: 'Nothing was delivered yet.' },
  { id: 'dead', name: 'Dead letters', none: 'No dead letters: the receiver refused nothing for good.' },
  { id: 'filtered', name: 'Filtered', none: 'Nothing was filtered: every call is owed to this destination.' },
]
export const stateOf = (id: string | null): DeliveryState => STATES.find((state) => state.id === id)?.id ?? 'pending'

const CODES: Record<string, string> = {
  FILTERED_BY_INTEGRATIONS_OBJECT: 'its sender excluded this destination in “integrations”',
  UNSUPPORTED_EVENT_TYPE: 'calls of this type are not sent to it',
  LOOP: 'it came from a Roundtower',
  CONTROL: 'an operator’s order, no call of a sender',
  BEFORE_START: 'received before this destination began',
  REFUSED: 'the receiver refused it',
  UNAUTHORIZED: 'the receiver did not accept the key for this call',
  TOO_LARGE: 'too large for the receiver',
  EXPIRED: 'still failing when its time was over',
}
export const codeInWords = (code: string) => CODES[code] ?? code

const FAILURES: Record<string, string> = {
  dns: 'its host name was not found',
  connect: 'no connection could be made',
  tls: 'no secure connection could be made',
  timeout: 'no answer in time',
  reset: 'the connection broke off',
  denied: 'its address is not allowed (deny_private)',
  protocol: 'the answer was no HTTP, or a redirect that is not followed',
}
/** What came of an attempt: `404 failed on purpose`, `no connection could be made`. */
export function outcome({ status, failure, answer }: Pick<Delivery, 'status' | 'failure' | 'answer'>): string {
  if (failure) return FAILURES[failure] ?? failure
  if (status === null) return ''
  return answer ? `${status} ${answer}` : String(status)
}

/** The receipt of a call. Ids that a path cannot carry go into the query. */
export const receiptPath = (id: string) =>
  ['live', '.', '..', ''].includes(id) ? `/api/calls/?${new URLSearchParams({ message_id: id })}` : `/api/calls/${encodeURIComponent(id)}`
