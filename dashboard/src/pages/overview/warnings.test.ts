// Each state that needs a human has its sentence, and a healthy server has none.
import { describe, expect, it } from 'vitest'
import { warnings } from './warnings'
import type { Status } from '../../lib/standing'

const healthy = {
  durability: 'synced',
  relay: [{ destination: 'windsor', state: 'running', lag_events: 0, lag_ms: 0, dead: 0 }],
  views: { lag_events: 0, lag_ms: 0, parked: 0, disk_bytes: 1, memory_bytes: 1, stopped: null },
  journal: { disk_bytes: 1, disk_free_bytes: 5e9, disk_low: false, queued_bytes: 0, poisoned: false },
} as unknown as Status
const said = (change: Partial<Status>) => warnings({ ...healthy, ...change }).map(({ text }) => text)

describe('warnings', () => {
  it('say nothing about a healthy server', () => expect(said({})).toEqual([]))
  it('tell of a failed write, a full disk and stopped views', () => {
    expect(said({ journal: { ...healthy.journal, poisoned: true } })[0]).toContain('start the server again')
    expect(said({ journal: { ...healthy.journal, disk_low: true, disk_free_bytes: 1.2e8 } })[0]).toContain('120 MB are free')
    expect(said({ views: { ...healthy.views, stopped: 'no space' } })[0]).toContain('no space')
  })
  it('tell of lag and parked records', () => {
    expect(said({ views: { ...healthy.views, lag_ms: 60_000, lag_events: 1 } })[0]).toContain('1 min old: 1 call')
    expect(said({ views: { ...healthy.views, parked: 2 } })[0]).toContain('2 records')
  })
  it('lead to destinations that need somebody', () => {
    const relay = [{ destination: 'a b', state: 'alarm', lag_events: 1, lag_ms: 1, dead: 3 }] as Status['relay']
    expect(warnings({ ...healthy, relay }).map(({ link }) => link?.to)).toEqual(['/relay/a%20b', '/relay/a%20b?state=dead'])
  })
})
