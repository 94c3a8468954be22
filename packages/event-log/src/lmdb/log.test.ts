import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { numbered, numberOf, readAll } from '../testing/lines.js'
import { openLmdbLog } from './log.js'
import { DATA_FILE } from './store.js'

const HOUR = 3_600_000

t.test(
  'records come back in the order they were appended, under positions that rise by one from 1',
  async (t) => {
    const log = await openLmdbLog({ dir: t.testdir() })
    await Promise.all(
      Array.from({ length: 1000 }, (_, at) => log.append(numbered(at, 1 + (at % 3000)), HOUR)),
    )
    const { records, corrupt, last } = readAll(log)
    t.same(
      records.map(numberOf),
      Array.from({ length: 1000 }, (_, at) => at),
    )
    t.same(
      records.map(({ position }) => position),
      Array.from({ length: 1000 }, (_, at) => at + 1),
    )
    t.ok(records.every(({ hour }) => hour === HOUR))
    t.equal(corrupt, 0)
    t.equal(last, 1000)
    t.same(log.parts('aggregator')[0].read(1000, 10, 1000), { records: [], last: 1000, corrupt: 0 })
    await log.close()
  },
)

t.test(
  'the bytes are copied when append is called, so that the caller may use its buffer again',
  async (t) => {
    const log = await openLmdbLog({ dir: t.testdir() })
    const bytes = Buffer.from('before')
    const appended = log.append(bytes, HOUR)
    bytes.write('after!')
    await appended
    t.equal(log.parts('aggregator')[0].read(0, 1, 100).records[0]?.bytes.toString(), 'before')
    await log.close()
  },
)

t.test('an empty record and a large one come back, and one beyond the limit is refused', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  const large = Buffer.alloc(4 * 1024 * 1024, 7)
  await Promise.all([log.append(Buffer.alloc(0), HOUR), log.append(large, HOUR)])
  const { records } = log.parts('aggregator')[0].read(0, 10, 16 * 1024 * 1024)
  t.equal(records[0]?.bytes.length, 0)
  t.ok(records[1]?.bytes.equals(large))
  await t.rejects(log.append(Buffer.alloc(4 * 1024 * 1024 + 1), HOUR), RangeError)
  await t.rejects(log.append(Buffer.alloc(1), -1), RangeError)
  await log.close()
})

t.test('a slice keeps to its bounds, and always holds one record where there is one', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  await Promise.all(Array.from({ length: 20 }, (_, at) => log.append(numbered(at, 1000), HOUR)))
  t.equal(log.parts('aggregator')[0].read(0, 7, 1e6).records.length, 7)
  t.equal(log.parts('aggregator')[0].read(0, 100, 3500).records.length, 3)
  const one = log.parts('aggregator')[0].read(4, 100, 1)
  t.equal(one.records.length, 1)
  t.equal(one.last, 5)
  await log.close()
})

t.test('records and cursors outlive a restart', async (t) => {
  const dir = t.testdir()
  const first = await openLmdbLog({ dir })
  t.same(first.parts('aggregator')[0].cursor(), { position: 0, boundary: null })
  await first.append(numbered(1), HOUR)
  await Promise.all([
    first.parts('aggregator')[0].commit({ position: 1, boundary: '{"from":1}' }),
    first.parts('other')[0].commit({ position: 1, boundary: null }),
  ])
  await first.close()
  const second = await openLmdbLog({ dir })
  t.same(second.parts('aggregator')[0].cursor(), { position: 1, boundary: '{"from":1}' })
  t.same(second.parts('other')[0].cursor(), { position: 1, boundary: null })
  await second.append(numbered(2), HOUR)
  t.same(readAll(second).records.map(numberOf), [1, 2])
  await second.close()
})

t.test('expiry deletes the records before an hour, also one that came late, and no other', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  for (const hour of [1, 1, 2, 1, 2, 3]) await log.append(numbered(hour), hour * HOUR)
  t.equal(await log.expire(2 * HOUR), 3)
  t.same(readAll(log).records.map(numberOf), [2, 2, 3])
  t.equal(await log.expire(2 * HOUR), 0)
  t.equal(await log.expire(9 * HOUR), 3)
  t.same(readAll(log).records, [])
  await log.close()
})

t.test(
  'L9: records of a clock that jumps over the day’s end and back come in order, and expire by their own hour',
  async (t) => {
    const dir = t.testdir()
    const midnight = Date.UTC(2026, 10, 30)
    // before midnight, after it, back by two hours, on by a day, back to the first
    const hours = [-1, -1, 0, -2, 0, 24, 23, -1, 0].map((at) => midnight + at * HOUR)
    const first = await openLmdbLog({ dir })
    for (const [at, hour] of hours.entries()) await first.append(numbered(at), hour)
    await first.close()
    const log = await openLmdbLog({ dir })
    const { last, records } = readAll(log)
    t.same(records.map(numberOf), [...hours.keys()])
    t.same(
      records.map(({ hour }) => hour),
      hours,
    )
    t.equal(last, hours.length)
    for (const until of [-1, 0, 1, 24, 25]) {
      await log.expire(midnight + until * HOUR)
      t.same(
        readAll(log).records.map(({ hour }) => hour),
        hours.filter((hour) => hour >= midnight + until * HOUR),
        `what is left of hours before ${String(until)}`,
      )
    }
    await log.append(numbered(99), midnight - 5 * HOUR)
    t.same(
      readAll(log).records.map(({ position }) => position),
      [hours.length + 1],
    )
    await log.close()
  },
)

