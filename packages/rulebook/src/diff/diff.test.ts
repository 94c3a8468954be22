import t from 'tap'
import { changed, loaded, shipped, type Texts } from '../testing/shipped.js'
import { whole } from '../testing/whole.js'
import type { Rulebook } from '../types.js'
import { type ChangeClass, diffRulebooks, sameDeclaration, takingEffect } from './index.js'

const erp = shipped('erp')
const website = shipped('website')
const base = loaded(erp)

/** One change of a text, the class that it must have, and the key that it is told at. */
type Case = readonly [
  before: string,
  after: string,
  kind: ChangeClass,
  path: string,
  of?: Texts,
  file?: string,
]

const LAPLACE = '{ unit: user-day, mechanism: laplace, epsilon: 1, cap_per_year: 400 }'
const GAUSSIAN = '{ unit: user-day, mechanism: gaussian, rho: 0.015, delta: 1e-7, cap_per_year: 5.5 }'
const gaussian = changed(whole(), LAPLACE, GAUSSIAN)

const CASES: readonly Case[] = [
  ['ipv4: 16', 'ipv4: 24', 'loosen', 'fields.client_ip.ipv4'],
  ['ipv6: 32', 'ipv6: 24', 'tighten', 'fields.client_ip.ipv6'],
  ['32, then: country', '32', 'loosen', 'fields.client_ip.then'],
  ['max_bits: 4', 'max_bits: 5', 'loosen', 'fields.user_agent.max_bits'],
  [', max_bits: 4', '', 'loosen', 'fields.user_agent.max_bits'],
  ['to: 1h', 'to: 2h', 'tighten', 'fields.timestamp.to'],
  ['to: 1h', 'to: 15m', 'loosen', 'fields.timestamp.to'],
  [
    'operations], otherwise: other',
    'operations, warehouse], otherwise: other',
    'loosen',
    'fields.role.values',
  ],
  ['admin, accounts,', 'accounts,', 'tighten', 'fields.role.values'],
  ['operations], otherwise: other', 'operations], otherwise: drop_event', 'tighten', 'fields.role.otherwise'],
  ['edges: [100, 300, 1000, 3000, 10000]', 'edges: [100, 1000, 10000]', 'tighten', 'fields.load_ms.edges'],
  [
    'edges: [100, 300, 1000, 3000, 10000]',
    'edges: [100, 200, 300, 1000, 3000, 10000]',
    'loosen',
    'fields.load_ms.edges',
  ],
  [
    'edges: [100, 300, 1000, 3000, 10000]',
    'edges: [150, 300, 1000, 3000, 10000]',
    'loosen',
    'fields.load_ms.edges',
  ],
  ['  search_text:', '  new_field: { do: allow, values: [a] }\n  search_text:', 'loosen', 'fields.new_field'],
  ['  search_text:', '  new_field: { do: drop, because: x }\n  search_text:', 'neutral', 'fields.new_field'],
  ['  utc_offset: { do: allow, pattern: quarter_hours }\n', '', 'tighten', 'fields.utc_offset'],
  ['because: free text', 'because: nobody asked', 'neutral', 'fields.search_text.because'],
  ['    - pan\n', '', 'loosen', 'scan.detectors'],
  ['- /login', '- /login\n  - /logout', 'loosen', 'fields.path.catalogue', erp, 'routes.yaml'],
  ['  - /login\n', '', 'tighten', 'fields.path.catalogue', erp, 'routes.yaml'],
  ['  bulk.import: { kind: feature }\n', '', 'tighten', 'events.bulk.import', erp, 'events.yaml'],
  [
    'bulk.import: { kind: feature }',
    'bulk.import: { kind: error }',
    'loosen',
    'events.bulk.import.kind',
    erp,
    'events.yaml',
  ],
  ['"8.3.0"', '"8.3.0", "8.4.0"', 'loosen', 'fields.app_version.values', erp, 'apps.yaml'],
  ['13 months', '6 months', 'tighten', 'purpose.max_consent_age'],
  ['id: product-usage-stats', 'id: security', 'loosen', 'purpose.id'],
  [
    '"https://erp.example.in"',
    '"https://erp.example.in", "https://new.example.in"',
    'loosen',
    'sites.erp.origins',
  ],
  ['lateness: 1h', 'lateness: 2h', 'loosen', 'epochs.lateness'],
  ['destroy_key_after: 48h', 'destroy_key_after: 24h', 'tighten', 'epochs.destroy_key_after'],
  ['staging: epoch + 48h', 'staging: epoch + 60h', 'loosen', 'keep.staging'],
  ['released: 25 months', 'released: 12 months', 'tighten', 'keep.released'],
  ['audit: 400 days', 'audit: 365 days', 'loosen', 'keep.audit'],
  ['audit: 400 days', 'audit: 400 days, spool: 2 GiB', 'neutral', 'keep.spool'],
  ['min_users: 10', 'min_users: 8', 'loosen', 'release.min_users'],
  ['min_tenants: 3', 'min_tenants: 5', 'tighten', 'release.min_tenants'],
  ['max_share: 50%', 'max_share: 60%', 'loosen', 'release.max_share'],
  ['max_person_share: 25%', 'max_person_share: 20%', 'tighten', 'release.max_person_share'],
  ['20 per kind and day', '30 per kind and day', 'loosen', 'release.max_events_per_person'],
  ['bots: drop', 'bots: count', 'loosen', 'bots'],
  ['assets: drop', 'assets: count', 'loosen', 'assets'],
  ['title: Errors', 'title: Faults', 'neutral', 'statistics.errors.title'],
  ['model_class]\n', 'model_class, os]\n', 'loosen', 'statistics.apps.by'],
  ['by: [from_path, path]', 'by: [path, from_path]', 'neutral', 'statistics.navigation.by'],
  ['drill: [role]\n    ', '', 'tighten', 'statistics.features.drill'],
  ['version: 2026.11.1', 'version: 2026.11.2', 'neutral', 'version'],
  ['expires: 2027-11-30', 'expires: 2027-11-01', 'neutral', 'expires'],
  ['clauses: ["2b", ', 'clauses: [', 'loosen', 'policy.clauses'],
  [
    'words: any',
    'words: words.yaml',
    'tighten',
    'fields.path.generic.words',
    { ...website, 'words.yaml': 'words: [blog]\n' },
  ],
  ['people: exact', 'people: floored', 'tighten', 'statistics.pages.people', website],
  ['min_networks: 5', 'min_networks: 4', 'loosen', 'release.min_networks', website],
  ['noise: off', 'noise: off\n  step: 20', 'tighten', 'release.step'],
  ['step: 20', 'step: 25', 'tighten', 'release.step', whole()],
  ['noise: off', `noise: ${LAPLACE}`, 'tighten', 'release.noise'],
  ['epsilon: 1,', 'epsilon: 2,', 'loosen', 'release.noise.epsilon', whole()],
  ['cap_per_year: 400', 'cap_per_year: 300', 'tighten', 'release.noise.cap_per_year', whole()],
  ['rho: 0.015', 'rho: 0.01', 'tighten', 'release.noise.rho', gaussian],
  ['delta: 1e-7', 'delta: 1e-6', 'loosen', 'release.noise.delta', gaussian],
  [LAPLACE, GAUSSIAN, 'loosen', 'release.noise.mechanism', whole()],
  [
    'bulk.import: { kind: feature }',
    'bulk.import: { kind: feature, sensitive: true }',
    'tighten',
    'events.bulk.import.sensitive',
    erp,
    'events.yaml',
  ],
  [', per: pages', '', 'neutral', 'statistics.errors.per', whole()],
  [
    'measures: [users, events, visits, time_s]',
    'measures: [users, events, visits]',
    'tighten',
    'statistics.pages.measures',
    whole(),
  ],
]

