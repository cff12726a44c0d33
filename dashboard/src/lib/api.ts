// Talks to the server: JSON in and out, errors as Trouble with what the server says about them.

/** What went wrong, in words for a human. */
export class Trouble extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId = '',
  ) {
    super(message)
  }
}

let lost = () => {}
/** What to do when the session is over. */
export const onLost = (then: () => void) => (lost = then)

type Query = Record<string, string | number | boolean | null | undefined> | URLSearchParams

/** A path with a query; members that are null, undefined or '' are left out. */
export function withQuery(path: string, query?: Query): string {
  if (!query) return path
  const all = query instanceof URLSearchParams ? [...query] : Object.entries(query)
  const kept = all.filter(([, value]) => value !== null && value !== undefined && value !== '') as [string, string][]
  const text = new URLSearchParams(kept).toString()
  return text ? `${path}?${text}` : path
}

/** Path of the API from parts, each encoded: `api('people', id, 'timeline')`. */
export const api = (...parts: (string | number)[]) => `/api/${parts.map((part) => encodeURIComponent(part)).join('/')}`

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Trouble(0, 'unreachable', 'The server does not answer. Is it running?')
  }
  const text = await answer.text()
  if (answer.ok) return (text ? JSON.parse(text) : null) as T
  let said: Partial<{ code: string; detail: string; title: string; message: string; request_id: string }> = {}
  try {
    said = JSON.parse(text)
  } catch {
    // Something before the server answered, such as a proxy: its status has to do.
  }
  if (answer.status === 401 && path !== '/api/session') lost()
  const message = said.detail ?? said.message ?? said.title ?? `The server answered ${answer.status}.`
  throw new Trouble(answer.status, said.code ?? String(answer.status), message, said.request_id)
}

export const get = <T>(path: string, signal?: AbortSignal) => send<T>('GET', path, undefined, signal)
export const post = <T>(path: string, body: unknown = {}) => send<T>('POST', path, body)
export const put = <T>(path: string, body: unknown) => send<T>('PUT', path, body)
export const patch = <T>(path: string, body: unknown) => send<T>('PATCH', path, body)
export const remove = <T>(path: string) => send<T>('DELETE', path)
