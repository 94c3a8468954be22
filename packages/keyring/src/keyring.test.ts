import { DAY, DrivenClock, HOUR, type Stream, TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { derivePseudonymKey } from './derivation.js'
import { createKeyring } from './keyring.js'
import type { KeeperPort, KeyAnswer, KeyScope, PseudonymKeyRequest } from './port.js'
import { createPseudonymizer, type Pseudonymizer } from './pseudonym.js'

const EPOCH = 'day:2026-08-05'
const END = Date.parse('2026-08-06T00:00:00Z')
const tenant = (name: string): KeyScope => ({ of: 'tenant', tenant: name })

/** A keeper with fixed roots, that remembers what it was asked and what it handed out. */
class ScriptedKeeper implements KeeperPort {
  readonly asked: PseudonymKeyRequest[] = []
  readonly handedOut: Buffer[] = []
  /** what it answers instead of a key */
  refusal: 'closed' | 'absent' | undefined
  /** while set, answers wait for it */
  gate: Promise<void> | undefined

  async pseudonymKey(request: PseudonymKeyRequest): Promise<KeyAnswer> {
    this.asked.push(request)
    const { refusal } = this
    await this.gate
    if (refusal !== undefined) return { state: refusal }
    const key = keyOf(request)
    this.handedOut.push(key)
    return { state: 'open', key }
  }

  batchKey(): Promise<Buffer | null> {
    return Promise.resolve(null)
  }

  reconciled(): Promise<void> {
    return Promise.resolve()
  }

  obey(): Promise<void> {
    return Promise.resolve()
  }

  destroyLogKey(): Promise<void> {
    return Promise.resolve()
  }

  epochs(): Promise<readonly []> {
    return Promise.resolve([])
  }
}

function keyOf({ purpose, scope, epoch }: Omit<PseudonymKeyRequest, 'stream'>): Buffer {
  const scopeRoot = scope.of === 'tenants' ? null : Buffer.alloc(32, 2)
  return derivePseudonymKey({ epochRoot: Buffer.alloc(32, 1), scopeRoot, purpose, scope, epoch })
}

const isKey = (value: ReturnType<ReturnType<typeof createKeyring>['peek']>): value is Pseudonymizer =>
  typeof value === 'object'

const isZeroed = (buffer: Buffer): boolean => buffer.every((byte) => byte === 0)

t.test('a key is undefined before it is loaded, and the right one after', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  for (const scope of [
    tenant('t-1'),
    tenant('t-2'),
    { of: 'site', site: 't-1' },
    { of: 'tenants' },
  ] satisfies KeyScope[]) {
    t.equal(keyring.peek('day', EPOCH, scope), undefined)
    await keyring.load('day', EPOCH, scope)
    const found = keyring.peek('day', EPOCH, scope)
    const expected = createPseudonymizer(keyOf({ purpose: 'stats', scope, epoch: EPOCH }))
    t.equal(isKey(found) && found.pseudonym('uid', 'x'), expected.pseudonym('uid', 'x'))
  }
  t.ok(keeper.handedOut.every(isZeroed), 'what the keeper handed out is zeroed once it is taken in')
})

t.test('concurrent loads of one key share one request', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  await Promise.all(Array.from({ length: 20 }, () => keyring.load('day', EPOCH, tenant('t-1'))))
  await keyring.load('week', 'week:2026-08-03', tenant('t-1'))
  t.equal(keeper.asked.length, 2)
})

t.test('a failed load is told to everyone who waits, and remembered by nobody', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  keeper.gate = Promise.reject(new TacitError('ERR_KEY_STORE'))
  const loads = [keyring.load('day', EPOCH, tenant('t-1')), keyring.load('day', EPOCH, tenant('t-1'))]
  for (const load of loads) await t.rejects(load, new TacitError('ERR_KEY_STORE'))
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), undefined)
  keeper.gate = undefined
  await keyring.load('day', EPOCH, tenant('t-1'))
  t.ok(isKey(keyring.peek('day', EPOCH, tenant('t-1'))))
})

t.test('a closed epoch is late for every scope', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  await keyring.load('day', EPOCH, tenant('t-1'))
  const held = keyring.peek('day', EPOCH, tenant('t-1'))
  keeper.refusal = 'closed'
  await keyring.load('day', EPOCH, tenant('t-2'))
  t.equal(keyring.peek('day', EPOCH, tenant('t-2')), 'late')
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), 'late')
  t.throws(() => isKey(held) && held.pseudonym('uid', 'x'), new TacitError('ERR_KEY_DESTROYED'))
})