const OPPOSITE = { tighten: 'loosen', neutral: 'neutral', loosen: 'tighten' } as const
/** Changes that loosen both ways: what passes is other, and neither is less. */
const EITHER_WAY = new Set(['purpose.id', 'events.bulk.import.kind', 'release.noise.mechanism'])

for (const [before, after, kind, path, of = erp, file] of CASES) {
  t.test(
    `${path}: ${JSON.stringify(after.slice(0, 40))} for ${JSON.stringify(before.slice(0, 40))} is ${kind}`,
    async (t) => {
      const from = loaded(of)
      const to = loaded(changed(of, before, after, file))
      const diff = diffRulebooks(from, to)
      t.equal(diff.class, kind, JSON.stringify(diff.changes))
      const change = diff.changes.find((candidate) => candidate.path === path)
      t.ok(change, diff.changes.map((candidate) => candidate.path).join())
      t.ok(change?.says.endsWith('.'))
      const back = diffRulebooks(to, from)
      const shifted = path === 'fields.load_ms.edges' && before.includes('300, 1000') && after.includes('150')
      const wayBack = EITHER_WAY.has(path) || shifted ? 'loosen' : OPPOSITE[kind]
      // To serve one more clause is a word, to serve one less is a promise taken back.
      t.equal(back.class, path === 'policy.clauses' ? 'neutral' : wayBack, 'and the way back')
    },
  )
}

