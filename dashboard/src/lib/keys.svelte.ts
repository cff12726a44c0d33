// Keys of the whole page, and what they do. A page adds its own while it is shown; `?` lists them (parts/Keys).

import { onMount } from 'svelte'

export interface Key {
  /** In words, for the list. */
  does: string
  run: () => void
}

let all = $state.raw<[string, Key][]>([])
let first = ''
let timer: ReturnType<typeof setTimeout> | undefined

export const known = {
  /** `[keys, what they do]`; two keys one after the other are written `g p`. */
  get all() {
    return all
  },
}

/** Adds keys while the component that is being set up is shown. */
export function keys(added: Record<string, Key>) {
  onMount(() => {
    const entries = Object.entries(added)
    all = [...all, ...entries]
    return () => void (all = all.filter((entry) => !entries.includes(entry)))
  })
}

const writes = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))

addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
  if (writes(event.target) || document.querySelector('dialog[open]')) return
  const pressed = first ? `${first} ${event.key}` : event.key
  // The newest wins: a page may give a key another meaning.
  const found = all.findLast(([name]) => name === pressed)?.[1]
  clearTimeout(timer)
  first = ''
  if (found) {
    event.preventDefault()
    found.run()
  } else if (all.some(([name]) => name.startsWith(`${event.key} `))) {
    first = event.key
    timer = setTimeout(() => (first = ''), 1000)
  }
})
