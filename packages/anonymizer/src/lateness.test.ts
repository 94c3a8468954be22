/** Late for its finest window is late for every window, and no sooner. */
import { DAY, HOUR } from '@tacit/contracts'
import type { EventKind, Rulebook, Statistic, Window } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { PeekKey } from './identity.js'
import { compileWindowEnd } from './lateness.js'
import { createTrial, type Outcome, pageView, testKeys } from './testing/trial.js'

const erp = shippedRulebook('erp')
/** A Wednesday. */
const NOON = Date.UTC(2026, 11, 2, 12)
const MONDAY = Date.UTC(2026, 11, 7)

const counts = (id: string, windows: readonly Window[], kind?: EventKind): Statistic => ({
  id,
  shape: { type: 'counts' },
  title: id,
  site: 'erp',
  windows,
  where: kind === undefined ? {} : { kind },
  by: [],
  drill: [],
  measures: ['users'],
  people: 'floored',
})
const LIVE: Statistic = { ...counts('live', ['5m']), shape: { type: 'live' } }
const withStatistics = (...statistics: Statistic[]): Rulebook => ({ ...erp, statistics })
const fate = ({ fates }: Outcome): string | undefined => fates[0]?.split(' ')[1]

/** Checks that an event of `time` is taken until 1 ms before `closes`, and late from then on. */
function closesAt(
  t: Test,
  rulebook: Rulebook,
  time: number,
  closes: number,
  { name = 'page_view', says }: { readonly name?: string; readonly says: string },
): void {
  const trial = createTrial(rulebook)
  const at = (now: number) => fate(trial.run([pageView({ name, age: now - time })], {}, now))
  t.equal(at(closes - 1), 'accepted', `${says}: 1 ms before`)
  t.equal(at(closes), 'late', `${says}: from then on`)
  t.equal(at(closes + 1), 'late', `${says}: and after`)
}

t.test('an hour closes lateness after its end, and its events are late for the day too', async (t) => {
  const hours = withStatistics(counts('pages', ['day', 'hour'], 'page_view'))
  closesAt(t, hours, NOON - HOUR, NOON + HOUR, { says: 'the first ms of an hour' })
  closesAt(t, hours, NOON - 1, NOON + HOUR, { says: 'its last ms' })
  closesAt(t, hours, NOON, NOON + 2 * HOUR, { says: 'the first of the next' })
  const outcome = createTrial(hours).run([pageView({ age: 2 * HOUR })], {}, NOON + HOUR / 2)
  t.same(outcome.fates, ['2026-12-02T10:00:00Z late'], '10:30, at 12:30')
  t.same(outcome.rows, [])
})

t.test('each kind of event has the finest window of the statistics that read it', async (t) => {
  const rulebook = withStatistics(
    counts('pages', ['day', 'hour'], 'page_view'),
    counts('features', ['week', 'day'], 'feature'),
    counts('errors', ['month'], 'error'),
  )
  const events = [pageView({ age: 3 * HOUR }), pageView({ name: 'invoice.save', age: 3 * HOUR })]
  const outcome = createTrial(rulebook).run(events, {}, NOON)
  t.same(
    outcome.fates.map((one) => one.split(' ')[1]),
    ['late', 'accepted'],
  )
  closesAt(t, rulebook, NOON, NOON - 12 * HOUR + DAY + HOUR, { name: 'invoice.save', says: 'a day' })
  const everything = withStatistics(...rulebook.statistics, counts('devices', ['hour']))
  closesAt(t, everything, NOON - 1, NOON + HOUR, {
    name: 'invoice.save',
    says: 'read by a statistic of all kinds',
  })
  const elsewhere = withStatistics(...rulebook.statistics, { ...counts('devices', ['hour']), site: 'other' })
  closesAt(t, elsewhere, NOON, NOON - 12 * HOUR + DAY + HOUR, {
    name: 'invoice.save',
    says: 'a statistic of another site closes nothing here',
  })
})

t.test('the last five minutes are no window that closes', async (t) => {
  const midnight = NOON - 12 * HOUR
  const days = withStatistics(LIVE, counts('pages', ['day'], 'page_view'))
  closesAt(t, days, midnight, midnight + DAY + HOUR, { says: 'with days' })
  closesAt(t, withStatistics(LIVE), midnight, midnight + DAY + HOUR, { says: 'alone: with its day' })
})

t.test('what no statistic reads is late with its day, and so is an unknown name', async (t) => {
  const rulebook = withStatistics(counts('pages', ['hour'], 'page_view'))
  const midnight = NOON - 12 * HOUR
  closesAt(t, rulebook, midnight, midnight + DAY + HOUR, { name: 'invoice.save', says: 'nothing reads it' })
  const unknown = (age: number) =>
    fate(createTrial(rulebook).run([pageView({ name: 'made.up', age })], {}, NOON))
  t.equal(unknown(3 * HOUR), 'event.unknown')
  t.equal(unknown(DAY), 'late')
})

t.test('an event that is counted by week alone is in time until its week has closed', async (t) => {
  const weeks = withStatistics(counts('pages', ['week', 'month'], 'page_view'))
  closesAt(t, weeks, MONDAY - 1, MONDAY + HOUR, { says: 'the last ms of a week' })
  const yesterday = [pageView({ age: 20 * HOUR })]
  const outcome = createTrial(weeks).run(yesterday, {}, NOON)
  t.same(
    outcome.rows.map(({ epoch }) => epoch),
    ['week:2026-11-30', 'month:2026-12'],
  )
  // Live, the keys of a closed day are gone; the week's are not.
  const keys = testKeys()
  const live: PeekKey = (stream, epoch, scope) => (stream === 'day' ? 'late' : keys(stream, epoch, scope))
  const withDays = withStatistics(...weeks.statistics, counts('features', ['day'], 'feature'))
  t.equal(fate(createTrial(withDays).run(yesterday, {}, NOON, live)), 'accepted')
  t.equal(fate(createTrial(withDays).run([pageView({ name: 'invoice.save' })], {}, NOON, live)), 'late')
  const plans = [{ stream: 'day', dimensions: [] }] as const
  const stored = createTrial(withDays, { plans }).run(yesterday, {}, NOON, live)
  t.equal(fate(stored), 'accepted', 'where weeks are not stored it leaves nothing')
  t.same(stored.rows, [])
})

t.test(
  'the end of a window lies after each of its moments, and no window is longer than a month',
  async (t) => {
    const lengths = { hour: HOUR, day: DAY, week: 7 * DAY, month: 31 * DAY }
    for (const [window, longest] of Object.entries(lengths)) {
      const end = compileWindowEnd(withStatistics(counts('pages', [window as Window])), 'erp', 'page_view')
      fc.assert(
        fc.property(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), (time) => {
          const ends = end(time)
          return ends > time && ends - time <= longest && end(ends - 1) === ends && end(ends) > ends
        }),
      )
    }
    t.pass('held in every run')
  },
)
