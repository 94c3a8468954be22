/** What the keeper makes of a directory that is not as it left it. */
import { appendFileSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import t from 'tap'
import { type Keeper, openKeeper } from './embedded-keeper.js'
import type { KeyFiles } from './key-files.js'
import { openKeyFiles } from './key-files.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const EPOCH = 'day:2026-08-05'
const ROOT = 'day-2026-08-05.root'

const open = (dir: string, files?: KeyFiles): Promise<Keeper> =>
  openKeeper({
    dir,
    clock: new DrivenClock(START),
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day'],
    ...(files === undefined ? {} : { files }),
  })

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

t.test('a torn last journal line is cut off, and the journal goes on', async (t) => {
  const dir = t.testdir()
  const key = await used(dir)
  appendFileSync(join(dir, 'journal.ndjson'), '{"id":2,"stream":"day","epo')
  const keeper = await open(dir)
  t.equal(await ask(keeper), key)
  await keeper.port.logKey(START, true)
  await keeper.close()
  const lines = readFileSync(join(dir, 'journal.ndjson'), 'utf8').trimEnd().split('\n')
  t.same(
    lines.map((line) => JSON.parse(line).id),
    [1, 2],
  )
  t.equal(await ask(await open(dir)), key)
})

t.test(
  'a journal that is damaged before its end, contradicts itself or is gone refuses to open',
  async (t) => {
    const line = (id: number, event: string): string =>
      `${JSON.stringify({ id, stream: 'day', epoch: EPOCH, event, at: '' })}\n`
    const damages: [string, (journal: string) => void][] = [
      ['garbage between lines', (journal) => appendFileSync(journal, `\0\0\n${line(2, 'closed')}`)],
      ['a line lost in the middle', (journal) => appendFileSync(journal, line(3, 'closed'))],
      ['a second root', (journal) => appendFileSync(journal, line(2, 'opened'))],
      ['a way back', (journal) => appendFileSync(journal, line(2, 'destroyed') + line(3, 'closed'))],
      ['no epoch', (journal) => appendFileSync(journal, line(2, 'opened').replace(EPOCH, 'year:2026'))],
      ['no journal', unlinkSync],
    ]
    for (const [name, damage] of damages) {
      const dir = join(t.testdir(), name.replaceAll(' ', '-'))
      await used(dir)
      damage(join(dir, 'journal.ndjson'))
      await t.rejects(open(dir), { code: 'ERR_KEY_STORE' }, name)
    }
  },
)

t.test('a root file that is half made or all zeroes is removed, and was never a root', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(7, 1), Buffer.alloc(32)]) {
    const dir = t.testdir()
    await (await open(dir)).close()
    writeFileSync(join(dir, ROOT), bytes)
    const keeper = await open(dir)
    t.notOk(readdirSync(dir).includes(ROOT))
    t.same(await keeper.port.epochs('day'), [])
    t.match(await ask(keeper), /^[0-9a-f]{64}$/)
  }
})

t.test('a whole root file that the journal does not know is taken over, and dies in its time', async (t) => {
  const dir = t.testdir()
  await (await open(dir)).close()
  const root = Buffer.alloc(32, 7)
  writeFileSync(join(dir, ROOT), root)
  const keeper = await open(dir)
  t.same(await keeper.port.epochs('day'), [{ label: EPOCH, state: 'open' }])
  await ask(keeper)
  t.same(readFileSync(join(dir, ROOT)), root)
})

t.test('an open root whose file is lost or torn is destroyed, told of, and never made anew', async (t) => {
  for (const harm of [unlinkSync, (file: string) => writeFileSync(file, Buffer.alloc(5))]) {
    const dir = t.testdir()
    await used(dir)
    harm(join(dir, ROOT))
    const keeper = await open(dir)
    t.same(keeper.recovered.lost, [EPOCH])
    t.equal(await ask(keeper), 'closed')
    t.notOk(readdirSync(dir).includes(ROOT))
  }
})

t.test('a destroyed root that comes back from a copy is shredded again', async (t) => {
  const dir = t.testdir()
  const keeper = await open(dir)
  await keeper.port.logKey(START, true)
  const file = join(dir, 'hour-2026-08-05T00.key')
  const copy = readFileSync(file)
  await keeper.port.destroyLogKey(START)
  await keeper.close()
  writeFileSync(file, copy)
  const again = await open(dir)
  t.notOk(readdirSync(dir).includes('hour-2026-08-05T00.key'))
  t.equal(await again.port.logKey(START, true), null)
})

t.test(
  'a lost naming key refuses to open once there are tenants, so that none gets a second root',
  async (t) => {
    const dir = t.testdir()
    await (await open(dir)).close()
    unlinkSync(join(dir, 'naming.key'))
    await used(dir)
    unlinkSync(join(dir, 'naming.key'))
    await t.rejects(open(dir), { code: 'ERR_KEY_STORE' })
  },
)

t.test('files of others in the directory are left alone', async (t) => {
  const dir = t.testdir({ 'notes.txt': 'mine', 'day-2026-13-01.root': 'x' })
  unlinkSync(join(dir, 'day-2026-13-01.root'))
  await used(dir)
  writeFileSync(join(dir, 'day-2026-08-05.root.bak'), 'x')
  await open(dir)
  t.ok(readdirSync(dir).includes('notes.txt'))
  t.ok(readdirSync(dir).includes('day-2026-08-05.root.bak'))
})

t.test('a full disk is an error that tells nothing, and passes by itself', async (t) => {
  const dir = t.testdir()
  const disk = openKeyFiles(dir)
  let isFull = false
  const files: KeyFiles = {
    list: () => disk.list(),
    read: (name) => disk.read(name),
    create: async (name, bytes) => {
      if (!isFull) return disk.create(name, bytes)
      await disk.create(name, bytes.subarray(0, 3))
      throw Object.assign(new Error(`ENOSPC: no space left on device, write ${name}`), { code: 'ENOSPC' })
    },
    write: (name, bytes, offset, durable) => disk.write(name, bytes, offset, durable),
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
