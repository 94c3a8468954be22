/** The live loop with time in the test's hand. */
import { mock } from 'node:test'
import { DrivenClock, HOUR, MINUTE, TacitError } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { startLiveLoop } from './live.js'
import type { Realm } from './realm.js'
import type { RulebookSwitch } from './rulebook-switch.js'

const START = Date.UTC(2026, 10, 1, 10, 59, 50)

function recorded(faults: Set<string>) {
  const calls: string[] = []
  const ahead = { wanted: 0, held: 0 }
  const step = (name: string) => async () => {
    calls.push(name)
    if (faults.has(name)) throw new TacitError('ERR_WAREHOUSE_QUERY', 'alice@example.in')
    return []
  }
  const realm = {
    layout: { name: 'main' },
    rulebook: { keep: { logMs: 24 * HOUR } },
    commit: { watermark: step('watermark') },
    intake: { forget: () => calls.push('forget') },
    rotateTokenKeys: async () => {},
    prefetch: () => ahead,
    destroyDue: step('destroy'),
    aggregator: {
      advance: step('advance'),
      stage: step('stage'),
      check: step('check'),
      countLive: async () => {},
    },
    log: {
      expire: step('expire'),
      cursor: () => ({ position: 0, boundary: null }),
      read: () => ({ records: [], last: 0, corrupt: 0 }),
    },
    state: { counted: 0 },
  }
  return { realm: realm as unknown as Realm, calls, ahead }
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
  t.same(calls.splice(0), ['destroy', 'watermark', 'advance', 'expire', 'check'])
  for (let second = 1; second < 10; second++) {
    clock.advanceTo(START + second * 1_000)
    mock.timers.tick(1_000)
    await settle()
    t.same(calls.splice(0), ['stage'])
  }
  clock.advanceTo(START + 10_000)
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['destroy', 'watermark', 'advance', 'expire', 'check'], 'an hour began')
  await loop.stop()
  t.same(calls.splice(0), ['stage'], 'a stop leaves nothing half way')
  mock.timers.tick(10_000)
  await settle()
  t.same(calls, [], 'nothing after the stop')
})

t.test('rounds that fail for three minutes are known to fail, until one is done', async (t) => {
  timers(t)
  const clock = new DrivenClock(START)
  const faults = new Set(['advance', 'stage'])
  const { realm } = recorded(faults)
  const loop = startLiveLoop(realm, clock, () => {})
  const passes = async (ms: number): Promise<void> => {
    clock.advanceTo(clock.now() + ms)
    mock.timers.tick(1_000)
    await settle()
  }
  await settle()
  t.equal(loop.isFailing(), false, 'one that failed may have been bad luck')
  await passes(3 * MINUTE - 1)
  t.equal(loop.isFailing(), false)
  await passes(1)
  t.equal(loop.isFailing(), true)
  faults.clear()
  await passes(1_000)
  t.equal(loop.isFailing(), false)
  await loop.stop()
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
  t.same(calls.splice(0), ['destroy', 'watermark', 'watermark'], 'the watermark is not skipped')
  faults.clear()
  faults.add('advance')
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['watermark', 'advance'])
  faults.clear()
  mock.timers.tick(1_000)
  await settle()
  t.same(calls.splice(0), ['advance', 'expire', 'check'], 'a round that failed is not put off by ten')
  t.same(alarms.length, 1)
  t.match(alarms[0], /ERR_WAREHOUSE_QUERY/)
  t.notMatch(alarms[0], /alice/)
  await loop.stop()
})

t.test(
  'a clock that went back into hours whose keys died: the log says so once, and until when',
  async (t) => {
    timers(t)
    const clock = new DrivenClock(START)
    const { realm } = recorded(new Set())
    realm.commit.watermark = () => Promise.reject(new TacitError('ERR_LOG_UNAVAILABLE'))
    const dead = ['hour:2026-11-01T10', 'hour:2026-11-01T11'].map((id) => ({ id, destroyed: 'then' }))
    for (const [keys, said] of [
      [async () => dead, /^a round .*the hours before 2026-11-01T12:00:00Z are destroyed.*beacons get 503/],
      [async () => [], /failed \(ERR_LOG_UNAVAILABLE\)/],
      [() => Promise.reject(new TacitError('ERR_KEEPER_UNAVAILABLE')), /failed \(ERR_LOG_UNAVAILABLE\)/],
    ] as const) {
      Object.assign(realm, { keeper: { keys } })
      const alarms: string[] = []
      const loop = startLiveLoop(realm, clock, (message) => alarms.push(message))
      await settle()
      mock.timers.tick(1_000)
      await settle()
      t.match(alarms, [said])
      t.equal(alarms.length, 1)
      await loop.stop()
    }
  },
)