t.test('an emptied log never gives a position out twice, also after a restart', async (t) => {
  const dir = t.testdir()
  const first = await openLmdbLog({ dir })
  await Promise.all([log3(first), first.parts('g')[0].commit({ position: 2, boundary: null })])
  t.equal(await first.expire(9 * HOUR), 3)
  await first.close()
  const second = await openLmdbLog({ dir })
  await second.append(numbered(4), 9 * HOUR)
  t.same(
    readAll(second, 3).records.map(({ position }) => position),
    [4],
  )
  await second.close()

  async function log3(log: typeof first) {
    await Promise.all([1, 2, 3].map((number) => log.append(numbered(number), HOUR)))
  }
})

t.test('expiry of many records goes on beside appends and leaves the event loop free', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  await Promise.all(Array.from({ length: 10_000 }, (_, at) => log.append(numbered(at, 200), HOUR)))
  let longest = 0
  let before = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - before)
    before = performance.now()
  }, 1)
  const expiring = log.expire(2 * HOUR)
  const late = log.append(numbered(10_000), HOUR)
  const appended = log.append(numbered(10_001), 3 * HOUR)
  await Promise.all([late, appended])
  t.ok((await expiring) >= 10_000)
  clearInterval(timer)
  await log.expire(2 * HOUR)
  t.same(readAll(log).records.map(numberOf), [10_001])
  t.ok(longest < 200, `the event loop was held for ${longest.toFixed(0)} ms (20 when the machine is idle)`)
  await log.close()
})

t.test('freed pages are used again while a reader reads, so that the file stops growing', async (t) => {
  const dir = t.testdir()
  const log = await openLmdbLog({ dir })
  const sizes: number[] = []
  let after = 0
  for (let round = 1; round <= 30; round++) {
    await Promise.all(Array.from({ length: 100 }, (_, at) => log.append(numbered(at, 5000), round * HOUR)))
    after = readAll(log, after).last
    await log.expire((round - 1) * HOUR)
    sizes.push(statSync(join(dir, DATA_FILE)).size)
  }
  t.equal(after, 3000)
  t.equal(sizes.at(-1), sizes[9], '15 MB went through a file that grew no more after the first rounds')
  await log.close()
})

t.test('L6: a second opening of the same log is refused while the first is open', async (t) => {
  const dir = t.testdir()
  const log = await openLmdbLog({ dir })
  await t.rejects(openLmdbLog({ dir }), { code: 'ERR_DATA_IN_USE' })
  await log.append(numbered(1), HOUR)
  await log.close()
  const again = await openLmdbLog({ dir })
  t.equal(readAll(again).records.length, 1)
  await again.close()
})

t.test('L8: a reader far behind reads on in bounded slices while appends go on', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  await Promise.all(Array.from({ length: 5000 }, (_, at) => log.append(numbered(at), HOUR)))
  let after = 0
  let number = 5000
  const seen: number[] = []
  while (seen.length < 6000) {
    const slice = log.parts('aggregator')[0].read(after, 50, 1024 * 1024)
    after = slice.last
    seen.push(...slice.records.map(numberOf))
    if (number < 6000)
      await Promise.all(Array.from({ length: 10 }, () => log.append(numbered(number++), HOUR)))
  }
  t.same(
    seen,
    Array.from({ length: 6000 }, (_, at) => at),
  )
  await log.close()
})

t.test('close waits for what is in flight, refuses what comes after, and may be called twice', async (t) => {
  const dir = t.testdir()
  const log = await openLmdbLog({ dir })
  const inFlight = Promise.all(Array.from({ length: 2000 }, (_, at) => log.append(numbered(at), HOUR)))
  const closed = log.close()
  await t.rejects(log.append(numbered(1), HOUR), { code: 'ERR_LOG_CLOSED' })
  await t.rejects(log.parts('g')[0].commit({ position: 1, boundary: null }), { code: 'ERR_LOG_CLOSED' })
  t.throws(() => log.parts('aggregator')[0].read(0, 1, 1), { code: 'ERR_LOG_CLOSED' })
  await inFlight
  await closed
  await log.close()
  const again = await openLmdbLog({ dir })
  t.equal(readAll(again).records.length, 2000)
  await again.close()
})

t.test('what may wait is bounded: beyond it appends are refused at once', async (t) => {
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let held = false
  const beforeWrite = () => (held ? gate : Promise.resolve())
  const log = await openLmdbLog({ dir: t.testdir(), files: { beforeWrite } })
  held = true
  const outcomes = Promise.allSettled(
    Array.from({ length: 25_000 }, (_, at) => log.append(numbered(at), HOUR)),
  )
  await delay(20)
  held = false
  open()
  const refused = (await outcomes).filter(({ status }) => status === 'rejected')
  t.equal(refused.length, 5000)
  t.match(refused[0], { reason: { code: 'ERR_LOG_WRITE', retryable: true } })
  t.equal(readAll(log).records.length, 20_000)
  await log.close()
})

t.test('the data file and its directory are for their owner only', async (t) => {
  const dir = join(t.testdir(), 'log')
  const log = await openLmdbLog({ dir })
  t.equal(statSync(dir).mode & 0o777, 0o700)
  for (const file of [DATA_FILE, 'lock.mdb']) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600)
  await log.close()
})
