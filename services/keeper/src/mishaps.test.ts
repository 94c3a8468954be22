/** What must not cost a living key: old files put back, disks that fail without a crash, master key files of others. */
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import type { Keeper } from './keeper.js'
import type { KeyFiles } from './key-files.js'
import { type KeeperPlaces, type KeeperStores, keeperPlaces, openKeeperStores } from './keeper-stores.js'
import { openKeeper } from './open-keeper.js'

const PRODUCER = '0123456789abcdef'
const START = Date.parse('2026-08-05T00:00:00Z')
const END = START + DAY
const EPOCH = 'day:2026-08-05'
const FIRST_HOUR = 'hour:2026-08-05T00'

const open = (stores: KeeperStores, clock = new DrivenClock(START)): Promise<Keeper> =>
  openKeeper({
    stores,
    clock,
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day', 'week'],
  })

const at = (dir: string, changes: Partial<KeeperPlaces> = {}): KeeperStores =>
  openKeeperStores({ ...keeperPlaces(dir), ...changes })

async function ask(keeper: Keeper, tenant = 't-1', epoch = EPOCH): Promise<string> {
  const answer = await keeper.port.pseudonymKey({
    purpose: 'stats',
    stream: epoch.startsWith('week') ? 'week' : 'day',
    epoch,
    scope: { of: 'tenant', tenant },
  })
  return answer.state === 'open' ? answer.key.toString('hex') : answer.state
}

/** The file of a tenant's root. */
const tenantIn = (dir: string): string =>
  readdirSync(join(dir, 'keys')).find((file) => file.startsWith('tenant-')) ?? ''

/** The same files, some calls of which fail while `isFailing` says so. */
function failing(files: KeyFiles, isFailing: (call: keyof KeyFiles, name: string) => boolean): KeyFiles {
  return new Proxy(files, {
    get:
      (target, call: keyof KeyFiles) =>
      (...args: readonly unknown[]) => {
        if (isFailing(call, String(args[0]))) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
        return Reflect.apply(target[call], target, args)
      },
  })
}

t.test('an old key file that is put back costs no living root', async (t) => {
  const dir = t.testdir()
  const first = await open(at(dir))
  await first.port.batchKey(START, PRODUCER, true)
  const file = join(dir, 'keys', 'hour-2026-08-05T00.key')
  const old = readFileSync(file)
  await first.port.destroyLogKey(START, true)
  // Takes the place that the hour's wrapping key had.
  const key = await ask(first)
  await first.close()
  for (let boot = 0; boot < 3; boot++) {
    writeFileSync(file, old)
    const again = await open(at(dir))
    t.same(again.recovered.lost, [])
    t.equal(await ask(again), key)
    t.equal(await again.port.batchKey(START, PRODUCER, true), null)
    await again.close()
  }
})

t.test(
  'a file that cannot be overwritten is tried again, and the place of its key harms nobody meanwhile',
  async (t) => {
    const dir = t.testdir()
    const stores = at(dir)
    let isFull = false
    const keys = failing(stores.keys, (call, name) => isFull && call === 'write' && name.startsWith('hour-'))
    const keeper = await open({ ...stores, keys })
    await keeper.port.batchKey(START, PRODUCER, true)
    isFull = true
    await t.rejects(keeper.port.destroyLogKey(START, true), { code: 'ERR_KEY_STORE' })
    const key = await ask(keeper)
    isFull = false
    await keeper.tick()
    await keeper.close()
    const again = await open(at(dir))
    t.same(again.recovered.lost, [])
    t.equal(await ask(again), key)
  },
)

t.test(
  'an overdue root dies though the audit log has no room, and is put on record when it has',
  async (t) => {
    const dir = t.testdir()
    const stores = at(dir)
    const clock = new DrivenClock(START)
    let isFull = false
    const audit = failing(stores.audit, (call) => isFull && call === 'write')
    const keeper = await open({ ...stores, audit }, clock)
    await ask(keeper)
    isFull = true
    clock.advanceTo(START + DAY + 48 * HOUR)
    const report = await keeper.tick().catch(() => null)
    t.notOk(readdirSync(join(dir, 'keys')).includes('day-2026-08-05.root'), 'it is gone')
    t.same(report?.failed ?? [EPOCH], [EPOCH], 'and that it is on no record is an alarm')
    isFull = false
    t.same((await keeper.tick()).destroyed, [EPOCH])
    t.match(await keeper.keys(), [{ id: EPOCH, state: 'destroyed' }])
  },
)

t.test('the lost root of a tenant is never made anew: it is on record as lost, and told of', async (t) => {
  const harms: [string, (file: string) => void][] = [
    ['gone', rmSync],
    ['torn', (file) => truncateSync(file, 60)],
  ]
  for (const [name, harm] of harms) {
    const dir = join(t.testdir(), name)
    const first = await open(at(dir))
    await ask(first)
    await first.close()
    harm(join(dir, 'keys', tenantIn(dir)))
    const again = await open(at(dir))
    t.equal(await ask(again), 'absent', name)
    t.equal((await again.tick()).lost.length, 1)
    t.equal(await ask(again), 'absent')
    t.match(
      (await again.keys()).filter(({ stream }) => stream === 'tenant'),
      [{ state: 'destroyed' }],
    )
    t.match(await ask(again, 'another'), /^[0-9a-f]{64}$/)
    await again.close()
  }
})

