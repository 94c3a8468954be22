import t from 'tap'
import { FINDINGS } from '../codes.js'
import { CASES } from '../testing/cases.js'
import { IDLE_CASES } from '../testing/idle-cases.js'
import { RELEASE_CASES } from '../testing/release-cases.js'
import { changed, FILE, load, placeOf, places, shipped } from '../testing/shipped.js'

const erp = shipped('erp')
const ALL_CASES = [...CASES, ...IDLE_CASES, ...RELEASE_CASES]

for (const { code, of, change, file } of ALL_CASES) {
  const [before, after, at] = change
  t.test(
    `${code} where ${JSON.stringify(after.slice(0, 40))} stands for ${JSON.stringify(before.slice(0, 40))}`,
    async (t) => {
      const texts = changed(of, before, after, file ?? FILE)
      const { rulebook, findings } = load(texts)
      const found = findings.filter((finding) => finding.code === code)
      const [first] = found
      t.ok(first, places(findings).join('; '))
      if (first === undefined) return
      const where = `${code} ${placeOf(texts, at ?? after, file ?? FILE)}`
      t.ok(places(found).includes(where), `${where} among ${places(found).join('; ')}`)
      t.equal(rulebook === null, FINDINGS[code].severity === 'error')
      t.ok(first.why.length > 20 && first.fix.length > 5 && first.message.length > 10)
    },
  )
}

t.test('one mistake hides no other', async (t) => {
  const changes: readonly (readonly [string, string])[] = [
    ['bots: drop', 'botz: drop'],
    ['ipv4: 16', 'ipv4: 30'],
    ['lateness: 1h', 'lateness: soon'],
    ['min_users: 10', 'min_users: 3'],
    ['title: Errors', 'titel: Errors'],
    ['by: [app_version, ', 'by: [app_versoin, '],
    ['audit: 400 days', 'audit: 3 days'],
    ['assets: drop\n', ''],
  ]
  const texts = changes.reduce((all, [before, after]) => changed(all, before, after), erp)
  const codes = new Set(load(texts).findings.map((finding) => finding.code))
  for (const code of [
    'RULE_UNKNOWN_KEY',
    'RULE_TRUNCATION_FINE',
    'RULE_VALUE',
    'RULE_MIN_USERS',
    'RULE_MISSING_KEY',
    'RULE_STATISTIC_DIMENSION',
    'RULE_KEEP_AUDIT',
  ]) {
    t.ok(codes.has(code), code)
  }
  const said = load(texts)
    .findings.map((finding) => `${finding.message} ${finding.fix}`)
    .join('\n')
  for (const hint of ['Did you mean `bots`?', 'Did you mean `title`?', 'Did you mean `app_version`?'])
    t.match(said, hint)
})

t.test('values at their bounds pass', async (t) => {
  const bounds: readonly (readonly [string, string])[] = [
    ['expires: 2027-11-30', 'expires: 2027-12-01'],
    ['notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-02 }'],
    ['ipv4: 16, ipv6: 32', 'ipv4: 24, ipv6: 48'],
    ['do: coarsen, to: 1h', 'do: coarsen, to: 15m'],
    ['lateness: 1h', 'lateness: 24h'],
    ['destroy_key_after: 48h', 'destroy_key_after: 72h'],
    ['staging: epoch + 48h', 'staging: epoch + 72h'],
    ['min_users: 10', 'min_users: 5'],
    ['min_tenants: 3', 'min_tenants: 2'],
    ['max_share: 50%', 'max_share: 75%'],
    ['max_person_share: 25%', 'max_person_share: 75%'],
    ['20 per kind and day', '10000 per kind and day'],
    ['audit: 400 days', 'audit: 365 days, spool: 16 MiB'],
  ]
  const texts = bounds.reduce((all, [before, after]) => changed(all, before, after), erp)
  t.same(places(load(texts).findings), [])
  t.same(places(load(changed(texts, 'spool: 16 MiB', 'spool: 64 GiB')).findings), [])
})

t.test('origins and token fields belong to one kind of identity', async (t) => {
  const site = (origin: string): string =>
    `sites:\n  www: { origins: ["${origin}"], identity: network, lawful_basis: exempt-measurement, region: in }\n`
  const both = changed(
    changed(erp, 'sites:\n', site('https://www.example.in')),
    'min_tenants: 3',
    'min_tenants: 3\n  min_networks: 5',
  )
  t.same(
    load(both).findings.map((finding) => finding.code),
    ['RULE_SITE_UNUSED'],
  )
  const shared = changed(both, 'https://www.example.in', 'https://erp.example.in')
  t.same(
    load(shared).findings.map((finding) => finding.code),
    ['RULE_SITE_UNUSED', 'RULE_ORIGIN_SHARED'],
  )
  const token = changed(
    both,
    'site: erp\n    title: Feature adoption',
    'site: www\n    title: Feature adoption',
  )
  t.same(
    load(token).findings.map((finding) => finding.code),
    ['RULE_DIMENSION_TOKEN'],
  )
})

t.test('a rulebook that is not there, or is no map, is a finding', async (t) => {
  t.same(places(load({}).findings), ['RULE_FILE_MISSING rulebook.yaml:1:1'])
  t.same(places(load({ [FILE]: '' }).findings), ['RULE_FILE_TEXT rulebook.yaml:1:1'])
  t.same(places(load({ [FILE]: '  \n' }).findings), ['RULE_FILE_TEXT rulebook.yaml:1:1'])
  t.same(places(load({ [FILE]: '\u007fELF\0\0' }).findings), ['RULE_FILE_TEXT rulebook.yaml:1:1'])
  t.equal(load({ [FILE]: '- a' }).findings[0]?.code, 'RULE_VALUE')
})

t.test('every code of the language and the linter has a case here', async (t) => {
  const elsewhere: ReadonlySet<string> = new Set([
    'RULE_ORIGIN_SHARED',
    'RULE_DIMENSION_TOKEN',
    'RULE_FILE_MISSING',
    'RULE_FILE_TEXT',
    'RULE_TOO_LARGE',
    'RULE_TOO_MANY_FINDINGS',
    'RULE_DUPLICATE_KEY',
    // Found by the verbs, which have transforms, detectors, stores and a clock at hand.
    'RULE_LISTED_PERSON',
    'RULE_EXPIRED',
    'RULE_EXAMPLE',
    'RULE_BITS_MEASURED',
  ])
  const cased = new Set<string>(ALL_CASES.map((entry) => entry.code))
  const missing = Object.keys(FINDINGS).filter(
    (code) => !code.startsWith('RULE_YAML_') && !cased.has(code) && !elsewhere.has(code),
  )
  t.same(missing, [])
})
