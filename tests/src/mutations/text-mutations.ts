/** Mutants of the ERP's rulebook as somebody could write them: pieces of its texts replaced. */
import { DETECTORS } from '@tacit/rulebook'

/** Files by name, the rulebook itself as `rulebook.yaml`. */
export type Texts = Readonly<Record<string, string>>

export interface TextMutation {
  readonly name: string
  mutate(texts: Texts): Texts
}

const RULEBOOK = 'rulebook.yaml'

/** The texts with one piece replaced. @throws where it does not stand there exactly once */
function replaced(texts: Texts, [before, after, file = RULEBOOK]: Change): Texts {
  const parts = (texts[file] ?? '').split(before)
  if (parts.length !== 2) throw new Error(`${String(parts.length - 1)} times in ${file}: ${before}`)
  return { ...texts, [file]: parts.join(after) }
}

/** What stands in a file (the rulebook by default), and what comes in its place. */
type Change = readonly [string, string, string?]

const change = (name: string, ...changes: readonly Change[]): TextMutation => ({
  name,
  mutate: (texts) => changes.reduce(replaced, texts),
})
/** `before → after` is its name. */
const swap = (before: string, after: string, file?: string): TextMutation =>
  change(`${before.trim()} → ${after.trim() === '' ? 'nothing' : after.trim()}`, [
    before,
    after,
    ...(file === undefined ? ([] as const) : ([file] as const)),
  ])

/** Fields whose whole rule is taken out: then nothing says what becomes of them. */
const FIELDS = [
  'user_id',
  'tenant_id',
  'client_ip',
  'user_agent',
  'utc_offset',
  'timestamp',
  'path',
  'from_path',
  'event_name',
  'role',
  'cohort',
  'load_ms',
  'time_spent_s',
  'visit_start',
  'app_version',
  'device_model',
  'search_text',
]
const STATISTICS = [
  'pages',
  'features',
  'navigation',
  'devices',
  'speed',
  'apps',
  'errors',
  'invoice',
  'retention',
  'live',
]
const SIGNALS = ['gpc', 'dnt', 'objected', 'tenant_opted_out', 'account_closed', 'not_adult', 'wrong_region']

const withoutField = (field: string): TextMutation => ({
  name: `the rule of ${field} is taken out`,
  mutate: (texts) => {
    const text = texts[RULEBOOK] ?? ''
    const left = text.replace(new RegExp(`^ {2}${field}: \\{.*\\n`, 'm'), '')
    if (left === text) throw new Error(`no field ${field}`)
    return { ...texts, [RULEBOOK]: left }
  },
})
const withoutStatistic = (id: string): TextMutation => ({
  name: `the statistic ${id} is taken out`,
  mutate: (texts) => {
    const text = texts[RULEBOOK] ?? ''
    const left = text.replace(new RegExp(`^ {2}${id}:.*\\n(?: {4}.*\\n)+`, 'm'), '')
    if (left === text) throw new Error(`no statistic ${id}`)
    return { ...texts, [RULEBOOK]: left }
  },
})
const withoutSignal = (signal: string): TextMutation =>
  change(`refuse_when no longer names ${signal}`, [
    'refuse_when: [gpc, dnt, objected, tenant_opted_out, account_closed, not_adult, wrong_region]',
    `refuse_when: [${SIGNALS.filter((other) => other !== signal).join(', ')}]`,
  ])

const IDENTITY_AND_SITES: readonly TextMutation[] = [
  swap('default: drop', 'default: allow'),
  swap('policy: { version: "2026-11-01"', 'policy: { version: "2026-10-01"'),
  swap('"9", "10", "11"]', '"9", "11"]'),
  swap('notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-25 }'),
  swap('notice: { at: 2026-10-01 }', 'notice: { at: 2026-11-02 }'),
  swap('expires: 2027-11-30', 'expires: 2027-12-01'),
  swap('expires: 2027-11-30', 'expires: 2029-11-30'),
  swap('id: product-usage-stats', 'id: marketing'),
  swap('consent: analytics', 'consent: marketing'),
  swap('max_consent_age: 13 months', 'max_consent_age: 12 months'),
  swap('max_consent_age: 13 months', 'max_consent_age: 24 months'),
  swap('["https://erp.example.in"]', '["https://erp.example.in", "https://evil.example"]'),
  swap('["https://erp.example.in"]', '["http://erp.example.in"]'),
  swap('["https://erp.example.in"]', '["*"]'),
  swap('identity: signed', 'identity: network'),
  swap('lawful_basis: consent', 'lawful_basis: exempt-measurement'),
  change('the ERP’s people are counted by address, on no consent', [
    'identity: signed, lawful_basis: consent',
    'identity: network, lawful_basis: exempt-measurement',
  ]),
  swap('lawful_basis: consent, region: in', 'lawful_basis: consent, region: eu'),
  change(
    'keys and records move to another region',
    ['consent, region: in', 'consent, region: eu'],
    ['assets: drop\nregion: in', 'assets: drop\nregion: eu'],
  ),
  swap('timezone: UTC', 'timezone: Asia/Kolkata'),
  swap('bots: drop', 'bots: count'),
  swap('assets: drop', 'assets: count'),
]

