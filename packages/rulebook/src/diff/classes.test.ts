/** Every kind of change, there and back: what it does to people decides its class, not how it looks. */
import t from 'tap'
import { changed, FILE, loaded, shipped, type Texts } from '../testing/shipped.js'
import { whole } from '../testing/whole.js'
import type { Rulebook } from '../types.js'
import { activationNeeds, type ChangeClass, diffRulebooks } from './index.js'

const erp = shipped('erp')
const website = shipped('website')
const everything = whole()

type Row = readonly [
  before: string,
  after: string,
  there: ChangeClass,
  back: ChangeClass,
  of?: Texts,
  file?: string,
]

const ROUTES = 'routes.yaml'
const GENERIC = 'path: { do: template, generic: { words: any } }'
const path = (rule: string): string => `path: { do: template, ${rule} }`
/** The website's rulebook with a path rule, and the catalogues that such rules may name. */
const website2 = (rule: string): Texts => ({
  ...changed(website, GENERIC, path(rule)),
  'words.yaml': 'words: [blog, orders]\n',
  'more.yaml': 'words: [blog, orders, about]\n',
  'known.yaml': 'routes: [/blog, "/blog/:slug", "/orders/:id"]\n',
  'fresh.yaml': 'routes: [/blog, "/blog/:slug", /acme-traders]\n',
  'long.yaml': 'routes: [/blog, /k7q2m9x4w8z3n5v1t6r0]\n',
})
const WORDS = 'generic: { words: words.yaml }'
const catalogue = (file: string): string => `catalogue: ${file}, otherwise: /other`
const words = (before: string, after: string, there: ChangeClass, back: ChangeClass): Row => [
  path(before),
  path(after),
  there,
  back,
  website2(before),
]
const inRoutes = (before: string, after: string, there: ChangeClass, back: ChangeClass): Row => [
  before,
  after,
  there,
  back,
  erp,
  ROUTES,
]
const EDGES = 'edges: [100, 300, 1000, 3000, 10000]'
const ROLE = 'values: [admin, accounts, sales, operations], otherwise: other'
const AGENT = 'to: [browser, os, device], max_bits: 4'
const COUNTRY = 'ipv4: 16, ipv6: 32, then: country'
const STREAMS = 'streams: [day, week, month]'

