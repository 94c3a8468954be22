import { setImmediate as turn } from 'node:timers/promises'
import { DrivenClock, HOUR, MINUTE, type Stream, TacitError } from '@tacit/contracts'
import t from 'tap'
import { createKeyring, type Keyring, type KeyringOptions } from './keyring.js'
import type { KeyScope } from './port.js'
import { createPseudonymizer, type Pseudonymizer } from './pseudonym.js'
import { isZeroed, keyOf, ScriptedKeeper, tenant } from './testing/scripted-keeper.js'

/** The midnight from a Monday to a Tuesday, and from one month to the next. */
const END = Date.parse('2026-12-01T00:00:00Z')
const TODAY = 'day:2026-11-30'
const TOMORROW = 'day:2026-12-01'
const BEGINS = END - 10 * MINUTE

type Peeked = ReturnType<Keyring['peek']>
const isKey = (value: Peeked): value is Pseudonymizer => typeof value === 'object'

/** A keyring that holds, and used, today's keys of tenants `t-0`, `t-1`, … */
async function usedBy(count: number, options: KeyringOptions = {}) {
  const keeper = new ScriptedKeeper()
  const clock = new DrivenClock(BEGINS)
  const keyring = createKeyring(keeper, 'stats', { clock, ...options })
  for (let at = 0; at < count; at += 1) await use(keyring, tenant(`t-${at}`))
  keeper.asked.length = 0
  keeper.mostUnderWay = 0
  return { clock, keeper, keyring }
}

async function use(
  keyring: Keyring,
  scope: KeyScope,
  epoch = TODAY,
  stream: Stream = 'day',
): Promise<Peeked> {
  await keyring.load(stream, epoch, scope)
  return keyring.peek(stream, epoch, scope)
}

/** Calls once a second of the clock until everything is held. */
async function untilHeld(keyring: Keyring, from = BEGINS): Promise<number> {
  for (let second = 0; second < 600; second += 1) {
    const { held, wanted } = keyring.prefetch(from + second * 1_000)
    if (held === wanted) return second
    await turn()
  }
  throw new Error('not within ten minutes')
}

t.test('from ten minutes before an epoch on, what a later load would give is held already', async (t) => {
  const { keeper, keyring } = await usedBy(3)
  const others: KeyScope[] = [{ of: 'site', site: 't-1' }, { of: 'tenants' }]
  for (const scope of others) await use(keyring, scope)
  await use(keyring, tenant('t-0'), 'week:2026-11-30', 'week')
  await use(keyring, tenant('t-0'), 'month:2026-11', 'month')
  keeper.asked.length = 0
  t.same(keyring.prefetch(BEGINS - 1), { wanted: 0, held: 0 })
  t.same(keyring.prefetch(BEGINS), { wanted: 6, held: 0 })
  await turn()
  t.same(keyring.prefetch(BEGINS + 1), { wanted: 6, held: 6 })
  t.equal(keeper.asked.length, 6, 'each is asked for once; the week goes on')
  keeper.failure = new TacitError('ERR_KEEPER_UNAVAILABLE')
  const wanted = [0, 1, 2].map((at) => tenant(`t-${at}`)).concat(others)
  const names = [
    ...wanted.map((scope) => ['day', TOMORROW, scope] as const),
    ['month', 'month:2026-12', tenant('t-0')] as const,
  ]
  for (const [stream, epoch, scope] of names) {
    const found = keyring.peek(stream, epoch, scope)
    const expected = createPseudonymizer(keyOf({ purpose: 'stats', scope, epoch }))
    t.equal(isKey(found) && found.pseudonym('uid', 'x'), expected.pseudonym('uid', 'x'))
  }
  t.ok(keeper.handedOut.every(isZeroed), 'what the keeper handed out is zeroed')
})

t.test('a key that was never used, or that does not exist, has no successor; a new one has', async (t) => {
  const { keeper, keyring } = await usedBy(1)
  await keyring.load('day', TODAY, tenant('unused'))
  keeper.refusal = 'absent'
  await use(keyring, tenant('closed'))
  keeper.refusal = null
  t.equal(await untilHeld(keyring), 1)
  t.same(keyring.prefetch(BEGINS + 2_000), { wanted: 1, held: 1 })
  await use(keyring, tenant('new'))
  t.same(keyring.prefetch(BEGINS + 3_000), { wanted: 2, held: 1 })
  await turn()
  t.same(keyring.prefetch(BEGINS + 4_000), { wanted: 2, held: 2 })
  t.same(keyring.prefetch(END), { wanted: 0, held: 0 }, 'the next epoch runs')
})

