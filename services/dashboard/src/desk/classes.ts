/**
 * Why declared values of a window are not published, as classes. Pure, and computed from published cells and declared
 * values alone: whoever reads it learns nothing that the answers do not say.
 */
import { bucketOf } from '../answer/buckets.js'
import { dimsKey, NONE, OTHER, type ReleasedCell } from '../answer/cell.js'

export type Reason =
  | 'pooled'
  | 'too_few'
  | 'not_listed'
  | 'whole'
  | 'pooled_within'
  | 'nobody'
  | 'parent_unpublished'
  | 'sensitive'
  | 'step'
  | 'merged'
  | 'live'

/** One window's published cells, by their values. */
export interface PublishedWindow {
  has(dims: readonly string[]): boolean
  /** whether anything is published below these values */
  isSplit(dims: readonly string[]): boolean
  /** labels of the buckets that are published below these values */
  below(dims: readonly string[]): readonly string[]
}

export function publishedWindow(cells: readonly ReleasedCell[]): PublishedWindow {
  const published = new Set(cells.map(({ dims }) => dimsKey(dims)))
  const below = new Map<string, string[]>()
  for (const { dims } of cells) {
    for (const depth of dims.keys()) {
      const key = dimsKey(dims.slice(0, depth))
      const known = below.get(key)
      if (known === undefined) below.set(key, [dims[depth] ?? ''])
      else known.push(dims[depth] ?? '')
    }
  }
  return {
    has: (dims) => published.has(dimsKey(dims)),
    isSplit: (dims) => (below.get(dimsKey(dims)) ?? []).some((value) => value !== OTHER),
    below: (dims) => below.get(dimsKey(dims)) ?? [],
  }
}

/** These values with `(other)` in the place of all after the first `kept`. */
export function pooledAfter(dims: readonly string[], kept: number): readonly string[] {
  return dims.map((value, at) => (at < kept ? value : OTHER))
}

/** The pool among the plain rows that holds these values, if they are published nowhere else; null where there is none. */
export function poolOf(window: PublishedWindow, dims: readonly string[]): readonly string[] | null {
  for (let kept = dims.length - 1; kept >= 0; kept -= 1) {
    const pool = pooledAfter(dims, kept)
    if (window.has(pool)) return pool
  }
  return null
}

/** Of an unpublished value among the plain rows. @param isSensitive whether it is of an event that is declared so */
export function plainReason(window: PublishedWindow, dims: readonly string[], isSensitive: boolean): Reason {
  if (isSensitive) return 'sensitive'
  const pool = poolOf(window, dims)
  if (pool !== null) return pool[0] === OTHER ? 'pooled' : 'pooled_within'
  return dims.length > 1 && window.isSplit(dims.slice(0, 1)) ? 'nobody' : 'too_few'
}

/** Of an unpublished value of a drill. */
export function drillReason(window: PublishedWindow, dims: readonly string[]): Reason {
  const parent = dims.slice(0, -1)
  if (!window.has(parent)) return 'parent_unpublished'
  const parts = window.below(parent)
  if (parts.length === 0) return 'whole'
  return parts.includes(OTHER) ? 'pooled_within' : 'nobody'
}

/** Of an unpublished bucket: its place is published nowhere, or a neighbour holds it, or it is empty. */
export function bucketReason(window: PublishedWindow, dims: readonly string[]): Reason {
  const place = dims.slice(0, -1)
  const labels = window.below(place)
  if (labels.length === 0) {
    const isPooled = place.some((_, kept) => window.below(pooledAfter(place, kept)).length > 0)
    return isPooled ? 'pooled' : 'too_few'
  }
  return labels.some((label) => coversBucket(label, dims.at(-1) ?? '')) ? 'merged' : 'nobody'
}

/** Whether a published label is of a bucket that holds a declared one, and more. */
export function coversBucket(published: string, declared: string): boolean {
  const [outer, inner] = [bucketOf(published), bucketOf(declared)]
  if (outer === null || inner === null || published === declared) return false
  const [outerTo, innerTo] = [outer.to ?? Number.POSITIVE_INFINITY, inner.to ?? Number.POSITIVE_INFINITY]
  return outer.from <= inner.from && innerTo <= outerTo
}

/** Every tuple of these domains, in order. */
export function* tuplesOf(domains: readonly (readonly string[])[]): Generator<readonly string[]> {
  const [first, ...rest] = domains
  if (first === undefined) {
    yield []
    return
  }
  for (const value of first) for (const tail of tuplesOf(rest)) yield [value, ...tail]
}

/** A tuple in words: `/invoices, mobile`. */
export const inWords = (dims: readonly string[]): string =>
  dims.map((value) => (value === '' ? NONE : value)).join(', ')