/** By what they change: the piece, what replaces it, the class there, the class back. */
const TABLE: Readonly<Record<string, readonly Row[]>> = {
  'addresses: fewer bits and a country tell less': [
    ['ipv4: 16', 'ipv4: 17', 'loosen', 'tighten'],
    ['ipv6: 32', 'ipv6: 33', 'loosen', 'tighten'],
    [COUNTRY, 'ipv4: 16, ipv6: 32', 'loosen', 'tighten'],
    [COUNTRY, 'ipv4: 8, ipv6: 16', 'loosen', 'loosen'],
  ],
  'routes: a new name tells more, whatever it replaces': [
    inRoutes('- /login', '- /login\n  - /customers/new', 'loosen', 'tighten'),
    inRoutes('- /login\n', '- /:place\n', 'loosen', 'loosen'),
    // A name of a parameter says nothing of anybody.
    inRoutes('- /customers/:id\n', '- /customers/:who\n', 'neutral', 'neutral'),
    // Without /a/:x the page /a/b is told by its second part.
    [
      'routes: ["/a/:x", "/:y/b", /invoices/new]',
      'routes: ["/:y/b", /invoices/new]',
      'loosen',
      'loosen',
      { ...erp, [ROUTES]: 'routes: ["/a/:x", "/:y/b", /invoices/new]\n' },
      ROUTES,
    ],
    // /new went before /:x and has pages of its own either way.
    [
      'routes: ["/a/:x", /a/new, /invoices/new]',
      'routes: [/a/new, /invoices/new]',
      'tighten',
      'loosen',
      { ...erp, [ROUTES]: 'routes: ["/a/:x", /a/new, /invoices/new]\n' },
      ROUTES,
    ],
    ['otherwise: /other }\n  from_path', 'otherwise: /rest }\n  from_path', 'neutral', 'neutral'],
  ],
  'words: a catalogue is tighter only where it tells no new word': [
    words(WORDS, catalogue('known.yaml'), 'tighten', 'loosen'),
    words(WORDS, catalogue('fresh.yaml'), 'loosen', 'loosen'),
    words('generic: { words: any }', catalogue('fresh.yaml'), 'tighten', 'loosen'),
    words('generic: { words: any }', catalogue('long.yaml'), 'loosen', 'loosen'),
    words('generic: { words: any }', WORDS, 'tighten', 'loosen'),
    words(WORDS, 'generic: { words: more.yaml }', 'loosen', 'tighten'),
  ],
  'lists: a value more tells more': [
    [ROLE, 'values: [admin, accounts, sales], otherwise: other', 'tighten', 'loosen'],
    [ROLE, 'values: [admin, accounts, sales, owner], otherwise: other', 'loosen', 'loosen'],
    [ROLE, 'values: [admin, accounts, sales, operations], otherwise: rest', 'neutral', 'neutral'],
    [ROLE, 'values: [admin, accounts, sales, operations]', 'tighten', 'loosen'],
    [ROLE, 'values: [admin, accounts, sales, operations], otherwise: drop_event', 'tighten', 'loosen'],
    // Sales people hid among all others, and no longer do.
    [ROLE, 'values: [admin, accounts, sales, operations], otherwise: sales', 'neutral', 'loosen'],
    ['values: [true]', 'values: ["true"]', 'loosen', 'loosen'],
    ['cohort: { do: allow, pattern: month }', 'cohort: { do: allow, values: [a] }', 'loosen', 'loosen'],
  ],
  'steps: coarser ones lie on the edges of the finer': [
    [EDGES, 'edges: [100, 1000, 10000]', 'tighten', 'loosen'],
    [EDGES, 'edges: [200, 1000]', 'loosen', 'loosen'],
    ['to: 1h', 'to: 3h', 'tighten', 'loosen'],
    ['to: 1h', 'to: 30m', 'loosen', 'tighten'],
    ['to: 2h', 'to: 3h', 'loosen', 'loosen', changed(erp, 'to: 1h', 'to: 2h')],
  ],
  'families: more of them, or more combinations': [
    ['max_bits: 4', 'max_bits: 3', 'tighten', 'loosen'],
    [AGENT, 'to: [browser, os, device]', 'loosen', 'tighten'],
    // Within a budget, fewer families name combinations that were `other`.
    [AGENT, 'to: [browser, device], max_bits: 4', 'loosen', 'loosen', without(erp, 'os, ')],
    [AGENT, 'to: [device, browser, os], max_bits: 4', 'neutral', 'neutral'],
    ['to: [browser, os, device]', 'to: [browser, device]', 'tighten', 'loosen', without(website, 'os, ')],
  ],
  'fields: whatever is read anew, or read in another way': [
    [
      '  search_text: { do: drop, because: free text }\n',
      '  search_text: { do: allow, values: [a] }\n',
      'loosen',
      'tighten',
    ],
    ['  search_text: { do: drop, because: free text }\n', '', 'neutral', 'neutral'],
    [
      'visit_start: { do: allow, values: [true] }',
      'visit_start: { do: bucket, edges: [1] }',
      'loosen',
      'loosen',
      changed(erp, ', visits, time_s', ''),
    ],
    ['  utc_offset: { do: allow, pattern: quarter_hours }\n', '', 'tighten', 'loosen'],
  ],
  'searches: every detector less lets something through': [
    ['    - random_token\n', '', 'loosen', 'tighten'],
    [
      'scan: { detectors: [email, phone_in, pan, aadhaar, gstin, upi, ifsc, iban, card], on_hit: drop_event }\n',
      '',
      'loosen',
      'tighten',
      everything,
    ],
  ],
  'statistics: more windows, finer cells, other events': [
    ['by: [app_version, model_class]', 'by: [app_version, model_class, role]', 'loosen', 'tighten'],
    ['drill: [device]', 'drill: [device, os]', 'loosen', 'tighten'],
    [
      'by: [path]\n    drill: [device]',
      'by: [path, device]',
      'loosen',
      'loosen',
      changed(erp, '\n    per: pages', ''),
    ],
    ['by: [from_path, path]', 'by: [path, from_path]', 'neutral', 'neutral'],
    ['title: Errors\n    window: day', 'title: Errors\n    window: [day, hour]', 'loosen', 'tighten'],
    [
      'drill: [device]\n    measures: [users, events, visits, time_s]',
      'drill: [device]\n    measures: [users, events, time_s]',
      'tighten',
      'loosen',
    ],
    ['people: exact', 'people: floored', 'tighten', 'loosen', website],
    // Who had an error is told by no number about all that people did.
    [
      '    title: Devices\n    window: day\n',
      '    title: Devices\n    window: day\n    where: { kind: error }\n',
      'loosen',
      'loosen',
    ],
    ['where: { kind: error }', 'where: { kind: device }', 'loosen', 'loosen'],
    ['{ site: website, title: Countries', '{ site: erp, title: Countries', 'loosen', 'loosen', everything],
    ['histogram: load_ms', 'histogram: time_spent_s', 'loosen', 'loosen', everything],
    ['"event:invoice.save", ', '', 'loosen', 'loosen', everything],
    ['  apps:        {', '  apps2:       {', 'loosen', 'loosen', everything],
  ],
  'thresholds and times': [
    ['min_users: 10', 'min_users: 11', 'tighten', 'loosen'],
    ['min_tenants: 3', 'min_tenants: 2', 'loosen', 'tighten'],
    ['min_networks: 5', 'min_networks: 6', 'tighten', 'loosen', website],
    ['max_share: 50%', 'max_share: 51%', 'loosen', 'tighten'],
    ['max_person_share: 25%', 'max_person_share: 26%', 'loosen', 'tighten'],
    ['20 per kind and day', '21 per kind and day', 'loosen', 'tighten'],
    ['log: 24h', 'log: 12h', 'tighten', 'loosen'],
    ['staging: epoch + 48h', 'staging: epoch + 49h', 'loosen', 'tighten'],
    ['released: 25 months', 'released: 24 months', 'tighten', 'loosen'],
    ['audit: 400 days', 'audit: 401 days', 'tighten', 'loosen'],
    // The same batches, which die as soon: how much may wait says nothing of anybody.
    ['audit: 400 days', 'audit: 400 days, spool: 64 GiB', 'neutral', 'neutral'],
    ['spool: 2 GiB', 'spool: 512 MiB', 'neutral', 'neutral', everything],
    ['streams: [day, week]', STREAMS, 'loosen', 'tighten'],
    ['lateness: 1h', 'lateness: 2h', 'loosen', 'tighten'],
    ['destroy_key_after: 48h', 'destroy_key_after: 47h', 'tighten', 'loosen'],
  ],
  'consent, purpose and policy': [
    ['max_consent_age: 13 months', 'max_consent_age: 12 months', 'tighten', 'loosen'],
    ['id: product-usage-stats', 'id: other-purpose', 'loosen', 'loosen'],
    // Consents to the former policy stop counting; going back, they would count again.
    ['policy: { version: "2026-11-01"', 'policy: { version: "2026-12-01"', 'neutral', 'loosen'],
    ['"10", "11"]', '"10"]', 'loosen', 'neutral'],
    // Two people looked at the rules again: that is what the day is for.
    ['expires: 2027-11-30', 'expires: 2027-10-30', 'neutral', 'neutral'],
    ['[gpc, dnt, objected]', '[gpc, dnt, objected, not_adult]', 'tighten', 'loosen', website],
  ],
  sites: [
    ['["https://erp.example.in"]', '["https://erp.example.in", "https://b.example.in"]', 'loosen', 'tighten'],
    ['["https://erp.example.in"]', '["https://b.example.in"]', 'loosen', 'loosen'],
    ['bots: drop', 'bots: count', 'loosen', 'tighten'],
    ['assets: drop', 'assets: count', 'loosen', 'tighten'],
  ],
  events: [
    [
      'bulk.import: { kind: feature }',
      'bulk.import: { kind: feature }\n  bulk.erase: { kind: feature }',
      'loosen',
      'tighten',
      erp,
      'events.yaml',
    ],
    [
      'bulk.import: { kind: feature }',
      'bulk.import: { kind: timing }',
      'loosen',
      'loosen',
      erp,
      'events.yaml',
    ],
  ],
}