t.test('nor is one that is lost before it is on record, of which a killed keeper gave keys', async (t) => {
  const [dir, killed] = [join(t.testdir(), 'dir'), join(t.testdir(), 'killed')]
  const first = await open(at(dir))
  t.match(await ask(first), /^[0-9a-f]{64}$/)
  cpSync(dir, killed, { recursive: true })
  await first.close()
  const again = await open(at(killed))
  rmSync(join(killed, 'keys', tenantIn(killed)))
  t.equal(await ask(again), 'absent')
  t.equal((await again.tick()).lost.length, 1)
  t.match(
    (await again.keys()).filter(({ stream }) => stream === 'tenant'),
    [{ state: 'destroyed' }],
  )
  await again.close()
})

/** Overwrites what is in the master key file of one root's file. */
function spoilSlot(dir: string, file: string): void {
  const bytes = readFileSync(join(dir, 'keys', file))
  const [slot] = bytes.toString('latin1', 5, 5 + (bytes[4] ?? 0)).split('.')
  const master = readFileSync(join(dir, 'master.key'))
  writeFileSync(join(dir, 'master.key'), master.fill(7, 96 + 96 * Number(slot), 96 + 96 * (Number(slot) + 1)))
}

t.test('the root of a tenant that the master key file does not open is left as it is', async (t) => {
  const harms: [string, (dir: string, file: string) => void][] = [
    ['another slot', spoilSlot],
    [
      'a damaged root',
      (dir, file) => {
        const path = join(dir, 'keys', file)
        writeFileSync(path, Buffer.from(readFileSync(path)).fill(7, 60))
      },
    ],
  ]
  for (const [name, harm] of harms) {
    const dir = join(t.testdir(), name.replaceAll(' ', '-'))
    const first = await open(at(dir))
    const key = await ask(first)
    const file = tenantIn(dir)
    const killed = join(dir, 'killed')
    for (const part of ['keys', 'audit', 'master.key'])
      cpSync(join(dir, part), join(killed, part), { recursive: true })
    await first.close()

    harm(dir, file)
    const harmed = readFileSync(join(dir, 'keys', file))
    const again = await open(at(dir))
    for (let time = 0; time < 2; time++) await t.rejects(ask(again), { code: 'ERR_KEY_MASTER' }, name)
    t.match(await ask(again, 'another'), /^[0-9a-f]{64}$/, 'the others have theirs')
    t.same((await again.tick()).lost, [])
    await again.close()
    t.same(readFileSync(join(dir, 'keys', file)), harmed, `${name}: untouched`)

    // Keys of it were handed out, and the next hour would have put it on record.
    const right = readFileSync(join(killed, 'master.key'))
    const whole = readFileSync(join(killed, 'keys', file))
    harm(killed, file)
    const left = readFileSync(join(killed, 'keys', file))
    await t.rejects(open(at(killed)), { code: 'ERR_KEY_MASTER' }, `${name}, killed`)
    t.same(readFileSync(join(killed, 'keys', file)), left, `${name}, killed: untouched`)
    writeFileSync(join(killed, 'master.key'), right)
    writeFileSync(join(killed, 'keys', file), whole)
    t.equal(await ask(await open(at(killed))), key, 'with the right one it goes on')
  }
})

t.test(
  'a master key file that another directory uses is refused, and so is one that is something else',
  async (t) => {
    const dir = t.testdir({ 'tls.key': '-----BEGIN PRIVATE KEY-----' })
    const masterFile = join(dir, 'master.key')
    const one = await open(at(join(dir, 'one'), { masterFile }))
    const key = await ask(one)
    await one.close()
    await t.rejects(open(at(join(dir, 'two'), { masterFile })), { code: 'ERR_KEY_MASTER' })
    const again = await open(at(join(dir, 'one'), { masterFile }))
    t.equal(await ask(again), key, 'the first one lost nothing')
    const before = readFileSync(join(dir, 'tls.key'))
    await t.rejects(async () => open(at(join(dir, 'three'), { masterFile: join(dir, 'tls.key') })), {
      code: 'ERR_KEY_MASTER',
    })
    t.same(readFileSync(join(dir, 'tls.key')), before)
  },
)

