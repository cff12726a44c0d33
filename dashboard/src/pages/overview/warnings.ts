// What an operator has to know now, in sentences that say what to do.
import type { Status } from '../../lib/standing'
import { bytes, count, duration, plural } from '../../lib/words'

export interface Warning {
  bad: boolean
  text: string
  /** Where to look. */
  link?: { to: string; name: string }
}

/** A view that is further behind than this is worth a word. */
const LAG_MS = 10_000

export function warnings({ journal, views, relay }: Status): Warning[] {
  const all: Warning[] = []
  if (journal.poisoned) all.push({ bad: true, text: 'A write to the journal failed, so senders are told to come back later. Look at the disk and the log, then start the server again: what was answered is safe.' })
  if (journal.disk_low)
    all.push({ bad: true, text: `Only ${bytes(journal.disk_free_bytes)} are free on the disk, so senders are told to come back later (503). Make room, or move the data folder to a larger disk; it goes on by itself.` })
  if (views.stopped) all.push({ bad: true, text: `People, groups and the feed are no longer brought up to date: ${views.stopped}. Calls are still taken. Look at the log and start the server again; \`roundtower rebuild\` makes the views anew.` })
  else if (views.lag_ms > LAG_MS) all.push({ bad: false, text: `What pages show is ${duration(views.lag_ms)} old: ${plural(views.lag_events, 'call')} wait to be folded in. That passes by itself when fewer calls come in.` })
  if (views.parked)
    all.push({ bad: false, text: `${plural(views.parked, 'record')} could not be folded into the views and ${views.parked === 1 ? 'is' : 'are'} left out of them. The log names ${views.parked === 1 ? 'it' : 'them'}; nothing else is held up.` })
  for (const { destination, state, dead } of relay) {
    const link = { to: `/relay/${encodeURIComponent(destination)}`, name: destination }
    if (state === 'alarm') all.push({ bad: true, text: `${destination} does not accept its key. Nothing is lost: set its api_key, start the server again and resume it.`, link })
    else if (state === 'failed') all.push({ bad: true, text: `${destination} stopped by a fault. Read its reason, look at the disk, and start the server again.`, link })
    else if (state === 'paused') all.push({ bad: false, text: `${destination} is paused: its calls wait until somebody resumes it.`, link })
    if (dead) all.push({ bad: false, text: `${destination} refused ${plural(dead, 'call')} for good. ${count(dead) === '1' ? 'It is' : 'They are'} kept as dead letters to look at and to deliver again.`, link: { ...link, to: `${link.to}?state=dead` } })
  }
  return all
}
