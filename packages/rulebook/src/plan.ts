/**
 * What a rulebook compiles to for the stores: one row layout per stream, shared by the collector (which writes rows),
 * the warehouse (which makes tables) and the release (which counts columns). Only columns that a declared statistic
 * needs exist; a field that no statistic reads never leaves memory.
 */
import type { Stream } from '@tacit/contracts'
import type { EventKind, Rulebook, Statistic, StatisticShape, Window } from './types.js'

export interface Column {
  readonly name: string
  /** ClickHouse type */
  readonly type: string
}

/** Given by the collector when a batch is sealed; they stay behind in the landing table. */
export const LANDING_COLUMNS: readonly Column[] = [
  { name: '_producer', type: 'LowCardinality(String)' },
  { name: '_batch', type: 'UInt64' },
  { name: '_row', type: 'UInt32' },
]

const RECEIVED: Column = { name: 'received', type: 'DateTime' }

/**
 * The landing columns of a stream. Rows of a week or a month tell no time, so the hour by which they are moved on is
 * one of the columns that stay behind; a day's row has it among its own, in the same place.
 */
export function landingColumnsOf(stream: Stream): readonly Column[] {
  return stream === 'day' ? LANDING_COLUMNS : [...LANDING_COLUMNS, RECEIVED]
}

/**
 * Hash of the rulebook that decided the row. Not part of a row's text, where it would cost 64 bytes a row on the hot
 * path: the store fills it in from the authenticated header of the row's batch, and it stays with the row.
 */
export const PROVENANCE_COLUMN: Column = { name: '_rulebook', type: 'LowCardinality(String)' }

/**
 * Columns of every row of the day stream: one row an event.
 * `received`: hour of receipt. `epoch`: first UTC day of the row's epoch. `hour`: event time, coarsened.
 * `tenant`, `person`: pseudonyms (base64url, 22 characters; `tenant` is '' on network sites).
 * `network`: keyed value of the /24 or /48, '' on signed sites. `eid`: keyed hash of the event id, 11 characters.
 */
export const RECORD_COLUMNS: readonly Column[] = [
  RECEIVED,
  { name: 'epoch', type: 'Date' },
  { name: 'hour', type: 'DateTime' },
  { name: 'site', type: 'LowCardinality(String)' },
  { name: 'kind', type: 'LowCardinality(String)' },
  { name: 'standing', type: 'LowCardinality(String)' },
  { name: 'tenant', type: 'String' },
  { name: 'person', type: 'String' },
  { name: 'network', type: 'String' },
  { name: 'eid', type: 'String' },
]

/**
 * Columns of every row of the week and month streams: a person was in a cell of a statistic, without count and
 * without time; the pseudonyms are that stream's own (design.md, decision 3).
 */
export const MEMBERSHIP_COLUMNS: readonly Column[] = [
  { name: 'epoch', type: 'Date' },
  { name: 'site', type: 'LowCardinality(String)' },
  { name: 'statistic', type: 'LowCardinality(String)' },
  { name: 'standing', type: 'LowCardinality(String)' },
  { name: 'tenant', type: 'String' },
  { name: 'person', type: 'String' },
  { name: 'network', type: 'String' },
]

export interface StreamPlan {
  readonly stream: Stream
  /** dimension columns, sorted by name, all `LowCardinality(String)`; '' where the event has no such value */
  readonly dimensions: readonly string[]
}

/** Columns of a record of a stream before its dimensions. */
export function recordColumns(stream: Stream): readonly Column[] {
  return stream === 'day' ? RECORD_COLUMNS : MEMBERSHIP_COLUMNS
}

/** The stream whose records a window is counted from: hours and the last minutes are parts of a day. */
export function streamOf(window: Window): Stream {
  return window === 'week' || window === 'month' ? window : 'day'
}

/** The dimension that a measure is counted from. */
const MEASURED_FROM = { visits: 'visit_start', time_s: 'time_spent_s' } as const

/**
 * The dimensions a statistic reads: `by`, then `drill`, then what its shape and its measures ask for.
 * @param stream weeks and months count people alone, so that what is measured is no column of theirs
 */
