import { randomFillSync } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, MINUTE, TacitError } from '@tacit/contracts'
import { derivePseudonymKey, type KeyScope } from '@tacit/keyring'
import t from 'tap'
import type { Keeper, KeeperOptions } from './keeper.js'
import { openKeeper } from './open-keeper.js'
import { keeperPlaces, openKeeperStores } from './keeper-stores.js'
import { unwrapped } from './testing/unwrapped.js'

const PRODUCER = '0123456789abcdef'
const START = Date.parse('2026-08-05T00:00:00Z')
const END = START + DAY
const EPOCH = 'day:2026-08-05'
const TENANT: KeyScope = { of: 'tenant', tenant: 'acme-traders-of-zurich' }

const open = (dir: string, clock: DrivenClock, more: Partial<KeeperOptions> = {}): Promise<Keeper> =>
  openKeeper({
    stores: openKeeperStores(keeperPlaces(dir)),
    clock,
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day', 'week'],
    ...more,
  })

/** The key in hexadecimal, or why there is none. */
async function ask(keeper: Keeper, epoch = EPOCH, scope = TENANT, purpose = 'stats'): Promise<string> {
  const stream = epoch.startsWith('week') ? 'week' : epoch.startsWith('month') ? 'month' : 'day'
  const answer = await keeper.port.pseudonymKey({ purpose, stream, epoch, scope })
  return answer.state === 'open' ? answer.key.toString('hex') : answer.state
}

/** Every byte of every file under a folder. */
const everything = (dir: string): Buffer =>
  Buffer.concat(
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
  )

const keyNames = (dir: string): string[] => readdirSync(join(dir, 'keys')).sort()

/** What a secret file holds, by a reader of the test's own. */
function secretOf(dir: string, file: string, copy = readFileSync(join(dir, 'keys', file))): Buffer | null {
  return unwrapped(copy, file, readFileSync(join(dir, 'master.key')))
}

t.test('an epoch is absent, then open, then closed, then destroyed, by the clock', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START - 11 * MINUTE - 1)
  const keeper = await open(dir, clock)
  t.equal(await ask(keeper), 'absent')
  clock.advanceTo(START - 11 * MINUTE)
  const key = await ask(keeper)
  t.match(key, /^[0-9a-f]{64}$/)
  clock.advanceTo(END + HOUR - 1)
  t.equal(await ask(keeper), key)
  t.same(await keeper.tick(), { closed: [], destroyed: [], lost: [], failed: [] })
  t.same(await keeper.port.epochs('day'), [{ label: EPOCH, state: 'open' }])
  clock.advanceTo(END + HOUR)
  t.equal(await ask(keeper), 'closed')
  t.same(await keeper.port.epochs('day'), [{ label: EPOCH, state: 'closed' }])
  clock.advanceTo(END + 48 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(END + 48 * HOUR)
  t.same(await keeper.tick(), { closed: [], destroyed: [EPOCH], lost: [], failed: [] })
  t.equal(await ask(keeper), 'closed')
  t.same(await keeper.port.epochs('day'), [{ label: EPOCH, state: 'destroyed' }])
  t.same(await keeper.port.epochs('week'), [])
})

t.test('the key is what the design derives from the roots on disk', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir, new DrivenClock(START))
  const key = await ask(keeper)
  const own = await ask(keeper, EPOCH, { of: 'tenants' })
  const epochRoot = secretOf(dir, 'day-2026-08-05.root')
  const scopeRoot = secretOf(dir, keyNames(dir).find((name) => name.startsWith('tenant-')) ?? '')
  if (epochRoot === null || scopeRoot === null) throw new Error('a root does not open')
  const inputs = { epochRoot, scopeRoot, purpose: 'stats', scope: TENANT, epoch: EPOCH }
  t.equal(key, derivePseudonymKey(inputs).toString('hex'))
  t.equal(own, derivePseudonymKey({ ...inputs, scopeRoot: null, scope: { of: 'tenants' } }).toString('hex'))
  const others = await Promise.all([
    ask(keeper, 'week:2026-08-03'),
    ask(keeper, EPOCH, { of: 'tenant', tenant: 't-2' }),
    ask(keeper, EPOCH, { of: 'site', site: 'acme-traders-of-zurich' }),
    ask(keeper, EPOCH, TENANT, 'security'),
  ])
  t.equal(new Set([key, own, ...others]).size, 6)
})

