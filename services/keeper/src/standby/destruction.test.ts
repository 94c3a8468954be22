/** What is destroyed at the primary is gone at its standby, which never keeps a root beyond its time. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, MINUTE } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import t, { type Test } from 'tap'
import type { Keeper } from '../keeper.js'
import type { KeyFiles } from '../key-files.js'
import { keeperPlaces, openKeeperStores } from '../keeper-stores.js'
import {
  audited,
  batchKeyOf,
  keyOf,
  logIn,
  primaryIn,
  secretNames,
  standbyIn,
  type Way,
  wayTo,
} from '../testing/pair.js'
import { codeOf } from '../testing/remote.js'
import { unwrapped } from '../testing/unwrapped.js'
import type { StandbyKeeper } from './standby-keeper.js'

const NOON = Date.parse('2026-08-05T12:00:00Z')
const TODAY = 'day:2026-08-05'
const ROOT = 'day-2026-08-05.root'
const HOUR_KEY = 'hour-2026-08-05T12.key'
const ACME: KeyScope = { of: 'tenant', tenant: 'acme' }
const QUICK = { waitMs: 20, silentMs: 60_000, holdMs: 1 }

interface Pair {
  readonly a: string
  readonly b: string
  readonly clock: DrivenClock
  readonly primary: Keeper
  readonly standby: StandbyKeeper
  readonly way: Way
}

/** Two keepers in step, with an epoch, an hour and a tenant. */
async function pairOf(t: Test): Promise<Pair> {
  const dir = t.testdir({ a: {}, b: {} })
  const [a, b] = [join(dir, 'a'), join(dir, 'b')]
  const clock = new DrivenClock(NOON)
  const primary = await primaryIn(a, clock, { standby: QUICK })
  t.teardown(() => primary.close())
  await keyOf(primary, TODAY, ACME)
  await batchKeyOf(primary, NOON)
  const way = wayTo(primary)
  const standby = await standbyIn(b, clock, way)
  t.teardown(() => standby.close())
  while (primary.company() !== 'followed') await standby.step()
  return { a, b, clock, primary, standby, way }
}

const epochs = (dir: string): string[] => secretNames(dir).filter((name) => /^(?:day|hour)-/.test(name))

t.test('what dies at the primary is shredded at the standby before it is acknowledged', async (t) => {
  const { b, primary, standby } = await pairOf(t)
  const tenant = secretNames(b).find((name) => name.startsWith('tenant-')) ?? ''
  const copies = [ROOT, HOUR_KEY, tenant].map((name) => [name, readFileSync(join(b, 'keys', name))] as const)
  t.same(
    copies.map(([name, copy]) => unwrapped(copy, name, readFileSync(join(b, 'master.key'))) !== null),
    [true, true, true],
  )
  await primary.port.destroyLogKey(NOON, true)
  await primary.closeAccount('acme')
  await standby.step()
  t.same(epochs(b), [ROOT])
  t.notOk(secretNames(b).includes(tenant))
  for (const [name, copy] of copies.slice(1))
    t.equal(
      unwrapped(copy, name, readFileSync(join(b, 'master.key'))),
      null,
      'nor does a copy of before open',
    )
})

t.test('a standby that was away destroys what died meanwhile when it comes back', async (t) => {
  const { b, clock, primary, standby, way } = await pairOf(t)
  await standby.close()
  await primary.port.destroyLogKey(NOON, true)
  await primary.closeAccount('acme')
  const back = await standbyIn(b, clock, way)
  t.teardown(() => back.close())
  t.same(epochs(b), [ROOT, HOUR_KEY])
  await back.step()
  t.same(epochs(b), [ROOT])
  t.notOk(secretNames(b).some((name) => name.startsWith('tenant-')))
  while (primary.company() !== 'followed') await back.step()
})

t.test('a standby that is alone destroys each root on time, and writes nothing', async (t) => {
  const { b, clock, standby, way } = await pairOf(t)
  way.cut = 'question'
  const before = readFileSync(join(b, 'audit/entries.ndjson'))
  clock.advanceTo(NOON + DAY - 1)
  t.same((await standby.tick()).destroyed, [])
  clock.advanceTo(NOON + DAY)
  t.same((await standby.tick()).destroyed, ['hour:2026-08-05T12'])
  const end = Date.parse('2026-08-06T00:00:00Z') + 48 * HOUR
  clock.advanceTo(end - 1)
  t.same((await standby.tick()).destroyed, [])
  clock.advanceTo(end)
  t.same((await standby.tick()).destroyed, [TODAY])
  t.same(epochs(b), [])
  t.same(readFileSync(join(b, 'audit/entries.ndjson')), before)

  // The primary's clock is behind: it still has what is overdue here.
  way.cut = null
  await standby.close()
  const again = await standbyIn(b, clock, way)
  t.teardown(() => again.close())
  await again.step()
  t.same(epochs(b), [], 'and takes none of it again')
})

