// Short messages about what was just done, shown by parts/Toasts.
import { Trouble } from './api'

export interface Toast {
  id: number
  text: string
  bad: boolean
  /** What can be done about it, such as taking it back. */
  action?: { label: string; run: () => void }
}

let all = $state.raw<Toast[]>([])
let last = 0

export const toasts = {
  get all() {
    return all
  },
}

export const dismiss = (id: number) => (all = all.filter((one) => one.id !== id))

function show(text: string, bad: boolean, action?: Toast['action']) {
  const id = ++last
  all = [...all.slice(-3), { id, text, bad, action }]
  setTimeout(() => dismiss(id), bad || action ? 12_000 : 5_000)
}

export const tell = (text: string, action?: Toast['action']) => show(text, false, action)
export const complain = (error: unknown) =>
  show(error instanceof Trouble || error instanceof Error ? error.message : String(error), true)