/** Texts whose device statistic has a dimension less, so that the field may do without it. */
function without(texts: Texts, dimension: string): Texts {
  return changed(
    texts,
    'by: [device, os, browser]',
    `by: [device, ${dimension === 'os, ' ? '' : 'os, '}browser]`,
  )
}

for (const [what, rows] of Object.entries(TABLE)) {
  t.test(what, async (t) => {
    for (const [before, after, there, back, of = erp, file = FILE] of rows) {
      const [from, to] = [loaded(of), loaded(changed(of, before, after, file))]
      const says = `${before.slice(0, 60)} → ${after.slice(0, 60)}`
      const [forth, home] = [diffRulebooks(from, to), diffRulebooks(to, from)]
      t.equal(forth.class, there, `${says}: ${JSON.stringify(forth.changes)}`)
      t.equal(home.class, back, `back: ${says}: ${JSON.stringify(home.changes)}`)
      for (const { says: sentence } of [...forth.changes, ...home.changes]) t.match(sentence, /^[A-Z].*\.$/)
    }
  })
}

/** A copy of a rulebook with something at a place, whatever the language says. */
function withAt(rulebook: unknown, place: readonly string[], value: unknown): Rulebook {
  const [key = '', ...rest] = place
  const parent = rulebook as Record<string, unknown>
  const next = rest.length === 0 ? value : withAt(parent[key], rest, value)
  const copy: unknown = Array.isArray(parent) ? [...(parent as unknown[])] : { ...parent }
  ;(copy as Record<string, unknown>)[key] = next
  return copy as Rulebook
}

