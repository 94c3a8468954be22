/** When the people of five minutes are counted, with time in the test's hand. */
import { mock } from 'node:test'
import { DrivenClock, HOUR, MINUTE } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { startLiveLoop } from './live.js'
import { type LiveCount, startLiveCount } from './live-count.js'
import type { Realm } from './realm.js'

const TEN = Date.UTC(2026, 10, 1, 10)

function timers(t: Test): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
}

/** Lets time pass in small steps, as a clock and its timers do. */
function pass(clock: DrivenClock, ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    clock.advanceTo(clock.now() + 100)
    mock.timers.tick(100)
  }
}

t.test('it looks within a moment of each whole five minutes, and once a second else', async (t) => {
  timers(t)
  const clock = new DrivenClock(TEN + 4 * MINUTE + 58_400)
  const looks: number[] = []
  const count: LiveCount = startLiveCount({ countLive: async (now) => void looks.push(now - TEN) }, clock)
  pass(clock, 3_000)
  t.same(looks, [298_400, 299_400, 300_000, 301_000])
  await count.stop()
  pass(clock, 5 * MINUTE)
  await count.look()
  t.equal(looks.length, 4, 'nothing after a stop')
})

t.test('while the clock stands still nothing is counted', async (t) => {
  timers(t)
  const driven = new DrivenClock(TEN)
  const clock = { now: () => driven.now(), standsStill: true }
  let looks = 0
  const count = startLiveCount({ countLive: async () => void looks++ }, clock)
  pass(driven, 6 * MINUTE)
  await count.look()
  t.equal(looks, 0)
  clock.standsStill = false
  pass(driven, 1_000)
  t.equal(looks, 1)
  await count.stop()
})

t.test(
  'an hour is settled when the people of its last minutes are counted, and a stop waits for that, too',
  async (t) => {
    timers(t)
    const clock = new DrivenClock(TEN - 500)
    const calls: string[] = []
    const step = (name: string) => async () => void calls.push(name)
    let counted: () => void = () => {}
    let hold = false
    const realm = {
      layout: { name: 'main' },
      rulebook: { keep: { logMs: 24 * HOUR } },
      destroyDue: step('destroy'),
      aggregator: {
        advance: step('advance'),
        stage: step('stage'),
        check: step('check'),
        oldestUnstagedHour: () => null,
        countLive: async () => {
          if (!hold) return
          calls.push('count')
          await new Promise<void>((resolve) => {
            counted = resolve
          })
          calls.push('counted')
        },
      },
    } as unknown as Realm
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    }
    const loop = startLiveLoop(realm, clock, () => t.fail('no alarm'))
    await settle()
    calls.splice(0)
    hold = true
    clock.advanceTo(TEN + 500)
    mock.timers.tick(1_000)
    await settle()
    t.equal(calls.at(-1), 'count')
    t.notOk(calls.includes('advance'), 'the keys of the hour are still needed')
    hold = false
    counted()
    await settle()
    t.ok(calls.indexOf('counted') >= 0 && calls.indexOf('counted') < calls.indexOf('advance'))

    hold = true
    mock.timers.tick(1_000)
    await settle()
    calls.splice(0)
    const stopped = loop.stop().then(() => calls.push('stopped'))
    await settle()
    t.notOk(calls.includes('stopped'))
    counted()
    await stopped
    t.ok(calls.indexOf('counted') < calls.indexOf('stopped'))
  },
)
