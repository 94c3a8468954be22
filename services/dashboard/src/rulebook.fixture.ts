/** A rulebook and realms for tests. */
import type { Rulebook, Statistic } from '@tacit/rulebook'
import type { StoredCell } from '@tacit/warehouse'
import type {
  CheckResult,
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
): StoredCell {
  return {
    statistic: 'pages',
    window: 'day',
    windowStart: Date.parse(day),
    dims: [path],
    users,
    events,
    floor: users === null ? null : 10,
    rulebook: rulebook.hash,
  }
}

/** A realm over arrays, which keeps the promise of its port: only the asked statistic, window and days. */
export function realm(
  name: RealmName,
  cells: readonly StoredCell[],
  ledger: readonly LedgerRow[] = [],
  rules: Rulebook = rulebook,
  more: {
    readonly detections?: readonly DetectionRow[]
    readonly history?: RulebookHistory
    readonly checks?: readonly CheckResult[]
    readonly keys?: readonly KeyRecord[]
    readonly audit?: RealmAudit
  } = {},
): Realm {
  const within = (day: string, from?: string, to?: string) =>
    (from === undefined || day >= from) && (to === undefined || day <= to)
  return {
    name,
    sample: name === 'sample',
    rulebook: rules,
    cells: async ({ statistic, window, from, to }) =>
      cells.filter(
        (one) =>
          one.statistic === statistic &&
          one.window === window &&
          within(new Date(one.windowStart).toISOString().slice(0, 10), from, to),
      ),
    released: async () =>
      cells.map(({ statistic, window, windowStart }) => ({ statistic, window, windowStart, cells: 1 })),
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
