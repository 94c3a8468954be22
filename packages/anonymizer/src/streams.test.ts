/** Streams by linkage window: what a day, a week and a month are told of one beacon. */
import { DAY, HOUR } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from './ip.js'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { createTrial, NOW, type Outcome, pageView } from './testing/trial.js'

const erp = shippedRulebook('erp')

function statistic(changes: Partial<Statistic> & Pick<Statistic, 'id' | 'windows' | 'by'>): Statistic {
  return {
    shape: { type: 'counts' },
    title: changes.id,
    site: 'erp',
    where: {},
    drill: [],
    measures: ['users'],
    people: 'floored',
    ...changes,
  }
}

const withStatistics = (...statistics: Statistic[]): Rulebook => ({ ...erp, statistics })
const PAGES = statistic({ id: 'pages', windows: ['day'], where: { kind: 'page_view' }, by: ['path'] })
const FEATURES = statistic({
  id: 'features',
  windows: ['day', 'week'],
  where: { kind: 'feature' },
  by: ['event_name'],
  drill: ['role'],
})
const APPS = statistic({ id: 'apps', windows: ['week'], where: { kind: 'device' }, by: ['app_version'] })
const RETENTION = statistic({
  id: 'retention',
  windows: ['month'],
  by: [],
  shape: { type: 'retention', cohort: 'cohort' },
})
const ALL = withStatistics(PAGES, FEATURES, APPS, RETENTION)

const of = ({ rows }: Outcome, stream: string) =>
  rows.filter((row) => row.stream === stream).map(({ record }) => record)
const feature = (name: string, more = {}) => pageView({ id: `${name}-1`, name, ...more })

t.test(
  'a week is told of a cell of its statistic: no time, no count, no event, only its dimensions',
  async (t) => {
    const outcome = createTrial(ALL).run([feature('invoice.save', { props: { app_version: '8.2.0' } })])
    const [week, ...more] = of(outcome, 'week')
    t.same(more, [])
    const { person, tenant, ...rest } = week ?? {}
    t.same(rest, {
      epoch: '2026-11-30',
      site: 'erp',
      statistic: 'features',
      standing: 'established',
      network: '',
      app_version: '',
      event_name: 'invoice.save',
      role: 'accounts',
    })
    t.match(person, /^[\w-]{22}$/)
    t.match(tenant, /^[\w-]{22}$/)
  },
)

t.test('each statistic of a week has a record of its own', async (t) => {
  const outcome = createTrial(withStatistics(FEATURES, APPS)).run([
    feature('invoice.save'),
    feature('app_start', { props: { app_version: '8.2.0' } }),
  ])
  t.same(
    of(outcome, 'week').map(({ app_version, event_name, statistic: id }) => [id, event_name, app_version]),
    [
      ['features', 'invoice.save', ''],
      ['apps', '', '8.2.0'],
    ],
  )
})

t.test('a cell is told once a beacon, however often it was visited', async (t) => {
  const outcome = createTrial(ALL).run([
    feature('invoice.save'),
    feature('invoice.save', { id: 'again' }),
    feature('invoice.send'),
  ])
  t.equal(of(outcome, 'day').length, 3)
  t.same(
    of(outcome, 'week').map((record) => record['event_name']),
    ['invoice.save', 'invoice.send'],
  )
  t.equal(of(outcome, 'month').length, 1, 'and the cohort once')
})

t.test('a statistic of days alone tells a week nothing', async (t) => {
  const outcome = createTrial(withStatistics(PAGES)).run([pageView()])
  t.same(
    outcome.rows.map(({ stream }) => stream),
    ['day'],
  )
})

t.test('the streams that are not stored are not made', async (t) => {
  const plans = [{ stream: 'day', dimensions: ['path'] }] as const
  const outcome = createTrial(ALL, { plans }).run([feature('invoice.save')])
  t.same(
    outcome.fates.map((fate) => fate.split(' ')[1]),
    ['accepted'],
  )
  t.equal(outcome.rows.filter(({ stream }) => stream !== 'day').length, 0)
})

t.test('no record holds a pseudonym of another stream, and none of two epochs are equal', (t) => {
  const trial = createTrial(ALL)
  const names = ['page_view', 'invoice.save', 'invoice.send', 'app_start']
  const events = fc.array(fc.record({ name: fc.constantFrom(...names), age: fc.nat({ max: 12 * HOUR }) }), {
    minLength: 1,
    maxLength: 8,
  })
  let weeks = 0
  fc.assert(
    fc.property(events, (list) => {
      const at = NOW
      const outcome = trial.run(
        list.map(({ age, name }, i) => pageView({ id: `e${String(i)}`, name, age })),
        {},
        at,
      )
      const epochsOf = new Map<unknown, Set<string>>()
      for (const { epoch, record } of outcome.rows) {
        for (const pseudonym of [record['person'], record['tenant']]) {
          epochsOf.set(pseudonym, (epochsOf.get(pseudonym) ?? new Set()).add(epoch))
        }
        if (epoch.startsWith('week:')) weeks += 1
      }
      return [...epochsOf.values()].every((epochs) => epochs.size === 1)
    }),
    { seed: 4, numRuns: 200 },
  )
  t.ok(weeks > 100, 'weeks were told something')
  t.end()
})

t.test('what lies before a rulebook took effect is late under it', async (t) => {
  const start = NOW - (NOW % DAY)
  const trial = createTrial(erp, { notBefore: start })
  const at = start + 30 * 60_000
  const outcome = trial.run(
    [pageView({ age: 30 * 60_000 }), pageView({ id: 'b', age: 30 * 60_000 + 1 })],
    {},
    at,
  )
  t.same(
    outcome.fates.map((fate) => fate.split(' ')[1]),
    ['accepted', 'late'],
  )
})

t.test('the country is looked up for the cut network, and nothing of the address is left', async (t) => {
  const asked: string[] = []
  const countries = (network: string): string => {
    asked.push(network)
    return network.startsWith('49.36.') ? 'IN' : 'ZZ'
  }
  const rulebook: Rulebook = {
    ...withStatistics(statistic({ id: 'countries', windows: ['day'], by: ['country'] })),
    fields: { ...erp.fields, client_ip: { do: 'truncate', ipv4: 16, ipv6: 32, keeps: 'country' } },
  }
  const address = parseAddress('49.36.10.11')
  const outcome = createTrial(rulebook, { countries }).run([pageView()], { address })
  t.same(asked, ['49.36.0.0/16'])
  t.equal(of(outcome, 'day')[0]?.['country'], 'IN')
  t.notMatch(JSON.stringify(outcome.rows), /49\.36/)
  t.equal(
    of(createTrial(rulebook, { countries }).run([pageView()]), 'day')[0]?.['country'],
    'ZZ',
    'nobody is there',
  )
  t.equal(asked.length, 1, 'and nobody asks')
  const unknown = createTrial(rulebook).run([pageView()], { address })
  t.equal(of(unknown, 'day')[0]?.['country'], 'ZZ', 'without a database nobody knows')
  const absent = createTrial(rulebook, { countries }).run([pageView()], { address: null })
  t.equal(of(absent, 'day')[0]?.['country'], '', 'what is no address has no country')
})
