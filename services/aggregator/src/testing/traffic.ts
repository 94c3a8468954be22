/** For tests: rows of made-up people, and batches as a collector seals them. */
import { randomBytes } from 'node:crypto'
import { type BatchHeader, epochOf, HOUR, type HourCounts, hourOf, rfc3339, utcDay } from '@tacit/contracts'
import type { EventLog } from '@tacit/event-log'
import type { LogKeys } from '@tacit/keyring'
import { type Rulebook, streamPlans } from '@tacit/rulebook'

/** 2026-11-02T00:00:00Z, ms */
export const DAY_START = Date.UTC(2026, 10, 2)
export const EPOCH = 'day:2026-11-02'

export interface Row {
  /** event time, ms */
  readonly at: number
  readonly person: string
  readonly tenant: string
  readonly standing?: string
  readonly kind?: string
  readonly site?: string
  readonly eid?: string
  /** dimension columns by name; '' where absent */
  readonly dims?: Readonly<Record<string, string>>
}

let eids = 0

export interface People {
  readonly tenants: number
  readonly perTenant: number
  readonly standing?: string
  /** what sets these people apart from others */
  readonly prefix?: string
}

/** One page view a person: of `path`, at hours that go round the day. */
export function pageViews(people: People, path: string, first = DAY_START): Row[] {
  const { tenants, perTenant, prefix = '', standing = 'established' } = people
  return Array.from({ length: tenants * perTenant }, (_none, i) => {
    const tenant = `${prefix}tenant-${String(i % tenants)}`
    return {
      at: first + (i % 24) * HOUR,
      person: `${tenant}-person-${String(Math.floor(i / tenants))}`,
      tenant,
      standing,
      dims: { path },
    }
  })
}

/** That a person was in a cell of a statistic in the week of a time. */
export interface WeekRow {
  readonly at: number
  readonly person: string
  readonly tenant: string
  readonly statistic: string
  readonly dims?: Readonly<Record<string, string>>
}

export interface SendOptions {
  /** rows of the week in the same batch */
  readonly week?: readonly WeekRow[]
  readonly dropped?: Readonly<Record<string, number>>
  readonly removedProps?: number
  readonly watermark?: true
}

/** Writes batches into a log, like one boot of a collector. */
export class TestCollector {
  readonly producer = randomBytes(8).toString('hex')
  readonly #log: EventLog
  readonly #logKeys: LogKeys
  readonly #rulebook: Rulebook
  #batch = 0

  constructor(log: EventLog, logKeys: LogKeys, rulebook: Rulebook) {
    this.#log = log
    this.#logKeys = logKeys
    this.#rulebook = rulebook
  }

  /** One batch of rows received in an hour (ms). @returns the sealed bytes */
  async send(received: number, rows: readonly Row[], options: SendOptions = {}): Promise<Buffer> {
    const sealed = await this.seal(received, rows, options)
    await this.#log.append(sealed, received)
    return sealed
  }

  async watermark(hour: number): Promise<void> {
    await this.send(hour, [], { watermark: true })
  }

  /** The same without the log. @param spoil changes the lines after they are written */
  async seal(
    received: number,
    rows: readonly Row[],
    options: SendOptions = {},
    spoil: (lines: string) => string = (lines) => lines,
  ): Promise<Buffer> {
    const batch = this.#batch++
    const lines = spoil(rows.map((row, number) => this.#line(row, received, batch, number)).join(''))
    const day = Buffer.from(lines, 'utf8')
    const weekRows = options.week ?? []
    const week = Buffer.from(
      weekRows.map((row, at) => this.#weekLine(row, received, batch, rows.length + at)).join(''),
      'utf8',
    )
    const sections: BatchHeader['sections'] = [
      { stream: 'day' as const, bytes: day.length, rows: countBy(rows, epochLabel) },
      { stream: 'week' as const, bytes: week.length, rows: countBy(weekRows, weekLabel) },
    ].filter(({ bytes }) => bytes > 0)
    const header: BatchHeader = {
      v: 1,
      hour: received,
      producer: this.producer,
      batch,
      rulebook: this.#rulebook.hash,
      sections,
      counts: countsOf(rows, received, options.dropped ?? {}),
      removedProps: options.removedProps ?? 0,
      ...(options.watermark ? { watermark: true as const } : {}),
    }
    const sealed = await this.#logKeys.seal(header, Buffer.concat([day, week]))
    if (sealed === null) throw new Error('the hour has no log key')
    return sealed
  }

  #line(row: Row, received: number, batch: number, number: number): string {
    const dims = streamPlans(this.#rulebook)[0]?.dimensions ?? []
    const values = [
      this.producer,
      batch,
      number,
      received / 1_000,
      utcDay(row.at),
      hourOf(row.at) / 1_000,
      row.site ?? 'erp',
      row.kind ?? 'page_view',
      row.standing ?? 'established',
      row.tenant,
      row.person,
      '',
      row.eid ?? `e${String(eids++)}`,
      ...dims.map((name) => row.dims?.[name] ?? ''),
    ]
    return `${JSON.stringify(values)}\n`
  }

  #weekLine(row: WeekRow, received: number, batch: number, number: number): string {
    const plan = streamPlans(this.#rulebook).find(({ stream }) => stream === 'week')
    const values = [
      this.producer,
      batch,
      number,
      received / 1_000,
      utcDay(epochOf('week', row.at).start),
      'erp',
      row.statistic,
      'established',
      row.tenant,
      row.person,
      '',
      ...(plan?.dimensions ?? []).map((name) => row.dims?.[name] ?? ''),
    ]
    return `${JSON.stringify(values)}\n`
  }
}

const weekLabel = (row: WeekRow): string => epochOf('week', row.at).label
const epochLabel = (row: Row): string => epochOf('day', row.at).label

function countBy<T>(rows: readonly T[], key: (row: T) => string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const row of rows) counts[key(row)] = (counts[key(row)] ?? 0) + 1
  return counts
}

function countsOf(
  rows: readonly Row[],
  received: number,
  dropped: Readonly<Record<string, number>>,
): Record<string, HourCounts> {
  const counts: Record<string, HourCounts> = {}
  for (const [hour, accepted] of Object.entries(countBy(rows, ({ at }) => rfc3339(hourOf(at))))) {
    counts[hour] = { received: accepted, accepted, dropped: {} }
  }
  const total = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  if (total > 0) {
    const hour = rfc3339(received)
    const known = counts[hour] ?? { received: 0, accepted: 0, dropped: {} }
    counts[hour] = { ...known, received: known.received + total, dropped: { ...dropped } }
  }
  return counts
}
