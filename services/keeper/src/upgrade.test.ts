import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { batchKey, DrivenClock, HOUR } from '@tacit/contracts'
import { derivePseudonymKey } from '@tacit/keyring'
import t from 'tap'
import type { Keeper } from './keeper.js'
import { openKeeper } from './open-keeper.js'
import type { KeyFiles } from './key-files.js'
import { type KeeperStores, keeperPlaces, openKeeperStores } from './keeper-stores.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const EPOCH = 'day:2026-08-05'
const PRODUCER = '0123456789abcdef'

const secrets = { day: randomBytes(32), hour: randomBytes(32), naming: randomBytes(32) }

/** A directory as an earlier build left it: an open day, an open hour, an hour that is gone. */
function earlier(dir: string): string {
  const keys = join(dir, 'keys')
  mkdirSync(keys, { recursive: true })
  writeFileSync(join(keys, 'day-2026-08-05.root'), secrets.day)
  writeFileSync(join(keys, 'hour-2026-08-05T01.key'), secrets.hour)
  writeFileSync(join(keys, 'naming.key'), secrets.naming)
  const line = (id: number, epoch: string, event: string): string =>
    `${JSON.stringify({ id, stream: epoch.slice(0, epoch.indexOf(':')), epoch, event, at: '2026-08-05T00:00:01Z' })}\n`
  const lines = [
    line(1, EPOCH, 'opened'),
    line(2, 'hour:2026-08-05T00', 'opened'),
    line(3, 'hour:2026-08-05T00', 'destroying'),
    line(4, 'hour:2026-08-05T00', 'destroyed'),
    line(5, 'hour:2026-08-05T01', 'opened'),
  ]
  writeFileSync(join(keys, 'journal.ndjson'), lines.join(''))
  return dir
}

const open = (stores: KeeperStores): Promise<Keeper> =>
  openKeeper({
    stores,
    clock: new DrivenClock(START + HOUR),
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day'],
  })

async function assertBroughtOver(t: Test, dir: string, keeper: Keeper): Promise<void> {
  const answer = await keeper.port.pseudonymKey({
    purpose: 'p',
    stream: 'day',
    epoch: EPOCH,
    scope: { of: 'tenants' },
  })
  const expected = derivePseudonymKey({
    epochRoot: secrets.day,
    scopeRoot: null,
    purpose: 'p',
    scope: { of: 'tenants' },
    epoch: EPOCH,
  })
  t.same(answer, { state: 'open', key: expected }, 'the same keys as before')
  t.same(await keeper.port.batchKey(START + HOUR, PRODUCER, false), batchKey(secrets.hour, PRODUCER))
  t.equal(await keeper.port.batchKey(START, PRODUCER, true), null, 'what was over stays over')
  t.match(await keeper.keys(), [
    { id: EPOCH, state: 'open', created: '2026-08-05T00:00:01Z' },
    { id: 'hour:2026-08-05T00', state: 'destroyed' },
    { id: 'hour:2026-08-05T01', state: 'open' },
  ])
  await keeper.close()
  const names = readdirSync(join(dir, 'keys'))
  t.notOk(names.some((name) => name.endsWith('.new') || name === 'journal.ndjson'))
  for (const name of names) {
    const bytes = readFileSync(join(dir, 'keys', name))
    t.notOk(
      Object.values(secrets).some((secret) => bytes.includes(secret)),
      `${name} is wrapped`,
    )
  }
}
type Test = typeof t

t.test(
  'the directory of an earlier build is brought over, keys and record, with nothing left unwrapped',
  async (t) => {
    const dir = earlier(t.testdir())
    await assertBroughtOver(t as Test, dir, await open(openKeeperStores(keeperPlaces(dir))))
  },
)

t.test('a process that dies anywhere on the way is followed by one that finishes', async (t) => {
  let deaths = 0
  for (let at = 0; at < 60; at++) {
    const dir = earlier(join(t.testdir(), String(at)))
    const stores = openKeeperStores(keeperPlaces(dir))
    let calls = 0
    const dying = (files: KeyFiles): KeyFiles =>
      new Proxy(files, {
        get:
          (target, name: keyof KeyFiles) =>
          (...args: readonly unknown[]) => {
            if (calls++ >= at) throw Object.assign(new Error('EIO'), { code: 'EIO' })
            return Reflect.apply(target[name], target, args)
          },
      })
    const died = await open({ ...stores, keys: dying(stores.keys) }).then(
      async (keeper) => keeper.close().then(() => false),
      () => true,
    )
    if (died) deaths += 1
    await assertBroughtOver(t as Test, dir, await open(openKeeperStores(keeperPlaces(dir))))
  }
  t.ok(deaths > 20, `${String(deaths)} died on the way`)
})
