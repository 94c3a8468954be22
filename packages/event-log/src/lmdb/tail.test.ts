import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { numbered, numberOf } from '../testing/lines.js'
import type { LogPlace, LogRecord } from '../port.js'
import { type LmdbLog, openLmdbLog } from './log.js'

const HOUR = 3_600_000
const lost = { code: 'ERR_LOG_READ' }

async function append(log: LmdbLog, first: number, last: number, bytes = 64): Promise<void> {
  const numbers = Array.from({ length: last - first + 1 }, (_none, at) => first + at)
  await Promise.all(numbers.map((number) => log.append(numbered(number, bytes), HOUR)))
}

async function between(log: LmdbLog, from: LogPlace, to: LogPlace): Promise<number[]> {
  const records: LogRecord[] = []
  for await (const slice of log.tail().between(from, to)) records.push(...slice.records)
  return records.map(numberOf)
}

t.test('what came between two ends is there once, and nothing else', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  t.teardown(() => log.close())
  const empty = await log.tail().end()
  t.same(empty, { topic: null, positions: [0] })
  t.same(await between(log, empty, empty), [])
  await append(log, 1, 3)
  const first = await log.tail().end()
  await append(log, 4, 2_003, 2_000)
  const second = await log.tail().end()
  await append(log, 2_004, 2_005)
  t.same(await between(log, empty, first), [1, 2, 3])
  t.same(
    await between(log, first, second),
    Array.from({ length: 2_000 }, (_none, at) => at + 4),
    'also where it is more than one slice',
  )
})

t.test(
  'an append that was answered before the end was asked for is before it, also under load',
  async (t) => {
    const log = await openLmdbLog({ dir: t.testdir() })
    t.teardown(() => log.close())
    const start = await log.tail().end()
    let answered = 0
    const appending = Array.from({ length: 500 }, (_none, at) =>
      log.append(numbered(at + 1), HOUR).then(() => void answered++),
    )
    await Promise.race(appending)
    const before = answered
    const end = await log.tail().end()
    await Promise.all(appending)
    const found = await between(log, start, end)
    t.ok(found.length >= before)
    t.equal(found.length, end.positions[0], 'and whatever it names can be read')
  },
)

t.test('where records between two ends have expired the reading says so', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  t.teardown(() => log.close())
  await append(log, 1, 5)
  const first = await log.tail().end()
  await append(log, 6, 9)
  const second = await log.tail().end()
  await log.expire(2 * HOUR)
  await t.rejects(between(log, first, second), lost)
  t.same(await log.tail().end(), second, 'an emptied log ends where it ended')
  await log.append(numbered(10), HOUR)
  t.same(await between(log, second, await log.tail().end()), [10])
  await t.rejects(between(log, second, first), lost, 'an end before a beginning is of another log')
})

t.test('a log that is closed has no end', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir() })
  const tail = log.tail()
  await log.close()
  await t.rejects(tail.end(), { code: 'ERR_LOG_CLOSED' })
})

t.test('a damaged record is counted, and stands for none that is missing', async (t) => {
  const dir = t.testdir()
  const log = await openLmdbLog({ dir })
  await append(log, 1, 20)
  await log.close()
  const file = join(dir, 'data.mdb')
  const bytes = readFileSync(file)
  const at = bytes.indexOf('#7#')
  t.ok(at > 0)
  for (let place = at; place >= 0; place = bytes.indexOf('#7#', place + 1)) bytes[place + 1] = 0x38
  writeFileSync(file, bytes)
  const again = await openLmdbLog({ dir })
  t.teardown(() => again.close())
  let corrupt = 0
  let records = 0
  for await (const slice of again.tail().between({ topic: null, positions: [0] }, await again.tail().end())) {
    corrupt += slice.corrupt
    records += slice.records.length
  }
  t.same({ corrupt, records }, { corrupt: 1, records: 19 })
})
