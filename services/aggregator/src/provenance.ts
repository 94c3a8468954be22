/**
 * INV-19: the hash of the rulebook on what is stored is the hash of one that ruled then.
 *
 * It stands in the authenticated header of each sealed batch, on each row in landing and staging, and on each released
 * cell; which rulebook ruled when is what the register of signed changes says. A batch is checked when it is opened,
 * rows and cells once an hour and at the end of a driven run. A collector that runs rules which nobody signed, or that
 * still runs former ones, is found so.
 *
 * Two kinds of days are not dated by the register. A driven run receives its data long after their time, and the
 * rulebook of today decides them: for days that it filled, the hash must be of one that ever ruled. So must it for days
 * that were there before rows carried a hash; only their rows may carry none.
 */
import { epochFromLabel, epochOf, HOUR, rfc3339, type Stream } from '@tacit/contracts'
import type { CellProvenance, RowProvenance, Warehouse } from '@tacit/warehouse'
import type { CheckResult, Undated } from './records.js'
import { closingTime, type Reign, type Rulebooks } from './rulebooks.js'
import type { AggregatorState } from './state.js'

const ID = 'INV-19'
const TITLE = 'Everything stored was decided by a rulebook that was in force at that time'
/** Where no register says what was in force when: no more is checked. */
const TITLE_UNRECORDED = 'Everything stored carries the hash of a rulebook: every hash is there'

/** An hour of receipt is coarse: a rulebook may have begun or ended anywhere in it, or in its neighbour. */
const GRACE_MS = HOUR

/** A span of time, ms; `until` is excluded. */
export interface Span {
  readonly from: number
  readonly until: number
}

/** `none`: no hash at all; `unknown`: of no rulebook that ever ruled; `untimely`: of one that did not rule then. */
export type Strangeness = 'none' | 'unknown' | 'untimely'

/**
 * What is wrong with a hash on something that was decided in a span of time; null where nothing is.
 * @param reigns which rulebook ruled when; null where that is on no record, and only the lack of a hash is found
 */
export function strangenessOf(
  hash: string,
  { from, until }: Span,
  reigns: readonly Reign[] | null,
  undated: Undated | null,
): Strangeness | null {
  if (hash === '') return undated === 'before' ? null : 'none'
  if (reigns === null) return null
  const own = reigns.filter((reign) => reign.hash === hash)
  if (own.length === 0) return 'unknown'
  if (undated !== null) return null
  const ruled = own.some((reign) => reign.from < until + GRACE_MS && reign.until > from - GRACE_MS)
  return ruled ? null : 'untimely'
}

export interface ProvenanceOptions {
  readonly rulebooks: Rulebooks
  readonly state: AggregatorState
}

/** The options of one run, with what the register says read once. */
interface Known extends ProvenanceOptions {
  readonly reigns: readonly Reign[] | null
}

/** The same for what was received in an hour. @param received ms, a whole UTC hour */
export function strangenessOfHour(
  options: ProvenanceOptions,
  hash: string,
  received: number,
): Strangeness | null {
  return hourStrangeness({ ...options, reigns: options.rulebooks.reigns() }, hash, received)
}

function hourStrangeness({ reigns, state }: Known, hash: string, received: number): Strangeness | null {
  const span = { from: received, until: received + HOUR }
  return strangenessOf(hash, span, reigns, state.undated(span.from, span.until))
}

const FINDINGS: Readonly<Record<'row' | 'cell', Readonly<Record<Strangeness, string>>>> = {
  row: {
    none: 'Rows that are not yet released carry no hash of a rulebook.',
    unknown: 'Rows that are not yet released carry the hash of a rulebook that nobody activated.',
    untimely:
      'Rows that are not yet released carry the hash of a rulebook that was not in force when they came.',
  },
  cell: {
    none: 'Released values carry no hash of a rulebook.',
    unknown: 'Released values carry the hash of a rulebook that nobody activated.',
    untimely: 'Released values carry the hash of a rulebook that was not in force over their time.',
  },
}

/** A note where there is no register (the sample): it fails nothing. */
const UNRECORDED =
  'Which rulebook was in force when is on no record here; only that each hash is there is checked.'

const LAST_MINUTES_MS = 5 * 60_000

function windowSpan({ window, windowStart }: CellProvenance): Span {
  switch (window) {
    case 'week':
    case 'month':
    case 'day':
      return { from: windowStart, until: epochOf(window, windowStart).end }
    case 'hour':
      return { from: windowStart, until: windowStart + HOUR }
    default:
      return { from: windowStart, until: windowStart + LAST_MINUTES_MS }
  }
}

function rowStrangeness(known: Known, { epoch, received, rulebook }: RowProvenance): Strangeness | null {
  if (rulebook !== '' && received !== null) return hourStrangeness(known, rulebook, received)
  const { end, start } = epochFromLabel(epoch)
  if (rulebook !== '') {
    const closes = closingTime(known.rulebooks, start, end)
    return strangenessOf(
      rulebook,
      { from: start, until: closes },
      known.reigns,
      known.state.undated(start, closes),
    )
  }
  return strangenessOf('', { from: start, until: end }, null, known.state.undated(start, end))
}

function cellStrangeness({ reigns, rulebooks, state }: Known, cell: CellProvenance): Strangeness | null {
  const { from, until } = windowSpan(cell)
  // Nearly every cell: in force in the window itself, so that nobody needs to look up how long that was open.
  if (strangenessOf(cell.rulebook, { from, until }, reigns, null) === null) return null
  const span = { from, until: closingTime(rulebooks, from, until) }
  return strangenessOf(cell.rulebook, span, reigns, state.undated(span.from, span.until))
}

/** Runs the check over everything that is stored. @param now ms @returns what it found, to be kept and shown */
export async function checkProvenance(
  options: ProvenanceOptions & { readonly warehouse: Warehouse; readonly streams: readonly Stream[] },
  now: number,
): Promise<CheckResult> {
  const known: Known = { ...options, reigns: options.rulebooks.reigns() }
  const found = new Set<string>()
  for (const stream of options.streams) {
    for (const row of await options.warehouse.rowProvenance(stream)) {
      const strangeness = rowStrangeness(known, row)
      if (strangeness !== null) found.add(FINDINGS.row[strangeness])
    }
  }
  for (const cell of await options.warehouse.cellProvenance()) {
    const strangeness = cellStrangeness(known, cell)
    if (strangeness !== null) found.add(FINDINGS.cell[strangeness])
  }
  const notes = known.reigns === null ? [UNRECORDED] : []
  return {
    id: ID,
    title: known.reigns === null ? TITLE_UNRECORDED : TITLE,
    ok: found.size === 0,
    at: rfc3339(now),
    findings: [...[...found].sort(), ...notes],
  }
}
