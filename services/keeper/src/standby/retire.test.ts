/** A primary that handed over keeps no secret, wherever the machine stops while it destroys them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import type { Keeper } from '../keeper.js'
import { openKeeper } from '../open-keeper.js'
import {
  batchKeyOf,
  everything,
  keyOf,
  logIn,
  primaryIn,
  secretNames,
  standbyIn,
  TIMES,
  wayTo,
} from '../testing/pair.js'
import { codeOf } from '../testing/remote.js'
import { unwrapped } from '../testing/unwrapped.js'
import { type Failure, VolatileDisk } from '../testing/volatile-disk.js'
import { openStandby, type StandbyKeeper } from './standby-keeper.js'

const NOON = Date.parse('2026-08-05T12:00:00Z')
const TODAY = 'day:2026-08-05'
const ACME = { of: 'tenant', tenant: 'acme' } as const
const QUICK = { waitMs: 50, silentMs: 60_000, holdMs: 0 }

/** Hands over while the standby asks on. */
async function handOver(primary: Keeper, standby: StandbyKeeper): Promise<void> {
  let isOver = false
  const over = primary.handOver().finally(() => {
    isOver = true
  })
  over.catch(() => {})
  while (!isOver) {
    await standby.step().catch(() => {})
    await new Promise(setImmediate)
  }
  await over
}

t.test('after a handover no secret of the former primary is left, nor does a copy of it open', async (t) => {
  const dir = t.testdir({ a: {}, b: {} })
  const [a, b] = [join(dir, 'a'), join(dir, 'b')]
  const clock = new DrivenClock(NOON)
  const primary = await primaryIn(a, clock, { standby: QUICK })
  t.teardown(() => primary.close())
  const key = await keyOf(primary, TODAY, ACME)
  await batchKeyOf(primary, NOON)
  const standby = await standbyIn(b, clock, wayTo(primary))
  while (primary.company() !== 'followed') await standby.step()
  const copies = secretNames(a).map((name) => [name, readFileSync(join(a, 'keys', name))] as const)
  t.equal(copies.length, 5)

  await handOver(primary, standby)
  const master = readFileSync(join(a, 'master.key'))
  t.same(secretNames(a), [])
  for (const [name, copy] of copies) t.equal(unwrapped(copy, name, master), null, name)
  const log = logIn(a)
  clock.advanceTo(NOON + 100 * HOUR)
  await primary.tick()
  await primary.close()
  await standby.close()
  t.same(logIn(a), log, 'the log is the heir’s now')

  const before = everything(a)
  t.equal(await codeOf(primaryIn(a, clock)), 'ERR_KEEPER_FENCED')
  t.equal(await codeOf(primaryIn(a, clock, { promote: { stoppedAt: null } })), 'ERR_KEY_STORE')
  t.same(everything(a), before)
  t.notOk(logIn(b).some((line) => line.startsWith('key.destroyed')))
  const heir = await primaryIn(b, new DrivenClock(NOON), { promote: { stoppedAt: null } })
  t.teardown(() => heir.close())
  t.equal(await keyOf(heir, TODAY, ACME), key, 'the heir has it')
})

const folders = (disk: VolatileDisk, failure?: Failure) => {
  const folder = disk.open(failure)
  const wrapping = { files: folder('master'), name: 'master.key' }
  return { keys: folder('keys'), audit: folder('audit'), wrapping }
}

/** Hands over on a disk that dies at a step. @returns what the next start says, and how many secrets it found */
async function dyingAt(at: number): Promise<{ next: string; found: number; openable: number } | null> {
  const [disk, other] = [new VolatileDisk(), new VolatileDisk()]
  const clock = new DrivenClock(NOON)
  const common = { clock, ...TIMES, streams: ['day'] as const, standby: QUICK }
  const primary = await openKeeper({ ...common, stores: folders(disk, { at, kind: 'power' }) }).catch(
    () => null,
  )
  if (primary === null) return null
  const way = wayTo(primary)
  const standby = await openStandby({ stores: folders(other), clock, ...TIMES, primary: way })
  await keyOf(primary, TODAY, ACME).catch(() => {})
  await batchKeyOf(primary, NOON).catch(() => {})
  for (let step = 0; step < 4; step++) await standby.step().catch(() => {})
  await handOver(primary, standby).catch(() => {})
  let turn = at
  disk.losePower((choices) => turn++ % choices)
  const isSecret = (name: string): boolean => /^keys\/.*\.(?:root|key)$/.test(name)
  const found = [...disk.contents().keys()].filter(isSecret).length
  const again = await openKeeper({ ...common, stores: folders(disk) }).catch(
    (error: { code?: string }) => error,
  )
  const next = 'state' in again ? again.state() : (again.code ?? '')
  const master = disk.contents().get('master/master.key') ?? Buffer.alloc(0)
  // Every copy that anybody may have made of any secret's file, ever.
  const openable = disk.everMade
    .filter(({ name }) => isSecret(name))
    .flatMap(({ history, name }) =>
      history.map((copy) => unwrapped(copy, name.slice('keys/'.length), master)),
    )
    .filter((secret) => secret !== null).length
  return { next, found, openable }
}

t.test('a machine that stops in the middle of it destroys the rest at its next start', async (t) => {
  const counts = { primary: 0, fenced: 0, interrupted: 0, done: 0 }
  for (let at = 140; at < 300; at++) {
    const outcome = await dyingAt(at)
    if (outcome === null) continue
    const { found, next, openable } = outcome
    if (next === 'primary' || next === 'fenced') {
      counts[next] += 1
      continue
    }
    if (next !== 'ERR_KEEPER_FENCED' || openable > 0) t.fail(`step ${at}: ${next}, ${openable} open`)
    counts[found > 0 ? 'interrupted' : 'done'] += 1
  }
  t.comment(JSON.stringify(counts))
  t.ok(counts.primary > 0 && counts.fenced > 0 && counts.interrupted > 10 && counts.done > 0)
})