t.test('keys that are missing two minutes before they are needed are said once an hour', async (t) => {
  timers(t)
  const end = Date.UTC(2026, 10, 1, 24)
  const clock = new DrivenClock(end - 5 * MINUTE)
  const { ahead, realm } = recorded(new Set(['stage', 'watermark']))
  const alarms: string[] = []
  const loop = startLiveLoop(realm, clock, (message) => alarms.push(message))
  const said = () => alarms.splice(0).filter((message) => message.includes('key'))
  const rounds = async (time: number, count = 1) => {
    for (let at = 0; at < count; at++) {
      clock.advanceTo(time + at * 1_000)
      mock.timers.tick(1_000)
      await settle()
    }
  }
  Object.assign(ahead, { wanted: 2_000, held: 500 })
  await rounds(end - 4 * MINUTE, 60)
  t.same(said(), [], 'there is time')
  Object.assign(ahead, { wanted: 2_000, held: 2_000 })
  await rounds(end - 2 * MINUTE, 5)
  Object.assign(ahead, { wanted: 2_003, held: 2_000 })
  await rounds(end - 100_000)
  t.same(said(), [], 'three are new, and were asked for in this very round')
  await rounds(end - 99_000, 20)
  const first = said()
  t.equal(first.length, 1)
  t.match(first[0], /3 keys/)
  Object.assign(ahead, { wanted: 0, held: 0 })
  await rounds(end, 2)
  Object.assign(ahead, { wanted: 1, held: 0 })
  await rounds(end + 59 * MINUTE, 5)
  t.match(said(), [/1 key /])
  await loop.stop()
})
t.test(
  'while the clock stands still nothing is done, and no raw value stays; then all that is due',
  async (t) => {
    timers(t)
    const driven = new DrivenClock(START)
    const clock = { standsStill: true, now: () => driven.now() }
    const { calls, realm } = recorded(new Set())
    const loop = startLiveLoop(realm, clock, () => t.fail('no alarm'))
    await settle()
    for (let second = 0; second < 20; second++) {
      mock.timers.tick(1_000)
      await settle()
    }
    t.same(calls.splice(0), new Array(21).fill('forget'))
    clock.standsStill = false
    mock.timers.tick(1_000)
    await settle()
    t.same(calls.splice(0), ['destroy', 'watermark', 'advance', 'expire', 'check'], 'keys die first')
    clock.standsStill = true
    mock.timers.tick(1_000)
    await settle()
    t.same(calls.splice(0), ['forget'])
    await loop.stop()
  },
)

t.test('keys die every ten seconds and at each hour, whatever else fails', async (t) => {
  for (const fault of ['look', 'rotate', 'watermark', 'advance']) {
    timers(t)
    const clock = new DrivenClock(START)
    const { calls, realm } = recorded(new Set([fault]))
    const look = async () => {
      if (fault === 'look') throw new TacitError('ERR_REGISTER_DAMAGED')
      return false
    }
    if (fault === 'rotate') realm.rotateTokenKeys = () => Promise.reject(new TacitError('ERR_CONFIG_INVALID'))
    const loop = startLiveLoop(realm, clock, () => undefined, { look } as unknown as RulebookSwitch)
    await settle()
    for (let second = 1; second <= 25; second++) {
      // The hour ends with the tenth second.
      clock.advanceTo(START + second * 1_000)
      mock.timers.tick(1_000)
      await settle()
    }
    t.equal(calls.filter((call) => call === 'destroy').length, 3, fault)
    await loop.stop()
    mock.timers.reset()
  }
})

t.test('a destruction that fails is said by its own name, and again each hour while it lasts', async (t) => {
  timers(t)
  let passed = 0
  t.intercept(performance, 'now', { value: () => passed })
  const clock = new DrivenClock(START)
  const faults = new Set(['destroy'])
  const { calls, realm } = recorded(faults)
  const alarms: string[] = []
  const loop = startLiveLoop(realm, clock, (message) => alarms.push(message))
  await settle()
  t.same(calls.splice(0), ['destroy', 'watermark', 'advance', 'expire', 'check'], 'all else is done')
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      mock.timers.tick(1_000)
      await settle()
    }
  }
  await rounds(20)
  t.equal(alarms.length, 1)
  t.match(alarms[0], /may outlive their time/)
  t.notMatch(alarms[0], /alice/)
  passed += HOUR
  await rounds(10)
  t.equal(alarms.length, 2, 'after an hour')
  faults.clear()
  await rounds(10)
  faults.add('destroy')
  await rounds(10)
  t.equal(alarms.length, 3, 'it came again')
  await loop.stop()
})