t.test('an absent key is missing for a short while, then asked for again', async (t) => {
  const keeper = new ScriptedKeeper()
  const clock = new DrivenClock(END - DAY)
  const keyring = createKeyring(keeper, 'stats', { clock, missingForMs: 1_000 })
  keeper.refusal = 'absent'
  await keyring.load('day', EPOCH, tenant('t-1'))
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), 'missing')
  t.equal(keyring.peek('day', EPOCH, tenant('t-2')), undefined)
  clock.advanceTo(END - DAY + 1_000)
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), undefined)
  keeper.refusal = undefined
  await keyring.load('day', EPOCH, tenant('t-1'))
  t.ok(isKey(keyring.peek('day', EPOCH, tenant('t-1'))))
})

t.test(
  'a key of a keeper that cannot be reached is missing for a short while, which is said once',
  async (t) => {
    const keeper = new ScriptedKeeper()
    const clock = new DrivenClock(END - DAY)
    let said = 0
    const onUnavailable = (): void => void (said += 1)
    const keyring = createKeyring(keeper, 'stats', { clock, missingForMs: 1_000, onUnavailable })
    const down = Promise.reject(new TacitError('ERR_KEEPER_UNAVAILABLE'))
    down.catch(() => {})
    for (let outage = 1; outage <= 2; outage += 1) {
      keeper.gate = down
      const name = `t-${outage}`
      await Promise.all([keyring.load('day', EPOCH, tenant(name)), keyring.load('day', EPOCH, tenant(name))])
      await keyring.load('day', EPOCH, tenant('another'))
      t.equal(keyring.peek('day', EPOCH, tenant(name)), 'missing')
      t.equal(said, outage)
      clock.advanceTo(clock.now() + 1_000)
      t.equal(keyring.peek('day', EPOCH, tenant(name)), undefined)
      keeper.gate = undefined
      await keyring.load('day', EPOCH, tenant(name))
      t.ok(isKey(keyring.peek('day', EPOCH, tenant(name))))
    }
    const held = keyring.peek('day', EPOCH, tenant('t-1'))
    keeper.gate = down
    await keyring.load('day', EPOCH, tenant('t-1'))
    t.equal(keyring.peek('day', EPOCH, tenant('t-1')), held, 'a key that is held stays')
  },
)

t.test(
  'a key whose root the keeper cannot unwrap is missing for a short while, and that is said once',
  async (t) => {
    const keeper = new ScriptedKeeper()
    const clock = new DrivenClock(END - DAY)
    let said = 0
    const onUnreadable = (): void => void (said += 1)
    const keyring = createKeyring(keeper, 'stats', { clock, missingForMs: 1_000, onUnreadable })
    const unreadable = Promise.reject(new TacitError('ERR_KEY_MASTER'))
    unreadable.catch(() => {})
    for (let time = 0; time < 2; time += 1) {
      keeper.gate = unreadable
      await keyring.load('day', EPOCH, tenant('t-1'))
      t.equal(keyring.peek('day', EPOCH, tenant('t-1')), 'missing')
      keeper.gate = undefined
      await keyring.load('day', EPOCH, tenant('t-2'))
      t.ok(isKey(keyring.peek('day', EPOCH, tenant('t-2'))), 'others have theirs')
      clock.advanceTo(clock.now() + 1_000)
      t.equal(keyring.peek('day', EPOCH, tenant('t-1')), undefined, 'and it is asked for again')
    }
    t.equal(said, 1)
  },
)

t.test('retiring zeroes the keys of epochs past their end and lateness, and no others', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  await keyring.load('day', EPOCH, tenant('t-1'))
  await keyring.load('week', 'week:2026-08-03', tenant('t-1'))
  const day = keyring.peek('day', EPOCH, tenant('t-1'))
  t.same(keyring.retire(END + HOUR - 1, HOUR), [])
  t.ok(isKey(keyring.peek('day', EPOCH, tenant('t-1'))))
  t.same(keyring.retire(END + HOUR, HOUR), [EPOCH])
  t.throws(() => isKey(day) && day.pseudonym('uid', 'x'), new TacitError('ERR_KEY_DESTROYED'))
  t.ok(isKey(keyring.peek('week', 'week:2026-08-03', tenant('t-1'))))
  const asked = keeper.asked.length
  await keyring.load('day', EPOCH, tenant('t-1'))
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), 'late')
  t.equal(keeper.asked.length, asked, 'the keeper is not asked for what is late anyway')
})

