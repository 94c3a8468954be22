/** What the keeper makes of a directory that is not as it left it. */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import t from 'tap'
import type { Keeper } from './keeper.js'
import { openKeeper } from './open-keeper.js'
import { keeperPlaces, openKeeperStores } from './keeper-stores.js'
import type { KeyFiles } from './key-files.js'
import { openKeyFiles } from './key-files.js'
import { unwrapped } from './testing/unwrapped.js'

const PRODUCER = '0123456789abcdef'
const START = Date.parse('2026-08-05T00:00:00Z')
const EPOCH = 'day:2026-08-05'
const ROOT = 'day-2026-08-05.root'

const RULES = { latenessMs: HOUR, destroyKeyAfterMs: 48 * HOUR, streams: ['day'] } as const

const open = (dir: string, keys?: KeyFiles): Promise<Keeper> =>
  openKeeper({
    ...RULES,
    stores: { ...openKeeperStores(keeperPlaces(dir)), ...(keys === undefined ? {} : { keys }) },
    clock: new DrivenClock(START),
  })

const keysOf = (dir: string): string[] => readdirSync(join(dir, 'keys'))

async function ask(keeper: Keeper, tenant = 't-1'): Promise<string> {
  const scope = { of: 'tenant', tenant } as const
  const answer = await keeper.port.pseudonymKey({ purpose: 'stats', stream: 'day', epoch: EPOCH, scope })
  return answer.state === 'open' ? answer.key.toString('hex') : answer.state
}

/** A directory in which a key was handed out. */
async function used(dir: string): Promise<string> {
  const keeper = await open(dir)
  const key = await ask(keeper)
  await keeper.close()
  return key
}

t.test('a torn last entry of the audit log is cut off, and the log goes on', async (t) => {
  const dir = t.testdir()
  const key = await used(dir)
  const entries = join(dir, 'audit', 'entries.ndjson')
  const before = readFileSync(entries, 'utf8').trimEnd().split('\n').length
  appendFileSync(entries, '{"entry":{"action":"key.clo')
  const keeper = await open(dir)
  t.equal(await ask(keeper), key)
  await keeper.port.batchKey(START, PRODUCER, true)
  await keeper.close()
  const lines = readFileSync(entries, 'utf8').trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).entry.seq),
    Array.from({ length: before + 2 }, (_, at) => at + 1),
  )
  t.equal(await ask(await open(dir)), key)
})

t.test(
  'an audit log that is damaged before its end, or lacks what was signed, refuses to open',
  async (t) => {
    const damages: [string, (entries: string) => void][] = [
      [
        'garbage between lines',
        (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('\n', '\n\0\n')),
      ],
      ['a flipped bit', (file) => writeFileSync(file, readFileSync(file, 'latin1').replace(/day/, 'dax'))],
      ['its first line lost', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(/^.*\n/, ''))],
      ['all of it lost', unlinkSync],
      ['the whole log gone', (file) => rmSync(join(file, '..'), { recursive: true })],
    ]
    for (const [name, damage] of damages) {
      const dir = join(t.testdir(), name.replaceAll(' ', '-'))
      await used(dir)
      damage(join(dir, 'audit', 'entries.ndjson'))
      await t.rejects(open(dir), { code: 'ERR_AUDIT_DAMAGED' }, name)
    }
  },
)

t.test('a master key file that is gone, is another, or is open to others refuses to open', async (t) => {
  const harms: [string, (dir: string) => void][] = [
    ['gone', (dir) => unlinkSync(join(dir, 'master.key'))],
    ['another', (dir) => copyFileSync(join(dir, '..', 'other', 'master.key'), join(dir, 'master.key'))],
    ['open to others', (dir) => chmodSync(join(dir, 'master.key'), 0o640)],
    ['garbage', (dir) => writeFileSync(join(dir, 'master.key'), 'x'.repeat(640))],
  ]
  const base = t.testdir()
  await used(join(base, 'other'))
  for (const [name, harm] of harms) {
    const dir = join(base, name.replaceAll(' ', '-'))
    const key = await used(dir)
    const good = readFileSync(join(dir, 'master.key'))
    harm(dir)
    await t.rejects(async () => open(dir), { code: 'ERR_KEY_MASTER' }, name)
    t.ok(keysOf(dir).includes(ROOT), 'and nothing was destroyed')
    writeFileSync(join(dir, 'master.key'), good)
    chmodSync(join(dir, 'master.key'), 0o600)
    t.equal(await ask(await open(dir)), key, 'with the right one it goes on')
  }
})