t.test('a rulebook does not differ from itself, nor by comments and order', async (t) => {
  for (const texts of [erp, website, whole()]) t.same(diffRulebooks(loaded(texts), loaded(texts)).changes, [])
  const moved = changed(
    changed(erp, 'bots: drop\n', ''),
    'region: in\n\n',
    'region: in\nbots: drop # here now\n\n',
  )
  t.same(diffRulebooks(base, loaded(moved)), { class: 'neutral', changes: [], refusal: null })
})

t.test('what is told of a sensitive event changes at midnight, since it hangs on whole days', async (t) => {
  const now = Date.UTC(2026, 11, 2, 10)
  const from = (texts: Texts) => takingEffect(diffRulebooks(base, loaded(texts)), loaded(texts), now)
  const event = 'bulk.import: { kind: feature }'
  const marked = changed(erp, event, 'bulk.import: { kind: feature, sensitive: true }', 'events.yaml')
  t.same(from(marked), { at: Date.UTC(2026, 11, 3), atOnce: false })
  t.same(from(changed(erp, `  ${event}\n`, '', 'events.yaml')), { at: now, atOnce: true })
})

t.test('a spool is told as it is written, and its default is no change', async (t) => {
  const spool = (size: string) => loaded(changed(erp, 'audit: 400 days', `audit: 400 days, spool: ${size}`))
  t.same(diffRulebooks(base, spool('1 GiB')).changes, [])
  t.same(diffRulebooks(base, spool('1024 MiB')).changes, [])
  t.match(diffRulebooks(base, spool('512 MiB')).changes, [
    {
      path: 'keep.spool',
      class: 'neutral',
      from: '1 GiB',
      to: '512 MiB',
      says: /^Fewer sealed batches may wait/,
    },
  ])
  t.match(diffRulebooks(spool('512 MiB'), spool('1536 MiB')).changes, [
    { from: '512 MiB', to: '1536 MiB', says: /^More sealed batches may wait/ },
  ])
})

t.test('the whole is as bad as its worst change', async (t) => {
  const tighter = changed(erp, 'min_users: 10', 'min_users: 20')
  t.equal(diffRulebooks(base, loaded(tighter)).class, 'tighten')
  const mixed = changed(tighter, 'title: Errors', 'title: Faults')
  t.equal(diffRulebooks(base, loaded(mixed)).class, 'neutral')
  t.equal(diffRulebooks(base, loaded(changed(mixed, 'bots: drop', 'bots: count'))).class, 'loosen')
})

