import { DAY, DrivenClock, epochFromLabel, HOUR, rfc3339 } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { DrivenRun } from './driven.js'
import type { Realm } from './realm.js'

const START = Date.UTC(2026, 10, 1)

interface Rules {
  readonly latenessMs: number
  readonly destroyKeyAfterMs: number
}

const SHIPPED: Rules = { latenessMs: HOUR, destroyKeyAfterMs: 48 * HOUR }

/** A realm that writes down what is asked of it; epochs are those of the days that are given. */
function recorded(rules: Rules, days: readonly string[], clock: DrivenClock) {
  const calls: string[] = []
  const say = (what: string) => calls.push(`${rfc3339(clock.now())} ${what}`)
  const destroyed = new Set<string>()
  const realm = {
    rulebook: { epochs: { streams: ['day'], ...rules } },
    commit: { drain: async () => {} },
    state: { completeUntil: async (hour: number) => void say(`complete until ${rfc3339(hour)}`) },
    aggregator: {
      advance: async () => {
        say('advance')
        return []
      },
      stage: async () => void say('stage'),
      check: async () => void say('check'),
    },
    keeper: {
      port: {
        epochs: async () =>
          days.map((label) => ({
            label,
            state: destroyed.has(label) ? ('destroyed' as const) : ('open' as const),
          })),
      },
    },
    destroyDue: async () => {
      for (const label of days) {
        if (clock.now() < epochFromLabel(label).end + rules.destroyKeyAfterMs || destroyed.has(label))
          continue
        destroyed.add(label)
        say(`${label} dies`)
      }
    },
  }
  return { realm: realm as unknown as Realm, calls, destroyed }
}

t.test('the deadlines of a day are the close of windows and the death of roots', async (t) => {
  const run = new DrivenRun(recorded(SHIPPED, [], new DrivenClock(START)).realm, new DrivenClock(START))
  const after = (time: number) => rfc3339(run.deadlineAfter(time))
  t.equal(after(START), '2026-11-01T01:00:00Z')
  t.equal(after(START + HOUR - 1), '2026-11-01T01:00:00Z')
  t.equal(after(START + HOUR), '2026-11-02T00:00:00Z')
  t.equal(after(START + DAY - 1), '2026-11-02T00:00:00Z')
})

t.test('no deadline is ever passed over', async (t) => {
  const rules = fc.record({
    latenessMs: fc.integer({ min: 1, max: 24 * 60 }).map((minutes) => minutes * 60_000),
    destroyKeyAfterMs: fc.integer({ min: 1, max: 72 }).map((hours) => hours * HOUR),
  })
  fc.assert(
    fc.property(rules, fc.nat(3 * DAY), fc.integer({ min: 0, max: 20 }), (given, offset, days) => {
      const time = START + offset
      const run = new DrivenRun(recorded(given, [], new DrivenClock(time)).realm, new DrivenClock(time))
      const next = run.deadlineAfter(time)
      t.ok(next > time && next <= time + DAY)
      const end = START + days * DAY
      const closes = Math.ceil((end + given.latenessMs) / HOUR) * HOUR
      for (const due of [closes, end + given.destroyKeyAfterMs]) {
        t.notOk(time < due && due < next, 'a window closes or a root dies in between')
      }
    }),
  )
})

t.test(
  'days go by in the order of the design: a window closes, and two days later its root dies',
  async (t) => {
    const clock = new DrivenClock(0)
    const days = ['day:2026-11-01', 'day:2026-11-02']
    const { realm, calls, destroyed } = recorded(SHIPPED, days, clock)
    const run = new DrivenRun(realm, clock)
    await run.advanceTo(START + 9 * HOUR)
    t.same(
      calls.filter((call) => call.startsWith('2026-11-01T00')),
      [],
      'nothing is alive before the first line',
    )
    await run.advanceTo(START + DAY + 9 * HOUR)
    await run.finish()
    t.equal(clock.now(), START + 2 * DAY + 48 * HOUR)
    t.same([...destroyed], days)
    const order = (what: string) => calls.findIndex((call) => call.includes(what))
    t.ok(order('2026-11-02T01:00:00Z advance') >= 0, 'the first day is released an hour after it ends')
    t.ok(order('2026-11-02T01:00:00Z advance') < order('2026-11-04T00:00:00Z day:2026-11-01 dies'))
    t.ok(order('2026-11-03T01:00:00Z advance') < order('2026-11-05T00:00:00Z day:2026-11-02 dies'))
  },
)

t.test('where nothing is alive years go by at once', async (t) => {
  const clock = new DrivenClock(START)
  const { realm, calls } = recorded(SHIPPED, [], clock)
  await new DrivenRun(realm, clock).advanceTo(START + 3_650 * DAY)
  t.same(calls, [])
  t.equal(clock.now(), START + 3_650 * DAY)
})

t.test('a pause stages what was taken and moves nothing', async (t) => {
  const clock = new DrivenClock(START)
  const { realm, calls } = recorded(SHIPPED, ['day:2026-11-01'], clock)
  await new DrivenRun(realm, clock).pause()
  t.same(calls, ['2026-11-01T00:00:00Z stage', '2026-11-01T00:00:00Z check'])
})

t.test('a day that is filled is written down as driven before anything of it is sealed', async (t) => {
  const clock = new DrivenClock(START + 30 * 60_000)
  const { calls, realm } = recorded(SHIPPED, [], clock)
  Object.assign(realm.keeper.port, {
    // The first hour's key died in an earlier run.
    batchKey: async (hour: number) => (hour === START ? null : Buffer.alloc(32)),
  })
  Object.assign(realm.state, {
    markDriven: async (hour: number) => void calls.push(`driven ${rfc3339(hour)}`),
  })
  Object.assign(realm, { commit: { ...realm.commit, producer: '0'.repeat(16) } })
  await new DrivenRun(realm, clock).enterOpenHour()
  t.same(calls, ['driven 2026-11-01T01:00:00Z'])
})
