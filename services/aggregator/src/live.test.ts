/** The number of the last five minutes, from a real log through real rows in ClickHouse, with the clock in the test's hand. */
import { join } from 'node:path'
import { queryObjects } from 'node:v8'
import { HOUR, MINUTE, TacitError } from '@tacit/contracts'
import type { LogPlace, LogTail } from '@tacit/event-log'
import { createLogKeys } from '@tacit/keyring'
import t, { type Test } from 'tap'
import { LiveCounter, type LiveOptions } from './live.js'
import { LivePeople } from './live-people.js'
import { soleRulebook } from './rulebooks.js'
import { liveRulebook } from './testing/live-rulebook.js'
import { erpRulebook, type TestProcess, TestStores, testServer } from './testing/stores.js'
import { DAY_START, EPOCH, pageViews, type Row, TestCollector } from './testing/traffic.js'

const server = await testServer(t)
const NOON = DAY_START + 12 * HOUR
const WINDOW = 5 * MINUTE
const at = (window: number): number => NOON + window * WINDOW

const rulebook = liveRulebook(erpRulebook('pages'))
let databases = 0

interface Running extends TestProcess {
  readonly stores: TestStores
  readonly alarms: string[]
  /** of the numbers that are there at a time */
  users(now: number): Promise<(number | null)[]>
  count(now: number): Promise<void>
}

/** @param change of what the counter sees of its stores */
async function open(
  t: Test,
  change: (options: LiveOptions) => Partial<LiveOptions> = () => ({}),
): Promise<Running> {
  const name = `live_${String(databases++)}`
  const stores = new TestStores(join(t.testdir(), name), server, name, rulebook)
  stores.keeper.openEpoch(EPOCH)
  const running = await stores.open()
  t.teardown(() => running.close())
  const options: LiveOptions = {
    ...running,
    rulebooks: stores.rulebooks,
    membership: { isOwner: true },
    alarm: (message) => stores.alarms.push(message),
  }
  const counter = new LiveCounter({ ...options, ...change(options) })
  return {
    ...running,
    stores,
    alarms: stores.alarms,
    count: (now) => counter.round(now),
    users: async (now) => (await running.warehouse.live(now)).map(({ users }) => users),
  }
}

/** People of six tenants. */
const people = (perTenant: number, prefix = ''): Row[] =>
  pageViews({ tenants: 6, perTenant, prefix }, '/dashboard').map((row) => ({ ...row, at: NOON }))

/** Sends rows in batches of seven. */
async function send({ collector }: Running, rows: readonly Row[], hour = NOON): Promise<void> {
  for (let from = 0; from < rows.length; from += 7) await collector.send(hour, rows.slice(from, from + 7))
}

t.test('each window has the people of its own batches, and overwrites the one before', async (t) => {
  const running = await open(t)
  await send(running, people(9))
  await running.count(at(0))
  await send(running, people(4))
  await running.aggregator.stage()
  await send(running, people(4))
  await running.count(at(1) - 1)
  t.same(await running.users(at(1)), [], 'a window that runs has no number')
  await running.count(at(1))
  t.match(await running.warehouse.live(at(1)), [
    { statistic: 'live', windowStart: at(0), users: 20, floor: 10, rulebook: rulebook.hash },
  ])
  await send(running, people(6))
  await running.count(at(2) + 900)
  t.match(await running.warehouse.live(at(2)), [{ windowStart: at(1), users: 30 }])
  await running.count(at(3))
  t.match(await running.warehouse.live(at(3)), [{ windowStart: at(2), users: null }])
  t.same(running.alarms, [])
})

t.test('where the beginning of a window is not known there is no number', async (t) => {
  const running = await open(t)
  await send(running, people(9))
  await running.count(at(0) + 7_000)
  t.same(await running.warehouse.live(at(1)), [], 'a start tells nothing of what was before')
  await send(running, people(9))
  await running.count(at(1))
  t.match(await running.warehouse.live(at(1)), [{ windowStart: at(0), users: null }])
  await send(running, people(9))
  await running.count(at(2))
  t.same(await running.users(at(2)), [50])
  await send(running, people(9))
  await running.count(at(3) + 5_001)
  t.same(await running.users(at(3) + 6_000), [null], 'an end that was noted too late')
  await running.count(at(4))
  t.same(await running.users(at(4)), [null], 'which is a beginning, too')
  await running.count(at(5))
  await send(running, people(9))
  await running.count(at(7))
  t.match(
    await running.warehouse.live(at(7)),
    [{ windowStart: at(6), users: null }],
    'a window that was slept through',
  )
})

