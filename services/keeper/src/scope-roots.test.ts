/** Who was given keys of a tenant: on record once an hour, and when its root dies. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import type { Keeper } from './keeper.js'
import type { KeyFiles } from './key-files.js'
import { keeperPlaces, type KeeperStores, openKeeperStores } from './keeper-stores.js'
import { openKeeper } from './open-keeper.js'

const START = Date.parse('2026-08-05T00:00:00Z')

const storesOf = (dir: string): KeeperStores => openKeeperStores(keeperPlaces(dir))
const open = (stores: KeeperStores, clock: DrivenClock): Promise<Keeper> =>
  openKeeper({ stores, clock, latenessMs: HOUR, destroyKeyAfterMs: 48 * HOUR, streams: ['day'] })

/** What a collector asks for the tenant's key with. */
const requestOf = (tenant: string) =>
  ({ purpose: 'stats', stream: 'day', epoch: 'day:2026-08-05', scope: { of: 'tenant', tenant } }) as const

/** Who was given keys of each tenant, in the order of their roots. */
const handedOf = async (keeper: Keeper): Promise<readonly (readonly string[])[]> =>
  (await keeper.keys()).filter(({ stream }) => stream === 'tenant').map(({ handedTo }) => handedTo)

/** The same files, with something that happens before each write. */
const withWrites = (files: KeyFiles, before: () => Promise<void> | void): KeyFiles =>
  new Proxy(files, {
    get:
      (target, call: keyof KeyFiles) =>
      async (...args: readonly unknown[]) => {
        if (call === 'write') await before()
        return Reflect.apply(target[call], target, args)
      },
  })

t.test('an account that is closed has on record who was given keys since the last hour', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(storesOf(t.testdir()), clock)
  await keeper.door('collector/b').pseudonymKey(requestOf('t-1'))
  clock.advanceTo(START + HOUR)
  await keeper.tick()
  t.same(await handedOf(keeper), [['collector/b']])
  for (const tenant of ['t-1', 't-2']) await keeper.door('collector/a').pseudonymKey(requestOf(tenant))
  for (const tenant of ['t-1', 't-2']) await keeper.closeAccount(tenant)
  t.same(await handedOf(keeper), [['collector/b', 'collector/a'], ['collector/a']])
})

t.test('so has a root that is lost', async (t) => {
  const dir = t.testdir()
  const stores = storesOf(dir)
  let isFull = false
  const audit = withWrites(stores.audit, () => {
    if (isFull) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  })
  const keeper = await open({ ...stores, audit }, new DrivenClock(START))
  await keeper.door('collector/a').pseudonymKey(requestOf('t-1'))
  // Leaves the root alone, but for the copy in memory.
  isFull = true
  await t.rejects(keeper.closeAccount('t-1'))
  isFull = false
  const name = readdirSync(join(dir, 'keys')).find((file) => file.startsWith('tenant-')) ?? ''
  rmSync(join(dir, 'keys', name))
  t.same(await keeper.door('collector/b').pseudonymKey(requestOf('t-1')), { state: 'absent' })
  t.equal((await keeper.tick()).lost.length, 1)
  t.same(await handedOf(keeper), [['collector/a']])
})

t.test('who is given keys while an hour is put on record is on record with the next', async (t) => {
  const clock = new DrivenClock(START)
  const stores = storesOf(t.testdir())
  let began: (() => void) | null = null
  let goOn = (): void => {}
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const audit = withWrites(stores.audit, async () => {
    began?.()
    if (began !== null) await held
  })
  const keeper = await open({ ...stores, audit }, clock)
  await keeper.door('collector/a').pseudonymKey(requestOf('t-1'))
  await keeper.door('collector/b').pseudonymKey({ ...requestOf(''), scope: { of: 'tenants' } })
  clock.advanceTo(START + HOUR)
  const writing = new Promise<void>((resolve) => {
    began = resolve
  })
  const ticked = keeper.tick()
  await writing
  await keeper.door('collector/b').pseudonymKey(requestOf('t-1'))
  began = null
  goOn()
  await ticked
  t.same(await handedOf(keeper), [['collector/a']])
  clock.advanceTo(START + 2 * HOUR)
  await keeper.tick()
  t.same(await handedOf(keeper), [['collector/a', 'collector/b']])
})