t.test('thousands of keys come a few at a time and spread over time, in random order', async (t) => {
  const { keeper, keyring } = await usedBy(5_000)
  keyring.prefetch(BEGINS)
  t.equal(keeper.underWay, 64, 'the first call begins with few')
  await turn()
  t.same(keyring.prefetch(BEGINS), { wanted: 5_000, held: 64 })
  t.equal(keeper.asked.length, 64, 'and no more are due at that moment')
  const seconds = await untilHeld(keyring)
  t.ok(seconds >= 110 && seconds <= 125, `after ${seconds} s`)
  t.ok(keeper.mostUnderWay <= 64)
  t.equal(keeper.asked.length, 5_000)
  const order = keeper.asked.map(({ scope }) => (scope.of === 'tenant' ? scope.tenant : ''))
  t.equal(new Set(order).size, 5_000, 'each once')
  const seen = new Set(order.slice(0, 64).map((name) => Number(name.slice(2)) < 2_500))
  t.equal(seen.size, 2, 'not in the order of their first use')
})

t.test('a process that starts within the ten minutes catches up, still a few at a time', async (t) => {
  const { keeper, keyring } = await usedBy(1_000)
  t.equal(await untilHeld(keyring, END - 30_000), 1)
  t.equal(keeper.mostUnderWay, 64)
})

t.test('a beacon’s own load does not stand in line behind keys that are fetched ahead', async (t) => {
  const { keeper, keyring } = await usedBy(200)
  keeper.hold()
  keyring.prefetch(END - MINUTE)
  t.equal(keeper.underWay, 64)
  const loads = [keyring.load('day', TODAY, tenant('new')), keyring.load('day', TOMORROW, tenant('t-0'))]
  t.equal(keeper.underWay, 66)
  keeper.release()
  await Promise.all(loads)
  t.ok(isKey(keyring.peek('day', TODAY, tenant('new'))))
  const own = keyring.peek('day', TOMORROW, tenant('t-0'))
  await turn()
  t.equal(keyring.peek('day', TOMORROW, tenant('t-0')), own, 'a second answer for it replaces nothing')
  t.ok(isKey(own) && own.pseudonym('uid', 'x'))
})

t.test('a keeper that fails is asked again at the next call, not hammered, and nobody is told', async (t) => {
  const { keeper, keyring } = await usedBy(500, {
    onUnavailable: () => t.fail('no event is lost yet'),
  })
  keeper.failure = new TacitError('ERR_KEEPER_UNAVAILABLE')
  const late = END - 5 * MINUTE
  for (let call = 0; call < 3; call += 1) {
    t.same(keyring.prefetch(late + call), { wanted: 500, held: 0 })
    await turn()
    t.equal(keeper.asked.length, 64 * (call + 1))
  }
  t.equal(keyring.peek('day', TOMORROW, tenant('t-0')), undefined, 'a failure is not remembered')
  keeper.failure = null
  t.equal(await untilHeld(keyring, late), 1)
})

t.test(
  'no key is taken in for an epoch that is over, nor by a closed keyring: late answers are zeroed',
  async (t) => {
    for (const end of ['retire', 'close'] as const) {
      const { keeper, keyring } = await usedBy(100)
      keeper.hold()
      keyring.prefetch(END - MINUTE)
      if (end === 'close') keyring.close()
      else keyring.retire(END + 25 * HOUR, HOUR)
      keeper.release()
      await turn()
      t.equal(keeper.asked.length, 64, 'what was not under way is not asked for any more')
      t.ok(keeper.handedOut.length >= 64 && keeper.handedOut.every(isZeroed))
      for (let at = 0; at < 100; at += 1) {
        const found = keyring.peek('day', TOMORROW, tenant(`t-${at}`))
        if (isKey(found)) t.fail('a key is held')
      }
    }
  },
)

t.test(
  'an epoch that the keeper calls closed is asked for again, and late only to who asks for it',
  async (t) => {
    const { keeper, keyring } = await usedBy(1)
    keeper.refusal = 'closed'
    keyring.prefetch(BEGINS)
    await turn()
    t.equal(keyring.peek('day', TOMORROW, tenant('t-0')), undefined)
    await keyring.load('day', TOMORROW, tenant('t-0'))
    t.equal(keyring.peek('day', TOMORROW, tenant('t-0')), 'late')
    t.same(keyring.prefetch(BEGINS + 1), { wanted: 0, held: 0 }, 'it never goes back')
  },
)

t.test('a full keyring keeps every key that was used, and gives up those that nobody used', async (t) => {
  const { keyring } = await usedBy(60, { maxEntries: 100 })
  for (let at = 0; at < 40; at += 1) await keyring.load('day', TODAY, tenant(`unused-${at}`))
  for (let second = 0; second < 20; second += 1) {
    keyring.prefetch(END - 60_000 + second * 1_000)
    await turn()
  }
  t.same(keyring.prefetch(END - 1), { wanted: 60, held: 40 }, 'it says what is missing')
  for (let at = 0; at < 60; at += 1) t.ok(isKey(keyring.peek('day', TODAY, tenant(`t-${at}`))))
  t.equal(keyring.peek('day', TODAY, tenant('unused-0')), undefined)
  const first = await use(keyring, tenant('one-more'))
  t.ok(isKey(first), 'a beacon still finds room')
  // Finding it took every other key's mark of late use; they were used nonetheless.
  keyring.prefetch(END - 1)
  await turn()
  for (let at = 0; at < 60; at += 1) t.ok(isKey(keyring.peek('day', TODAY, tenant(`t-${at}`))))
})
