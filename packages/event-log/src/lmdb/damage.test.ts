import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { numbered, numberOf, readAll } from '../testing/lines.js'
import { openLmdbLog } from './log.js'
import { openFrame, sealFrame } from './record.js'
import { writeState } from './state.js'
import { DATA_FILE, LmdbStore, type WriteGroup } from './store.js'

const HOUR = 3_600_000
const NOTHING: WriteGroup = { records: [], state: [], removeRecords: [], removeState: [] }

async function logOf(dir: string, count: number, size: number): Promise<void> {
  const log = await openLmdbLog({ dir })
  await Promise.all(Array.from({ length: count }, (_, at) => log.append(numbered(at + 1, size), HOUR)))
  await log.close()
}

/** Flips one bit of every copy of `needle` in the data file, `offset` bytes from where it starts. */
function flip(dir: string, needle: Buffer, offset: number): number {
  const path = join(dir, DATA_FILE)
  const bytes = readFileSync(path)
  let copies = 0
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
    bytes.writeUInt8(bytes.readUInt8(at + offset) ^ 4, at + offset)
    copies++
  }
  writeFileSync(path, bytes)
  return copies
}

for (const size of [100, 9000]) {
  t.test(
    `L5: a flipped bit in a record of ${size} bytes is counted, and the others are served`,
    async (t) => {
      const dir = t.testdir()
      await logOf(dir, 30, size)
      t.ok(flip(dir, numbered(7, size), size - 3) > 0)
      t.ok(flip(dir, numbered(8, size), -15) > 0, 'its checksum')
      t.ok(flip(dir, numbered(9, size), -8) > 0, 'its hour')
      t.ok(flip(dir, numbered(30, size), 0) > 0, 'the last one')
      const log = await openLmdbLog({ dir })
      const { records, corrupt, last } = readAll(log)
      t.equal(corrupt, 4)
      t.equal(last, 30)
      t.same(
        records.map(numberOf),
        Array.from({ length: 30 }, (_, at) => at + 1).filter((number) => ![7, 8, 9, 30].includes(number)),
      )
      await log.append(numbered(31), HOUR)
      t.same(readAll(log, 30).records.map(numberOf), [31], 'and the log goes on after them')
      t.equal(await log.expire(2 * HOUR), 31, 'expiry deletes damaged records too')
      await log.close()
    },
  )
}

t.test('L4: a record whose end is missing is counted and skipped', async (t) => {
  const dir = t.testdir()
  await logOf(dir, 3, 500)
  const store = new LmdbStore(dir, 2 ** 30)
  const frame = openFrame(numbered(4, 500), HOUR)
  sealFrame(frame, 4)
  const whole = openFrame(numbered(6, 500), HOUR)
  sealFrame(whole, 6)
  await store.write({
    ...NOTHING,
    records: [
      { position: 4, frame: frame.subarray(0, 300) },
      { position: 5, frame: Buffer.alloc(0) },
      { position: 6, frame: whole },
    ],
  })
  await store.close()
  const log = await openLmdbLog({ dir })
  const { records, corrupt } = readAll(log)
  t.same(records.map(numberOf), [1, 2, 3, 6])
  t.equal(corrupt, 2)
  await log.close()
})

t.test('a position that is missing is passed over, and is no damage', async (t) => {
  const dir = t.testdir()
  await logOf(dir, 10, 100)
  const store = new LmdbStore(dir, 2 ** 30)
  await store.write({ ...NOTHING, removeRecords: [4, 5] })
  await store.close()
  const log = await openLmdbLog({ dir })
  const { records, corrupt, last } = readAll(log)
  t.same(records.map(numberOf), [1, 2, 3, 6, 7, 8, 9, 10])
  t.equal(corrupt, 0)
  t.equal(last, 10)
  await log.close()
})

t.test('many damaged records in a row do not make a slice unbounded, and reading passes them', async (t) => {
  const dir = t.testdir()
  const store = new LmdbStore(dir, 2 ** 30)
  const records = Array.from({ length: 1000 }, (_, at) => ({ position: at + 1, frame: Buffer.from('torn') }))
  await store.write({ ...NOTHING, records })
  await store.close()
  const log = await openLmdbLog({ dir })
  const slice = log.parts('aggregator')[0].read(0, 10, 1000)
  t.ok(slice.corrupt >= 10 && slice.corrupt < 200)
  t.equal(slice.last, slice.corrupt)
  t.equal(readAll(log).corrupt, 1000)
  await log.close()
})

t.test('a position that exists is refused, never written over', async (t) => {
  const dir = t.testdir()
  await logOf(dir, 3, 100)
  const store = new LmdbStore(dir, 2 ** 30)
  const frame = openFrame(numbered(99, 100), HOUR)
  sealFrame(frame, 2)
  await t.rejects(store.write({ ...NOTHING, records: [{ position: 2, frame }] }))
  await store.close()
  const log = await openLmdbLog({ dir })
  t.same(readAll(log).records.map(numberOf), [1, 2, 3])
  await log.close()
})

t.test(
  'a damaged cursor starts again from the beginning, a damaged run takes its hour from its records',
  async (t) => {
    const dir = t.testdir()
    const first = await openLmdbLog({ dir })
    for (const hour of [1, 2, 2]) await first.append(numbered(hour), hour * HOUR)
    await first.parts('g')[0].commit({ position: 2, boundary: 'open' })
    await first.close()
    const store = new LmdbStore(dir, 2 ** 30)
    const torn = (value: unknown) => writeState(value).subarray(0, 6)
    await store.write({
      ...NOTHING,
      state: [
        { key: 'cursor:g', value: torn({ position: 2, boundary: 'open' }) },
        { key: 'run:000000000000002', value: torn(2 * HOUR) },
      ],
    })
    await store.close()
    const log = await openLmdbLog({ dir })
    t.same(log.parts('g')[0].cursor(), { position: 0, boundary: null })
    t.equal(await log.expire(2 * HOUR), 1)
    t.equal(await log.expire(3 * HOUR), 2)
    await log.close()
  },
)

t.test('a data file that is none is refused with what to do, and the directory is free again', async (t) => {
  const dir = t.testdir({ [DATA_FILE]: 'x'.repeat(100_000) })
  await t.rejects(openLmdbLog({ dir }), { code: 'ERR_LOG_READ' })
  await t.rejects(openLmdbLog({ dir }), { code: 'ERR_LOG_READ' })
})
