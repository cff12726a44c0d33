// Questions that follow the state: ask again when the path changes, forget answers that nobody waits for any more.
import { get, Trouble, withQuery } from './api'
import type { Page } from './types'

/** Any error as one that can be shown. */
export const trouble = (error: unknown) =>
  error instanceof Trouble ? error : new Trouble(0, 'broken', error instanceof Error ? error.message : String(error))

/** One answer. The former one stays while the next is on its way, unless `fresh` says otherwise. */
export class Loaded<T> {
  value = $state.raw<T>()
  trouble = $state.raw<Trouble>()
  busy = $state(false)
  #again = $state(0)

  /** Call while a component is set up. `path` may read state; null asks nothing. `everyMs` asks again and again while the page is seen. */
  constructor(path: () => string | null, options: { everyMs?: number; fresh?: boolean } = {}) {
    let last: string | null = null
    $effect(() => {
      const asked = path()
      void this.#again
      if (options.fresh && asked !== last) this.value = undefined
      last = asked
      if (asked === null) {
        this.value = undefined
        return
      }
      const stop = new AbortController()
      this.busy = true
      get<T>(asked, stop.signal).then(
        (value) => {
          if (stop.signal.aborted) return
          this.value = value
          this.trouble = undefined
          this.busy = false
        },
        (error) => {
          if (stop.signal.aborted) return
          this.trouble = trouble(error)
          this.busy = false
        },
      )
      return () => stop.abort()
    })
    $effect(() => {
      if (!options.everyMs) return
      const timer = setInterval(() => document.visibilityState === 'visible' && !this.busy && this.again(), options.everyMs)
      return () => clearInterval(timer)
    })
  }

  /** Asks once more. */
  again() {
    this.#again += 1
  }
}

/** What parts/List shows. */
export interface Growing<T> {
  readonly items: T[]
  readonly trouble: Trouble | undefined
  readonly busy: boolean
  readonly done: boolean
  readonly ready: boolean
  more(): void
  again(): void
}

/** A list that grows page by page: `more` asks for the next page. */
export class Pages<T> implements Growing<T> {
  items = $state.raw<T[]>([])
  trouble = $state.raw<Trouble>()
  busy = $state(false)
  /** There is nothing after the last item. */
  done = $state(false)
  /** A first answer is there. */
  ready = $state(false)
  #path: string | null = null
  #next: string | null = null
  #stop = new AbortController()
  #again = $state(0)

  /** Call while a component is set up. `path` may read state and carries all filters but `cursor`. */
  constructor(path: () => string | null) {
    $effect(() => {
      this.#path = path()
      void this.#again
      this.#stop.abort()
      this.#stop = new AbortController()
      this.#next = null
      this.busy = false
      this.done = false
      void this.#ask(true)
      return () => this.#stop.abort()
    })
  }

  /** Asks for the next page, if there is one and none is on its way. */
  more() {
    if (!this.busy && !this.done && this.ready) void this.#ask(false)
  }

  /** From the start once more. */
  again() {
    this.#again += 1
  }

  /** Changes what is shown, after an order that changed it at the server. */
  change(how: (items: T[]) => T[]) {
    this.items = how(this.items)
  }

  async #ask(first: boolean) {
    if (this.#path === null) return
    const { signal } = this.#stop
    this.busy = true
    try {
      const [path = '', query] = this.#path.split('?')
      const asked = new URLSearchParams(query)
      if (!first && this.#next) asked.set('cursor', this.#next)
      const page = await get<Page<T>>(withQuery(path, asked), signal)
      if (signal.aborted) return
      this.items = first ? page.items : [...this.items, ...page.items]
      this.#next = page.next
      this.done = page.next === null
      this.trouble = undefined
      this.ready = true
    } catch (error) {
      if (signal.aborted) return
      this.trouble = trouble(error)
      if (first) this.items = []
    }
    this.busy = false
  }
}
