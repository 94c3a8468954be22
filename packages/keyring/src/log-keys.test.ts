import { type BatchHeader, batchKey, openBatch, sealBatch, TacitError } from '@tacit/contracts'
import t, { type Test } from 'tap'
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

  async logKey(hour: number, create: boolean): Promise<Buffer | null> {
    this.asked.push({ hour, create })
    await this.gate
    if (create && !this.keys.has(hour)) this.keys.set(hour, Buffer.alloc(32, this.keys.size + 1))
    const key = this.keys.get(hour)
    if (key === undefined) return null
    const copy = Buffer.from(key)
    this.handedOut.push(copy)
    return copy
  }

  pseudonymKey(): Promise<KeyAnswer> {
    return Promise.resolve({ state: 'absent' })
  }

  destroyLogKey(): Promise<void> {
    return Promise.resolve()
  }

  epochs(): Promise<readonly []> {
    return Promise.resolve([])
  }
}

const isZeroed = (buffer: Buffer): boolean => buffer.every((byte) => byte === 0)

/** Records every key that is derived from now on. */
function watchBufferFrom(t: Test): Buffer[] {
  const seen: Buffer[] = []
  const original = Buffer.from
  const watched = (...inputs: unknown[]): Buffer => {
    const buffer: Buffer = Reflect.apply(original, Buffer, inputs)
    if (inputs[0] instanceof ArrayBuffer && buffer.length === 32) seen.push(buffer)
    return buffer
  }
  Object.assign(Buffer, { from: watched })
  t.teardown(() => Object.assign(Buffer, { from: original }))
  return seen
}

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
  t.ok(keeper.handedOut.every(isZeroed), "the hour's own key is zeroed once the batch key is derived")
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
  const seen = watchBufferFrom(t)
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  await logKeys.seal(headerOf(HOUR_10, 'aa'), rows)
  await logKeys.seal(headerOf(HOUR_10, 'bb'), rows)
  t.equal(seen.length, 2)
  t.notOk(seen.some(isZeroed))
  logKeys.forget(HOUR_10)
  t.ok(seen.every(isZeroed))
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

t.test('a failing keeper is told, and asked again next time', async (t) => {
  const keeper = new ScriptedKeeper()
  const logKeys = createLogKeys(keeper)
  keeper.gate = Promise.reject(new TacitError('ERR_KEY_STORE'))
  await t.rejects(logKeys.seal(headerOf(HOUR_10, 'aa'), rows), new TacitError('ERR_KEY_STORE'))
  keeper.gate = undefined
  t.ok(await logKeys.seal(headerOf(HOUR_10, 'aa'), rows))
})

t.test('the number of keys held is bounded, and pushed-out hours open again', async (t) => {
  const seen = watchBufferFrom(t)
  const logKeys = createLogKeys(new ScriptedKeeper())
  const first = await logKeys.seal(headerOf(0, 'aa'), rows)
  for (let index = 0; index < 1_100; index += 1)
    await logKeys.seal(headerOf(HOUR_10 + index * 3_600_000, 'aa'), rows)
  t.equal(seen.filter((key) => !isZeroed(key)).length, 1_024)
  t.same(first && (await logKeys.open(first))?.sections[0]?.rows, rows)
  logKeys.close()
  t.ok(seen.every(isZeroed))
})
