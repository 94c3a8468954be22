import fc from 'fast-check'
import t from 'tap'
import { changed, loaded, shipped } from '../testing/shipped.js'
import { whole } from '../testing/whole.js'
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
  says('max_consent_age: 13 months', 'max_consent_age: 6 months', 'not more than six months ago')
  says('bots: drop', 'bots: count', 'are counted like anybody else')
  says('    - pan\n', '', 'Aadhaar', 'Income tax numbers')
  says('max_bits: 4', 'max_bits: 3', 'At most eight different combinations')
})

t.test('streams that are declared and not stored are said so, with the life they will have', async (t) => {
  const page = explanationMarkdown(explain(BOOKS['whole'] as Rulebook))
  t.match(page, 'Statistics of a week or month are declared, but this version does not publish them yet')
  t.match(page, 'nine days (week) and 33 days (month)')
  t.match(page, '| Not by this version |')
})

t.test('the page holds nothing but its own words, whatever the rulebook holds', async (t) => {
  const evil = '<script>alert(1)</script>'
  const rulebook = loaded(changed(shipped('erp'), 'because: free text', `because: "${evil} | x"`))
  const html = explanationHtml(explain(rulebook))
  t.notMatch(html, '<script')
  t.match(html, '&lt;script&gt;')
  t.match(explanationMarkdown(explain(rulebook)), '\\| x')
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
