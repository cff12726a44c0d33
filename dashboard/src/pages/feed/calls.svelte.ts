// The calls that the feed shows: pages from the server downwards, what happens now at the top.
import { get, Trouble, withQuery } from '../../lib/api'
import { trouble, type Growing } from '../../lib/load.svelte'
import type { Item, Page } from '../../lib/types'
import { folded, isAbove, merged, ordered } from './order'

/** Calls that are kept while new ones come in; older ones are asked for again when somebody scrolls down to them. */
const KEPT = 3_000
/** Calls that wait while the reader reads. Beyond, the list is asked for anew. */
const WAITING = 2_000
const PAGE = 100
/** How long a call counts as just come, for the eye. */
const FRESH_MS = 800
/** Calls that are looked at for what was missed while there was no stream. */
const MISSED = 300

export class Calls implements Growing<Item> {
  items = $state.raw<Item[]>([])
  trouble = $state.raw<Trouble>()
  busy = $state(false)
  done = $state(false)
  ready = $state(false)
  /** Calls that came while the reader was reading. */
  waiting = $state.raw<Item[]>([])
  /** More came than are kept waiting. */
  flooded = $state(false)
  /** How many were left out of `waiting`. */
  left = $state(0)
  /** What was brought in last, to be shown as new. */
  fresh = $state.raw(new Set<number>())
  #path: string | null = null
  #next: string | null = null
  /** Set when the end was dropped: pages go on below that time. A cursor belongs to it. */
  #until: string | null = null
  /** What came before the first answer did. */
  #early: Item[] | null = []
  #stop = new AbortController()
  #again = $state(0)

  /** Call while a component is set up. `path` may read state and carries all filters. */
  constructor(path: () => string) {
    $effect(() => {
      this.#path = path()
      void this.#again
      this.#stop.abort()
      this.#stop = new AbortController()
      this.#next = null
      this.#until = null
      this.#early = []
      this.busy = false
      this.done = false
      this.#forget()
      void this.#ask(true)
      return () => this.#stop.abort()
    })
  }

  more() {
    if (!this.busy && !this.done && this.ready) void this.#ask(false)
  }

  again() {
    this.#again += 1
  }

  /** Brings calls in, each at its place. */
  add(batch: Item[]) {
    if (this.#early) return void this.#early.push(...batch)
    const last = this.items[this.items.length - 1]
    const known = new Set(this.items.map((one) => one.sequence))
    const news = ordered(batch).filter((one) => !known.has(one.sequence) && (this.done || !last || isAbove(one, last)))
    if (!news.length) return
    let items = folded(merged(news, this.items))
    if (items.length > KEPT) {
      items = items.slice(0, KEPT)
      this.#next = null
      // Calls of the same millisecond may have been dropped: they come again, and nothing comes twice.
      this.#until = new Date(Date.parse(items[KEPT - 1]!.timestamp) + 1).toISOString()
      this.done = false
    }
    this.items = items
    const fresh = new Set(news.map((one) => one.sequence))
    this.fresh = fresh
    // A row that is scrolled out of sight and back did not just come.
    setTimeout(() => this.fresh === fresh && (this.fresh = new Set()), FRESH_MS)
  }

  /** Keeps calls for later. */
  wait(batch: Item[]) {
    if (this.#early) return this.add(batch)
    const known = new Set([...this.items, ...this.waiting].map((one) => one.sequence))
    const news = batch.filter((one) => !known.has(one.sequence))
    if (!news.length) return
    const all = [...this.waiting, ...news]
    const over = Math.max(0, all.length - WAITING)
    this.left += over
    this.flooded ||= over > 0
    this.waiting = over ? all.slice(over) : all
  }

  /** Brings in what waited. */
  show() {
    if (this.flooded) return this.again()
    const batch = this.waiting
    this.#forget()
    this.add(batch)
  }

  /** After a time without a stream: what happened meanwhile, or everything anew if that was too much. */
  async missed(take: (batch: Item[]) => void) {
    if (this.#early || this.#path === null) return
    const { signal } = this.#stop
    try {
      const page = await get<Page<Item>>(this.#asked({ limit: String(MISSED) }), signal)
      if (signal.aborted) return
      const [top, oldest] = [this.items[0], page.items[page.items.length - 1]]
      if (top && oldest && page.next && isAbove(oldest, top)) this.flooded = true
      take([...page.items].reverse())
    } catch {
      // The stream goes on; the next time it opens is another chance.
    }
  }

  /** Takes away what an order has hidden. */
  change(how: (items: Item[]) => Item[]) {
    this.items = how(this.items)
    this.waiting = how(this.waiting)
  }

  #forget() {
    this.waiting = []
    this.flooded = false
    this.left = 0
    this.fresh = new Set()
  }

  #asked(more: Record<string, string>) {
    const [path = '', query] = (this.#path ?? '').split('?')
    const asked = new URLSearchParams(query)
    for (const [name, value] of Object.entries(more)) asked.set(name, value)
    return withQuery(path, asked)
  }

  async #ask(first: boolean) {
    const { signal } = this.#stop
    const [next, until] = [this.#next, this.#until]
    this.busy = true
    try {
      const page = await get<Page<Item>>(this.#asked({ limit: String(PAGE), ...(until && { until }), ...(next && { cursor: next }) }), signal)
      if (signal.aborted) return
      this.trouble = undefined
      this.ready = true
      this.busy = false
      // The end was dropped meanwhile: this page does not follow it.
      if (until !== this.#until) return
      this.items = first ? page.items : merged(this.items, page.items)
      this.#next = page.next
      this.done = page.next === null
      const early = this.#early
      this.#early = null
      if (early) this.add(early)
    } catch (error) {
      if (signal.aborted) return
      this.trouble = trouble(error)
      if (first) this.items = []
      this.busy = false
    }
  }
}
