/** Which declared values a published number covers, and how it came about, in words. Pure. */
import { columnNames, depthOf, dimsKey, OTHER, type ReleasedCell } from '../answer/cell.js'
import { domainsOf, sizeOf } from '../answer/domain.js'
import { coversBucket, inWords, poolOf, publishedWindow, tuplesOf } from './classes.js'
import type { WindowAsked } from './explanation.js'

export interface Block {
  /** `value`: of one declared value; `parts`: the same, published in parts too; `pool`: of several too small alone */
  readonly kind: 'value' | 'parts' | 'pool' | 'merged' | 'step' | 'cohort'
  readonly words: string
  /** the declared values that it covers, or its published parts; null where they are no closed list */
  readonly covers: readonly (readonly string[])[] | null
  /** how many there are beyond those */
  readonly more: number
}

const MOST_LISTED = 200
const MOST_VALUES = 250_000

function listed(kind: Block['kind'], words: string, values: readonly (readonly string[])[] | null): Block {
  return {
    kind,
    words,
    covers: values === null ? null : values.slice(0, MOST_LISTED),
    more: Math.max(0, (values?.length ?? 0) - MOST_LISTED),
  }
}

/** Unpublished declared values that this pool holds, if anybody had them. */
function pooledValues(asked: WindowAsked, pool: readonly string[]): readonly (readonly string[])[] | null {
  const { cells, rulebook, statistic } = asked
  const published = publishedWindow(cells)
  const kept = pool.indexOf(OTHER)
  const domains = domainsOf(rulebook, statistic)
    .slice(0, pool.length)
    .map((domain, at) => (at < kept ? new Set([pool[at] ?? '']) : domain))
  const size = sizeOf(domains)
  if (size === null || size > MOST_VALUES) return null
  const key = dimsKey(pool)
  const isPlain = pool.length === depthOf(statistic, null)
  return [...tuplesOf(domains.map((domain) => [...(domain ?? [])]))].filter((dims) => {
    if (published.has(dims)) return false
    return isPlain ? dimsKey(poolOf(published, dims) ?? []) === key : true
  })
}

const DAY_SUMS =
  'What is added up is of the days on which it was published, so it may be less than that of all of them.'

function countsBlock(asked: WindowAsked, { dims }: ReleasedCell): Block {
  const { cells, statistic, window } = asked
  const names = columnNames(statistic)
  const isLong = window === 'week' || window === 'month'
  const said = dims.map((value, at) => `${names[at] ?? ''} ${value}`).join(', ')
  if (dims.includes(OTHER)) {
    const within = dims[0] === OTHER ? '' : ` of ${inWords(dims.slice(0, dims.indexOf(OTHER)))}`
    return listed(
      'pool',
      `Every value${within} that is not published by itself, counted together: each is too small alone, or was needed so that the others cannot be told apart. Those that nobody had are among them.`,
      pooledValues(asked, dims),
    )
  }
  const parts = cells
    .filter(
      (cell) => cell.dims.length === dims.length + 1 && dims.every((value, at) => cell.dims[at] === value),
    )
    .map((cell) => cell.dims)
  if (parts.length > 0) {
    return listed(
      'parts',
      isLong
        ? `Everybody with ${said} in the ${window}, and ${String(parts.length)} of its parts are published, too. ${DAY_SUMS}`
        : `All events with ${said}. It is published in ${String(parts.length)} parts, and what is added up in it is their sum; people were counted over all of them.`,
      parts,
    )
  }
  const all = said || 'any value'
  return listed(
    'value',
    isLong
      ? `Everybody with ${all} in the ${window}. ${DAY_SUMS}`
      : `All events with ${all}, as one block that is nowhere divided.`,
    [dims],
  )
}

/** @param cell one of `asked.cells` */
export function blockOf(asked: WindowAsked, cell: ReleasedCell): Block {
  const { rulebook, statistic } = asked
  const { shape } = statistic
  switch (shape.type) {
    case 'histogram': {
      const label = cell.dims.at(-1) ?? ''
      const declared = [...(domainsOf(rulebook, statistic).at(-1) ?? [])].filter((one) =>
        coversBucket(label, one),
      )
      const place = inWords(cell.dims.slice(0, -1)) || 'all of it'
      if (declared.length === 0)
        return listed('value', `The share of the events of ${place} that lie in ${label}.`, [cell.dims])
      return listed(
        'merged',
        `The share of the events of ${place} that lie in ${label}: ${String(declared.length)} buckets as one, because one of them alone was too small.`,
        declared.map((one) => [...cell.dims.slice(0, -1), one]),
      )
    }
    case 'funnel':
      return listed(
        'step',
        'People who did this step after all steps before it, on the same day; steps in the same hour count as in order.',
        [cell.dims],
      )
    case 'retention':
      return listed(
        'cohort',
        'People of this cohort who came in this window; the cohort is said by their token.',
        [cell.dims],
      )
    case 'counts':
    case 'live':
      return countsBlock(asked, cell)
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

/** How each number of a cell came about. */
export function measureWords({ window }: WindowAsked, cell: ReleasedCell): readonly string[] {
  const { events, events_error, floor, time_s, users, users_error, visits } = cell
  const words: string[] = []
  if (users === null) words.push('People are not published for it.')
  else if (floor === null) words.push('People are counted exactly, each once.')
  else
    words.push(`People are counted exactly, each once, and rounded down to a multiple of ${String(floor)}.`)
  if (events !== null || (visits ?? null) !== null || (time_s ?? null) !== null) {
    words.push(
      window === 'week' || window === 'month'
        ? 'Events are the sum of what was published day by day; no event was looked at again.'
        : 'Events are counted once, in this block and in no other; larger numbers are sums of such blocks.',
    )
  }
  if ((users_error ?? null) !== null || (events_error ?? null) !== null) {
    words.push(
      'Noise was drawn once and added before it was published; the error says how far it may reach in 95 of 100 cases.',
    )
  }
  return words
}
