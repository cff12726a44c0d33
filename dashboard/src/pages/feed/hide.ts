// Leaves an event name out of the feed, or shows it again: for everybody, by a record in the journal.
import { api, put } from '../../lib/api'

export const setHidden = (event: string, hidden: boolean) => put(api('events', event), { hidden })
