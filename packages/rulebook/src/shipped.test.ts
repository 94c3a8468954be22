import { createHash } from 'node:crypto'
import t from 'tap'
import { effectiveNow } from './effective.js'
import { rulebookHash } from './hash.js'
import { catalogueNames, parseRulebook } from './parse.js'
import { streamPlans } from './plan.js'
import { changed, FILE, load, loaded, places, shipped } from './testing/shipped.js'

t.test('the ERP rulebook lints clean', async (t) => {
  t.same(places(load(shipped('erp')).findings), [])
})

t.test('the website rulebook lints with warnings about words, texts and rare devices only', async (t) => {
  t.same(
    load(shipped('website')).findings.map((finding) => [finding.code, finding.severity]),
    [
      ['RULE_SCAN_MISSING', 'warning'],
      ['RULE_WORDS_ANY', 'warning'],
      ['RULE_MAX_BITS_MISSING', 'warning'],
    ],
  )
})

t.test('the ERP rulebook says what the house expects', async (t) => {
  const erp = loaded(shipped('erp'))
  t.equal(erp.name, 'erp-usage')
  t.same(Object.keys(erp.sites), ['erp'])
  t.match(erp.sites['erp'], {
    id: 'erp',
    identity: 'signed',
    lawfulBasis: 'consent',
    origins: ['https://erp.example.in'],
  })
  t.match(erp.epochs, { streams: ['day', 'week'], latenessMs: 3_600_000, destroyKeyAfterMs: 172_800_000 })
  t.match(erp.release, {
    minUsers: 10,
    minTenants: 3,
    maxShare: 0.5,
    maxPersonShare: 0.25,
    maxEventsPerPerson: 20,
  })
  t.match(erp.keep, {
    logMs: 86_400_000,
    stagingAfterEpochMs: 172_800_000,
    releasedMonths: 25,
    auditDays: 400,
    spoolBytes: 1_073_741_824,
  })
  t.equal(erp.purpose.refuseWhen.size, 7)
  t.equal(erp.noticeAt, Date.UTC(2026, 9, 1))
  t.same(
    erp.statistics.map((statistic) => statistic.id),
    ['pages', 'features', 'navigation', 'devices', 'speed', 'apps', 'errors', 'invoice', 'retention', 'live'],
  )
  t.match(erp.statistics[0], {
    windows: ['hour', 'day'],
    by: ['path'],
    drill: ['device'],
    measures: ['users', 'events', 'visits', 'time_s'],
    people: 'floored',
  })
  t.match(erp.release, { step: 10, noise: null })
  t.same(
    Object.keys(erp.events).filter((name) => erp.events[name]?.sensitive === true),
    ['payroll.run'],
  )
  t.same(streamPlans(erp)[0]?.dimensions, [
    'browser',
    'device',
    'event_name',
    'from_path',
    'load_ms',
    'os',
    'path',
    'role',
    'time_spent_s',
    'visit_start',
  ])
  t.same(streamPlans(erp)[1], {
    stream: 'week',
    dimensions: ['app_version', 'cohort', 'event_name', 'model_class', 'role'],
  })
})

t.test('the website rulebook says what the import promises', async (t) => {
  const website = loaded(shipped('website'))
  t.match(website.sites['website'], {
    identity: 'network',
    lawfulBasis: 'exempt-measurement',
    origins: ['https://www.example.in'],
  })
  t.match(website.fields['path'], { do: 'template', generic: { words: 'any' } })
  t.match(website, { bots: 'count', assets: 'count' })
  t.match(website.release, { minUsers: 10, minNetworks: 5, maxPersonShare: 1, maxEventsPerPerson: 10_000 })
  t.equal(website.statistics[0]?.people, 'exact')
  t.equal(website.release.maxShare, 0, 'a threshold that is not stated lets nothing pass')
})

t.test('names from strangers find nothing in the maps of a rulebook', async (t) => {
  const erp = loaded(shipped('erp'))
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    for (const map of [erp.fields, erp.sites, erp.events, erp.sources])
      t.equal(Reflect.get(map, name), undefined, name)
  }
})

t.test('a rulebook names its catalogues', async (t) => {
  t.same(catalogueNames(shipped('erp')[FILE] ?? ''), ['routes.yaml', 'events.yaml', 'apps.yaml'])
  t.same(
    catalogueNames('fields: { path: { do: template, catalogue: ../../etc/passwd, otherwise: /other } }'),
    [],
  )
  t.same(catalogueNames('['), [])
})

t.test('the hash covers the rulebook and every catalogue, whatever the file is called', async (t) => {
  const texts = shipped('erp')
  const { hash, sources } = loaded(texts)
  const sorted = Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)))
  t.equal(hash, createHash('sha256').update(JSON.stringify(sorted)).digest('hex'))
  t.same(Object.keys(sources).sort(), Object.keys(texts).sort())
  for (const file of Object.keys(texts)) {
    t.not(loaded({ ...texts, [file]: `${texts[file]}# one more comment\n` }).hash, hash, file)
  }
  const moved = parseRulebook({
    file: 'rules/mine.yaml',
    texts: { ...texts, 'rules/mine.yaml': texts[FILE] ?? '' },
  })
  t.equal(moved.rulebook?.hash, hash)
  t.equal(rulebookHash({ b: '2', a: '1' }), rulebookHash({ a: '1', b: '2' }))
  t.not(rulebookHash({ a: '1', b: '2' }), rulebookHash({ a: '2', b: '1' }))
})

t.test(
  'what a spool holds is 1 GiB where it is not stated, and a text that does not state it keeps its hash',
  async (t) => {
    const texts = shipped('erp')
    const unstated = loaded(texts)
    t.notMatch(texts[FILE], 'spool')
    t.equal(unstated.keep.spoolBytes, 1_073_741_824)
    t.equal(unstated.hash, rulebookHash(texts), 'the default is no part of it')
    const stated = loaded(changed(texts, 'audit: 400 days', 'audit: 400 days, spool: 512 MiB'))
    t.same(stated.keep, { ...unstated.keep, spoolBytes: 536_870_912 })
    t.not(stated.hash, unstated.hash)
  },
)

t.test('a rulebook rules from the start of its first day to the start of its last', async (t) => {
  const { effective, expires } = loaded(shipped('erp'))
  const at = (now: number): string => effectiveNow({ effective, expires }, now)
  t.equal(at(effective - 1), 'not_yet')
  t.equal(at(effective), 'active')
  t.equal(at(expires - 1), 'active')
  t.equal(at(expires), 'expired')
})
