/** A rulebook and realms for tests. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import { dimsKey, isPooled, type LiveNumber, NONE, OTHER, type ReleasedCell } from './answer/index.js'
import type { WindowCount } from './answer/withheld.js'
import type {
  CellQuery,
  CheckResult,
  CommittedManifest,
  DetectionRow,
  KeyRecord,
  LedgerRow,
  Realm,
  RealmAudit,
  RealmName,
  RulebookHistory,
} from './realm.js'

const DAY = 86_400_000

export const pages: Statistic = {
  id: 'pages',
  shape: { type: 'counts' },
  title: 'Pages',
  site: 'erp',
  windows: ['day'],
  where: { kind: 'page_view' },
  by: ['path'],
  drill: ['device'],
  measures: ['users', 'events'],
  people: 'floored',
}

export const devices: Statistic = {
  id: 'devices',
  shape: { type: 'counts' },
  title: 'Devices',
  site: 'erp',
  windows: ['week', 'day'],
  where: {},
  by: ['role', 'cohort'],
  drill: [],
  measures: ['users'],
  people: 'floored',
}

export const rulebook: Rulebook = {
  name: 'test-usage',
  version: '2026.11.1',
  hash: 'a'.repeat(64),
  policy: { version: '2026-11-01', clauses: ['3'] },
  effective: Date.UTC(2026, 9, 1),
  expires: Date.UTC(2027, 9, 1),
  noticeAt: null,
  purpose: {
    id: 'product-usage-stats',
    consent: 'analytics',
    maxConsentAgeMonths: 13,
    refuseWhen: new Set(),
  },
  sites: {
    erp: {
      id: 'erp',
      origins: ['https://erp.example.in'],
      identity: 'signed',
      lawfulBasis: 'consent',
      region: 'in',
    },
  },
  epochs: { streams: ['day'], latenessMs: 3_600_000, destroyKeyAfterMs: 2 * DAY },
  fields: {
    path: { do: 'template', routes: ['/a', '/b', '/c'], otherwise: '/other' },
    role: { do: 'allow', values: ['admin', 'sales'], otherwise: 'other' },
    cohort: { do: 'allow', pattern: 'month' },
  },
  events: { page_view: { kind: 'page_view' } },
  statistics: [pages, devices],
  release: {
    minUsers: 10,
    minTenants: 3,
    minNetworks: 5,
    maxShare: 0.5,
    maxPersonShare: 0.25,
    maxEventsPerPerson: 20,
    step: 10,
    noise: null,
  },
  keep: { logMs: DAY, stagingAfterEpochMs: 2 * DAY, releasedMonths: 25, auditDays: 400, spoolBytes: 2 ** 30 },
  scan: null,
  bots: 'drop',
  assets: 'drop',
  region: 'in',
  examples: [],
  sources: { 'rulebook.yaml': 'rulebook: test-usage\n' },
}

/** A cell of `pages`. @param day UTC day */
export function cell(
  day: string,
  path: string,
  users: number | null,
  events: number | null = null,
): ReleasedCell {
  return {
    statistic: 'pages',
    window: 'day',
    windowStart: Date.parse(day),
    dims: [path],
    users,
    events,
    floor: users === null ? null : 10,
    visits: null,
    time_s: null,
    share: null,
    users_error: null,
    events_error: null,
    rulebook: rulebook.hash,
  }
}

/** Cells of a query in the order of the port: by window, the largest first, pools last. */
function select(
  cells: readonly ReleasedCell[],
  { depth, dims, from, limit, statistic, to, top, window }: CellQuery,
): readonly ReleasedCell[] {
  const named = dims === undefined ? null : new Set(dims.map(dimsKey))
  const found = cells
    .filter(
      (one) =>
        one.statistic === statistic &&
        one.window === window &&
        (depth === undefined || one.dims.length === depth) &&
        (named === null || named.has(dimsKey(one.dims))) &&
        within(new Date(one.windowStart).toISOString().slice(0, 10), from, to),
    )
    .toSorted(
      (a, b) =>
        a.windowStart - b.windowStart ||
        Number(isPooled(a)) - Number(isPooled(b)) ||
        (b.users ?? -1) - (a.users ?? -1) ||
        (b.events ?? -1) - (a.events ?? -1) ||
        (dimsKey(a.dims) < dimsKey(b.dims) ? -1 : 1),
    )
  const seen = new Map<number, number>()
  const largest = found.filter((one) => {
    if (top === undefined || one.dims[0] === OTHER) return true
    const rank = (seen.get(one.windowStart) ?? 0) + 1
    seen.set(one.windowStart, rank)
    return rank <= top
  })
  return largest.slice(0, limit)
}

function counts(cells: readonly ReleasedCell[], query: CellQuery): readonly WindowCount[] {
  const found = new Map<number, WindowCount>()
  for (const one of select(cells, query)) {
    const known = found.get(one.windowStart)?.cells ?? 0
    const isValue = !isPooled(one) && !one.dims.includes(NONE)
    found.set(one.windowStart, {
      windowStart: one.windowStart,
      rulebook: one.rulebook,
      cells: known + Number(isValue),
    })
  }
  return [...found.values()]
}

function within(day: string, from?: string, to?: string): boolean {
  return (from === undefined || day >= from) && (to === undefined || day <= to)
}

/** A realm over arrays, which keeps the promises of its port. */
export function realm(
  name: RealmName,
  cells: readonly ReleasedCell[],
  ledger: readonly LedgerRow[] = [],
  rules: Rulebook = rulebook,
  more: {
    readonly detections?: readonly DetectionRow[]
    readonly history?: RulebookHistory
    readonly checks?: readonly CheckResult[]
    readonly keys?: readonly KeyRecord[]
    readonly audit?: RealmAudit
    readonly live?: readonly LiveNumber[]
    readonly manifest?: CommittedManifest
    /** rules of cells that were released under others */
    readonly former?: readonly Rulebook[]
  } = {},
): Realm {
  return {
    name,
    sample: name === 'sample',
    rulebook: rules,
    ruled: (hash) => [rules, ...(more.former ?? [])].find((one) => one.hash === hash) ?? null,
    cells: async (query) => select(cells, query),
    counts: async (query) => counts(cells, query),
    latest: async () =>
      cells.map(({ statistic, window, windowStart }) => ({ statistic, window, windowStart })),
    live: async () => more.live ?? [],
    manifest: async () => more.manifest ?? null,
    detections: async ({ from, to }) => (more.detections ?? []).filter(({ day }) => within(day, from, to)),
    checks: () => more.checks ?? [],
    keys: async () => more.keys ?? [],
    audit: more.audit ?? {
      head: async () => null,
      publicKey: async () => '',
      read: async () => Buffer.alloc(0),
    },
    history: () => more.history ?? { since: null, pending: null, history: [] },
    ledger: async ({ from, to }) => ledger.filter(({ hour }) => within(hour.slice(0, 10), from, to)),
  }
}