t.test('an older copy of the master key file destroys nothing', async (t) => {
  const dir = t.testdir()
  const first = await open(at(dir))
  await ask(first)
  copyFileSync(join(dir, 'master.key'), join(dir, 'copy'))
  const week = await ask(first, 't-1', 'week:2026-08-03')
  await first.close()
  copyFileSync(join(dir, 'master.key'), join(dir, 'right'))
  // From the same run, before the week's root.
  copyFileSync(join(dir, 'copy'), join(dir, 'master.key'))
  await t.rejects(open(at(dir)), { code: 'ERR_KEY_MASTER' })
  copyFileSync(join(dir, 'right'), join(dir, 'master.key'))
  const second = await open(at(dir))
  t.equal(await ask(second, 't-1', 'week:2026-08-03'), week)
  await second.close()
  // From an earlier run.
  copyFileSync(join(dir, 'right'), join(dir, 'master.key'))
  await t.rejects(open(at(dir)), { code: 'ERR_KEY_MASTER' })
})

t.test('an audit log that was emptied or cut beside living keys is refused', async (t) => {
  const harms: [string, (dir: string) => void][] = [
    ['emptied', (dir) => ['entries', 'heads'].map((name) => truncateSync(join(dir, `${name}.ndjson`)))],
    [
      'cut, without heads',
      (dir) => {
        rmSync(join(dir, 'heads.ndjson'))
        writeFileSync(
          join(dir, 'entries.ndjson'),
          readFileSync(join(dir, 'entries.ndjson'), 'utf8').replace(/[^\n]+\n$/, ''),
        )
      },
    ],
  ]
  for (const [name, harm] of harms) {
    const dir = join(t.testdir(), name.replaceAll(/\W/g, '-'))
    const keeper = await open(at(dir))
    await keeper.port.batchKey(START, PRODUCER, true)
    await keeper.port.destroyLogKey(START, true)
    await keeper.close()
    harm(join(dir, 'audit'))
    await t.rejects(open(at(dir)), { code: 'ERR_AUDIT_DAMAGED' }, name)
  }
})

t.test('heads are signed every hour though a wrong clock once dated the log far ahead', async (t) => {
  const dir = t.testdir()
  const ahead = await open(at(dir), new DrivenClock(START + 365 * DAY))
  await ahead.port.batchKey(START + 365 * DAY, PRODUCER, true)
  await ahead.close()
  const clock = new DrivenClock(START)
  const keeper = await open(at(dir), clock)
  const sizes = new Set<number | undefined>()
  for (let hour = 0; hour < 5; hour++) {
    clock.advanceTo(START + hour * HOUR)
    await keeper.port.batchKey(START + hour * HOUR, PRODUCER, true)
    await keeper.tick()
    sizes.add((await keeper.audit.head())?.size)
  }
  t.equal(sizes.size, 5)
})

t.test('nobody can have everything destroyed by shortening its time to nothing', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(at(t.testdir()), clock)
  const key = await ask(keeper)
  const batchKey = await keeper.port.batchKey(START, PRODUCER, true)
  await keeper.port.obey({ latenessMs: 0, destroyKeyAfterMs: 0, logKeyLifeMs: 0 })
  clock.advanceTo(START + HOUR / 2)
  t.same((await keeper.tick()).destroyed, [])
  t.same(await keeper.port.batchKey(START, PRODUCER, false), batchKey)
  clock.advanceTo(START + 2 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(START + 2 * HOUR)
  t.same(
    (await keeper.tick()).destroyed,
    [FIRST_HOUR],
    'an hour’s key lives for its hour, and one more to stage it',
  )
  clock.advanceTo(END - 1)
  t.equal(await ask(keeper), key)
  clock.advanceTo(END + 2 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(END + 2 * HOUR)
  t.same((await keeper.tick()).destroyed, [EPOCH], 'and that of an epoch for an hour after its window closed')
})

t.test('a rulebook’s shorter times hold for keys that live already, and longer ones do not', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(at(t.testdir()), clock)
  const key = await ask(keeper)
  await keeper.port.batchKey(START, PRODUCER, true)
  await keeper.port.obey({ latenessMs: HOUR / 2, destroyKeyAfterMs: 24 * HOUR, logKeyLifeMs: 6 * HOUR })
  await keeper.port.obey({ latenessMs: 9 * HOUR, destroyKeyAfterMs: 99 * HOUR, logKeyLifeMs: 24 * HOUR })
  clock.advanceTo(START + 6 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(START + 6 * HOUR)
  t.same((await keeper.tick()).destroyed, [FIRST_HOUR])
  clock.advanceTo(END + HOUR / 2 - 1)
  t.equal(await ask(keeper), key)
  clock.advanceTo(END + HOUR / 2)
  t.same((await keeper.tick()).closed, [EPOCH])
  clock.advanceTo(END + 24 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(END + 24 * HOUR)
  t.same((await keeper.tick()).destroyed, [EPOCH])
})

t.test('an hour whose counts do not add up dies with its day, and the record says so', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(at(t.testdir()), clock)
  await keeper.port.batchKey(START, PRODUCER, true)
  await keeper.port.reconciled('hour', FIRST_HOUR, false)
  clock.advanceTo(START + DAY)
  t.same((await keeper.tick()).destroyed, [FIRST_HOUR])
  t.match(await keeper.keys(), [{ reconciled: false, state: 'destroyed' }])
})