t.test('keys of epochs that cannot be are absent', async (t) => {
  const keeper = await open(t.testdir(), new DrivenClock(START))
  t.equal(await ask(keeper, 'month:2026-08'), 'absent', 'a stream that this rulebook has not')
  t.equal(await ask(keeper, 'day:2026-08-06'), 'absent', 'ahead')
  t.equal(await ask(keeper, 'day:2026-02-30'), 'absent', 'no day')
  t.equal(await ask(keeper, 'day:../../etc/passwd'), 'absent')
  const mixed = { purpose: 'stats', stream: 'day', epoch: 'week:2026-08-03', scope: TENANT } as const
  t.same(await keeper.port.pseudonymKey(mixed), { state: 'absent' })
  t.equal(await ask(keeper, 'day:2026-08-03'), 'closed', 'past its end and lateness')
})

t.test('two requests at once for an absent epoch make one root', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir, new DrivenClock(START))
  const keys = await Promise.all(Array.from({ length: 50 }, () => ask(keeper)))
  t.equal(new Set(keys).size, 1)
  const logKeys = await Promise.all(
    Array.from({ length: 50 }, () => keeper.port.batchKey(START, PRODUCER, true)),
  )
  t.equal(new Set(logKeys.map((key) => key?.toString('hex'))).size, 1)
  t.equal(keyNames(dir).filter((name) => /^(?:day|tenant|hour)-/.test(name)).length, 3)
})

t.test(
  'roots outlive a restart, and what is over stays over, even with a clock that begins earlier',
  async (t) => {
    const dir = t.testdir()
    const first = await open(dir, new DrivenClock(START))
    const key = await ask(first)
    const logKey = await first.port.batchKey(START, PRODUCER, true)
    await first.close()

    const clock = new DrivenClock(START + HOUR)
    const second = await open(dir, clock)
    t.equal(await ask(second), key)
    t.same(await second.port.batchKey(START, PRODUCER, false), logKey)
    clock.advanceTo(END + HOUR)
    t.equal(await ask(second), 'closed')
    await second.close()

    const third = await open(dir, new DrivenClock(START))
    t.equal(await ask(third), 'closed')
    t.match(await ask(third, 'week:2026-08-03'), /^[0-9a-f]{64}$/, 'an absent past epoch may still open')
    await third.close()

    const fourth = await open(dir, new DrivenClock(END + 48 * HOUR))
    t.same(
      fourth.recovered.destroyed.toSorted(),
      [EPOCH, 'hour:2026-08-05T00'],
      'what is overdue goes on boot',
    )
    await fourth.close()
    t.equal(await ask(await open(dir, new DrivenClock(START))), 'closed')
  },
)

t.test('a log key lives from eleven minutes before its hour to a day after its start', async (t) => {
  const clock = new DrivenClock(START - 11 * MINUTE - 1)
  const keeper = await open(t.testdir(), clock)
  t.equal(await keeper.port.batchKey(START, PRODUCER, true), null)
  clock.advanceTo(START - 11 * MINUTE)
  t.equal(await keeper.port.batchKey(START, PRODUCER, false), null, 'opening a batch makes no key')
  const key = await keeper.port.batchKey(START, PRODUCER, true)
  t.equal(key?.length, 32)
  key?.fill(0)
  t.notOk(
    (await keeper.port.batchKey(START, PRODUCER, false))?.equals(Buffer.alloc(32)),
    'the caller owns a copy',
  )
  clock.advanceTo(START + DAY - 1)
  t.ok(await keeper.port.batchKey(START, PRODUCER, false))
  clock.advanceTo(START + DAY)
  t.equal(await keeper.port.batchKey(START, PRODUCER, false), null)
  t.equal(await keeper.port.batchKey(START, PRODUCER, true), null)
  for (const odd of [START + 1, -HOUR, Number.NaN, 1e18])
    t.equal(await keeper.port.batchKey(odd, PRODUCER, true), null)
})

t.test('a destroyed log hour never opens again, and one that was never opened may', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir, new DrivenClock(START))
  await keeper.port.destroyLogKey(START, true)
  t.ok(await keeper.port.batchKey(START, PRODUCER, true))
  await keeper.port.destroyLogKey(START, true)
  await keeper.port.destroyLogKey(START, true)
  t.equal(await keeper.port.batchKey(START, PRODUCER, true), null)
  await keeper.close()
  t.equal(await (await open(dir, new DrivenClock(START))).port.batchKey(START, PRODUCER, true), null)
})

