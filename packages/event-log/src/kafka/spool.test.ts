import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { systemFiles } from '../lmdb/files.js'
import { openFrame, sealFrame } from '../lmdb/record.js'
import { DATA_FILE, LmdbStore } from '../lmdb/store.js'
import { numbered, numberOf } from '../testing/lines.js'
import { SPOOL_HEADER_BYTES, Spool, type SpooledRecord } from './spool.js'
import { until } from '../testing/until.js'

const HOUR = 3_600_000
const MIB = 1024 * 1024

type Files = NonNullable<Parameters<typeof Spool.open>[0]['files']>

async function openSpool(dir: string, maxBytes = 16 * MIB, files?: Files) {
  const alarms: string[] = []
  const options = { dir, maxBytes, maxAgeMs: 24 * HOUR, ...(files ? { files } : {}) }
  const spool = await Spool.open(options, (message) => alarms.push(message))
  return { spool, alarms }
}

async function fill(spool: Spool, from: number, to: number, size = 100): Promise<void> {
  for (let number = from; number <= to; number++) await spool.append(numbered(number, size), HOUR, 'one', 6)
}

/** Takes everything out, in order. */
async function takeAll(spool: Spool): Promise<SpooledRecord[]> {
  const all: SpooledRecord[] = []
  for (;;) {
    const records = await spool.read()
    if (records.length === 0) return all
    all.push(...records)
    await spool.remove(records)
  }
}

const numbers = (records: readonly SpooledRecord[]) => records.map(numberOf)
const upTo = (count: number, first = 1) => Array.from({ length: count }, (_, at) => at + first)

t.test('records come out in order with what they were appended with, also after a restart', async (t) => {
  const dir = t.testdir()
  const first = await openSpool(dir)
  t.equal(first.spool.endsWith, null)
  await first.spool.append(numbered(1), HOUR, 'one', 6)
  await first.spool.append(numbered(2), 2 * HOUR, 'all', 300)
  await first.spool.append(new Uint8Array(0), 2 * HOUR, 'last', 6)
  t.equal(first.spool.records, 3)
  const { bytes } = first.spool
  t.equal(bytes, 2 * 64 + 3 * SPOOL_HEADER_BYTES)
  await first.spool.close()
  const { alarms, spool } = await openSpool(dir)
  t.equal(spool.records, 3)
  t.equal(spool.bytes, bytes)
  t.equal(spool.endsWith, 'last')
  const [one, all, last] = await spool.read()
  t.match(one, { reach: 'one', parts: 6, hour: HOUR, bytes: numbered(1) })
  t.match(all, { reach: 'all', parts: 300, hour: 2 * HOUR })
  t.match(last, { reach: 'last', bytes: Buffer.alloc(0) })
  await spool.remove([one, last] as SpooledRecord[])
  t.same(numbers(await spool.read()), [2], 'single ones can go')
  await spool.remove([all as SpooledRecord])
  t.equal(spool.records, 0)
  t.equal(spool.bytes, 0)
  await spool.append(numbered(3), HOUR, 'one', 6)
  const [next] = await spool.read()
  t.ok((next?.position ?? 0) > (last?.position ?? 0), 'no position is given out again')
  t.same(alarms, [])
  await spool.close()
})

t.test('L7: it is bounded in bytes, and what was taken out makes room', async (t) => {
  const { spool } = await openSpool(t.testdir(), MIB)
  await fill(spool, 1, 10, 100_000)
  await t.rejects(spool.append(numbered(11, 100_000), HOUR, 'one', 6), { code: 'ERR_LOG_FULL' })
  await t.rejects(
    Promise.all([spool.append(numbered(11, 30_000), HOUR, 'one', 6), fill(spool, 12, 12, 30_000)]),
    {
      code: 'ERR_LOG_FULL',
    },
  )
  await spool.remove((await spool.read()).slice(0, 3))
  await fill(spool, 13, 14, 100_000)
  t.equal(spool.records, 10)
  await spool.close()
})

