import { type BatchHeader, batchKey, openBatch, sealBatch, TacitError } from '@tacit/contracts'
import t from 'tap'
import { createLogKeys } from './log-keys.js'
import type { KeeperPort, KeyAnswer } from './port.js'

const HOUR_10 = Date.parse('2026-08-05T10:00:00Z')
const rows = Buffer.from('["one"]\n["two"]\n')

function headerOf(hour: number, producer: string, batch = 0): BatchHeader {
  return {
    v: 1,
    hour,
    producer,
    batch,
    rulebook: 'hash',
    sections: [{ stream: 'day', bytes: rows.length, rows: { 'day:2026-08-05': 2 } }],
    counts: {},
    removedProps: 0,
  }
}

/** Hours with a key, and what was asked. */
class ScriptedKeeper implements KeeperPort {
  readonly keys = new Map<number, Buffer>()
  readonly asked: { hour: number; create: boolean }[] = []
  readonly handedOut: Buffer[] = []
  gate: Promise<void> | undefined

  async batchKey(hour: number, producer: string, create: boolean): Promise<Buffer | null> {
    this.asked.push({ hour, create })
    await this.gate
    if (create && !this.keys.has(hour)) this.keys.set(hour, Buffer.alloc(32, this.keys.size + 1))
    const key = this.keys.get(hour)
    if (key === undefined) return null
    const derived = batchKey(key, producer)
    this.handedOut.push(derived)
    return derived
  }

  pseudonymKey(): Promise<KeyAnswer> {
    return Promise.resolve({ state: 'absent' })
  }

  destroyLogKey(): Promise<void> {
    return Promise.resolve()
  }

  reconciled(): Promise<void> {
    return Promise.resolve()
  }

  obey(): Promise<void> {
    return Promise.resolve()
  }

  epochs(): Promise<readonly []> {
    return Promise.resolve([])
  }
}

const isZeroed = (buffer: Buffer): boolean => buffer.every((byte) => byte === 0)

t.test('what is sealed opens again, under the key of its hour and producer', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  const sealed = await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  if (sealed === null) throw new Error('no key')
  t.same((await logKeys.open(sealed))?.sections[0]?.rows, rows)
  t.same(openBatch(sealed, batchKey(Buffer.alloc(32, 1), 'aa')).sections[0]?.rows, rows)
  t.throws(
    () => openBatch(sealed, batchKey(Buffer.alloc(32, 1), 'bb')),
    new TacitError('ERR_BATCH_AUTHENTICATION'),
  )
  t.same(keeper.asked, [{ hour: HOUR_10, create: true }], 'one request serves sealing and opening')
  logKeys.close()
  t.ok(keeper.handedOut.every(isZeroed), 'what was handed out is zeroed in the end')
})

t.test('concurrent batches of one hour and producer share one request', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  const sealed = await Promise.all(
    [0, 1, 2, 3].map((batch) => logKeys.seal(headerOf(HOUR_10, 'aa', batch), rows)),
  )
  t.equal(keeper.asked.length, 1)
  t.notOk(sealed.includes(null))
})

t.test('opening never makes a key, and a batch without one is null', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  const foreign = sealBatch(headerOf(HOUR_10, 'aa'), rows, Buffer.alloc(32, 9))
  t.equal(await logKeys.open(foreign), null)
  t.same(keeper.asked, [{ hour: HOUR_10, create: false }])
  await t.rejects(logKeys.open(Buffer.from('nothing of the kind')), new TacitError('ERR_BATCH_FORMAT'))
})

t.test('a forgotten hour is zeroed, and nothing is ever sealed under the zeroes', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  await logKeys.seal(headerOf(HOUR_10, 'bb'), rows)
  t.equal(keeper.handedOut.length, 2)
  t.notOk(keeper.handedOut.some(isZeroed))
  logKeys.forget(HOUR_10)
  t.ok(keeper.handedOut.every(isZeroed))
  const again = await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  t.same(again && openBatch(again, batchKey(Buffer.alloc(32, 1), 'aa')).sections[0]?.rows, rows)
})

t.test('a key that arrives after its hour was forgotten is zeroed and not used', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  let open = (): void => {}
  keeper.gate = new Promise((resolve) => {
    open = resolve
  })
  const sealing = logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  logKeys.forget(HOUR_10)
  open()
  t.equal(await sealing, null)
  t.equal(keeper.handedOut.length, 1)
  t.ok(keeper.handedOut.every(isZeroed))
})