export function dimensionsOf(statistic: Statistic, stream: Stream = 'day'): readonly string[] {
  const { by, drill, measures, shape } = statistic
  switch (shape.type) {
    case 'counts': {
      const measured = (['visits', 'time_s'] as const).filter(
        (measure) => stream === 'day' && measures.includes(measure),
      )
      return [...new Set([...by, ...drill, ...measured.map((measure) => MEASURED_FROM[measure])])]
    }
    case 'live':
      return [...by, ...drill]
    case 'histogram':
      return [...new Set([...by, ...drill, shape.field])]
    case 'funnel': {
      const sources = shape.steps.map(({ of }) => (of === 'page' ? 'path' : 'event_name'))
      return [...new Set([...by, ...drill, ...sources])]
    }
    case 'retention':
      return [...new Set([...by, ...drill, shape.cohort])]
    default: {
      const never: never = shape
      throw new TypeError(`unknown shape ${String(never)}`)
    }
  }
}

/** The statistics that are counted from a stream. */
export function statisticsOf(rulebook: Rulebook, stream: Stream): readonly Statistic[] {
  return rulebook.statistics.filter(({ windows }) => windows.some((window) => streamOf(window) === stream))
}

/** The streams that declared statistics need, with their dimension columns. */
export function streamPlans(rulebook: Rulebook): readonly StreamPlan[] {
  return (['day', 'week', 'month'] as const).flatMap((stream) => {
    const statistics = statisticsOf(rulebook, stream)
    const dimensions = new Set(statistics.flatMap((statistic) => dimensionsOf(statistic, stream)))
    return statistics.length === 0 ? [] : [{ stream, dimensions: [...dimensions].sort() }]
  })
}

/** The streams whose records are stored: all that a statistic needs, but where `stored` names fewer. */
export function storedPlans(rulebook: Rulebook): readonly StreamPlan[] {
  const { stored } = rulebook
  return streamPlans(rulebook).filter(({ stream }) => stored?.includes(stream) ?? true)
}

/** Stored streams with the dimensions of several rulebooks: of one that rules, and of those whose windows still wait. */
export function unitedPlans(rulebooks: readonly Rulebook[]): readonly StreamPlan[] {
  const dimensions = new Map<Stream, Set<string>>()
  for (const plan of rulebooks.flatMap(storedPlans)) {
    const known = dimensions.get(plan.stream) ?? new Set()
    for (const name of plan.dimensions) known.add(name)
    dimensions.set(plan.stream, known)
  }
  return [...dimensions].map(([stream, names]) => ({ stream, dimensions: [...names].sort() }))
}

/**
 * The windows that a statistic of each shape can have. A histogram and a funnel read what happened in an hour, which
 * only days know; who came back is told by weeks and months alone.
 */
export const RELEASED_WINDOWS: Readonly<Record<StatisticShape['type'], readonly Window[]>> = {
  counts: ['hour', 'day', 'week', 'month'],
  histogram: ['day'],
  funnel: ['day'],
  retention: ['week', 'month'],
  live: ['5m'],
}

/** Whether a statistic is released for a window: it declares it, and its shape can have it. */
export function isReleased({ shape, windows }: Statistic, window: Window): boolean {
  return windows.includes(window) && RELEASED_WINDOWS[shape.type].includes(window)
}

/** Whether a statistic reads events of `kind`. A funnel reads the kinds of its steps, whatever they are. */
export function readsKind(statistic: Statistic, kind: EventKind): boolean {
  return statistic.where.kind === undefined || statistic.where.kind === kind
}

/** Whether any statistic of `site` that is counted from `stream` reads events of `kind`: only such events leave a record. */
export function isRecorded(
  rulebook: Rulebook,
  site: string,
  kind: EventKind,
  stream: Stream = 'day',
): boolean {
  return statisticsOf(rulebook, stream).some(
    (statistic) => statistic.site === site && readsKind(statistic, kind),
  )
}

/**
 * Windows that close, the finest first. `5m` is none of them: the last minutes are counted over and over from what is
 * there, nothing is settled at their end, and an event that missed them is still in time for its day.
 */
const CLOSING_WINDOWS = ['hour', 'day', 'week', 'month'] as const satisfies readonly Window[]
export type ClosingWindow = (typeof CLOSING_WINDOWS)[number]

/** The finest window in which a statistic of `site` counts events of `kind`; null where none does. */
export function finestWindow(rulebook: Rulebook, site: string, kind: EventKind): ClosingWindow | null {
  const reading = rulebook.statistics.filter(
    (statistic) => statistic.site === site && readsKind(statistic, kind),
  )
  return CLOSING_WINDOWS.find((window) => reading.some(({ windows }) => windows.includes(window))) ?? null
}
