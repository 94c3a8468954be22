/** Ways to compare one part of two rulebooks; each says at most what it is told to say. */
import type { ChangeClass, Say } from './types.js'

/** A number of which more is looser (or, with `more: 'tighten'`, tighter). */
export function compareNumber(
  say: Say,
  path: string,
  from: number,
  to: number,
  more: 'loosen' | 'tighten',
  says: { readonly up: string; readonly down: string },
  shown: (value: number) => unknown = (value) => value,
): void {
  if (from === to) return
  const up = to > from
  const less: ChangeClass = more === 'loosen' ? 'tighten' : 'loosen'
  say(path, up ? more : less, shown(from), shown(to), up ? says.up : says.down)
}

/** Lists without order: what was added and what was removed, each as a change of its own. */
export function compareSet(
  say: Say,
  path: string,
  from: readonly unknown[],
  to: readonly unknown[],
  added: { readonly class: ChangeClass; readonly says: (value: string) => string },
  removed: { readonly class: ChangeClass; readonly says: (value: string) => string },
): void {
  // A value counts with its type: true is not "true".
  const key = (value: unknown): string => JSON.stringify(value)
  const before = new Set(from.map(key))
  const after = new Set(to.map(key))
  for (const value of to) {
    if (!before.has(key(value))) say(path, added.class, null, value, added.says(String(value)))
  }
  for (const value of from) {
    if (!after.has(key(value))) say(path, removed.class, value, null, removed.says(String(value)))
  }
}

/** Entries of two records: both, only before, only after. */
export function compareRecord<T>(
  from: Readonly<Record<string, T>>,
  to: Readonly<Record<string, T>>,
  each: {
    readonly both: (name: string, before: T, after: T) => void
    readonly added: (name: string, after: T) => void
    readonly removed: (name: string, before: T) => void
  },
): void {
  for (const [name, before] of Object.entries(from)) {
    const after = Object.hasOwn(to, name) ? to[name] : undefined
    if (after === undefined) each.removed(name, before)
    else each.both(name, before, after)
  }
  for (const [name, after] of Object.entries(to)) if (!Object.hasOwn(from, name)) each.added(name, after)
}

/** Whether two plain values are equal, whatever the order of their keys. */
export function equal(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}

/** JSON with sorted keys; a set as its sorted members. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (inner instanceof Set) return [...inner].map(String).sort()
      return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner
    }) ?? 'undefined'
  )
}

/**
 * Whatever differs under a key that nobody classed: a loosening, because nobody knows what it does to people.
 * @param classed the keys that are compared elsewhere, or that say nothing by themselves
 */
export function compareRest<T extends object>(
  say: Say,
  path: string,
  from: T,
  to: T,
  classed: readonly (keyof T)[],
): void {
  const known = new Set<string>(classed.map(String))
  const [before, after] = [from as Record<string, unknown>, to as Record<string, unknown>]
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (known.has(key) || equal(before[key], after[key])) continue
    const at = path === '' ? key : `${path}.${key}`
    say(at, 'loosen', before[key], after[key], 'This says something else, and no rule knows what that means.')
  }
}