t.test('a credential seals the master key file: without it, or with another, nothing opens', async (t) => {
  const dir = t.testdir({ one: 'x'.repeat(40), two: 'y'.repeat(40), short: 'z' })
  const sealed = (credential?: string): Promise<Keeper> =>
    openKeeper({
      stores: openKeeperStores({
        ...keeperPlaces(dir),
        credentialFile: credential === undefined ? undefined : join(dir, credential),
      }),
      clock: new DrivenClock(START),
      latenessMs: HOUR,
      destroyKeyAfterMs: 48 * HOUR,
      streams: ['day'],
    })
  await t.rejects(async () => sealed('short'), { code: 'ERR_KEY_MASTER' })
  const first = await sealed('one')
  const key = await ask(first)
  await first.close()
  const copy = readFileSync(join(dir, 'keys', ROOT))
  t.equal(unwrapped(copy, ROOT, readFileSync(join(dir, 'master.key'))), null, 'the file alone opens nothing')
  await t.rejects(async () => sealed(), { code: 'ERR_KEY_MASTER' })
  await t.rejects(async () => sealed('absent'), { code: 'ERR_KEY_MASTER' })
  await t.rejects(async () => sealed('two'), { code: 'ERR_KEY_MASTER' })
  t.equal(await ask(await sealed('one')), key)
})

t.test('a root file that is half made or all zeroes is removed, and was never a root', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(7, 1), Buffer.alloc(32)]) {
    const dir = t.testdir()
    await (await open(dir)).close()
    writeFileSync(join(dir, 'keys', ROOT), bytes)
    const keeper = await open(dir)
    t.notOk(keysOf(dir).includes(ROOT))
    t.same(await keeper.port.epochs('day'), [])
    t.match(await ask(keeper), /^[0-9a-f]{64}$/)
  }
})

t.test('a whole root file that is not on record is taken over, and dies in its time', async (t) => {
  const dir = t.testdir()
  // The record of a directory in which nothing was asked for yet: the crash came between the file and its entry.
  await (await open(dir)).close()
  cpSync(join(dir, 'audit'), join(dir, 'before'), { recursive: true })
  const key = await used(dir)
  rmSync(join(dir, 'audit'), { recursive: true })
  cpSync(join(dir, 'before'), join(dir, 'audit'), { recursive: true })
  rmSync(join(dir, 'keys', 'audit-head'))
  const keeper = await open(dir)
  t.same(await keeper.port.epochs('day'), [{ label: EPOCH, state: 'open' }])
  t.equal(await ask(keeper), key)
})

t.test('an open root whose file is lost or torn is destroyed, told of, and never made anew', async (t) => {
  for (const harm of [unlinkSync, (file: string) => writeFileSync(file, Buffer.alloc(5))]) {
    const dir = t.testdir()
    await used(dir)
    harm(join(dir, 'keys', ROOT))
    const keeper = await open(dir)
    t.same(keeper.recovered.lost, [EPOCH])
    t.equal(await ask(keeper), 'closed')
    t.notOk(keysOf(dir).includes(ROOT))
  }
})

t.test(
  'what a start finds destroyed before its clock has a time is dated as late as what is on record of it',
  async (t) => {
    const dir = t.testdir()
    const keeper = await open(dir)
    await keeper.port.batchKey(START, PRODUCER, true)
    unlinkSync(join(dir, 'keys', 'hour-2026-08-05T00.key'))
    await keeper.close()
    const stores = openKeeperStores(keeperPlaces(dir))
    const again = await openKeeper({ ...RULES, stores, clock: new DrivenClock(0) })
    const [record] = await again.keys()
    t.match(record, { created: '2026-08-05T00:00:00Z', destroyed: '2026-08-05T00:00:00Z' })
    await again.close()
  },
)

t.test('a destroyed root that comes back from a copy is shredded again', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir)
  await keeper.port.batchKey(START, PRODUCER, true)
  const file = join(dir, 'keys', 'hour-2026-08-05T00.key')
  const copy = readFileSync(file)
  await keeper.port.destroyLogKey(START, true)
  await keeper.close()
  writeFileSync(file, copy)
  const again = await open(dir)
  t.notOk(keysOf(dir).includes('hour-2026-08-05T00.key'))
  t.equal(await again.port.batchKey(START, PRODUCER, true), null)
})

t.test(
  'a lost naming key refuses to open once there are tenants, so that none gets a second root',
  async (t) => {
    const dir = t.testdir()
    await (await open(dir)).close()
    unlinkSync(join(dir, 'keys', 'naming.key'))
    await used(dir)
    unlinkSync(join(dir, 'keys', 'naming.key'))
    await t.rejects(open(dir), { code: 'ERR_KEY_STORE' })
  },
)

t.test('nor once there were, so that no closed account comes back', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir)
  await keeper.closeAccount('acme')
  await keeper.close()
  t.notOk(keysOf(dir).some((name) => name.startsWith('tenant-')))
  unlinkSync(join(dir, 'keys', 'naming.key'))
  await t.rejects(open(dir), { code: 'ERR_KEY_STORE' })
})