t.test('a copy that is whole and does not open stops a standby’s start, and stays', async (t) => {
  const { b, clock, standby, way } = await pairOf(t)
  await standby.close()
  const file = join(b, 'keys', ROOT)
  const whole = readFileSync(file)
  const harmed = Buffer.from(whole).fill(7, 60)
  writeFileSync(file, harmed)
  t.equal(await codeOf(standbyIn(b, clock, way)), 'ERR_KEY_MASTER')
  t.same(readFileSync(file), harmed)
  writeFileSync(file, whole.subarray(0, 60))
  const again = await standbyIn(b, clock, way)
  t.same(epochs(b), [HOUR_KEY], 'a torn one goes')
  await again.close()

  // A destruction that a crash cut short leaves one that does not open.
  writeFileSync(file, harmed)
  clock.advanceTo(Date.parse('2026-08-08T00:00:00Z'))
  await (await standbyIn(b, clock, way)).close()
  t.same(epochs(b), [])
})

t.test('what a standby destroyed alone is put on record when it takes over', async (t) => {
  const { b, clock, standby, way } = await pairOf(t)
  way.cut = 'question'
  clock.advanceTo(NOON + 4 * DAY)
  await standby.tick()
  await standby.close()
  const heir = await primaryIn(b, clock, { promote: { stoppedAt: NOON } })
  t.teardown(() => heir.close())
  t.same(heir.recovered.lost, [])
  t.same(
    logIn(b)
      .filter((line) => line.startsWith('key.destroyed'))
      .toSorted(),
    [`key.destroyed ${TODAY}`, 'key.destroyed hour:2026-08-05T12'],
  )
  t.match(readFileSync(join(b, 'audit/entries.ndjson'), 'utf8'), '"why":"schedule"')
  await heir.audit.sign()
  t.ok(audited(b).ok)
})

t.test('counts that do not add up hold a root at the standby as long as at the primary', async (t) => {
  const { b, clock, primary, standby, way } = await pairOf(t)
  await primary.port.reconciled('day', TODAY, false)
  await standby.step()
  way.cut = 'question'
  const end = Date.parse('2026-08-06T00:00:00Z') + 48 * HOUR
  clock.advanceTo(end + DAY - 1)
  await standby.tick()
  t.same(epochs(b), [ROOT])
  clock.advanceTo(end + DAY)
  await standby.tick()
  t.same(epochs(b), [])
})

t.test('an hour whose counts do not add up dies with its day at the standby too', async (t) => {
  const { b, clock, primary, standby, way } = await pairOf(t)
  await primary.port.reconciled('hour', 'hour:2026-08-05T12', false)
  await standby.step()
  t.ok(logIn(b).includes('key.held hour:2026-08-05T12'))
  way.cut = 'question'
  clock.advanceTo(NOON + DAY)
  t.same((await standby.tick()).destroyed, ['hour:2026-08-05T12'])
  t.same(epochs(b), [ROOT])
})

t.test('shorter times that the primary obeys hold at the standby too', async (t) => {
  const { b, clock, primary, standby, way } = await pairOf(t)
  await primary.port.obey({ latenessMs: HOUR, destroyKeyAfterMs: 2 * HOUR, logKeyLifeMs: 2 * HOUR })
  await standby.step()
  way.cut = 'question'
  clock.advanceTo(NOON + 2 * HOUR)
  await standby.tick()
  t.same(epochs(b), [ROOT])
  clock.advanceTo(Date.parse('2026-08-06T02:00:00Z'))
  await standby.tick()
  t.same(epochs(b), [])
})