const LIVES: readonly TextMutation[] = [
  swap('streams: [day, week]', 'streams: [day, week, month]'),
  swap('streams: [day, week]', 'streams: [day, month]'),
  swap('streams: [day, week]', 'streams: [day]'),
  swap('lateness: 1h', 'lateness: 2h'),
  swap('lateness: 1h', 'lateness: 25h'),
  swap('destroy_key_after: 48h', 'destroy_key_after: 72h'),
  swap('destroy_key_after: 48h', 'destroy_key_after: 720h'),
  swap('log: 24h', 'log: 23h'),
  swap('log: 24h', 'log: 168h'),
  swap('staging: epoch + 48h', 'staging: epoch + 72h'),
  swap('staging: epoch + 48h', 'staging: epoch + 2160h'),
  swap('released: 25 months', 'released: 24 months'),
  swap('released: 25 months', 'released: 60 months'),
  swap('audit: 400 days', 'audit: 365 days'),
  swap('audit: 400 days', 'audit: 30 days'),
  swap('audit: 400 days', 'audit: 400 days, spool: 2 GiB'),
  swap('audit: 400 days', 'audit: 400 days, spool: 65 GiB'),
]

const FIELD_RULES: readonly TextMutation[] = [
  swap('scope: [tenant, purpose, epoch]', 'scope: [tenant, purpose]'),
  swap('scope: [tenant, purpose, epoch]', 'scope: [purpose, epoch]'),
  swap('scope: [tenant, purpose, epoch]', 'scope: [tenant, epoch]'),
  swap(
    'tenant_id: { do: pseudonym, scope: [purpose, epoch] }',
    'tenant_id: { do: pseudonym, scope: [purpose] }',
  ),
  swap('ipv4: 16', 'ipv4: 32'),
  swap('ipv4: 16', 'ipv4: 24'),
  swap('ipv4: 16', 'ipv4: 17'),
  swap('ipv6: 32', 'ipv6: 128'),
  swap('ipv6: 32', 'ipv6: 48'),
  swap(', then: country', ''),
  swap('max_bits: 4', 'max_bits: 5'),
  swap('max_bits: 4', 'max_bits: 3'),
  swap(', max_bits: 4', ''),
  swap('to: [browser, os, device]', 'to: [browser, os, device, version]'),
  swap('pattern: quarter_hours', 'values: [330, 331]'),
  swap('pattern: month', 'values: ["2026-03-17", "2026-03"]'),
  swap('do: coarsen, to: 1h', 'do: coarsen, to: 15m'),
  swap('do: coarsen, to: 1h', 'do: coarsen, to: 1m'),
  swap(
    '  path: { do: template, catalogue: routes.yaml, otherwise: /other }',
    '  path: { do: template, catalogue: routes.yaml, otherwise: /elsewhere }',
  ),
  swap(
    '  path: { do: template, catalogue: routes.yaml, otherwise: /other }',
    '  path: { do: template, generic: { words: any } }',
  ),
  swap(
    '  from_path: { do: template, catalogue: routes.yaml, otherwise: /other }',
    '  from_path: { do: template, generic: { words: any } }',
  ),
  swap('otherwise: drop_event', 'otherwise: other'),
  swap(
    'values: [admin, accounts, sales, operations], otherwise: other',
    'values: [admin, accounts, sales, operations]',
  ),
  swap('sales, operations]', 'sales, operations, head of payroll]'),
  swap('catalogue: apps.yaml, otherwise: other', 'catalogue: apps.yaml'),
  swap('edges: [100, 300, 1000, 3000, 10000]', 'edges: [100, 200, 300, 1000, 3000, 10000]'),
  swap('edges: [10, 30, 60, 300, 1800]', 'edges: [1, 2, 3, 4, 5, 6]'),
  swap('values: [true]', 'values: [true, false]'),
  swap('to: [model_class]', 'to: [model]'),
  swap('search_text: { do: drop, because: free text }', 'search_text: { do: allow, values: [invoice] }'),
  swap('search_text: { do: drop, because: free text }', 'search_text: { do: allow }'),
  swap('  search_text:', '  note: { do: allow, values: [zzz] }\n  search_text:'),
  swap('  search_text:', '  language: { do: allow, values: [en, hi] }\n  search_text:'),
]