t.test('a naming or signing key that is whole and does not open asks for the master key file', async (t) => {
  for (const name of ['naming.key', 'audit-signing.key']) {
    const dir = join(t.testdir(), name)
    const key = await used(dir)
    const file = join(dir, 'keys', name)
    const whole = readFileSync(file)
    const harmed = Buffer.from(whole).fill(7, 60)
    writeFileSync(file, harmed)
    await t.rejects(
      open(dir),
      { code: 'ERR_KEY_MASTER', message: /master key file.*Bring the right one back/ },
      name,
    )
    t.same(readFileSync(file), harmed, `${name}: untouched`)
    writeFileSync(file, whole.subarray(0, -1))
    await t.rejects(open(dir), { code: 'ERR_KEY_STORE' }, `${name}: torn`)
    writeFileSync(file, whole)
    t.equal(await ask(await open(dir)), key)
  }
})

t.test('files of others in the directory are left alone', async (t) => {
  const dir = t.testdir({ keys: { 'notes.txt': 'mine' } })
  await used(dir)
  writeFileSync(join(dir, 'keys', 'day-2026-08-05.root.bak'), 'x')
  await open(dir)
  t.ok(keysOf(dir).includes('notes.txt'))
  t.ok(keysOf(dir).includes('day-2026-08-05.root.bak'))
})

t.test('a full disk is an error that tells nothing, and passes by itself', async (t) => {
  const dir = t.testdir()
  const disk = openKeyFiles(join(dir, 'keys'))
  let isFull = false
  const files: KeyFiles = {
    list: () => disk.list(),
    read: (name) => disk.read(name),
    create: async (name, bytes) => {
      if (!isFull) return disk.create(name, bytes)
      await disk.create(name, bytes.subarray(0, 3))
      throw Object.assign(new Error(`ENOSPC: no space left on device, write ${name}`), { code: 'ENOSPC' })
    },
    write: (...args) => disk.write(...args),
    remove: (name) => disk.remove(name),
    syncDirectory: () => disk.syncDirectory(),
  }
  const keeper = await open(dir, files)
  isFull = true
  await t.rejects(ask(keeper, 'acme'), new TacitError('ERR_KEY_STORE'))
  isFull = false
  const key = await ask(keeper, 'acme')
  t.match(key, /^[0-9a-f]{64}$/)
  isFull = true
  await t.rejects(ask(keeper, 'other'), new TacitError('ERR_KEY_STORE'))
  t.equal(await ask(keeper, 'acme'), key, 'what is in memory needs no disk')
  isFull = false
  t.not(await ask(keeper, 'other'), key)
})

t.test('started again before everything it knows, it makes no second root of what was', async (t) => {
  const dir = t.testdir()
  const at = (time: string) =>
    openKeeper({
      ...RULES,
      stores: openKeeperStores(keeperPlaces(dir)),
      clock: new DrivenClock(Date.parse(time)),
    })
  const day = async (keeper: Keeper, label: string): Promise<string> => {
    const scope = { of: 'tenant', tenant: 't-1' } as const
    const answer = await keeper.port.pseudonymKey({ purpose: 'stats', stream: 'day', epoch: label, scope })
    return answer.state === 'open' ? answer.key.toString('hex') : answer.state
  }
  const hour = async (keeper: Keeper, time: string) =>
    (await keeper.port.batchKey(Date.parse(time), PRODUCER, true))?.toString('hex') ?? null

  const first = await at('2026-08-05T12:00:00Z')
  const key = await day(first, EPOCH)
  const log = await hour(first, '2026-08-05T12:00:00Z')
  await first.close()
  // The year that somebody confirmed, and two days of it.
  const ahead = await at('2027-08-05T12:00:00Z')
  t.same([...ahead.recovered.destroyed].sort(), [EPOCH, 'hour:2026-08-05T12'])
  t.match(await day(ahead, 'day:2027-08-05'), /^[0-9a-f]{64}$/)
  await ahead.close()
  const later = await at('2027-08-06T12:00:00Z')
  t.same(later.recovered.closed, ['day:2027-08-05'])
  await later.close()

  const files = readdirSync(dir).filter((name) => /^(day|hour)-/.test(name))
  for (const time of ['2026-08-05T12:00:00Z', '2026-08-04T12:00:00Z', '2027-08-05T12:00:00Z']) {
    const back = await at(time)
    t.equal(await day(back, EPOCH), 'closed', time)
    t.equal(await hour(back, '2026-08-05T12:00:00Z'), null, time)
    t.match(await day(back, 'day:2027-08-05'), /^(closed|absent)$/, time)
    const states = (await back.port.epochs('day')).filter(({ label }) => label !== 'day:2026-08-04')
    t.same(
      states,
      [
        { label: EPOCH, state: 'destroyed' },
        { label: 'day:2027-08-05', state: 'closed' },
      ],
      time,
    )
    await back.close()
  }
  t.same(
    readdirSync(dir).filter((name) => /^(day|hour)-/.test(name)),
    files,
    'no file came to be',
  )
  t.match(key, /^[0-9a-f]{64}$/)
  t.match(log, /^[0-9a-f]{64}$/)
})
