// The samples that the server keeps of itself for a day, asked for once and then only what is new.
import { untrack } from 'svelte'
import { get, Trouble, withQuery } from './api'
import type { Column } from '../parts/chart/series'
import type { Sample } from './standing'

const DAY = 86_400_000
/** Twice the step between samples that are a minute apart: a longer pause is a time in which the server did not run. */
const PAUSE = 150_000

export class History {
  items = $state.raw<Sample[]>([])
  trouble = $state.raw<Trouble>()
  /** A first answer is there. */
  ready = $state(false)
  #busy = false

  /** Call while a component is set up. */
  constructor(everyMs = 10_000) {
    $effect(() => {
      const stop = new AbortController()
      // What it has so far says what to ask for, and must not make it ask.
      untrack(() => void this.#ask(stop.signal))
      const timer = setInterval(() => document.visibilityState === 'visible' && void this.#ask(stop.signal), everyMs)
      return () => {
        clearInterval(timer)
        stop.abort()
      }
    })
  }

  async #ask(signal: AbortSignal) {
    if (this.#busy) return
    this.#busy = true
    try {
      const last = this.#last()
      const { items } = await get<{ items: Sample[] }>(withQuery('/api/history', { since: last }), signal)
      if (signal.aborted) return
      this.items = joined(this.items, items, Date.now() - DAY)
      this.ready = true
      this.trouble = undefined
    } catch (error) {
      if (!signal.aborted) this.trouble = error instanceof Trouble ? error : new Trouble(0, 'broken', String(error))
    } finally {
      this.#busy = false
    }
  }

  #last = () => this.items[this.items.length - 1]?.at
}

/** Samples with newer ones, those before `oldest` left out. */
export function joined(former: Sample[], newer: Sample[], oldest: number): Sample[] {
  const last = former[former.length - 1]?.at
  const after = last ? Date.parse(last) : -Infinity
  return [...former, ...newer.filter(({ at }) => Date.parse(at) > after)].filter(({ at }) => Date.parse(at) >= oldest)
}

export const times = (items: Sample[]) => items.map(({ at }) => Date.parse(at))

/** A value of each sample as it is. */
export const gauge = (items: Sample[], of: (sample: Sample) => number | null | undefined): Column => items.map((sample) => of(sample) ?? null)

/** A counter since the start, as how many a second; a gap where it began anew or the server did not run. */
export function rate(items: Sample[], of: (sample: Sample) => number | undefined): Column {
  return items.map((sample, k) => {
    const former = items[k - 1]
    const now = of(sample)
    const then = former && of(former)
    if (!former || now === undefined || then === undefined || now < then) return null
    const ms = Date.parse(sample.at) - Date.parse(former.at)
    return ms <= 0 || ms > PAUSE ? null : ((now - then) * 1000) / ms
  })
}

/** The beginnings of the steps that samples lie in. */
export function stepsOf(items: Sample[], ms: number): number[] {
  const [first, last] = [items[0], items[items.length - 1]]
  if (!first || !last) return []
  const begin = Math.floor(Date.parse(first.at) / ms)
  return Array.from({ length: Math.floor(Date.parse(last.at) / ms) - begin + 1 }, (_, k) => (begin + k) * ms)
}

/** A counter since the start, as how many in each step: for what is rare, where a rate would only be noise. */
export function summed(items: Sample[], of: (sample: Sample) => number | undefined, ms: number): number[] {
  const begin = stepsOf(items, ms)[0] ?? 0
  const sums = stepsOf(items, ms).map(() => 0)
  items.forEach((sample, k) => {
    const former = items[k - 1]
    const [then, now] = [former && of(former), of(sample)]
    if (then === undefined || now === undefined || now < then) return
    const place = Math.floor((Date.parse(sample.at) - begin) / ms)
    sums[place] = (sums[place] ?? 0) + now - then
  })
  return sums
}

/** How many a second over the last minute; null when that is not known. */
export function lately(items: Sample[], of: (sample: Sample) => number | undefined, ms = 60_000): number | null {
  const last = items[items.length - 1]
  if (!last) return null
  const end = Date.parse(last.at)
  const first = items.find(({ at }) => Date.parse(at) >= end - ms)
  const [then, now] = [first && of(first), of(last)]
  if (!first || first === last || then === undefined || now === undefined || now < then) return null
  return ((now - then) * 1000) / (end - Date.parse(first.at))
}
