// Who looks at the page, and what they may do.
import { get, onLost, post, remove, Trouble } from './api'
import { go, route } from './router.svelte'
import type { Session } from './types'

let current = $state.raw<Session | null>()

export const session = {
  /** undefined: not asked yet; null: nobody is logged in. */
  get current() {
    return current
  },
  /** Whether changes are allowed: without it the page shows no button that would be refused. */
  get admin() {
    return current?.scope === 'admin'
  },
}

/** Asks the server who we are. */
export async function resume() {
  // A login link brings its own answer.
  if (location.pathname === '/login' && location.hash) {
    current = null
    return
  }
  try {
    current = await get<Session>('/api/session')
  } catch (error) {
    if (!(error instanceof Trouble) || error.status !== 401) throw error
    current = null
  }
}

/** Trades a token for a session. */
export async function enter(token: string) {
  current = await post<Session>('/api/session', { token: token.trim() })
}

export async function leave() {
  await remove('/api/session')
  current = null
  go('/login')
}

/** The page to come back to after a login: only ever a path of this page. */
export function wayBack(): string {
  const to = route.query.get('to') ?? '/'
  return to.startsWith('/') && !to.startsWith('//') && !to.startsWith('/login') ? to : '/'
}

onLost(() => {
  current = null
  if (route.path !== '/login') go(`/login?${new URLSearchParams({ to: location.pathname + location.search })}`, true)
})