t.test('identity, basis, region: people are known, asked or kept otherwise', async (t) => {
  const base = loaded(everything)
  const rows: readonly (readonly [readonly string[], unknown, ChangeClass, ChangeClass])[] = [
    [['sites', 'erp', 'identity'], 'network', 'loosen', 'loosen'],
    [['sites', 'erp', 'lawfulBasis'], 'exempt-measurement', 'loosen', 'tighten'],
    [['sites', 'erp', 'region'], 'eu', 'loosen', 'loosen'],
    [['region'], 'eu', 'loosen', 'loosen'],
    [['purpose', 'consent'], 'everything', 'loosen', 'loosen'],
    [['fields', 'user_id', 'scope'], ['purpose', 'epoch'], 'loosen', 'tighten'],
    [['scan', 'onHit'], 'mask', 'loosen', 'loosen'],
  ]
  for (const [place, value, there, back] of rows) {
    const other = withAt(base, place, value)
    t.equal(diffRulebooks(base, other).class, there, place.join('.'))
    t.equal(diffRulebooks(other, base).class, back, place.join('.'))
  }
  const { website: _gone, ...sites } = base.sites
  const fewer = withAt(base, ['sites'], sites)
  t.equal(diffRulebooks(base, fewer).class, 'tighten', 'a site less')
  t.equal(diffRulebooks(fewer, base).class, 'loosen', 'a site more')
})