t.test('a clock that goes back by less than a window neither ends nor begins one', async (t) => {
  const running = await open(t)
  await running.count(at(0))
  await send(running, people(4))
  await running.count(at(0) - MINUTE)
  await send(running, people(6))
  await running.count(at(1))
  t.same(await running.users(at(1)), [30])
  await running.count(at(-12))
  t.match(await running.users(at(-12)), [null], 'by more, nothing is known')
})

t.test('a batch that comes again counts once, also in the next window', async (t) => {
  const running = await open(t)
  await running.count(at(0))
  const sealed = await running.collector.send(NOON, people(4))
  await running.log.append(sealed, NOON)
  await running.count(at(1))
  t.same(await running.users(at(1)), [20])
  await running.log.append(sealed, NOON)
  await running.log.append(sealed, NOON)
  await send(running, people(2, 'other-'))
  await running.count(at(2))
  t.same(await running.users(at(2)), [10], 'those of the former window are not there now')
})

t.test('a batch that waited since an earlier hour is nobody of the last minutes', async (t) => {
  const running = await open(t)
  await running.count(at(0))
  await send(running, people(9, 'late-'), NOON - HOUR)
  await send(running, people(4))
  await running.count(at(1))
  t.same(await running.users(at(1)), [20])
})

t.test(
  'the last window of an hour has a number before the hour is settled, and none without its key',
  async (t) => {
    const running = await open(t)
    await running.count(at(11))
    await send(running, people(4))
    await running.collector.watermark(at(12))
    await running.count(at(12))
    await running.advance(at(12))
    t.same(running.stores.keeper.liveHours, [at(12)], 'the key is gone')
    t.same(await running.users(at(12)), [20])

    const late = await open(t)
    await late.count(at(11))
    await send(late, people(4))
    await late.collector.watermark(at(12))
    await late.advance(at(12))
    await late.count(at(12))
    t.same(await late.users(at(12)), [null])
  },
)

t.test('what cannot be opened or read leaves no number', async (t) => {
  const spoils: Record<string, (running: Running) => Promise<void>> = {
    'a batch that is not authentic': async ({ collector, log }) => {
      const sealed = await collector.seal(NOON, people(1))
      sealed[sealed.length - 1] = (sealed[sealed.length - 1] ?? 0) ^ 1
      await log.append(sealed, NOON)
    },
    'no batch at all': async ({ log }) => log.append(Buffer.from('nothing'), NOON),
    'rows that are none': async ({ collector, log }) =>
      log.append(await collector.seal(NOON, people(1), {}, (lines) => lines.slice(0, -3)), NOON),
  }
  for (const [name, spoil] of Object.entries(spoils)) {
    const running = await open(t)
    await running.count(at(0))
    await send(running, people(4))
    await spoil(running)
    await running.count(at(1))
    t.same(await running.users(at(1)), [null], name)
    await send(running, people(4))
    await running.count(at(2))
    t.same(await running.users(at(2)), [20], `${name}: the next window is another one`)
  }
})

t.test('a log that does not answer leaves no number, and the next whole window has one', async (t) => {
  let fails: 'end' | 'between' | 'slow' | null = null
  const running = await open(t, ({ log }) => ({
    log: {
      tail: (): LogTail => {
        const tail = log.tail()
        return {
          async end(): Promise<LogPlace> {
            if (fails === 'end') throw new TacitError('ERR_LOG_READ', 'alice@example.in')
            return tail.end()
          },
          async *between(from, to) {
            if (fails === 'between') throw new TacitError('ERR_LOG_READ', 'alice@example.in')
            yield* tail.between(from, to)
          },
        }
      },
    },
  }))
  const window = async (number: number): Promise<(number | null)[]> => {
    await send(running, people(4))
    await running.count(at(number))
    return running.users(at(number))
  }
  await running.count(at(0))
  fails = 'between'
  t.same(await window(1), [null])
  fails = 'end'
  t.same(await window(2), [null])
  t.equal(running.alarms.length, 1, 'it is said once')
  fails = null
  t.same(await window(3), [null], 'its beginning is not known')
  t.same(await window(4), [20])
  fails = 'end'
  t.same(await window(5), [null])
  t.same(
    running.alarms,
    Array(2).fill('the number of people of the last five minutes is not known (ERR_LOG_READ)'),
  )
})

