/** Release, steps 1 and 2, the slow and obvious way: what ClickHouse must answer, to the last number. */
import { HOUR } from '@tacit/contracts'
import type { FunnelStepRequest, NodeCount, Sum, TreeRequest, UnionRequest } from '../types.js'

/** A row of staging. Rows of a week or a month have a statistic, and no kind, hour and event id. */
export interface StagedRow {
  readonly kind: string
  readonly statistic: string
  /** ms */
  readonly hour: number
  readonly standing: string
  readonly tenant: string
  readonly person: string
  readonly network: string
  readonly eid: string
  readonly dims: Readonly<Record<string, string>>
}

export type Identity = 'signed' | 'network'

const VISIT = 'visit_start'
const SECONDS = 'time_spent_s'

/** Byte order, which is ClickHouse's. */
function inByteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function personOf({ person, tenant }: StagedRow): string {
  return JSON.stringify([tenant, person])
}

function groupBy<T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}

/** The values by which rows of one event id are told apart, in the order in which they decide. */
function decisive(row: StagedRow, dimensions: readonly string[]): readonly string[] {
  const hour = String(row.hour).padStart(16, '0')
  return [row.kind, hour, ...dimensions.map((name) => row.dims[name] ?? ''), row.network]
}

function firstOf(rows: readonly StagedRow[], dimensions: readonly string[]): StagedRow {
  const sorted = [...rows].sort((a, b) => {
    const others = decisive(b, dimensions)
    const differing = decisive(a, dimensions).map((value, at) => inByteOrder(value, others[at] ?? ''))
    return differing.find((order) => order !== 0) ?? 0
  })
  return sorted[0] as StagedRow
}

export interface Cleaned {
  readonly staged: number
  readonly removed: number
  readonly deduplicated: number
  readonly capped: number
  readonly rows: readonly StagedRow[]
}

function sizes(staged: number, standing: number, distinct: number, rows: readonly StagedRow[]): Cleaned {
  return {
    staged,
    removed: staged - standing,
    deduplicated: standing - distinct,
    capped: distinct - rows.length,
    rows,
  }
}

function standingRows(rows: readonly StagedRow[], identity: Identity): readonly StagedRow[] {
  return identity === 'signed' ? rows.filter(({ standing }) => standing === 'established') : rows
}

/** Rows of a day that count. @param dimensions columns of the table, in their order */
export function cleanedEvents(
  staged: readonly StagedRow[],
  identity: Identity,
  cap: number,
  dimensions: readonly string[],
): Cleaned {
  const standing = standingRows(staged, identity)
  const events = groupBy(standing, (row) => JSON.stringify([row.tenant, row.person, row.eid]))
  const distinct = [...events.values()].map((rows) => firstOf(rows, dimensions))
  const byKind = groupBy(distinct, (row) => JSON.stringify([row.tenant, row.person, row.kind]))
  const rows = [...byKind.values()].flatMap((own) =>
    own.sort((a, b) => inByteOrder(a.eid, b.eid)).slice(0, cap),
  )
  return sizes(staged.length, standing.length, distinct.length, rows)
}

/** Rows of a week or a month that count: each (person, cell) once. */
export function cleanedCells(
  staged: readonly StagedRow[],
  identity: Identity,
  dimensions: readonly string[],
): Cleaned {
  const standing = standingRows(staged, identity)
  const cells = groupBy(standing, (row) =>
    JSON.stringify([
      row.statistic,
      row.tenant,
      row.person,
      row.network,
      dimensions.map((name) => row.dims[name] ?? ''),
    ]),
  )
  const rows = [...cells.values()].map(([row]) => row as StagedRow)
  return sizes(staged.length, standing.length, rows.length, rows)
}

function most(
  groups: Map<string, readonly StagedRow[]>,
  amount: (rows: readonly StagedRow[]) => number,
): number {
  return Math.max(0, ...[...groups.values()].map(amount))
}

