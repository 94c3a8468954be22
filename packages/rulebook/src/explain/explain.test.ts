import fc from 'fast-check'
import t from 'tap'
import { changed, loaded, shipped } from '../testing/shipped.js'
import { whole } from '../testing/whole.js'
import { LANDING_COLUMNS, PROVENANCE_COLUMN, RECORD_COLUMNS, streamPlans } from '../plan.js'
import type { Rulebook } from '../types.js'
import { explain } from './index.js'
import { explanationHtml, explanationMarkdown } from './render.js'
import { counted, duration, listed, number } from './words.js'

const BOOKS: Readonly<Record<string, Rulebook>> = {
  erp: loaded(shipped('erp')),
  website: loaded(shipped('website')),
  whole: loaded(whole()),
}

for (const [name, rulebook] of Object.entries(BOOKS)) {
  const page = explanationMarkdown(explain(rulebook))

  t.test(`${name}: every field, site, statistic, detector, clause and store is on the page`, async (t) => {
    for (const field of Object.keys(rulebook.fields)) t.match(page, `| \`${field}\``)
    for (const site of Object.values(rulebook.sites)) t.match(page, `| ${site.id} |`)
    for (const { title } of rulebook.statistics) t.match(page, `| ${title} |`)
    for (const clause of rulebook.policy.clauses) t.match(page, `| ${clause} |`)
    for (const origin of Object.values(rulebook.sites).flatMap(({ origins }) => origins))
      t.match(page, origin)
    t.match(page, rulebook.hash)
    const found = (page.split('We look for:')[1] ?? '').split('\n##')[0] ?? ''
    t.equal(found.split('\n- ').length - 1, rulebook.scan?.detectors.length ?? 0)
  })

  t.test(`${name}: it reads like sentences`, async (t) => {
    const prose = page.replace(/`[^`]*`/g, 'x')
    t.notMatch(prose, /undefined|NaN|null|\[object|N\/A|\bTODO\b/)
    t.notMatch(prose, /\b(?:one|1) (?:days|hours|people|months|companies|statistics|values|steps)\b/)
    t.notMatch(prose, /\b(?:two|three|\d{2,}) (?:day|hour|person|month|company|statistic|value|step)\b/)
    t.notMatch(prose, / {2,}|\.\.|,,|, \.|\( /)
  })
}

t.test('what a rule says is what the page says', async (t) => {
  const erp = shipped('erp')
  const says = (before: string, after: string, words: string | RegExp, not?: string) => {
    const page = explanationMarkdown(explain(loaded(changed(erp, before, after))))
    t.match(page, words)
    if (not !== undefined) t.notMatch(page, not)
  }
  says('ipv4: 16, ipv6: 32', 'ipv4: 20, ipv6: 40', 'its first 20 of 32 bits (IPv4) or 40 of 128 bits (IPv6)')
  says('min_users: 10', 'min_users: 25', 'at least 25 people')
  says('destroy_key_after: 48h, timezone', 'destroy_key_after: 24h, timezone', 'lives for at most two days')
  says('released: 25 months', 'released: 12 months', '| At most twelve months |')
  says(
    'audit: 400 days',
    'audit: 400 days, spool: 512 MiB',
    'at most 512 MiB a collector | At most one day, ',
  )
  says('log: 24h', 'log: 2h', 'at most 1 GiB a collector | At most two hours, the time in the log included |')
  says('max_consent_age: 13 months', 'max_consent_age: 6 months', 'not more than six months ago')
  says('bots: drop', 'bots: count', 'Crawlers are counted like anybody else', 'Crawlers that say so')
  says('    - pan\n', '', 'Aadhaar', 'Income tax numbers')
  says('max_bits: 4', 'max_bits: 3', 'At most eight different combinations')
})

t.test('what a week and a month keep is said, and for how long', async (t) => {
  const page = explanationMarkdown(explain(BOOKS['whole'] as Rulebook))
  t.match(page, 'For each number by the week that somebody is part of there is one record more')
  t.match(page, '| The month’s records | Records under codes that are good for that month alone |')
  t.match(page, 'three days (day), nine days (week) and 33 days (month)')
  t.notMatch(page, /[Tt]his version|not yet/)
})

t.test('each kind of statistic is told in its own words', async (t) => {
  const page = explanationMarkdown(explain(BOOKS['whole'] as Rulebook))
  const row = (title: string) => page.split('\n').find((line) => line.startsWith(`| ${title} |`)) ?? ''
  t.match(
    row('Pages'),
    'How many people viewed pages, how often, how many visits began there and how many seconds they stayed, each view at the lower end of its step, by `path`, and within that by `device`.',
  )
  t.match(row('Pages'), 'Of an hour it says only how many people there were, and nothing by `device`.')
  t.match(row('Pages'), '| Every hour, every day |')
  t.match(
    row('Feature adoption'),
    'Of a week people are counted once each; all else is the sum of its published days.',
  )
  t.match(row('Right now'), /in the last five minutes\..*\| Now \|/)
  t.match(row('Load time'), 'Which share of the loading times falls into each step of `load_ms`, by `path`')
  t.match(row('Invoice funnel'), '`/invoices/new`, `invoice.save` then `invoice.send`.')
  t.match(row('Weekly retention'), 'nobody is followed from one week to the next')
  t.match(row('Errors'), 'It is also told per 100 events of Pages.')
  t.match(
    row('App versions'),
    '| How many people started the app, by `app_version` and `model_class`. | Every week |',
  )
  t.notMatch(row('Devices'), /hour|published days/)
})

t.test('steps, sensitive events and noise are said, and that there is none', async (t) => {
  const page = explanationMarkdown(explain(BOOKS['whole'] as Rulebook))
  t.match(page, 'rounded down to steps of 20')
  t.match(page, '`payroll.run` is sensitive: where everybody of a group did it, or nobody, that is not told.')
  t.match(
    page,
    'A day of one person or device costs an epsilon of 1 over all statistics of a site, a year at most 400',
  )
  t.match(page, 'discrete Laplace')
  t.match(page, 'Noise bounds how surely.')
  const website = explanationMarkdown(explain(BOOKS['website'] as Rulebook))
  t.match(website, 'No random noise is added to them.')
  t.notMatch(website, /sensitive|Noise bounds|its hours/)
  const gaussian = changed(
    whole(),
    'mechanism: laplace, epsilon: 1, cap_per_year: 400',
    'mechanism: gaussian, rho: 0.015, delta: 1e-7, cap_per_year: 5.5',
  )
  t.match(explanationMarkdown(explain(loaded(gaussian))), 'a rho of 0.015, at a delta of 1e-7')
})

t.test('whoever is known by an address is told so, bit by bit, wherever the address is read', async (t) => {
  for (const name of ['website', 'whole']) {
    const page = explanationMarkdown(explain(BOOKS[name] as Rulebook))
    t.match(page, 'all 32 bits of IPv4, the first 64 of 128 of IPv6')
    t.match(page, 'the first 24 bits of IPv4, 48 of IPv6')
    t.match(page, 'Address and description stay in memory for at most 15 minutes')
    t.match(page, /\| `user_agent`.*On `website` it also tells devices apart/)
    t.match(page, '| `network` | The network’s code of the day')
    t.match(page, 'A device is no person')
  }
  t.match(
    explanationMarkdown(explain(BOOKS['whole'] as Rulebook)),
    /\| `client_ip`.*On `website` it also tells devices apart, in memory and before any of this/,
  )
  const erp = explanationMarkdown(explain(BOOKS['erp'] as Rulebook))
  t.match(erp, 'Neither the internet address nor the browser tells people apart')
  t.notMatch(erp, 'tells devices apart')
  t.match(erp, '| `network` | Always empty here |')
})

t.test('every column of a record is on the page: of the day, and while it waits', async (t) => {
  for (const rulebook of Object.values(BOOKS)) {
    const page = explanationMarkdown(explain(rulebook))
    const day = streamPlans(rulebook).find(({ stream }) => stream === 'day')
    for (const name of [...RECORD_COLUMNS.map((column) => column.name), ...(day?.dimensions ?? [])])
      t.match(page, `\n| \`${name}\` | `)
    t.match(page, `\n| \`${PROVENANCE_COLUMN.name}\` | `)
    for (const { name } of LANDING_COLUMNS) t.match(page, `\n- \`${name}\`: `)
  }
})