t.test(
  'after destruction no copy of a root opens, nor are its bytes in memory or in the directory',
  async (t) => {
    const dir = t.testdir()
    const clock = new DrivenClock(START)
    const made: Buffer[] = []
    const randomFill = (buffer: Buffer): Buffer => {
      made.push(buffer)
      return randomFillSync(buffer)
    }
    const keeper = await open(dir, clock, { randomFill })
    made.length = 0
    await ask(keeper, EPOCH, { of: 'tenants' })
    await keeper.port.batchKey(START, PRODUCER, true)
    const files = ['day-2026-08-05.root', 'hour-2026-08-05T00.key']
    const copies = new Map(files.map((file) => [file, readFileSync(join(dir, 'keys', file))]))
    const secrets = files.map((file) => secretOf(dir, file) ?? Buffer.alloc(0))
    t.same(
      secrets.map(({ length }) => length),
      [32, 32],
      'roots that live open',
    )
    const held = made.filter((buffer) => secrets.some((secret) => secret.equals(buffer)))
    t.equal(held.length, 2, 'and are in memory')
    for (const secret of secrets)
      t.notOk(everything(dir).includes(secret), 'but never lie on disk as they are')
    clock.advanceTo(END + 48 * HOUR)
    t.same((await keeper.tick()).destroyed.toSorted(), [EPOCH, 'hour:2026-08-05T00'])
    for (const file of files)
      t.equal(secretOf(dir, file, copies.get(file)), null, 'a copy from before does not open')
    for (const secret of secrets) {
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        t.notOk(everything(dir).includes(secret.toString(encoding)))
      }
    }
    t.ok(held.every((buffer) => buffer.every((byte) => byte === 0)))
    t.ok(
      made.every((buffer) => buffer.length !== 32 || buffer.every((byte) => byte === 0)),
      'wrapping keys too',
    )
  },
)

t.test(
  'only the owner can read the directory, and no file name or entry of the audit log tells a customer or a key',
  async (t) => {
    const base = t.testdir()
    const dir = join(base, 'deep')
    const clock = new DrivenClock(START)
    const keeper = await open(dir, clock)
    await ask(keeper)
    await ask(keeper, EPOCH, { of: 'site', site: 'acme-traders-site' })
    await keeper.port.batchKey(START, PRODUCER, true)
    t.equal(statSync(join(dir, 'keys')).mode & 0o777, 0o700)
    t.equal(statSync(join(dir, 'master.key')).mode & 0o777, 0o600)
    const names = keyNames(dir)
    t.equal(names.length, 8)
    for (const name of names) {
      t.equal(statSync(join(dir, 'keys', name)).mode & 0o777, 0o600)
      t.match(
        name,
        /^(?:wrapped-by|audit-head|(?:naming|audit-signing)\.key|day-2026-08-05\.root|hour-2026-08-05T00\.key|(?:tenant|site)-[0-9a-f]{32}\.root)$/,
      )
    }
    t.notOk(everything(dir).includes('acme'))
    const other = join(base, 'other')
    await ask(await open(other, new DrivenClock(START)))
    const tenants = [...names, ...keyNames(other)].filter((name) => name.startsWith('tenant-'))
    t.equal(new Set(tenants).size, 2, 'the same tenant has another name in another directory')
    const entries = readFileSync(join(dir, 'audit', 'entries.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
    t.same(
      entries.map((line) => JSON.parse(line).entry).map(({ action, object }) => [action, object.key]),
      [
        ['key.created', EPOCH],
        ['key.handed', EPOCH],
        ['key.created', 'hour:2026-08-05T00'],
        ['key.handed', 'hour:2026-08-05T00'],
      ],
      'tenants and sites go on record once an hour',
    )
    await keeper.tick()
    clock.advanceTo(START + HOUR)
    await keeper.tick()
    const keys = await keeper.keys()
    t.same(keys.map(({ created, handedTo, stream }) => ({ created, handedTo, stream })).slice(2), [
      { created: '2026-08-05T01:00:00Z', handedTo: ['in-process'], stream: 'site' },
      { created: '2026-08-05T01:00:00Z', handedTo: ['in-process'], stream: 'tenant' },
    ])
  },
)

t.test(
  'every root that ever was is told of, with who had keys of it and the entries that say so',
  async (t) => {
    const dir = t.testdir()
    const clock = new DrivenClock(START)
    const first = await open(dir, clock)
    await ask(first)
    await first
      .door('collector/eu-1')
      .pseudonymKey({ purpose: 'p', stream: 'day', epoch: EPOCH, scope: TENANT })
    await first
      .door('collector/eu-1')
      .pseudonymKey({ purpose: 'p', stream: 'day', epoch: EPOCH, scope: TENANT })
    clock.advanceTo(END + 48 * HOUR)
    await first.tick()
    const epoch = {
      id: EPOCH,
      stream: 'day',
      epoch: EPOCH,
      created: '2026-08-05T00:00:00Z',
      destroyed: '2026-08-08T00:00:00Z',
      state: 'destroyed',
      handedTo: ['in-process', 'collector/eu-1'],
      reconciled: null,
      entries: { created: 1, destroyed: 5 },
    }
    t.match((await first.keys())[0], epoch)
    await first.close()
    t.match((await (await open(dir, clock)).keys())[0], epoch, 'after a restart too')
  },
)

t.test('counts that do not add up hold a root for a day, no longer, and over a restart', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START)
  const first = await open(dir, clock)
  await ask(first)
  await ask(first, 'week:2026-08-03')
  await first.port.reconciled('day', EPOCH, false)
  clock.advanceTo(END + 48 * HOUR)
  t.same((await first.tick()).destroyed, [], 'it waits')
  await first.close()
  clock.advanceTo(END + 72 * HOUR - 1)
  const second = await open(dir, clock)
  t.same(second.recovered.destroyed, [])
  t.equal(await ask(second), 'closed', 'and takes nothing in meanwhile')
  clock.advanceTo(END + 72 * HOUR)
  t.same((await second.tick()).destroyed, [EPOCH])
  const told = (await second.keys()).find(({ id }) => id === EPOCH)
  t.match(told, { reconciled: false, destroyed: '2026-08-09T00:00:00Z' })
})

