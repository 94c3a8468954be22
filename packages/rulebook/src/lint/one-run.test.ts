/** One run finds everything: a mistake hides no other one, and a remedy helps. */
import t from 'tap'
import { explain } from '../explain/index.js'
import { explanationMarkdown } from '../explain/render.js'
import { parseForTrial } from '../parse.js'
import { changed, FILE, load, loaded, shipped, type Texts } from '../testing/shipped.js'

type Change = readonly [before: string, after: string, file?: string]

const erp = shipped('erp')
const after = (changes: readonly Change[], of: Texts = erp): Texts =>
  changes.reduce((texts, [before, piece, file]) => changed(texts, before, piece, file), of)
/** `CODE message` of each finding. */
const said = (texts: Texts): string =>
  load(texts)
    .findings.map(({ code, message }) => `${code} ${message}`)
    .join('\n')

const HIDDEN: readonly {
  readonly name: string
  readonly mistake: Change
  readonly others: readonly (Change | readonly [...Change, string])[]
  readonly codes: readonly string[]
}[] = [
  {
    name: 'a threshold of the wrong type',
    mistake: ['max_person_share: 25%', 'max_person_share: 25'],
    others: [
      ['min_users: 10', 'min_users: 4'],
      ['min_tenants: 3', 'min_tenants: 1'],
      ['max_share: 50%', 'max_share: 90%'],
    ],
    codes: ['RULE_MIN_USERS', 'RULE_MIN_TENANTS', 'RULE_SHARE'],
  },
  {
    name: 'another time zone',
    mistake: ['timezone: UTC', 'timezone: Asia/Kolkata'],
    others: [['lateness: 1h, destroy_key_after: 48h', 'lateness: 0h, destroy_key_after: 96h']],
    codes: ['RULE_LATENESS', 'RULE_KEY_LIFE'],
  },
  {
    name: 'a window that is none',
    mistake: ['title: Errors\n    window: day', 'title: Errors\n    window: dayy'],
    others: [
      ['title: Errors', 'title: Pages'],
      [
        'kind: error }\n    by: [path]\n    measures: [users, events]',
        'kind: page_view }\n    by: [path]\n    measures: [events]',
      ],
    ],
    codes: ['RULE_TITLE_TWICE', 'RULE_ADDITIVE_TWICE'],
  },
  {
    name: 'a window that is none, and an unknown site',
    mistake: ['title: Errors\n    window: day', 'title: Errors\n    window: dayy'],
    others: [['site: erp\n    title: Errors', 'site: erq\n    title: Errors']],
    codes: ['RULE_STATISTIC_SITE'],
  },
  {
    name: 'a field with a mistake of its own',
    mistake: ['ipv4: 16', 'ipv4: many'],
    others: [
      ['ipv6: 32', 'ipv6: 64'],
      ['by: [app_version, ', 'by: [app_version, screen, '],
    ],
    codes: ['RULE_TRUNCATION_FINE', 'RULE_STATISTIC_DIMENSION'],
  },
  {
    name: 'a purpose without a good name',
    mistake: ['id: product-usage-stats', 'id: "Product Usage"'],
    others: [['max_consent_age: 13 months', 'max_consent_age: 20 months']],
    codes: ['RULE_CONSENT_AGE'],
  },
  {
    name: 'a site of an unknown basis',
    mistake: ['lawful_basis: consent', 'lawful_basis: interest'],
    others: [
      ['"https://erp.example.in"', '"http://erp.example.in"'],
      ['  max_share: 50%\n', ''],
    ],
    codes: ['RULE_ORIGIN', 'RULE_SHARE'],
  },
  {
    name: 'an unknown key of a catalogue',
    mistake: ['routes:\n', 'rutes: 1\nroutes:\n', 'routes.yaml'],
    others: [
      ['- /login', '- /login/48211', 'routes.yaml'],
      ['- /dashboard', '- dashboard', 'routes.yaml'],
    ],
    codes: ['RULE_ROUTE_RAW_ID', 'RULE_ROUTE_SYNTAX'],
  },
  {
    name: 'a route that is no text',
    mistake: ['- /login', '- [/login]', 'routes.yaml'],
    others: [['- /dashboard', '- dashboard', 'routes.yaml']],
    codes: ['RULE_ROUTE_SYNTAX'],
  },
  {
    name: 'a rule that says one key too many',
    mistake: ['catalogue: apps.yaml, otherwise: other', 'catalogue: apps.yaml, otherwize: other'],
    others: [['"8.1.0"', '"(other)"', 'apps.yaml']],
    codes: ['RULE_VALUE_RESERVED'],
  },
]

