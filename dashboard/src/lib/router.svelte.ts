// Where we are: the path and the query of the address bar as state. Links are ordinary <a href>; a click on one that
// stays on this page is taken over here, so that everything can be opened in a tab of its own.

const here = () => ({ path: location.pathname, query: new URLSearchParams(location.search) })

let at = $state.raw(here())

export const route = {
  /** The path without the query, such as `/people/abc`. */
  get path() {
    return at.path
  },
  /** The query; read only, see `ask`. */
  get query() {
    return at.query
  },
}

/** Goes to an address of this page. `replace` leaves no step back. */
export function go(to: string, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  const path = at.path
  at = here()
  if (at.path !== path) scrollTo(0, 0)
}

/** Changes members of the query; null or '' takes one away. A list gives the member several times. */
export function ask(changes: Record<string, string | string[] | null>, replace = true) {
  const query = new URLSearchParams(at.query)
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name)
    for (const one of [value ?? []].flat()) if (one !== '') query.append(name, one)
  }
  const text = query.toString()
  go(at.path + (text && `?${text}`), replace)
}

/** The address of a person, group and so on: each part is encoded. */
export const address = (...parts: string[]) => `/${parts.map(encodeURIComponent).join('/')}`

addEventListener('popstate', () => (at = here()))

addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = event.target instanceof Element && event.target.closest('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (/^\/(docs|openapi\.json|api|status)(\/|$)/.test(link.pathname)) return
  event.preventDefault()
  go(link.pathname + link.search + link.hash)
})