const CATALOGUES: readonly TextMutation[] = [
  swap('  - /login\n', '  - /login\n  - /people/:name\n', 'routes.yaml'),
  swap('  - /login\n', '  - /login\n  - /customers/acme-traders\n', 'routes.yaml'),
  swap('  - /customers/:id\n', '  - /customers/48211\n', 'routes.yaml'),
  swap('  - /customers/:id\n', '', 'routes.yaml'),
  swap('  - /login\n', '', 'routes.yaml'),
  swap('  bulk.import:', '  made.up: { kind: feature }\n  bulk.import:', 'events.yaml'),
  swap('  bulk.import: { kind: feature }', '  bulk.import: { kind: page_view }', 'events.yaml'),
  swap('  app_error: { kind: error }', '  app_error: { kind: feature }', 'events.yaml'),
  swap('  payroll.run: { kind: feature, sensitive: true }\n', '', 'events.yaml'),
  swap(', sensitive: true', '', 'events.yaml'),
  swap('gst.file: { kind: feature }', 'gst.file: { kind: feature, sensitive: true }', 'events.yaml'),
  swap('"8.3.0"', '"8.3.0", "9.0.0-ravi"', 'apps.yaml'),
  swap(', "8.3.0"', '', 'apps.yaml'),
]

const SCAN: readonly TextMutation[] = [
  ...DETECTORS.map((detector) =>
    change(`the detector ${detector} is taken out`, [`    - ${detector}\n`, '']),
  ),
  {
    name: 'nothing is searched for identifiers',
    mutate: (texts) => ({
      ...texts,
      [RULEBOOK]: (texts[RULEBOOK] ?? '').replace(/^scan:\n(?: {2}.*\n)+/m, ''),
    }),
  },
  swap('on_hit: drop_event', 'on_hit: keep'),
]

const PUBLISHED: readonly TextMutation[] = [
  swap('by: [path]\n    drill: [device]', 'by: [path]\n    drill: [device, browser, os]'),
  swap('drill: [role]', 'drill: [role, cohort]'),
  swap('drill: [role]', 'drill: [tenant_id]'),
  swap(
    'by: [from_path, path]\n    measures: [users]',
    'by: [from_path, path]\n    measures: [users, events]',
  ),
  swap('by: [device, os, browser]', 'by: [device, os, browser, country]'),
  swap(
    'by: [device, os, browser]\n    measures: [users]',
    'by: [device, os, browser]\n    measures: [users]\n    people: exact',
  ),
  swap('by: [path]\n    histogram', 'by: [path, role]\n    histogram'),
  swap('histogram: load_ms', 'histogram: time_spent_s'),
  swap('by: [path]\n    histogram: load_ms', 'by: [path, load_ms]\n    measures: [users, events]'),
  swap('by: [app_version, model_class]', 'by: [app_version, utc_offset]'),
  swap('by: [app_version, model_class]', 'by: [user_id]'),
  swap('title: Errors\n    window: day', 'title: Errors\n    window: [day, hour]'),
  change('errors are counted by the week too', [
    'title: Errors\n    window: day',
    'title: Errors\n    window: [day, week]',
  ]),
  swap('    where: { kind: timing }\n    by: [path]', '    by: [path]'),
  change('a statistic of salaries is declared', [
    '  invoice:\n',
    '  salaries:\n    site: erp\n    title: Salaries\n    window: day\n    where: { kind: feature }\n    by: [role, utc_offset]\n    measures: [users]\n  invoice:\n',
  ]),
  swap('window: [hour, day]', 'window: [hour, day, week]'),
  swap('window: [day, week]', 'window: [week]'),
  swap('    per: pages\n', ''),
  swap('per: pages', 'per: features'),
  swap(', visits, time_s]', ']'),
  swap('"event:invoice.save", ', ''),
  swap('retention: { cohort: cohort }', 'retention: { cohort: role }'),
  swap('window: 5m', 'window: [5m, day]'),
  ...STATISTICS.map(withoutStatistic),
]

const THRESHOLDS: readonly TextMutation[] = [
  swap('min_users: 10', 'min_users: 5'),
  swap('min_users: 10', 'min_users: 1'),
  swap('min_tenants: 3', 'min_tenants: 2'),
  swap('min_tenants: 3', 'min_tenants: 1'),
  swap('  min_tenants: 3\n', ''),
  swap('max_share: 50%', 'max_share: 75%'),
  swap('max_share: 50%', 'max_share: 100%'),
  swap('  max_share: 50%\n', ''),
  swap('max_person_share: 25%', 'max_person_share: 50%'),
  swap('max_person_share: 25%', 'max_person_share: 100%'),
  swap('max_events_per_person: 20', 'max_events_per_person: 21'),
  swap('max_events_per_person: 20', 'max_events_per_person: 100000'),
  swap('  min_tenants: 3\n', '  min_tenants: 3\n  min_networks: 2\n'),
  swap('noise: off', 'noise: off\n  step: 20'),
  swap('noise: off', 'noise: off\n  step: 5'),
  swap('noise: off', 'noise: { unit: user-day, mechanism: laplace, epsilon: 1, cap_per_year: 365 }'),
  swap('noise: off', 'noise: { unit: user-day, mechanism: laplace, epsilon: 0, cap_per_year: 365 }'),
]

export const TEXT_MUTATIONS: readonly TextMutation[] = [
  ...IDENTITY_AND_SITES,
  ...SIGNALS.map(withoutSignal),
  ...LIVES,
  ...FIELDS.map(withoutField),
  ...FIELD_RULES,
  ...CATALOGUES,
  ...SCAN,
  ...PUBLISHED,
  ...THRESHOLDS,
]
