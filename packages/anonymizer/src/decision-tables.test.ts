/** The printed tables, held against the closed list of reasons and against the code that decides. */
import { CHOICE_REASONS, LINE_REASONS, MINUTE, type Reason, TECHNICAL_REASONS } from '@tacit/contracts'
import { DETECTORS, type Rulebook, type Site } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { compileDecision, type DecisionFacts, type DecisionRead } from './decide.js'
import { afterwardsTable, type DecisionRow, decisionTable, eventTable, lineTable } from './decision-tables.js'
import type { PeekKey } from './identity.js'
import { CLAIMS, createTrial, NOW, pageView } from './testing/trial.js'

const erp = shippedRulebook('erp')
const website = shippedRulebook('website')
const reasonsOf = (...tables: readonly (readonly DecisionRow[])[]): ReadonlySet<string> =>
  new Set(tables.flat().flatMap(({ reasons }) => reasons))
const all = (rulebook: Rulebook) =>
  reasonsOf(decisionTable(rulebook), eventTable(rulebook), afterwardsTable(), lineTable(rulebook))

t.test('the tables of the ERP rulebook hold the closed list of reasons, and no other', async (t) => {
  const closed = [
    ...CHOICE_REASONS,
    ...TECHNICAL_REASONS,
    ...LINE_REASONS,
    ...DETECTORS.map((detector) => `pii.${detector}`),
  ]
  t.same([...all(erp)].sort(), closed.sort())
})

t.test('what a rulebook does not do is not in its tables', async (t) => {
  const reasons = all(website)
  for (const absent of ['bot', 'line.asset', 'token.missing', 'not_adult', 'pii.email'])
    t.notOk(reasons.has(absent), absent)
  t.ok(reasons.has('line.status') && reasons.has('rule_failed'))
  const listed = shippedRulebook('erp', [
    'operations], otherwise: other',
    'operations], otherwise: drop_event',
  ])
  t.match(eventTable(listed).at(-1), { reasons: ['rule_failed'], question: /`role`/ })
  for (const rows of [decisionTable(erp), eventTable(erp), afterwardsTable(), lineTable(erp)]) {
    t.same(
      rows.map(({ order }) => order),
      rows.map((_row, at) => at + 1),
    )
    for (const { question } of rows) t.match(question, /\?(?: |$)/)
  }
})

t.test('an event that fails at several questions is told the first of them', async (t) => {
  const rulebook = shippedRulebook('erp', [
    'operations], otherwise: other',
    'operations], otherwise: drop_event',
  ])
  const trial = createTrial(rulebook)
  const missing: PeekKey = () => 'missing'
  // What fails at each row, by the reason that it is told under.
  const OLD = 26 * 60 * MINUTE
  const MAIL = '/a/someone@example.in'
  const tell = (fails: ReadonlySet<Reason>): string | undefined => {
    const event = pageView({
      name: fails.has('event.unknown') ? 'made.up' : fails.has('rule_failed') ? 'invoice.save' : 'page_view',
      age: fails.has('late') ? OLD : 0,
      path: fails.has('pii.email') ? MAIL : '/dashboard',
    })
    const claims = fails.has('rule_failed') ? { ...CLAIMS, role: 'head' } : CLAIMS
    const more = {
      token: { state: 'valid', claims } as const,
      ...(fails.has('rate') ? { allowance: 0 } : {}),
    }
    const { fates } = fails.has('key_missing')
      ? trial.run([event], more, NOW, missing)
      : trial.run([event], more)
    return fates[0]?.split(' ')[1]
  }
  const order: readonly Reason[] = [
    'rate',
    'late',
    'pii.email',
    'event.unknown',
    'key_missing',
    'rule_failed',
  ]
  t.equal(tell(new Set()), 'accepted')
  order.forEach((first, at) => {
    for (const also of [[], order.slice(at + 1), ...order.slice(at + 1).map((one) => [one])])
      t.equal(tell(new Set([first, ...also])), first, `${first} before ${also.join()}`)
  })
  const rows = eventTable(rulebook)
  const row = (reason: Reason): number => rows.findIndex(({ reasons }) => reasons.includes(reason))
  t.same(
    order.map(row),
    order.map(row).sort((a, b) => a - b),
    'and the table has them in that order',
  )
  const late: PeekKey = () => 'late'
  t.match(trial.run([pageView()], {}, NOW, late).fates[0], 'late', 'a key that was put away says late')
})

t.test('a device without an address is dropped before any of its events is looked at', async (t) => {
  const trial = createTrial(website)
  const { fates } = trial.run([pageView({ age: 26 * 60 * MINUTE })], { address: null })
  t.match(fates[0], 'rule_failed')
  t.match(eventTable(website)[0]?.reasons, ['rule_failed'])
})

/** Notes under `path` whatever is read of an object. */
function watched<T extends object>(value: T, path: string, seen: Set<string>): T {
  return new Proxy(value, {
    get(target, key, receiver) {
      const at = `${path}${String(key)}`
      seen.add(at)
      const inner: unknown = Reflect.get(target, key, receiver)
      const deeper = at === 'token' || at === 'token.claims' || at === 'person'
      return deeper && typeof inner === 'object' && inner !== null ? watched(inner, `${at}.`, seen) : inner
    },
  })
}

const READ: Readonly<Record<string, DecisionRead>> = {
  origin: 'origin',
  'token.state': 'token',
  'token.claims.consent': 'token.consent',
  'token.claims.adult': 'token.adult',
  'token.claims.region': 'token.region',
  consent: 'page.consent',
  gpc: 'gpc',
  dnt: 'dnt',
  bot: 'bot',
  'person.objected': 'person.objected',
  'person.withdrawn': 'person.withdrawn',
  'person.tenant_opted_out': 'person.tenant_opted_out',
  'person.account_closed': 'person.account_closed',
}
/** Which kind of thing it is, and the ways to the things above. */
const WAYS = new Set(['source', 'token', 'token.claims', 'person'])

for (const [rulebook, id] of [
  [erp, 'erp'],
  [website, 'website'],
] as const) {
  t.test(`${id}: what the table says is read to decide is what the decision reads`, async (t) => {
    const site = rulebook.sites[id] as Site
    const seen = new Set<string>()
    const facts: DecisionFacts = {
      source: 'beacon',
      origin: site.origins[0] ?? null,
      gpc: false,
      dnt: false,
      token: { state: 'valid', claims: CLAIMS },
      person: {},
      bot: false,
      consent: { analytics: 'granted' },
    }
    t.equal(compileDecision(rulebook, site)(watched(facts, '', seen), NOW), null, 'it passes every question')
    // Without an origin a signed site looks whether there is a token.
    compileDecision(rulebook, site)(watched({ ...facts, origin: null }, '', seen), NOW)
    const read = [...seen].filter((path) => !WAYS.has(path)).map((path) => READ[path] ?? `unnamed: ${path}`)
    const said = new Set(decisionTable(rulebook).flatMap(({ reads }) => reads))
    t.same([...new Set(read)].sort(), [...said].sort())
  })
}
