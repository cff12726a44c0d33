// A stream of the server, taken in gulps: however fast it comes, the page changes a few times a second.
import { resume } from './session.svelte'

/** How a stream does. `off`: none is wanted now. */
export type Stream = 'off' | 'connecting' | 'live' | 'reconnecting'

interface Options<T> {
  /** What came, oldest first, at most every `everyMs`. */
  take: (batch: T[], ids: string[]) => void
  /** It begins, also anew: what came in between may have been missed. */
  opened?: () => void
  /** Other kinds of events, by name. */
  also?: Record<string, (data: unknown) => void>
  everyMs?: number
}

/** A browser has six connections for all tabs of a server: a tab that nobody sees gives its own back after a while. */
const UNSEEN_MS = 45_000
const AGAIN_MS = [1_000, 2_000, 5_000, 10_000, 30_000]

export class Live<T> {
  state = $state<Stream>('off')
  #options: Options<T>
  #source: EventSource | undefined
  #came: T[] = []
  #ids: string[] = []
  #gulp: ReturnType<typeof setTimeout> | undefined
  #again: ReturnType<typeof setTimeout> | undefined
  #tries = 0
  #took = 0

  /** Call while a component is set up. `path` may read state; null wants no stream. */
  constructor(path: () => string | null, options: Options<T>) {
    this.#options = options
    $effect(() => {
      const asked = path()
      if (asked === null) {
        this.state = 'off'
        return
      }
      let unseen: ReturnType<typeof setTimeout> | undefined
      const look = () => {
        clearTimeout(unseen)
        if (document.visibilityState === 'hidden') unseen = setTimeout(() => this.#close(), UNSEEN_MS)
        else if (!this.#source && !this.#again) this.#open(asked)
      }
      document.addEventListener('visibilitychange', look)
      this.state = 'connecting'
      this.#tries = 0
      this.#open(asked)
      return () => {
        document.removeEventListener('visibilitychange', look)
        clearTimeout(unseen)
        this.#close()
      }
    })
  }

  #open(path: string) {
    const source = new EventSource(path)
    this.#source = source
    source.onopen = () => {
      this.state = 'live'
      this.#tries = 0
      this.#options.opened?.()
    }
    source.onmessage = (event) => this.#take(event)
    for (const [name, run] of Object.entries(this.#options.also ?? {})) {
      source.addEventListener(name, (event) => run(JSON.parse((event as MessageEvent).data)))
    }
    source.onerror = () => {
      this.state = 'reconnecting'
      // The browser comes back by itself with the id of the last event, unless the server refused.
      if (source.readyState !== EventSource.CLOSED) return
      this.#source = undefined
      const wait = AGAIN_MS[Math.min(this.#tries++, AGAIN_MS.length - 1)]
      this.#again = setTimeout(() => {
        this.#again = undefined
        this.#open(path)
      }, wait)
      // A stream does not say why: perhaps the session is over.
      resume().catch(() => {})
    }
  }

  #take(event: MessageEvent) {
    this.#came.push(JSON.parse(event.data))
    this.#ids.push(event.lastEventId)
    if (this.#gulp) return
    const every = this.#options.everyMs ?? 300
    // The first one after a silence is shown at once.
    const wait = Math.max(16, every - (performance.now() - this.#took))
    this.#gulp = setTimeout(() => {
      const [batch, ids] = [this.#came, this.#ids]
      this.#came = []
      this.#ids = []
      this.#gulp = undefined
      this.#took = performance.now()
      this.#options.take(batch, ids)
    }, wait)
  }

  #close() {
    this.#source?.close()
    this.#source = undefined
    clearTimeout(this.#again)
    this.#again = undefined
    clearTimeout(this.#gulp)
    this.#gulp = undefined
    this.#came = []
    this.#ids = []
  }
}