t.test('a key that arrives after its epoch was retired is zeroed, not held', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  let open = (): void => {}
  keeper.gate = new Promise((resolve) => {
    open = resolve
  })
  const load = keyring.load('day', EPOCH, tenant('t-1'))
  keyring.retire(END + HOUR, HOUR)
  open()
  await load
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), 'late')
  t.equal(keeper.handedOut.length, 1)
  t.ok(keeper.handedOut.every(isZeroed))
})

t.test('a full keyring lets the unused key go first, zeroed', async (t) => {
  const keyring = createKeyring(new ScriptedKeeper(), 'stats', { maxEntries: 3 })
  const hold = async (name: string): Promise<Pseudonymizer | undefined> => {
    await keyring.load('day', EPOCH, tenant(name))
    const entry = keyring.peek('day', EPOCH, tenant(name))
    return isKey(entry) ? entry : undefined
  }
  for (const name of ['a', 'b', 'c']) await keyring.load('day', EPOCH, tenant(name))
  const used = await hold('a')
  await keyring.load('day', EPOCH, tenant('d'))
  t.equal(keyring.peek('day', EPOCH, tenant('b')), undefined)
  t.equal(keyring.peek('day', EPOCH, tenant('a')), used)
  t.equal(used?.pseudonym('uid', 'x').length, 22)
  for (const name of ['e', 'f', 'g', 'h']) await keyring.load('day', EPOCH, tenant(name))
  t.throws(() => used?.pseudonym('uid', 'x'), new TacitError('ERR_KEY_DESTROYED'))
})

t.test('a keyring never holds more than it may, and never answers with a wrong or dead key', async (t) => {
  const step = fc.record({
    day: fc.integer({ min: 1, max: 5 }),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    act: fc.constantFrom('load', 'load', 'load', 'peek', 'peek', 'retire'),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      async (steps, maxEntries) => {
        const keyring = createKeyring(new ScriptedKeeper(), 'stats', { maxEntries })
        let horizon = 0
        for (const { day, name, act } of steps) {
          const epoch = `day:2026-08-0${day}`
          if (act === 'load') await keyring.load('day', epoch, tenant(name))
          if (act === 'retire') {
            horizon = Math.max(horizon, day)
            keyring.retire(Date.parse(`2026-08-0${day + 1}T00:00:00Z`), 0)
          }
          const found = keyring.peek('day', epoch, tenant(name))
          if (act === 'load' && day <= horizon && found !== 'late')
            throw new Error('a retired epoch is not late')
          if (isKey(found)) {
            const expected = createPseudonymizer(keyOf({ purpose: 'stats', scope: tenant(name), epoch }))
            if (found.pseudonym('uid', 'x') !== expected.pseudonym('uid', 'x')) throw new Error('a wrong key')
          }
        }
        const days = [1, 2, 3, 4, 5].map((day) => `day:2026-08-0${day}`)
        const held = days.flatMap((epoch) =>
          ['a', 'b', 'c', 'd'].filter((name) => isKey(keyring.peek('day', epoch, tenant(name)))),
        )
        if (held.length > maxEntries) throw new Error('more keys than allowed')
      },
    ),
    { numRuns: 200 },
  )
  t.pass('held in every run')
})

t.test('a closed keyring holds no key, nor takes one in', async (t) => {
  const keeper = new ScriptedKeeper()
  const keyring = createKeyring(keeper, 'stats')
  await keyring.load('day', EPOCH, tenant('t-1'))
  const held = keyring.peek('day', EPOCH, tenant('t-1'))
  keyring.close()
  t.throws(() => isKey(held) && held.pseudonym('uid', 'x'), new TacitError('ERR_KEY_DESTROYED'))
  await keyring.load('day', EPOCH, tenant('t-1'))
  t.equal(keyring.peek('day', EPOCH, tenant('t-1')), undefined)
  t.ok(keeper.handedOut.every(isZeroed))
})

t.test('a peek costs a fraction of a pseudonym', async (t) => {
  const keyring = createKeyring(new ScriptedKeeper(), 'stats')
  const scopes = Array.from({ length: 40 }, (_, index) => tenant(`t-${index}`))
  const stream: Stream = 'day'
  for (const scope of scopes) await keyring.load(stream, EPOCH, scope)
  let found = 0
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 40; round += 1) {
    const start = process.hrtime.bigint()
    for (let pass = 0; pass < 100; pass += 1) {
      for (const scope of scopes) if (keyring.peek(stream, EPOCH, scope) !== undefined) found += 1
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / (100 * scopes.length))
  }
  t.equal(found, 40 * 100 * scopes.length)
  t.comment(`peek ${best.toFixed(0)} ns`)
  t.ok(best < 500)
})