t.test('after a loss what may have been made alone is withheld, and nothing else', async (t) => {
  const { a, b, clock, primary, standby, way } = await pairOf(t)
  const key = await keyOf(primary, TODAY, ACME)
  way.cut = 'question'
  clock.advanceTo(NOON + HOUR + 5 * MINUTE)
  // The lost primary goes on alone: an hour, and a tenant, that the standby never sees.
  const lost = await batchKeyOf(primary, NOON + HOUR)
  const stranger: KeyScope = { of: 'tenant', tenant: 'stranger' }
  t.match(await keyOf(primary, TODAY, stranger), /^[0-9a-f]{64}$/)
  await standby.close()
  clock.advanceTo(NOON + 3 * HOUR)
  const heir = await primaryIn(b, clock, { promote: { stoppedAt: NOON + HOUR + 10 * MINUTE } })
  t.teardown(() => heir.close())
  t.match(lost, /^[0-9a-f]{64}$/)
  t.equal(await batchKeyOf(heir, NOON + HOUR), 'none')
  t.equal(await keyOf(heir, TODAY, ACME), key)
  t.equal(await keyOf(heir, TODAY, stranger), 'absent', 'its root may have been another')
  t.match(await batchKeyOf(heir, NOON + 3 * HOUR), /^[0-9a-f]{64}$/, 'hours after the loss are open')
  const withheld = new Set(logIn(b).filter((line) => line.startsWith('key.withheld')))
  t.ok(withheld.has('key.withheld hour:2026-08-05T13'))
  t.ok(withheld.has('key.withheld week:2026-08-03'))
  t.notOk(withheld.has('key.withheld hour:2026-08-05T12'), 'it is here')
  t.notOk(withheld.has('key.withheld hour:2026-08-05T15'))
  t.notOk(withheld.has('key.withheld day:2026-08-06'))
  clock.advanceTo(Date.parse('2026-08-05T23:55:00Z'))
  t.match(await keyOf(heir, 'day:2026-08-06', stranger), /^[0-9a-f]{64}$/, 'the next day is nobody else’s')
  await heir.close()

  // A standby of the heir knows of all that when it takes over in its turn.
  const second = await primaryIn(b, clock, { standby: QUICK })
  const way2 = wayTo(second)
  const c = join(t.testdirName, 'c')
  const third = await standbyIn(c, clock, way2)
  while (second.company() !== 'followed') await third.step()
  t.equal(third.term().count, 1)
  await third.close()
  await second.close()
  const last = await primaryIn(c, clock, { promote: { stoppedAt: null } })
  t.teardown(() => last.close())
  t.equal(last.term().count, 2)
  t.equal(await batchKeyOf(last, NOON + HOUR), 'none')
  t.equal(await keyOf(last, TODAY, stranger), 'absent')
  t.equal(await keyOf(last, TODAY, ACME), key)

  const stray = await standbyIn(join(t.testdirName, 'd'), clock, way2)
  t.teardown(() => stray.close())
  t.equal(await codeOf(standbyIn(a, clock, way2)), 'ERR_KEY_STORE', 'a former primary is no standby')
})

t.test('a directory is promoted once, and only a standby’s that was ever in step', async (t) => {
  const { a, b, clock, primary, standby } = await pairOf(t)
  await primary.close()
  await t.rejects(primaryIn(a, clock, { promote: { stoppedAt: null } }), { code: 'ERR_KEY_STORE' })
  await standby.close()
  const empty = await standbyIn(join(t.testdirName, 'c'), clock, wayTo(null))
  await t.rejects(empty.step(), { code: 'ERR_KEEPER_UNAVAILABLE' })
  await empty.close()
  const never = primaryIn(join(t.testdirName, 'c'), clock, { promote: { stoppedAt: null } })
  await t.rejects(never, { code: 'ERR_KEEPER_STANDBY' })
  const heir = await primaryIn(b, clock, { promote: { stoppedAt: null } })
  await heir.close()
  t.equal(await codeOf(primaryIn(b, clock, { promote: { stoppedAt: null } })), 'ERR_KEY_STORE')
  const again = await primaryIn(b, clock)
  t.teardown(() => again.close())
  t.same([again.term().count, again.state()], [1, 'primary'])
})

t.test('a standby whose log is another is refused, and takes nothing', async (t) => {
  const { b, clock, standby } = await pairOf(t)
  await standby.close()
  const other = await primaryIn(join(t.testdirName, 'other'), clock, { standby: QUICK })
  t.teardown(() => other.close())
  await keyOf(other, TODAY, ACME)
  for (let hour = 0; hour < 6; hour++) await batchKeyOf(other, NOON - hour * HOUR)
  const before = secretNames(b)
  const lost = await standbyIn(b, clock, wayTo(other))
  t.teardown(() => lost.close())
  await t.rejects(lost.step(), { code: 'ERR_AUDIT_DAMAGED' })
  t.same(secretNames(b), before)
})