t.test('a loosening before notice and 30 days is refused, with the first day that it may', async (t) => {
  const looser = changed(erp, 'min_users: 10', 'min_users: 8')
  t.equal(diffRulebooks(base, loaded(looser)).refusal, null, 'told on 1 October, in effect on 1 November')
  const late = changed(looser, 'notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-03 }')
  t.match(diffRulebooks(base, loaded(late)).refusal, { code: 'RULE_LOOSEN_NOTICE', earliest: '2026-11-02' })
  const just = changed(looser, 'notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-02 }')
  t.equal(diffRulebooks(base, loaded(just)).refusal, null, 'exactly 30 days')
  const none = changed(looser, 'notice: { at: 2026-10-01 } # people were told a month before\n', '')
  t.match(diffRulebooks(base, loaded(none)).refusal, { earliest: null })
  const tighter = changed(late, 'min_users: 8', 'min_users: 12')
  t.equal(diffRulebooks(base, loaded(tighter)).refusal, null, 'a tightening needs no notice')
})

/** Every leaf of a plain value, by path. */
function* leaves(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<readonly (string | number)[]> {
  if (value instanceof Set || typeof value !== 'object' || value === null) yield path
  else
    for (const key of Object.keys(value))
      yield* leaves((value as Record<string, unknown>)[key], [...path, key])
}

/** A copy with another value at a path. */
function withOther(value: unknown, path: readonly (string | number)[]): unknown {
  const [key, ...rest] = path
  if (key === undefined) {
    if (value instanceof Set) return new Set([...value].slice(1))
    if (value === null) return 0
    // A time of the day more, a count one more.
    if (typeof value === 'number') return value + (value > 1e11 ? 86_400_000 : 1)
    return typeof value === 'boolean' ? !value : `${String(value)}x`
  }
  const copy: unknown = Array.isArray(value) ? [...value] : { ...(value as object) }
  const record = copy as Record<string | number, unknown>
  record[key] = withOther(record[key], rest)
  return copy
}

t.test(
  'no difference of meaning goes unnoticed: each leaf of a rulebook that changes is a change',
  async (t) => {
    // These follow from the rest, or name the thing that is compared.
    const derived = /^(?:hash|sources|statistics,\d+,id|sites,[a-z]+,id|scan$)/
    for (const texts of [whole(), gaussian, website]) {
      const rulebook = loaded(texts)
      let looked = 0
      for (const path of leaves(rulebook)) {
        if (derived.test(path.join())) continue
        const { changes } = diffRulebooks(rulebook, withOther(rulebook, path) as Rulebook)
        t.ok(changes.length > 0, path.join('.'))
        looked += 1
      }
      t.ok(looked > 60)
    }
  },
)

t.test(
  'a statistic means the same only where its declaration, fields, events and thresholds are equal',
  async (t) => {
    const same = (before: string, after: string, id: string, file?: string) =>
      sameDeclaration(base, loaded(changed(erp, before, after, file)), id)
    t.ok(same('title: Errors', 'title: Faults', 'errors'))
    t.ok(same('    - pan\n', '', 'apps'), 'detectors drop events, they change no statistic')
    t.ok(same('- /login', '- /login\n  - /logout', 'apps', 'routes.yaml'))
    t.notOk(same('- /login', '- /login\n  - /logout', 'pages', 'routes.yaml'))
    t.notOk(same('min_users: 10', 'min_users: 12', 'apps'))
    t.notOk(same('by: [app_version, model_class]', 'by: [app_version, os]', 'apps'))
    t.notOk(sameDeclaration(base, base, 'none'))
    t.notOk(same('noise: off', `noise: ${LAPLACE}`, 'apps'))
    t.notOk(same('noise: off', 'noise: off\n  step: 20', 'apps'))
    const rated = loaded(whole())
    t.ok(
      sameDeclaration(rated, loaded(changed(whole(), ', per: pages', '')), 'errors'),
      'a rate is worked out',
    )
    const slower = changed(whole(), 'edges: [10, 30, 60, 300, 1800]', 'edges: [10, 60, 300, 1800]')
    t.notOk(sameDeclaration(rated, loaded(slower), 'pages'), 'seconds hang on the buckets')
    t.ok(sameDeclaration(rated, loaded(slower), 'errors'))
  },
)
