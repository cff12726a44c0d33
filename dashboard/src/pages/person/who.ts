// Why ids are one person, in words that need no manual: the tree of its links, and what each rule and refusal means.
import type { Duplicate, Id, IdRow, Identity, Link } from './shapes'

export interface Node {
  row: IdRow
  /** How far from the id that the person goes by. */
  depth: number
  /** What joined it to the id above; the first one needs nothing. */
  link: Link | null
}

export const keyOf = (id: Id) => `${id.kind}:${id.id}`

/** The ids from the one that the person goes by outwards, each below the id that it is joined to. */
export function tree(identity: Pick<Identity, 'ids' | 'links'>, root: string | undefined): Node[] {
  const rows = new Map(identity.ids.map((row) => [keyOf(row), row]))
  const beside = new Map<string, [string, Link][]>()
  // A person has up to 10,000 links here, and one id may hold them all.
  const join = (one: string, other: string, link: Link) => {
    const known = beside.get(one)
    if (known) known.push([other, link])
    else beside.set(one, [[other, link]])
  }
  for (const link of identity.links) {
    const [from, to] = [keyOf(link.from), keyOf(link.to)]
    join(from, to, link)
    join(to, from, link)
  }
  const found: Node[] = []
  const seen = new Set<string>()
  const starts = [root, ...rows.keys()].filter((key) => key !== undefined)
  for (const start of starts) {
    const open: [string, number, Link | null][] = [[start, 0, null]]
    while (open.length) {
      const [key, depth, link] = open.pop()!
      const row = rows.get(key)
      if (!row || seen.has(key)) continue
      seen.add(key)
      found.push({ row, depth, link })
      const next = beside.get(key) ?? []
      for (let n = next.length - 1; n >= 0; n -= 1) if (!seen.has(next[n]![0])) open.push([next[n]![0], depth + 1, next[n]![1]])
    }
  }
  return found
}

/** The ids that part from the person when the link of this node is undone: it and all below it. */
export function below(nodes: Node[], at: number): IdRow[] {
  const first = nodes[at]
  if (!first) return []
  const rest = nodes.slice(at + 1)
  const end = rest.findIndex((node) => node.depth <= first.depth)
  return [first, ...(end < 0 ? rest : rest.slice(0, end))].map((node) => node.row)
}

/** Each possible duplicate once, with all that is equal. */
export function together(duplicates: Duplicate[]): { person: Duplicate['person']; by: Duplicate['by'][] }[] {
  const found = new Map<string, { person: Duplicate['person']; by: Duplicate['by'][] }>()
  for (const { person, by } of duplicates) {
    const known = found.get(person.id)
    if (known) known.by.push(by)
    else found.set(person.id, { person, by: [by] })
  }
  return [...found.values()]
}

export const noun = (id: Id) => (id.kind === 'user_id' ? 'user' : 'visitor')

/** A rule: its name, and what happened in one sentence around the two ids. */
export function linkWords(rule: string): { name: string; before: string; between: string; after: string } {
  switch (rule) {
    case 'R2':
      return { name: 'first claim', before: 'Signed in: one call named', between: 'together with', after: ', and no other user had been seen there before.' }
    case 'R4b':
      return { name: 'alias of a user', before: 'Renamed: an alias said that', between: 'is the same as', after: ', so both became one person.' }
    case 'R4c':
      return { name: 'alias of a visitor', before: 'Became known: an alias said that', between: 'is', after: '.' }
    case 'R4e':
      return { name: 'alias ahead of time', before: 'Announced: an alias said that', between: 'is', after: ', before its first call came. It joined with that call.' }
    case 'operator':
      return { name: 'merged here', before: 'Merged by hand: an operator of this server joined', between: 'to', after: '.' }
    default:
      return { name: 'another rule', before: 'Joined:', between: 'and', after: '.' }
  }
}

/** A refusal: what it means, and what can be done. */
export function refusalWords(code: string): { name: string; what: string; todo: string } {
  switch (code) {
    case 'shared_device':
      return {
        name: 'Shared device',
        what: 'A second user signed in on a browser or device that another user had claimed. Nobody was joined: a family tablet does not become one person.',
        todo: 'Usually right. If it is one human, merge the two here, and let the app call reset() at logout.',
      }
    case 'alias_anon_claimed':
      return {
        name: 'Device of somebody else',
        what: 'An alias named a browser or device that another user has signed in on.',
        todo: 'Send the alias with the user id instead, or merge the two here.',
      }
    case 'blocked_id':
      return {
        name: 'Id that stands for nobody',
        what: 'The call named two ids, and one of them is a value such as null, 0 or guest. Such a value never joins anybody.',
        todo: 'Mend the sender: it has lost the id.',
      }
    case 'alias_blocked_id':
      return {
        name: 'Alias of an id that stands for nobody',
        what: 'One side of the alias is a value such as null, 0 or guest. Such a value never joins anybody.',
        todo: 'Mend the sender: it has lost the id.',
      }
    case 'alias_user_not_allowed':
      return {
        name: 'Source may not join users',
        what: 'The source of this alias may join visitors only, and the alias would have joined two known users.',
        todo: 'Send the alias from a server, or merge the two here.',
      }
    case 'too_many_ids':
      return {
        name: 'Too many ids',
        what: 'The person would have more ids than one may have.',
        todo: 'Look for an id that many customers share.',
      }
    default:
      return { name: code, what: 'These ids were not joined.', todo: '' }
  }
}