function countNode(
  rows: readonly StagedRow[],
  identity: Identity,
  dims: readonly string[],
  hour: number | null,
  { seconds, visits }: Pick<TreeRequest, 'seconds' | 'visits'> = {},
): NodeCount {
  const isSigned = identity === 'signed'
  const people = groupBy(rows, personOf)
  const tenants = groupBy(rows, ({ tenant }) => tenant)
  const usersOf = (own: readonly StagedRow[]): number => new Set(own.map(personOf)).size
  const sum = (amount: (rows: readonly StagedRow[]) => number): Sum => ({
    total: amount(rows),
    people: [...people.values()].filter((own) => amount(own) > 0).length,
    largestTenant: isSigned ? most(tenants, amount) : 0,
    largestPerson: most(people, amount),
  })
  const visitsOf = (own: readonly StagedRow[]): number =>
    own.filter(({ dims: d }) => d[VISIT] === 'true').length
  const secondsOf = (own: readonly StagedRow[]): number => {
    const values = own.map(({ dims: d }) => {
      const label = d[SECONDS] ?? ''
      return seconds !== undefined && Object.hasOwn(seconds, label) ? (seconds[label] ?? 0) : 0
    })
    return values.reduce((total, value) => total + value, 0)
  }
  const networks = new Set(rows.map(({ network }) => network).filter((network) => network !== ''))
  return {
    dims,
    hour,
    users: people.size,
    events: rows.length,
    tenants: isSigned ? tenants.size : 0,
    networks: isSigned ? 0 : networks.size,
    largestTenantUsers: isSigned ? most(tenants, usersOf) : 0,
    largestTenantEvents: isSigned ? most(tenants, (own) => own.length) : 0,
    largestPersonEvents: most(people, (own) => own.length),
    ...(visits === true ? { visits: sum(visitsOf) } : {}),
    ...(seconds === undefined ? {} : { time_s: sum(secondsOf) }),
  }
}

/** Rows that a tree looks at. */
export function rowsOf(rows: readonly StagedRow[], { kind, statistic }: TreeRequest): readonly StagedRow[] {
  return rows.filter(
    (row) =>
      (kind === undefined || row.kind === kind) && (statistic === undefined || row.statistic === statistic),
  )
}

function hourOf(row: StagedRow, { hourly }: TreeRequest): number | null {
  return hourly === true ? Math.floor(row.hour / HOUR) % 24 : null
}

/** Nodes of a tree, by depth, then hour, then values. */
export function referenceTree(
  cleaned: readonly StagedRow[],
  identity: Identity,
  tree: TreeRequest,
): readonly NodeCount[] {
  const rows = rowsOf(cleaned, tree)
  return tree.levels.flatMap((_level, at) => {
    const levels = tree.levels.slice(0, at + 1)
    const dimsOf = (row: StagedRow): readonly string[] => levels.map((name) => row.dims[name] ?? '')
    const nodes = [...groupBy(rows, (row) => JSON.stringify([hourOf(row, tree), dimsOf(row)])).values()]
    const counts = nodes.map((own) => {
      const [first] = own as [StagedRow]
      return countNode(own, identity, dimsOf(first), hourOf(first, tree), tree)
    })
    return counts.sort((a, b) => {
      const order = a.dims.map((value, level) => inByteOrder(value, b.dims[level] ?? ''))
      return (a.hour ?? 0) - (b.hour ?? 0) || (order.find((each) => each !== 0) ?? 0)
    })
  })
}

/** A union of sibling nodes. */
export function referenceUnion(
  cleaned: readonly StagedRow[],
  identity: Identity,
  tree: TreeRequest,
  { hour, parent, parts }: UnionRequest,
): NodeCount {
  const rows = rowsOf(cleaned, tree).filter((row) => {
    const dims = tree.levels.map((name) => row.dims[name] ?? '')
    const isBelow = parent.every((value, at) => dims[at] === value)
    return isBelow && parts.includes(dims[parent.length] ?? '') && hourOf(row, tree) === hour
  })
  return countNode(rows, identity, parent, hour, tree)
}

function isStep(row: StagedRow, { of, value }: FunnelStepRequest): boolean {
  return of === 'page'
    ? row.kind === 'page_view' && row.dims['path'] === value
    : row.dims['event_name'] === value
}

/** How many steps a person did in order: each at the first hour that is not before that of the one before. */
function stepsDone(rows: readonly StagedRow[], steps: readonly FunnelStepRequest[]): number {
  let earliest = -Infinity
  for (const [at, step] of steps.entries()) {
    const hours = rows.filter((row) => isStep(row, step) && row.hour >= earliest).map(({ hour }) => hour)
    if (hours.length === 0) return at
    earliest = Math.min(...hours)
  }
  return steps.length
}

/** Nodes of a funnel's steps. */
export function referenceFunnel(
  cleaned: readonly StagedRow[],
  identity: Identity,
  steps: readonly FunnelStepRequest[],
): readonly NodeCount[] {
  const people = [...groupBy(cleaned, personOf).values()]
  return steps.map((step, at) => {
    const reached = people.filter((rows) => stepsDone(rows, steps) > at)
    const rows = reached.flat().filter((row) => isStep(row, step))
    return countNode(rows, identity, [`${step.of}:${step.value}`], null)
  })
}