t.test('the kind of an event leaves memory where its name does not', async (t) => {
  const page = explanationMarkdown(explain(BOOKS['website'] as Rulebook))
  const row = page.split('\n').find((line) => line.startsWith('| `event_name`'))
  t.match(row, 'No statistic reads the value itself, so that never leaves memory.')
  t.match(row, 'It says of what kind an event is, which stands on its record: a page view.')
})

t.test('nothing is said of people who are not there, and nothing that says nothing', async (t) => {
  const website = explanationMarkdown(explain(BOOKS['website'] as Rulebook))
  t.notMatch(website, /ERP|[Tt]oken|[Cc]ompan|100 %/)
  for (const rulebook of Object.values(BOOKS)) {
    const page = explanationMarkdown(explain(rulebook))
    t.notMatch(page, /and nothing else\.|before anything looks/)
  }
  const { policy, ...rest } = BOOKS['website'] as Rulebook
  const clauses = ['2a', '2b', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']
  const promising = explain({ ...rest, policy: { ...policy, clauses } })
  t.notMatch(explanationMarkdown(promising), /ERP|[Tt]oken|withdrawal|search finds|newer policy/)
})

t.test('the page holds nothing but its own words, whatever the rulebook holds', async (t) => {
  const evil = '<script>alert(1)</script>'
  const rulebook = loaded(changed(shipped('erp'), 'because: free text', `because: "${evil} | x"`))
  const html = explanationHtml(explain(rulebook))
  t.notMatch(html, '<script')
  t.match(html, '&lt;script&gt;')
  t.match(explanationMarkdown(explain(rulebook)), '\\| x')
  t.notMatch(explanationMarkdown(explain(rulebook)), '<script')
  const titles = [
    evil,
    `\`${evil}`,
    `\`\`${evil}\``,
    '[all](javascript:alert)',
    '*all* _all_ ![x](y)',
    'a & b',
  ]
  for (const title of titles) {
    const written = JSON.stringify(title)
    const page = explain(loaded(changed(shipped('erp'), 'title: Errors', `title: ${written}`)))
    t.notMatch(explanationHtml(page), '<script')
    const shown = explanationMarkdown(page)
    t.notMatch(shown, /<script|[^\\]\[all|[^\\]\*all|[^\\]_all|a & b/, title)
    t.equal((shown.match(/`/g) ?? []).length % 2, 0, 'code marks are ours, in pairs')
  }
  t.notMatch(html, /src=|href=|@import|url\(/, 'and nothing from elsewhere')
})

t.test('numbers, times and lists as people say them', (t) => {
  t.equal(counted(1, 'person', 'people'), 'one person')
  t.equal(counted(40, 'company', 'companies'), '40 companies')
  t.equal(duration(172_800_000), 'two days')
  t.equal(duration(3_600_000), 'one hour')
  t.equal(duration(5_400_000), '90 minutes')
  t.equal(listed(['a', 'b', 'c']), 'a, b and c')
  t.equal(listed([]), '')
  fc.assert(
    fc.property(fc.nat(), (count) => number(count).length > 0),
    { seed: 1 },
  )
  t.end()
})
