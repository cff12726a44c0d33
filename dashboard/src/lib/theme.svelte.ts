// Light, dark, or as the system has it; remembered in this browser.

const KEY = 'roundtower-theme'
const CHOICES = ['system', 'light', 'dark'] as const
export type Theme = (typeof CHOICES)[number]

const kept = localStorage.getItem(KEY)
let chosen = $state<Theme>(CHOICES.find((one) => one === kept) ?? 'system')

export const theme = {
  get chosen() {
    return chosen
  },
}

/** The next choice in turn. */
export function turn() {
  chosen = CHOICES[(CHOICES.indexOf(chosen) + 1) % CHOICES.length] ?? 'system'
  localStorage.setItem(KEY, chosen)
  show()
}

export const show = () => document.documentElement.style.setProperty('color-scheme', chosen === 'system' ? 'light dark' : chosen)
