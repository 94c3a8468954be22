/** The withheld values of one window by class, each with the sentence that explains it. Pure. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { rfc3339 } from '@tacit/contracts'
import { columnNames, depthOf, OTHER, type ReleasedCell } from '../answer/cell.js'
import { domainsOf, sizeOf } from '../answer/domain.js'
import {
  bucketReason,
  drillReason,
  plainReason,
  type PublishedWindow,
  publishedWindow,
  type Reason,
  tuplesOf,
} from './classes.js'
import { tooFewWords } from './thresholds.js'

export interface ExplainedClass {
  readonly rule: Reason
  /** names of the dimensions that `values` are of, coarsest first */
  readonly level: readonly string[]
  readonly words: string
  /** how many declared values it is of */
  readonly cells: number
  /** the first of them */
  readonly values: readonly (readonly string[])[]
}

export interface ExplanationAnswer {
  readonly statistic: string
  readonly window: string
  readonly window_start: string
  /** hash of the rules that the window was released under */
  readonly rulebook: string
  readonly site: string
  readonly sample: boolean
  readonly classes: readonly ExplainedClass[]
  /** levels whose values cannot be gone through: open, or too many */
  readonly unlisted: readonly { readonly level: readonly string[]; readonly words: string }[]
}

export interface WindowAsked {
  /** the rules that the window was released under */
  readonly rulebook: Rulebook
  /** as they declared it */
  readonly statistic: Statistic
  readonly window: string
  /** ms */
  readonly windowStart: number
  readonly sample: boolean
  /** every published cell of the window, of all levels */
  readonly cells: readonly ReleasedCell[]
}

/** More values than this are counted, but not listed. */
const MOST_LISTED = 200
/** Levels of more declared values than this are not gone through. */
const MOST_VALUES = 250_000

const OPEN = 'Its values are no closed list, so nobody can say which of them are missing.'
const TOO_MANY = 'It has too many declared values to go through them one by one.'

function wordsOf(reason: Reason, { rulebook, statistic }: WindowAsked): string {
  const few = tooFewWords(rulebook, statistic.site)
  switch (reason) {
    case 'pooled':
      return `Counted in (other), if anybody had it: each of these alone is one of: ${few}. All of them together pass.`
    case 'too_few':
      return `Published nowhere, and in no total: each is one of: ${few}; and so are all of them together.`
    case 'not_listed':
      return `Published nowhere: each of these is one of: ${few}. People of several groups do not add up, so there is no total that would lack them, and no (other).`
    case 'whole':
      return 'The group above stays whole: not all of its parts could be shown, so none is, and all are in its number.'
    case 'pooled_within':
      return 'Counted in the (other) of its group, if anybody had it: too few alone, or needed there so that those who are cannot be told.'
    case 'nobody':
      return 'Nobody, as far as is public: the other parts of its group are published one by one, and there is no (other) beside them.'
    case 'parent_unpublished':
      return 'The group above is not published itself, so nothing below it is.'
    case 'sensitive':
      return `Declared sensitive: hidden where nobody or everybody of a group did it, and like any other value where it is one of: ${few}.`
    case 'step':
      return `A step of the funnel that may not be shown: the people who came so far, or those who left before it, are one of: ${few}.`
    case 'merged':
      return 'Counted in a neighbouring bucket: alone, it or what is left beside it would be too few.'
    case 'live':
      return `Right now it is one of: ${few}; or the number is too old to be of now.`
    default: {
      const never: never = reason
      throw new TypeError(`unknown reason ${String(never)}`)
    }
  }
}

/** Lengths of `dims` of the levels that a window of a statistic has rows of. */
function depthsOf(statistic: Statistic, window: string): readonly number[] {
  const plain = depthOf(statistic, null)
  if (statistic.shape.type !== 'counts' || window === 'hour') return [plain]
  return [plain, ...statistic.drill.map((drill) => depthOf(statistic, drill))]
}

/** Windows of people alone are lists of every group that passes; those that were released with a pool say so themselves. */
function isList({ cells, statistic, window }: WindowAsked): boolean {
  const isOfPeople = window !== 'day' || statistic.measures.every((measure) => measure === 'users')
  return isOfPeople && !cells.some(({ dims }) => dims.includes(OTHER))
}

function reasonOf(asked: WindowAsked, published: PublishedWindow, dims: readonly string[]): Reason {
  const { rulebook, statistic } = asked
  switch (statistic.shape.type) {
    case 'histogram':
      return bucketReason(published, dims)
    case 'funnel':
      return 'step'
    case 'live':
      return 'live'
    case 'counts':
    case 'retention': {
      const event = dims[statistic.by.indexOf('event_name')]
      const isSensitive = event !== undefined && rulebook.events[event]?.sensitive === true
      const isDrill = dims.length > depthOf(statistic, null)
      if (isList(asked)) {
        if (isDrill && !published.has(dims.slice(0, -1))) return 'parent_unpublished'
        return isSensitive ? 'sensitive' : 'not_listed'
      }
      if (isDrill) return drillReason(published, dims)
      return plainReason(published, dims, isSensitive)
    }
    default: {
      const never: never = statistic.shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

/** Each unpublished declared value of a window belongs to exactly one class of its level. */
export function explanationOf(asked: WindowAsked): ExplanationAnswer {
  const { rulebook, sample, statistic, window, windowStart } = asked
  const published = publishedWindow(asked.cells)
  const classes: ExplainedClass[] = []
  const unlisted: ExplanationAnswer['unlisted'][number][] = []
  for (const depth of depthsOf(statistic, window)) {
    const level = columnNames(statistic).slice(0, depth)
    const domains = domainsOf(rulebook, statistic).slice(0, depth)
    const size = sizeOf(domains)
    if (size === null || size > MOST_VALUES) {
      unlisted.push({ level, words: size === null ? OPEN : TOO_MANY })
      continue
    }
    const found = new Map<Reason, { cells: number; values: (readonly string[])[] }>()
    for (const dims of tuplesOf(domains.map((domain) => [...(domain ?? [])]))) {
      if (published.has(dims)) continue
      const reason = reasonOf(asked, published, dims)
      const kept = found.get(reason) ?? { cells: 0, values: [] }
      found.set(reason, kept)
      kept.cells += 1
      if (kept.values.length < MOST_LISTED) kept.values.push(dims)
    }
    for (const [rule, kept] of found) classes.push({ rule, level, words: wordsOf(rule, asked), ...kept })
  }
  return {
    statistic: statistic.id,
    window,
    window_start: rfc3339(windowStart),
    rulebook: asked.cells[0]?.rulebook ?? rulebook.hash,
    site: statistic.site,
    sample,
    classes,
    unlisted,
  }
}
