/** Random populations of a site in one epoch: small, and full of what real ones have seldom. */
import { HOUR, utcDay, type Stream } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import type { FunnelStepRequest, NodeCount, TreeRequest, UnionRequest } from '../types.js'
import type { Identity, StagedRow } from './reference.js'
import { PRODUCER } from './rows.js'

export const DIMENSIONS = [
  'device',
  'event_name',
  'from_path',
  'load_ms',
  'path',
  'time_spent_s',
  'visit_start',
] as const
export const SECONDS = { '<10': 0, '10-29': 10, '30-59': 30, '>=60': 60 } as const

const KINDS = ['page_view', 'feature', 'timing', 'error'] as const
const STATISTICS = ['features', 'apps', 'it_s'] as const
const ODD = [
  "it's",
  'a\\b',
  '',
  '(other)',
  'a\tb\n',
  '`x`',
  'π',
  '𝒳',
  '\u{ffee}',
  '[1,2]',
  "');--",
  '{x:String}',
  '/a',
]

export type Random = () => number

/** Mulberry32: 0 to 1, the same for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function below(random: Random, count: number): number {
  return Math.floor(random() * count)
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T
}

export interface Population {
  readonly site: string
  readonly identity: Identity
  readonly stream: Stream
  readonly cap: number
  readonly rows: readonly StagedRow[]
}

/** Values of a dimension. A wide population has so many that codes of a row need a second word. */
function valueOf(random: Random, name: string, isWide: boolean): string {
  if (name === 'visit_start')
    return isWide ? `v${String(below(random, 9_999))}` : pick(random, ['true', '', 'false'])
  if (isWide && random() < 0.95) return `${pick(random, ODD)}${String(below(random, 9_999))}`
  if (name === 'time_spent_s') return pick(random, [...Object.keys(SECONDS), '', 'other'])
  if (name === 'device') return pick(random, ['desktop', 'mobile', '', '(other)'])
  return pick(random, name === 'event_name' ? ODD.slice(0, 5) : ODD)
}

function rowOf(random: Random, identity: Identity, start: number, isWide: boolean): StagedRow {
  const tenant = identity === 'signed' ? `tenant-${String(below(random, 4))}` : ''
  // The same names in every tenant: they are other people.
  const person = `person-${String(Math.floor(8 * random() ** 2))}`
  const network = identity === 'signed' ? '' : random() < 0.1 ? '' : `net-${String(below(random, 4))}`
  return {
    kind: pick(random, KINDS),
    statistic: pick(random, STATISTICS),
    hour: start + HOUR * (random() < 0.5 ? 9 + below(random, 3) : below(random, 24)),
    standing: random() < 0.85 ? 'established' : pick(random, ['trial', 'internal']),
    tenant,
    person,
    network,
    eid: `e${below(random, 10 ** 6).toString(36)}`,
    dims: Object.fromEntries(DIMENSIONS.map((name) => [name, valueOf(random, name, isWide)])),
  }
}

/** A row that has the event id of another, and more or less of the rest. */
function repetition(random: Random, earlier: StagedRow, fresh: StagedRow): StagedRow {
  const isSame = (): boolean => random() < 0.7
  const dims = Object.fromEntries(
    DIMENSIONS.map((name) => [name, (isSame() ? earlier : fresh).dims[name] ?? '']),
  )
  const { person, tenant, standing } = random() < 0.9 ? earlier : fresh
  const { hour, kind, network } = isSame() ? earlier : fresh
  return { ...earlier, person, tenant, standing, hour, kind, network, dims }
}

/** The population of a number. @param start ms, of the epoch */
export function populationOf(seed: number, start: number): Population {
  const random = randomOf(seed)
  const identity = seed % 2 === 0 ? 'signed' : 'network'
  const stream = seed % 10 < 7 ? 'day' : seed % 10 < 9 ? 'week' : 'month'
  const isWide = seed % 25 === 4 || seed % 25 === 7
  const rows: StagedRow[] = []
  const count = isWide ? 1_500 : 1 + below(random, 300)
  for (let at = 0; at < count; at += 1) {
    const row = rowOf(random, identity, start, isWide)
    rows.push(at > 0 && random() < 0.15 ? repetition(random, pick(random, rows), row) : row)
  }
  const cap = pick(random, [1, 2, 3, 6, 20, 100_000])
  return { site: `site-${String(seed)}`, identity, stream, cap, rows }
}

/** The row as a collector writes it: a JSONCompactEachRow line. @param epoch ms */
export function populationLine(
  { site, stream }: Population,
  row: StagedRow,
  plan: StreamPlan,
  epoch: number,
  received: number,
  number: number,
): Buffer {
  const { eid, hour, kind, network, person, standing, statistic, tenant } = row
  const own =
    stream === 'day'
      ? [utcDay(epoch), hour / 1_000, site, kind, standing, tenant, person, network, eid]
      : [utcDay(epoch), site, statistic, standing, tenant, person, network]
  const values = [
    PRODUCER,
    0,
    number,
    received / 1_000,
    ...own,
    ...plan.dimensions.map((name) => row.dims[name]),
  ]
  return Buffer.from(`${JSON.stringify(values)}\n`)
}

/** Trees of every shape that is released, and of some that are not. */
export function treesFor(stream: Stream): readonly TreeRequest[] {
  if (stream !== 'day') {
    return [
      { statistic: 'features', levels: ['event_name', 'device'] },
      { statistic: 'apps', levels: ['path'] },
      { statistic: 'it_s', levels: ['device', 'path', 'from_path'] },
      { statistic: 'no such', levels: ['path'] },
    ]
  }
  return [
    { kind: 'page_view', levels: ['path', 'device'], visits: true, seconds: SECONDS },
    { kind: 'page_view', levels: ['path'], hourly: true },
    { kind: 'page_view', levels: ['from_path', 'path'] },
    { kind: 'feature', levels: ['event_name', 'device'] },
    { kind: 'timing', levels: ['path', 'load_ms'] },
    { kind: 'error', levels: ['path'], hourly: true, visits: true },
    { levels: ['device', 'path', 'event_name'] },
    { levels: ['device', 'path'], hourly: true, seconds: SECONDS },
    { kind: 'no such', levels: ['path'] },
    { kind: 'feature', levels: [] },
  ]
}

/** Unions of nodes of a tree, some of which overlap, have no rows, or name values that nobody has. */
export function unionsFor(random: Random, nodes: readonly NodeCount[]): readonly UnionRequest[] {
  if (nodes.length === 0) return [{ hour: null, parent: [], parts: ['nothing'] }]
  return Array.from({ length: 1 + below(random, 6) }, () => {
    const { dims, hour } = pick(random, nodes)
    const parent = dims.slice(0, -1)
    const siblings = nodes.filter(
      (node) =>
        node.hour === hour &&
        node.dims.length === dims.length &&
        parent.every((value, at) => node.dims[at] === value),
    )
    const parts = siblings.filter(() => random() < 0.6).map((node) => node.dims.at(-1) ?? '')
    return { hour, parent, parts: random() < 0.2 ? [...parts, 'nothing', ...parts.slice(0, 1)] : parts }
  })
}

/** Steps that some people of the population did. */
export function stepsFor(random: Random, { rows }: Population): readonly FunnelStepRequest[] {
  return Array.from({ length: 1 + below(random, 4) }, () => {
    const { dims } = pick(random, rows)
    return random() < 0.5
      ? { of: 'page' as const, value: dims['path'] ?? '' }
      : { of: 'event' as const, value: random() < 0.9 ? (dims['event_name'] ?? '') : 'nothing' }
  })
}