t.test('counts that add up after all let a held root go at once', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(t.testdir(), clock)
  await ask(keeper)
  await keeper.port.reconciled('day', EPOCH, false)
  clock.advanceTo(END + 50 * HOUR)
  t.same((await keeper.tick()).destroyed, [])
  await keeper.port.reconciled('day', EPOCH, true)
  t.same((await keeper.tick()).destroyed, [EPOCH])
  t.match(await keeper.keys(), [{ id: EPOCH, reconciled: true }])
})

t.test('a closed account has no keys for good, whether it ever had any', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START)
  const first = await open(dir, clock)
  const before = await ask(first)
  const copy = keyNames(dir).find((name) => name.startsWith('tenant-')) ?? ''
  const bytes = readFileSync(join(dir, 'keys', copy))
  t.ok(secretOf(dir, copy))
  await first.closeAccount(TENANT.of === 'tenant' ? TENANT.tenant : '')
  await first.closeAccount('never-came')
  t.equal(await ask(first), 'absent')
  t.equal(secretOf(dir, copy, bytes), null, 'a copy from before does not open')
  t.equal(await ask(first, EPOCH, { of: 'tenant', tenant: 'never-came' }), 'absent')
  t.match(await ask(first, EPOCH, { of: 'tenant', tenant: 'other' }), /^[0-9a-f]{64}$/)
  await first.close()
  const second = await open(dir, clock)
  t.equal(await ask(second), 'absent')
  t.not(before, 'absent')
  const told = (await second.keys()).filter(({ stream }) => stream === 'tenant')
  t.same(
    told.map(({ state }) => state).sort(),
    ['destroyed', 'destroyed', 'open'],
    'closed ones are on record, and the one that lives',
  )
})

t.test('an answer under way when the keeper closes is refused, and makes no file', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir, new DrivenClock(START))
  await ask(keeper, EPOCH, { of: 'tenants' })
  const before = keyNames(dir)
  const [answer] = await Promise.allSettled([ask(keeper), keeper.close()])
  t.equal(answer?.status, 'rejected')
  t.same(keyNames(dir), before)
  await t.rejects(ask(keeper), new TacitError('ERR_KEY_STORE', 'The keeper is closed'))
  await t.rejects(
    keeper.port.batchKey(START, PRODUCER, true),
    new TacitError('ERR_KEY_STORE', 'The keeper is closed'),
  )
  await t.rejects(keeper.tick(), new TacitError('ERR_KEY_STORE', 'The keeper is closed'))
})

t.test('a month of hours is made and destroyed at a few milliseconds an hour', async (t) => {
  const clock = new DrivenClock(START)
  const keeper = await open(t.testdir(), clock)
  const hours = 240
  const started = process.hrtime.bigint()
  for (let hour = 0; hour < hours; hour += 1) {
    const time = START + hour * HOUR
    clock.advanceTo(time)
    await keeper.port.batchKey(time, PRODUCER, true)
    await keeper.tick()
    await keeper.port.destroyLogKey(time, true)
  }
  const ms = Number(process.hrtime.bigint() - started) / 1e6 / hours
  t.comment(`${ms.toFixed(2)} ms an hour's key`)
  t.ok(ms < 60, 'far above the goal of 3 ms, for slow and shared disks')
})
