/** The live loop with time in the test's hand. */
import { mock } from 'node:test'
import { DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { startLiveLoop } from './live.js'
import type { Realm } from './realm.js'

const START = Date.UTC(2026, 10, 1, 10, 59, 50)

function recorded(faults: Set<string>) {
  const calls: string[] = []
  const step = (name: string) => async () => {
    calls.push(name)
    if (faults.has(name)) throw new TacitError('ERR_WAREHOUSE_QUERY', 'alice@example.in')
    return []
  }
  const realm = {
    layout: { name: 'main' },
    rulebook: { keep: { logMs: 24 * HOUR } },
    commit: { watermark: step('watermark') },
    rotateTokenKeys: async () => {},
    destroyDue: step('destroy'),
    aggregator: { advance: step('advance'), stage: step('stage') },
    log: {
      expire: step('expire'),
      cursor: () => ({ position: 0, boundary: null }),
      read: () => ({ records: [], last: 0, corrupt: 0 }),
    },
    state: { counted: 0 },
  }
  return { realm: realm as unknown as Realm, calls }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve()
}

function timers(t: Test): void {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
}

t.test('at an hour it says so in the log, destroys, advances and expires; between, it stages', async (t) => {
  timers(t)
  const clock = new DrivenClock(START)
  const { calls, realm } = recorded(new Set())
  const loop = startLiveLoop(realm, clock, () => t.fail('no alarm'))
  await settle()
  t.same(calls.splice(0), ['watermark', 'destroy', 'advance', 'expire'])
  for (let second = 1; second < 10; second++) {
    clock.advanceTo(START + second * 1_000)
    mock.timers.tick(1_000)
    await settle()
    t.same(calls.splice(0), ['stage'])
  }
  clock.advanceTo(START + 10_000)
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['watermark', 'destroy', 'advance', 'expire'], 'an hour began')
  await loop.stop()
  t.same(calls.splice(0), ['stage'], 'a stop leaves nothing half way')
  mock.timers.tick(10_000)
  await settle()
  t.same(calls, [], 'nothing after the stop')
})

t.test('a round that fails is said once, by its code, and tried again until it is done', async (t) => {
  timers(t)
  const clock = new DrivenClock(START)
  const faults = new Set(['watermark'])
  const { calls, realm } = recorded(faults)
  const alarms: string[] = []
  const loop = startLiveLoop(realm, clock, (message) => alarms.push(message))
  await settle()
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['watermark', 'watermark'], 'the watermark is not skipped')
  faults.clear()
  faults.add('advance')
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['watermark', 'destroy', 'advance'])
  faults.clear()
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['destroy', 'advance', 'expire'], 'a round that failed is not put off by ten')
  t.same(alarms.length, 1)
  t.match(alarms[0], /ERR_WAREHOUSE_QUERY/)
  t.notMatch(alarms[0], /alice/)
  await loop.stop()
})
