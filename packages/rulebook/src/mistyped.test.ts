/** A mistyped key is one mistake: it is said once, and what follows from it is not. */
import t from 'tap'
import { changed, FILE, load, placeOf, places, shipped, type Texts } from './testing/shipped.js'

type Change = readonly [before: string, after: string, file?: string]

const erp = shipped('erp')
const after = (changes: readonly Change[]): Texts =>
  changes.reduce((texts, [before, piece, file]) => changed(texts, before, piece, file), erp)
/** `CODE message` of each finding. */
const said = (texts: Texts): string =>
  load(texts)
    .findings.map(({ code, message }) => `${code} ${message}`)
    .join('\n')

/** A typing mistake in a key, and all that is said of it. */
const MISTYPED: readonly (readonly [before: string, after: string, said: string])[] = [
  ['  min_users: 10', '  min_user: 10', 'The key `release.min_user` is not known. Did you mean `min_users`?'],
  [
    '  min_tenants: 3',
    '  min_tenant: 3',
    'The key `release.min_tenant` is not known. Did you mean `min_tenants`?',
  ],
  ['\nstatistics:', '\nstatistic:', 'The key `statistic` is not known. Did you mean `statistics`?'],
  ['\nsites:', '\nsite:', 'The key `site` is not known. Did you mean `sites`?'],
  ['\nfields:', '\nfield:', 'The key `field` is not known. Did you mean `fields`?'],
  ['\nepochs:', '\nepoch:', 'The key `epoch` is not known. Did you mean `epochs`?'],
  ['title: Pages', 'titel: Pages', 'The key `statistics.pages.titel` is not known. Did you mean `title`?'],
  ['do: coarsen', 'du: coarsen', 'The key `fields.timestamp.du` is not known. Did you mean `do`?'],
  [
    'audit: 400 days',
    'spol: 2 GiB, audit: 400 days',
    'The key `keep.spol` is not known. Did you mean `spool`?',
  ],
  ['ipv4: 16', 'ip4: 16', 'The key `fields.client_ip.ip4` is not known. Did you mean `ipv4`?'],
]

t.test('a mistyped key is said once, where it stands, and nothing that would follow from it', async (t) => {
  for (const [before, piece, message] of MISTYPED) {
    const texts = after([[before, piece]])
    t.equal(said(texts), `RULE_UNKNOWN_KEY ${message}`, piece)
    t.same(places(load(texts).findings), [`RULE_UNKNOWN_KEY ${placeOf(texts, piece.trim())}`])
  }
  const inCatalogue = load(after([['routes:\n', 'rutes:\n', 'routes.yaml']])).findings
  t.same(
    inCatalogue.map(({ code, file }) => `${code} ${file}`),
    ['RULE_UNKNOWN_KEY routes.yaml'],
  )
})

t.test('below a mistyped section everything is checked', async (t) => {
  const texts = after([
    ['\nrelease:', '\nreleases:'],
    ['min_users: 10', 'min_users: 3'],
    ['\nstatistics:', '\nstatistic:'],
    ['by: [app_version, ', 'by: [screen, '],
  ])
  t.match(said(texts), 'RULE_MIN_USERS')
  t.match(said(texts), 'No field yields `screen`')
  t.equal(load(texts).rulebook, null)
})

t.test('a key that is there already, or that nothing is near to, is not read as another one', async (t) => {
  t.match(said(after([['min_users: 10', 'min_users: 10\n  min_user: 3']])), /^RULE_UNKNOWN_KEY [^\n]*$/)
  t.match(said(after([['min_users: 10', 'people: 10']])), 'RULE_MISSING_KEY The key `release.min_users`')
})

t.test('of a section that is missing only that is said', async (t) => {
  const text = erp[FILE] ?? ''
  for (const section of ['sites', 'fields', 'statistics', 'release', 'epochs', 'purpose', 'keep', 'policy']) {
    const without = text.replace(new RegExp(`^${section}:.*\n(?:(?: .*|#.*|)\n)*`, 'm'), '')
    t.not(without, text)
    t.equal(said({ ...erp, [FILE]: without }), `RULE_MISSING_KEY The key \`${section}\` is missing.`)
  }
})