t.test(
  'an hour whose time is up is zeroed, settled or not, and no later answer brings it back',
  async (t) => {
    const keeper = new ScriptedKeeper()
    const logKeys = createLogKeys(keeper)
    const hour = 3_600_000
    const day = 24 * hour
    const old = await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
    const young = await logKeys.seal(headerOf(HOUR_10 + hour, 'aa'), rows)
    if (old === null || young === null) throw new Error('no key')
    logKeys.retire(HOUR_10 + day - 1, day)
    t.notOk(keeper.handedOut.some(isZeroed), 'not a millisecond early')
    let answer = (): void => {}
    keeper.gate = new Promise((resolve) => {
      answer = resolve
    })
    const late = logKeys.seal(headerOf(HOUR_10, 'bb'), rows)
    logKeys.retire(HOUR_10 + day, day)
    answer()
    t.equal(await late, null, 'an answer that was under way')
    t.same(keeper.handedOut.map(isZeroed), [true, false, true])
    t.equal(await logKeys.open(old), null, 'though this keeper still has it')
    t.ok(await logKeys.open(young))
    logKeys.retire(HOUR_10, day)
    t.equal(await logKeys.open(old), null, 'nor does a clock that goes back')
    logKeys.retire(HOUR_10 + 3 * hour - 1, hour)
    t.ok(await logKeys.open(young), 'what was sealed last can be staged, however short a life is asked for')
    logKeys.retire(HOUR_10 + 3 * hour, hour)
    t.equal(await logKeys.open(young), null)
  },
)

t.test('a failing keeper is told, and asked again next time', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  keeper.gate = Promise.reject(new TacitError('ERR_KEY_STORE'))
  await t.rejects(logKeys.seal(headerOf(HOUR_10, 'aa'), rows), new TacitError('ERR_KEY_STORE'))
  keeper.gate = undefined
  t.ok(await logKeys.seal(headerOf(HOUR_10, 'aa'), rows))
})

t.test('the next hour’s key is fetched ten minutes early, by who sealed in the hour that runs', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  const next = HOUR_10 + 3_600_000
  const early = next - 600_000
  t.same(logKeys.prefetch(early, 'aa'), { wanted: 0, held: 0 }, 'nothing was sealed')
  await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  t.same(logKeys.prefetch(early - 1, 'aa'), { wanted: 0, held: 0 })
  t.equal(keeper.asked.length, 1)
  keeper.gate = Promise.reject(new TacitError('ERR_KEEPER_UNAVAILABLE'))
  t.same(logKeys.prefetch(early, 'aa'), { wanted: 1, held: 0 })
  await new Promise(setImmediate)
  keeper.gate = undefined
  t.same(
    logKeys.prefetch(early, 'aa'),
    { wanted: 1, held: 0 },
    'a failure is told to nobody, and tried again',
  )
  logKeys.prefetch(early, 'aa')
  await new Promise(setImmediate)
  t.same(logKeys.prefetch(early, 'aa'), { wanted: 1, held: 1 })
  t.same(keeper.asked.slice(1), [
    { hour: next, create: true },
    { hour: next, create: true },
  ])
  keeper.gate = Promise.reject(new TacitError('ERR_KEEPER_UNAVAILABLE'))
  keeper.gate.catch(() => {})
  const sealed = await logKeys.seal(headerOf(next, 'aa'), rows)
  t.same((sealed && (await logKeys.open(sealed)))?.sections[0]?.rows, rows, 'no keeper is needed at the hour')
})

t.test('the number of keys held is bounded, and pushed-out hours open again', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  const first = await logKeys.seal(headerOf(0, 'aa'), rows)
  for (let index = 0; index < 1_100; index += 1)
    await logKeys.seal(headerOf(HOUR_10 + index * 3_600_000, 'aa'), rows)
  t.equal(keeper.handedOut.filter((key) => !isZeroed(key)).length, 1_024)
  t.same(first && (await logKeys.open(first))?.sections[0]?.rows, rows)
  logKeys.close()
  t.ok(keeper.handedOut.every(isZeroed))
})
