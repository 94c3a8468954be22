/**
 * A manifest: every cell of one statistic and window, in one canonical text with its hash. It is committed once,
 * before anything is inserted; recovery inserts what it says and never computes again.
 *
 *     {"cells":[{"dims":["/a"],"events":44,"floor":10,"users":20}],"id":"erp/pages/day/2026-11-01T00:00:00Z",…,"v":1}
 *
 * Invariants
 * - The same cells in any order have the same text: keys are sorted, cells are sorted by their hour and dimensions, numbers
 *   are whole (RFC 8785 on this subset).
 * - The hours of a day are one manifest, of the window `hour` and the day's start; their cells say which hour.
 * - The hash is the SHA-256 of the text in UTF-8.
 */
import { createHash } from 'node:crypto'
import { rfc3339, TacitError } from '@tacit/contracts'
import type { Cell } from './types.js'

export interface ManifestContent {
  readonly site: string
  readonly statistic: string
  /** event kind that the statistic reads; null where it reads all */
  readonly kind: string | null
  /** e.g. `day` */
  readonly window: string
  /** ms since the Unix epoch, UTC */
  readonly windowStart: number
  /** hash of the rulebook that ruled the window */
  readonly rulebook: string
  readonly cells: readonly Cell[]
}

export interface Manifest {
  /** `<site>/<statistic>/<window>/<window start, RFC 3339>`: at most one may ever be committed */
  readonly id: string
  readonly text: string
  /** SHA-256 of `text`, hex */
  readonly hash: string
}

const VERSION = 1

function compareCells(left: Cell, right: Cell): number {
  if (left.hour !== right.hour) return (left.hour ?? -1) - (right.hour ?? -1)
  for (const [index, value] of left.dims.entries()) {
    const other = right.dims[index]
    if (other === undefined) return 1
    if (value !== other) return value < other ? -1 : 1
  }
  return left.dims.length - right.dims.length
}

/** Keys in sorted order; a measure that a cell has not is not there. */
function canonical(cell: Cell): Cell {
  const { dims, events, events_error, floor, hour, share, time_s, users, users_error, visits } = cell
  return {
    dims,
    events,
    ...(events_error === undefined ? {} : { events_error }),
    floor,
    ...(hour === undefined ? {} : { hour }),
    ...(share === undefined ? {} : { share }),
    ...(time_s === undefined ? {} : { time_s }),
    users,
    ...(users_error === undefined ? {} : { users_error }),
    ...(visits === undefined ? {} : { visits }),
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

/** The id under which a manifest is committed. */
export function manifestId(content: Omit<ManifestContent, 'cells' | 'rulebook' | 'kind'>): string {
  return `${content.site}/${content.statistic}/${content.window}/${rfc3339(content.windowStart)}`
}

/** The canonical text of a window's cells. Pure: the same content gives the same bytes. */
export function buildManifest(content: ManifestContent): Manifest {
  const id = manifestId(content)
  // Keys in sorted order by hand: JSON.stringify keeps the order of insertion.
  const text = JSON.stringify({
    cells: [...content.cells].sort(compareCells).map(canonical),
    id,
    kind: content.kind,
    rulebook: content.rulebook,
    site: content.site,
    statistic: content.statistic,
    v: VERSION,
    window: content.window,
    window_start: rfc3339(content.windowStart),
  })
  return { id, text, hash: sha256(text) }
}

/**
 * Reads a committed manifest back.
 * @param hash the hash that was committed with it
 * @throws TacitError ERR_MANIFEST_DAMAGED where text and hash do not belong together, or the version is unknown
 */
export function readManifest(text: string, hash: string): ManifestContent {
  if (sha256(text) !== hash) throw new TacitError('ERR_MANIFEST_DAMAGED')
  // The hash is ours: behind it stands exactly what buildManifest wrote.
  const parsed = JSON.parse(text) as Omit<ManifestContent, 'windowStart'> & {
    v: number
    window_start: string
  }
  if (parsed.v !== VERSION) throw new TacitError('ERR_MANIFEST_DAMAGED')
  const { site, statistic, kind, window, rulebook, cells } = parsed
  return {
    site,
    statistic,
    kind,
    window,
    windowStart: Date.parse(parsed.window_start),
    rulebook,
    cells,
  }
}