t.test('who is not the owner notes, and tells nothing; the next owner goes on at once', async (t) => {
  const membership = { isOwner: false }
  const running = await open(t, () => ({ membership }))
  await running.count(at(0))
  await send(running, people(9))
  await running.count(at(1))
  t.same(await running.users(at(1)), [])
  await send(running, people(4))
  membership.isOwner = true
  await running.count(at(2))
  t.same(await running.users(at(2)), [20])
})

t.test('a batch of a rulebook that nobody activated counts nobody', async (t) => {
  const running = await open(t)
  const stranger = new TestCollector(running.log, createLogKeys(running.stores.keeper), {
    ...rulebook,
    hash: 'f'.repeat(64),
  })
  await running.count(at(0))
  await send(running, people(4))
  await stranger.send(NOON, people(9, 'strange-'))
  await running.count(at(1))
  t.same(await running.users(at(1)), [20])
})

t.test('a window in which the statistic was declared otherwise has no number', async (t) => {
  const former = {
    ...rulebook,
    hash: 'e'.repeat(64),
    statistics: rulebook.statistics.filter(({ id }) => id !== 'live'),
  }
  const running = await open(t, () => ({
    rulebooks: {
      ...soleRulebook(rulebook),
      reigns: () => null,
      ofHash: (hash) => (hash === former.hash ? former : rulebook),
    },
  }))
  const before = new TestCollector(running.log, createLogKeys(running.stores.keeper), former)
  await running.count(at(0))
  await before.send(NOON, people(4))
  await send(running, people(4))
  await running.count(at(1))
  t.same(await running.users(at(1)), [null])
  await send(running, people(4))
  await running.count(at(2))
  t.same(await running.users(at(2)), [20])
})

t.test(
  'a rulebook that asks for noise leaves no number: it would be outside of what its budget promises',
  async (t) => {
    const noise = { unit: 'user-day', mechanism: 'laplace', epsilon: 1, capPerYear: 100 } as const
    const noisy = { ...rulebook, release: { ...rulebook.release, noise } }
    const running = await open(t, () => ({ rulebooks: soleRulebook(noisy) }))
    await running.count(at(0))
    await send(running, people(4))
    await running.count(at(1))
    t.same(await running.users(at(1)), [null])
  },
)

t.test('a rulebook without such a statistic leaves no number behind', async (t) => {
  let current = rulebook
  const running = await open(t, () => ({ rulebooks: { ...soleRulebook(rulebook), current: () => current } }))
  await running.count(at(0))
  await send(running, people(4))
  await running.count(at(1))
  t.same(await running.users(at(1)), [20])
  current = erpRulebook('pages')
  await running.count(at(2))
  t.same(await running.warehouse.live(at(2)), [])
})

t.test(
  'nothing but whole steps is ever in the table, and nobody is remembered once a window is told',
  async (t) => {
    const written: (number | null)[] = []
    const running = await open(t, ({ warehouse }) => ({
      warehouse: {
        async putLive(numbers) {
          written.push(...numbers.map(({ users }) => users))
          await warehouse.putLive(numbers)
        },
      },
    }))
    await running.count(at(0))
    const sizes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    for (const [index, size] of sizes.entries()) {
      const hour = at(index) - (at(index) % HOUR)
      await send(
        running,
        people(size, `${String(index)}-`).map((row) => ({ ...row, at: hour })),
        hour,
      )
      // 2 more than a multiple
      await send(running, people(1, `odd-${String(index)}-`).slice(0, 2), hour)
      await running.count(at(index + 1))
    }
    const expected = sizes.map((size) => {
      const floor = Math.floor((size * 6 + 2) / 10) * 10
      return size * 5 + 1 < 10 ? null : floor
    })
    t.same(written, expected)
    t.equal(queryObjects(LivePeople), 0, 'no crowd is in memory any more')
    const kept = new LivePeople([])
    t.equal(queryObjects(LivePeople), 1, 'which would be seen')
    t.ok(kept)
  },
)
