/** How one published number came about: its block, what it passed, and where it is on record. Pure but for its parts. */
import { rfc3339 } from '@tacit/contracts'
import { columnNames, dimsKey, type ReleasedCell } from '../answer/cell.js'
import type { CommittedManifest } from '../realm.js'
import { type Block, blockOf, measureWords } from './block.js'
import type { WindowAsked } from './explanation.js'
import type { ReleaseProof } from './release-proof.js'
import { passedThresholds, type ThresholdWords } from './thresholds.js'

export interface CellAnswer {
  readonly statistic: string
  readonly window: string
  readonly window_start: string
  readonly site: string
  readonly sample: boolean
  /** its dimensions by name */
  readonly dims: Readonly<Record<string, string>>
  readonly cell: ReleasedCellNumbers
  readonly block: Block
  readonly measures: readonly string[]
  /** each holds of the block, by the rules that it was released under */
  readonly thresholds: readonly ThresholdWords[]
  readonly rulebook: { readonly hash: string; readonly name: string; readonly version: string }
  /** null where it is kept no longer */
  readonly manifest: { readonly id: string; readonly hash: string; readonly cell: string | null } | null
  readonly proof: ReleaseProof | null
}

export type ReleasedCellNumbers = Readonly<Record<string, number>>

const NUMBERS = [
  'users',
  'floor',
  'events',
  'visits',
  'time_s',
  'share',
  'users_error',
  'events_error',
] as const

function numbersOf(cell: ReleasedCell): ReleasedCellNumbers {
  return Object.fromEntries(
    NUMBERS.flatMap((name) => {
      const value = cell[name] ?? null
      return value === null ? [] : [[name, value] as const]
    }),
  )
}

/** The cell as it stands in the manifest's canonical text; null where the text has no such cell. */
export function cellText(
  text: string,
  cell: Pick<ReleasedCell, 'dims'> & { readonly hour: number | null; readonly statistic: string },
): string | null {
  const key = dimsKey(cell.dims)
  const found = cellsIn(JSON.parse(text), cell.statistic).find((one) => {
    const { dims, hour } = one as { readonly dims?: unknown; readonly hour?: unknown }
    return Array.isArray(dims) && dimsKey(dims.map(String)) === key && (hour ?? null) === cell.hour
  })
  return found === undefined ? null : JSON.stringify(found)
}

/** Cells of a manifest: of one statistic, or of those of several, each under its name. */
function cellsIn(manifest: unknown, statistic: string): readonly unknown[] {
  const { cells, statistics } = manifest as { readonly cells?: unknown; readonly statistics?: unknown }
  if (Array.isArray(cells)) return cells
  const ofEach = Array.isArray(statistics) ? statistics : Object.values((statistics ?? {}) as object)
  const own = ofEach.find((one: { readonly id?: unknown; readonly statistic?: unknown }) =>
    [one.id, one.statistic].includes(statistic),
  ) as { readonly cells?: unknown } | undefined
  return Array.isArray(own?.cells) ? own.cells : []
}

export function cellStory(
  asked: WindowAsked,
  cell: ReleasedCell,
  manifest: CommittedManifest | null,
  proof: ReleaseProof | null,
): CellAnswer {
  const { rulebook, sample, statistic, window, windowStart } = asked
  const names = columnNames(statistic)
  const hour = window === 'hour' ? new Date(windowStart).getUTCHours() : null
  return {
    statistic: statistic.id,
    window,
    window_start: rfc3339(windowStart),
    site: statistic.site,
    sample,
    dims: Object.fromEntries(cell.dims.map((value, at) => [names[at] ?? '', value])),
    cell: numbersOf(cell),
    block: blockOf(asked, cell),
    measures: measureWords(asked, cell),
    thresholds: passedThresholds(rulebook, statistic.site),
    rulebook: { hash: cell.rulebook, name: rulebook.name, version: rulebook.version },
    manifest:
      manifest === null
        ? null
        : {
            id: manifest.id,
            hash: manifest.hash,
            cell: cellText(manifest.text, { dims: cell.dims, hour, statistic: statistic.id }),
          },
    proof,
  }
}