t.test(
  'before a standby is sent a root it is on record that it is, once for each of its starts',
  async (t) => {
    const dir = t.testdir({ a: {}, b: {} })
    const [a, b] = [join(dir, 'a'), join(dir, 'b')]
    const clock = new DrivenClock(NOON)
    const stores = openKeeperStores(keeperPlaces(a))
    let isFull = false
    const write = stores.audit.write.bind(stores.audit)
    stores.audit.write = (...what) => (isFull ? Promise.reject(new Error('ENOSPC')) : write(...what))
    const primary = await primaryIn(a, clock, { standby: QUICK, stores })
    t.teardown(() => primary.close())
    await keyOf(primary, TODAY, ACME)
    const followed = (): string[] =>
      readFileSync(join(a, 'audit/entries.ndjson'), 'utf8').match(
        /"action":"keeper.followed","actor":"keeper","object":[^}]+}/g,
      ) ?? []
    const way = wayTo(primary)
    const open = async (): Promise<StandbyKeeper> => {
      const standby = await standbyIn(b, clock, way)
      t.teardown(() => standby.close())
      return standby
    }

    const standby = await open()
    isFull = true
    t.equal(await codeOf(standby.step()), 'ERR_AUDIT_WRITE')
    t.same(secretNames(b), [], 'what cannot be put on record does not leave')
    isFull = false
    way.cut = 'answer'
    await t.rejects(standby.step())
    t.match(followed(), [/"by":"standby\/b"/], 'it may have arrived')
    way.cut = null
    while (primary.company() !== 'followed') await standby.step()
    await Promise.all([batchKeyOf(primary, NOON), standby.step()])
    await standby.step()
    t.ok(secretNames(b).includes(HOUR_KEY))
    t.equal(followed().length, 2, 'its question was lost, so it began anew')
    t.same(logIn(b), logIn(a))
    await standby.close()

    const again = await open()
    while (primary.company() !== 'followed') await again.step()
    await again.step()
    t.equal(followed().length, 2, 'it has all that there is')
    const asked = batchKeyOf(primary, NOON - HOUR)
    await again.step()
    await again.step()
    await asked
    t.equal(followed().length, 3)
  },
)

t.test('a page is zeroed once it was taken, and where it could not be', async (t) => {
  const { b, primary, standby, way } = await pairOf(t)
  const pages: Buffer[] = []
  const { ask } = way
  const copy = async (...question: Parameters<typeof ask>) => {
    const answer = await ask(...question)
    pages.push(answer.page)
    t.ok(answer.page.some((byte) => byte !== 0))
    return answer
  }
  const asked = batchKeyOf(primary, NOON - HOUR)
  const watched = await standbyIn(join(t.testdirName, 'c'), new DrivenClock(NOON), {
    ask: copy,
    close: way.close,
  })
  t.teardown(() => watched.close())
  await watched.step()
  await asked
  t.ok(secretNames(join(t.testdirName, 'c')).length >= 5)
  await standby.close()
  const other = await primaryIn(join(t.testdirName, 'other'), new DrivenClock(NOON), { standby: QUICK })
  t.teardown(() => other.close())
  way.keeper = other
  const lost = await standbyIn(b, new DrivenClock(NOON), { ask: copy, close: way.close })
  t.teardown(() => lost.close())
  await t.rejects(lost.step(), { code: 'ERR_AUDIT_DAMAGED' })
  t.equal(pages.length, 2)
  for (const page of pages) t.ok(page.every((byte) => byte === 0))
})

t.test('no secret is read where the log cannot be read for a page', async (t) => {
  const dir = t.testdir({ a: {}, b: {} })
  const stores = openKeeperStores(keeperPlaces(join(dir, 'a')))
  const read: string[] = []
  let isBroken = false
  const watched = (files: KeyFiles): KeyFiles =>
    new Proxy(files, {
      get:
        (target, call: keyof KeyFiles) =>
        async (...args: [name: string, from?: number, most?: number]) => {
          if (call !== 'read') return Reflect.apply(target[call], target, args)
          const [name, , most = 0] = args
          read.push(name)
          if (isBroken && most > 0) throw Object.assign(new Error(), { code: 'EIO' })
          return target.read(...args)
        },
    })
  const primary = await primaryIn(join(dir, 'a'), new DrivenClock(NOON), {
    stores: { ...stores, keys: watched(stores.keys), audit: watched(stores.audit) },
    standby: QUICK,
  })
  t.teardown(() => primary.close())
  await keyOf(primary, TODAY, ACME)
  const standby = await standbyIn(join(dir, 'b'), new DrivenClock(NOON), wayTo(primary))
  t.teardown(() => standby.close())
  isBroken = true
  read.length = 0
  await t.rejects(standby.step())
  t.ok(read.includes('entries.ndjson'))
  t.notOk(read.includes(ROOT))
  isBroken = false
  await standby.step()
  t.ok(secretNames(join(dir, 'b')).includes(ROOT))
})