for (const { codes, mistake, name, others } of HIDDEN) {
  t.test(`${name} hides nothing`, async (t) => {
    const texts = after([mistake, ...(others as readonly Change[])])
    const { findings, rulebook } = load(texts)
    t.equal(rulebook, null)
    for (const code of codes)
      t.ok(
        findings.some((finding) => finding.code === code),
        `${code} in ${said(texts)}`,
      )
    const alone = load(after([mistake])).findings
    t.equal(alone.length, 1, 'and what follows from it alone is said once')
  })
}

t.test('a field that does not read may be the one that yields a dimension; others may not', async (t) => {
  const broken: Change = ['to: [browser, os, device], max_bits: 4', 'too: [browser, os, device], max_bits: 4']
  t.notMatch(said(after([broken])), 'RULE_STATISTIC_DIMENSION')
  const texts = after([broken, ['by: [device, os, browser]', 'by: [device, screen, browser]']])
  t.match(said(texts), 'No field yields `screen`')
  t.equal(said(texts).split('RULE_STATISTIC_DIMENSION').length, 2)
})

t.test('examples are tried whatever else is wrong, except those of a field that has a mistake', async (t) => {
  const examples = (...changes: readonly Change[]) =>
    parseForTrial({ file: FILE, texts: after(changes) }).trial?.examples.map(({ index }) => index)
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  t.same(examples(), all)
  t.same(
    examples(['min_users: 10', 'min_users: ten'], ['region: in\n\n# Cases', 'regionn: in\n\n# Cases']),
    all,
  )
  t.same(examples(['ipv4: 16', 'ipv4: 30']), [0, 1, 2, 3, 4, 6, 7, 8])
  t.same(examples(['- /login', '- login', 'routes.yaml']), [4, 5, 6, 7, 8])
  t.same(examples(['out: { role: other }', 'ought: { role: other }']), [0, 1, 2, 3, 4, 5, 6, 8])
  t.equal(examples(['on_hit: drop_event', 'on_hit: mask']), undefined, 'what is dropped is not known')
  t.equal(examples(['catalogue: events.yaml', 'catalogue: absent.yaml']), undefined)
})

