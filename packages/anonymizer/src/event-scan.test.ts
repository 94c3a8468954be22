import t from 'tap'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { CLAIMS, createTrial, pageView } from './testing/trial.js'

const erp = shippedRulebook('erp')
const reasons = (fates: readonly string[]) => fates.map((fate) => fate.split(' ')[1])

t.test('one hit in any text of an event drops it, and is counted by detector and field', async (t) => {
  const trial = createTrial(erp)
  const mail = 'ravi@example.in'
  const carriers = [
    [pageView({ path: `/customers/${mail}` }), 'path'],
    [pageView({ from_path: `/a?q=${mail}` }), 'from_path'],
    [pageView({ name: mail }), 'event_name'],
    [pageView({ props: { app_version: mail } }), 'app_version'],
    [pageView({ props: { search_text: mail } }), 'search_text'],
    [pageView({ props: { anything: mail } }), 'props'],
    [pageView({ props: { [mail]: 1 } }), 'props'],
    [pageView({ props: { nested: JSON.stringify({ to: [mail] }) } }), 'props'],
  ] as const
  for (const [event, field] of carriers) {
    const outcome = trial.run([event])
    t.same(reasons(outcome.fates), ['pii.email'], field)
    t.same(outcome.detected, [`email ${field}`])
    t.same(outcome.rows, [])
  }
})

t.test('a hit drops its own event, and no other of the beacon', async (t) => {
  const outcome = createTrial(erp).run([
    pageView({ id: 'a' }),
    pageView({ id: 'b', path: '/call/9876543210' }),
    pageView({ id: 'c' }),
  ])
  t.same(reasons(outcome.fates), ['accepted', 'pii.phone_in', 'accepted'])
  t.equal(outcome.rows.filter(({ stream }) => stream === 'day').length, 2)
})

t.test('an identifier is found in a number, and split over two props', async (t) => {
  const trial = createTrial(erp)
  t.same(reasons(trial.run([pageView({ props: { number: 9_876_543_210 } })]).fates), ['pii.phone_in'])
  t.same(reasons(trial.run([pageView({ props: { a: '98765', b: 7, c: '43210' } })]).fates), ['pii.phone_in'])
  t.same(reasons(trial.run([pageView({ props: { load_ms: 987_654_321 } })]).fates), ['accepted'])
})

t.test('what the token and the page say of themselves is searched as well', async (t) => {
  const trial = createTrial(erp)
  const token = { state: 'valid', claims: { ...CLAIMS, role: 'ravi@example.in' } } as const
  const outcome = trial.run([pageView()], { token })
  t.same(reasons(outcome.fates), ['pii.email'])
  t.same(outcome.detected, ['email role'])
  const beacon = { v: 1, site: 'erp', client: { language: '9876543210' }, events: [pageView()] } as const
  t.same(trial.run([pageView()], { beacon: { ...beacon, events: [pageView()] } }).detected, [
    'phone_in language',
  ])
})

t.test('a late event is late, and a rulebook without a scan searches nothing', async (t) => {
  const late = pageView({ age: 86_400_000, path: '/a/x@y.in' })
  t.same(reasons(createTrial(erp).run([late]).fates), ['late'])
  const blind = createTrial({ ...erp, scan: null })
  t.same(reasons(blind.run([pageView({ path: '/a/x@y.in' })]).fates), ['accepted'])
})

t.test('a text is scanned once while it is remembered, and its answer stays the same', async (t) => {
  const trial = createTrial(erp)
  const event = pageView({ path: '/customers/9876543210/edit' })
  const fates = [trial.run([event]), trial.run([event]), trial.run([event])].flatMap((o) => reasons(o.fates))
  trial.anonymizer.clear()
  t.same([...fates, ...reasons(trial.run([event]).fates)], Array(4).fill('pii.phone_in'))
})