t.test('many rounds of filling and draining do not make the file grow', async (t) => {
  const dir = t.testdir()
  const { spool } = await openSpool(dir, 4 * MIB)
  const sizes: number[] = []
  for (let round = 0; round < 8; round++) {
    await Promise.all(
      upTo(30).map((number) => spool.append(numbered(number, 100_000), round * HOUR, 'one', 6)),
    )
    t.equal((await takeAll(spool)).length, 30)
    await spool.tidy(round * HOUR)
    sizes.push(readFileSync(join(dir, DATA_FILE)).length)
  }
  t.equal(sizes.at(-1), sizes[2])
  await spool.close()
})

t.test('L1, L2: on a full disk an append is refused, and goes on when there is room', async (t) => {
  let free = Number.MAX_SAFE_INTEGER
  const { spool } = await openSpool(t.testdir(), 64 * MIB, { ...systemFiles, freeBytes: async () => free })
  await fill(spool, 1, 5, 50_000)
  free = 0
  let kept = 5
  await t.rejects(
    (async () => {
      for (; kept < 1_000; kept++) await fill(spool, kept + 1, kept + 1, 50_000)
    })(),
    { code: 'ERR_LOG_FULL' },
  )
  t.equal(spool.records, kept)
  free = Number.MAX_SAFE_INTEGER
  await until(() => fill(spool, kept + 1, kept + 1).then(...([() => true, () => false] as const)))
  t.same(numbers(await takeAll(spool)), upTo(kept + 1), 'all that was promised, and nothing else')
  await spool.close()
})

t.test('L3: after a failed write nothing is promised until the disk works again', async (t) => {
  let broken = false
  const beforeWrite = async () => {
    if (broken) throw Object.assign(new Error('broken'), { code: 'EIO' })
  }
  const { spool } = await openSpool(t.testdir(), 16 * MIB, { ...systemFiles, beforeWrite })
  await fill(spool, 1, 3)
  broken = true
  await t.rejects(fill(spool, 4, 4), { code: 'ERR_LOG_WRITE' })
  await t.rejects(fill(spool, 5, 5), { code: 'ERR_LOG_WRITE' })
  t.equal(spool.records, 3)
  broken = false
  await until(() => fill(spool, 6, 6).then(...([() => true, () => false] as const)))
  t.equal(spool.records, 4)
  t.same(numbers(await takeAll(spool)), [1, 2, 3, 6])
  await spool.close()
})

t.test('L4: a torn last record is counted, said and removed, and the others are served', async (t) => {
  const dir = t.testdir()
  const first = await openSpool(dir)
  await fill(first.spool, 1, 3)
  await first.spool.close()
  const store = new LmdbStore(dir, 2 ** 30)
  const torn = openFrame(numbered(4, 500), HOUR)
  sealFrame(torn, 4)
  const records = [{ position: 4, frame: torn.subarray(0, 200) }]
  await store.write({ records, state: [], removeRecords: [], removeState: [] })
  await store.close()
  const { alarms, spool } = await openSpool(dir)
  t.same(alarms, ['1 records that waited for Kafka were damaged on disk and are lost'])
  t.equal(spool.records, 3)
  await fill(spool, 5, 5)
  t.same(numbers(await takeAll(spool)), [1, 2, 3, 5])
  await spool.close()
  const again = await openSpool(dir)
  t.same(again.alarms, [], 'it is said once')
  await again.spool.close()
})

t.test('L5: a flipped bit is counted, said and removed, and the others are served', async (t) => {
  const dir = t.testdir()
  const first = await openSpool(dir)
  await fill(first.spool, 1, 20, 3_000)
  await first.spool.close()
  const path = join(dir, DATA_FILE)
  const bytes = readFileSync(path)
  for (const number of [7, 20]) {
    const needle = numbered(number, 3_000)
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1))
      bytes.writeUInt8(64, at + 2_000)
  }
  writeFileSync(path, bytes)
  const { alarms, spool } = await openSpool(dir)
  t.same(alarms, ['2 records that waited for Kafka were damaged on disk and are lost'])
  t.equal(spool.records, 18)
  t.same(
    numbers(await takeAll(spool)),
    upTo(19).filter((number) => number !== 7),
  )
  t.equal(spool.records, 0)
  await spool.close()
})

t.test('L6: a second process is refused', async (t) => {
  const dir = t.testdir()
  const { spool } = await openSpool(dir)
  await t.rejects(openSpool(dir), { code: 'ERR_DATA_IN_USE' })
  await spool.close()
})