const REMEDIES: readonly (readonly [before: string, after: string, message: string, fix: string])[] = [
  ['max_person_share: 25%', 'max_person_share: 25', 'must be written like `25%`', 'Write it like `25%`'],
  ['max_person_share: 25%', 'max_person_share: "25"', 'must be written like `25%`', 'Write it like `25%`'],
  ['max_share: 50%', 'max_share: 150%', 'must be more than 0% and at most 100%', '`50%`'],
  ['version: 2026.11.1', 'version: 1.5', '`1.5` without quotes', 'Write `"1.5"`'],
  [
    'id: product-usage-stats',
    'id: Product',
    'must be written like `product-usage-stats`',
    '`product-usage-stats`',
  ],
  ['expires: 2027-11-30', 'expires: 2028-02-30', 'is a day that no calendar has', '`2027-11-30`'],
  ['expires: 2027-11-30', 'expires: next year', 'must be written like `2027-11-30`', '`2027-11-30`'],
  ['min_users: 10', 'min_users: "10"', 'must be a number', 'Write a number'],
  ['min_users: 10', 'min_users: 0', 'must be at least 1.', 'bound'],
  ['by: [path]\n    histogram: load_ms', 'funnel: ["page:/login"]', 'must have at least 2 entries', 'bound'],
  [
    'by: [path]\n    histogram: load_ms',
    'funnel: [login, /home]',
    'must be written like `page:/invoices/new`',
    '`page:/',
  ],
  ['otherwise: /other }\n  from', 'otherwise: other }\n  from', 'must be written like `/other`', '`/other`'],
  [
    'lawful_basis: consent',
    'lawful_basis: interest',
    '`sites.erp.lawful_basis` must be `consent` or `exempt-measurement`.',
    'Write `consent` or',
  ],
  ['default: drop', 'default: allow', '`default` must be `drop`.', 'Write `drop`'],
  [
    'title: Errors\n    window: day',
    'title: Errors\n    window: dai',
    'must be one of `5m`, `hour`, `day`, `week` or `month`. Did you mean `day`?',
    'Write `day`',
  ],
  [
    'notice: { at: 2026-10-01 }',
    'notice: 2026-10-01',
    '`notice` must be a map of keys.',
    '`notice: { at: 2026-10-01 }`',
  ],
  [
    'erp: { origins: ["https://erp.example.in"], identity: signed, lawful_basis: consent, region: in }',
    'erp: signed',
    '`sites.erp` must be a map of keys.',
    '`erp: { origins: [https://erp.example.in], identity: signed',
  ],
  ['streams: [day, week]', 'streams: day', '`epochs.streams` must be a list.', '`streams: [day]`'],
  [
    'destroy_key_after: 48h',
    'destroy_key_after: 30d',
    'must be written like `48h`: hours or minutes, more than `lateness` and at most 72h.',
    '`48h`',
  ],
  [
    'released: 25 months',
    'released: 10 years',
    'must be written like `25 months`: from 1 to 25 months.',
    '`25 months`',
  ],
  ['title: Errors', 'title: 9876543210', 'must be text, and this is none without quotes.', 'quotation marks'],
]

t.test('each remedy is one that helps', async (t) => {
  for (const [before, piece, message, fix] of REMEDIES) {
    const findings = load(after([[before, piece]])).findings.filter(({ code }) => code === 'RULE_VALUE')
    t.ok(
      findings.some((finding) => finding.message.includes(message) && finding.fix.includes(fix)),
      `${piece}: ${JSON.stringify(findings.map((finding) => [finding.message, finding.fix]))}`,
    )
  }
})

t.test('the clauses that need no warning are those that the explanation has a control for', async (t) => {
  for (let clause = 1; clause <= 14; clause++) {
    for (const letter of ['', 'a', 'b', 'c']) {
      const name = `${clause}${letter}`
      const texts = after([['["2b", "3", "4", "7", "8", "9", "10", "11"]', `["${name}"]`]])
      const isKnown = !explanationMarkdown(explain(loaded(texts))).includes('knows no control')
      t.equal(!said(texts).includes('RULE_CLAUSE_UNKNOWN'), isKnown, name)
    }
  }
})

t.test('a few single values, and wide steps, are no fine buckets', async (t) => {
  for (const edges of ['[1, 2, 3, 5, 10]', '[10, 20, 30, 40, 50]', '[500]'])
    t.same(load(after([['[10, 30, 60, 300, 1800]', edges]])).findings, [], edges)
})

t.test('a value that could be somebody is not repeated', async (t) => {
  for (const value of ['ada@example.in', '9876543210', '{ ada: 9876543210 }']) {
    for (const key of [
      'title: Errors',
      'lawful_basis: consent',
      'released: 25 months',
      'min_users: 10\n',
      'streams: [day, week]',
    ]) {
      const [name = ''] = key.split(':')
      const { findings } = load(after([[key, `${name}: ${value}${key.endsWith('\n') ? '\n' : ''}`]]))
      const messages = findings.map(({ fix, message }) => `${message} ${fix}`).join()
      t.notMatch(messages, /ada@|98765/, `${name}: ${value}`)
    }
  }
})