t.test('what the language learns to say and nobody classed is a loosening, wherever it stands', async (t) => {
  const base = loaded(everything)
  const places = [
    ['surprise'],
    ['policy', 'surprise'],
    ['purpose', 'surprise'],
    ['sites', 'erp', 'surprise'],
    ['epochs', 'surprise'],
    ['release', 'surprise'],
    ['keep', 'surprise'],
    ['scan', 'surprise'],
    ['events', 'page_view', 'surprise'],
    ['statistics', '0', 'surprise'],
    ['statistics', '0', 'where', 'surprise'],
    ...Object.keys(base.fields).map((field) => ['fields', field, 'surprise']),
  ]
  for (const place of places) {
    for (const value of [1, new Set(['a'])]) {
      const other = withAt(base, place, value)
      t.equal(diffRulebooks(base, other).class, 'loosen', place.join('.'))
      t.equal(diffRulebooks(other, base).class, 'loosen', place.join('.'))
      t.equal(diffRulebooks(other, other).changes.length, 0, 'and none where it is the same')
    }
  }
  const unknown = withAt(base, ['fields', 'role'], { do: 'sing', how: 'loud' })
  t.equal(diffRulebooks(base, unknown).class, 'loosen')
  t.equal(
    diffRulebooks(unknown, withAt(base, ['fields', 'role'], { do: 'sing', how: 'low' })).class,
    'loosen',
  )
})

t.test('what activation will ask for is said beforehand, and what of it the file brings', async (t) => {
  const needs = (texts: Texts, ...changes: readonly (readonly [string, string])[]) => {
    const [from, to] = [loaded(texts), loaded(changes.reduce((all, [a, b]) => changed(all, a, b), texts))]
    return activationNeeds(from, to, diffRulebooks(from, to), Date.UTC(2026, 11, 2)).map(({ met, need }) => [
      need,
      met,
    ])
  }
  const looser = ['bots: drop', 'bots: count'] as const
  const policy = ['policy: { version: "2026-11-01"', 'policy: { version: "2026-12-01"'] as const
  const notice = ['notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-02 }'] as const
  t.same(needs(erp), [], 'nothing where nothing changes')
  t.same(needs(erp, ['bots: drop', 'bots: drop # as ever'] as const), [])
  t.same(needs(erp, ['min_users: 10', 'min_users: 12']), [['signatures', null]])
  t.same(needs(erp, looser), [
    ['own_policy', false],
    ['own_notice', false],
    ['notice_on_record', null],
    ['signatures', null],
  ])
  t.match(needs(erp, looser, policy, notice), [
    ['own_policy', true],
    ['own_notice', true],
  ])
  const expired = ['expires: 2027-11-30', 'expires: 2026-12-03'] as const
  t.same(
    needs(erp, ['min_users: 10', 'min_users: 12'], expired),
    [
      ['not_expired', false],
      ['signatures', null],
    ],
    'it would rule from the midnight on at which it expires',
  )
  t.same(needs(erp, ['ipv4: 16', 'ipv4: 12'], expired), [['signatures', null]], 'half a day at least')
  const purpose = ['id: product-usage-stats', 'id: other-purpose'] as const
  t.match(needs(erp, purpose), [['same_house', false]], 'keys and tables are of one purpose')
  const regions = [
    ['lawful_basis: consent, region: in', 'lawful_basis: consent, region: eu'],
    ['\nregion: in\n', '\nregion: eu\n'],
  ] as const
  t.match(needs(erp, ...regions), [['same_house', false]], 'and of one region')
  t.match(
    needs(website, ['min_users: 10', 'min_users: 9']),
    [
      ['own_policy', true],
      ['own_notice', false],
    ],
    'nobody is asked for consent there, but people are told',
  )
})

t.test('a notice that goes, comes or moves is said as what it is', async (t) => {
  const notice = 'notice: { at: 2026-10-01 } # people were told a month before\n'
  const says = (before: Texts, after: Texts) =>
    diffRulebooks(loaded(before), loaded(after)).changes.map((change) => [change.path, change.says])
  const silent = changed(erp, notice, '')
  t.same(says(erp, silent), [['notice.at', 'It no longer says when people were told.']])
  t.same(says(silent, erp), [['notice.at', 'It says when people were told.']])
  t.same(says(erp, changed(erp, '2026-10-01 }', '2026-10-02 }')), [
    ['notice.at', 'People were told on another day.'],
  ])
})
