import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import { type Keeper, keeperPlaces, openKeeper, openKeeperStores, RulebookRegister } from '@tacit/keeper'
import t from 'tap'
import { RegisterEvidence } from './register-evidence.js'

const NOW = Date.parse('2026-11-29T10:00:00Z')
const HASH = 'ab'.repeat(32)
const NEXT = 'cd'.repeat(32)

async function opened(register: RulebookRegister, audit: Keeper['audit']): Promise<RegisterEvidence> {
  const evidence = new RegisterEvidence(register, audit)
  await evidence.sync()
  return evidence
}

const keeperIn = (dir: string, clock: DrivenClock): Promise<Keeper> =>
  openKeeper({
    stores: openKeeperStores(keeperPlaces(dir)),
    clock,
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day'],
  })

/** A register with two entries, both on record. */
async function recorded(dir: string) {
  const clock = new DrivenClock(NOW)
  const keeper = await keeperIn(dir, clock)
  const register = RulebookRegister.open(join(dir, 'register'))
  register.append({ action: 'initial', hash: HASH }, NOW)
  register.append({ action: 'notice', hash: NEXT }, NOW)
  const evidence = await opened(register, keeper.audit)
  return { clock, evidence, keeper, register }
}

t.test('each entry goes on record once, over restarts, by number, kind, hash and digest', async (t) => {
  const dir = t.testdir()
  const { clock, evidence, keeper, register } = await recorded(dir)
  await evidence.sync()
  register.append({ action: 'cancel', cancels: 2 }, NOW)
  await evidence.sync()
  await keeper.close()
  const again = await keeperIn(dir, clock)
  await opened(RulebookRegister.open(join(dir, 'register')), again.audit)
  const text = (await again.audit.read('entries', 0, 1_000_000)).toString()
  const entries = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).entry)
  t.same(
    entries.map(({ action, object }) => [action, object.register, object.kind, object.hash]),
    [
      ['rulebook.recorded', 1, 'initial', HASH],
      ['rulebook.recorded', 2, 'notice', NEXT],
      ['rulebook.recorded', 3, 'cancel', null],
    ],
  )
})

t.test('a notice that is dated back counts from when it came on record', async (t) => {
  const { clock, evidence, register } = await recorded(t.testdir())
  clock.advanceTo(NOW + 40 * DAY)
  // Somebody with access to the folder writes that people were told 40 days ago.
  register.append({ action: 'notice', hash: HASH }, NOW)
  t.equal(evidence.entries().length, 2, 'what is on no record yet is not there')
  await evidence.sync()
  t.equal(evidence.entries()[2]?.time, NOW + 40 * DAY)
})

t.test('an entry that was changed or taken away ends everything by name', async (t) => {
  const harms: [string, (file: string) => void][] = [
    ['changed', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(NEXT, HASH))],
    [
      'an earlier date',
      (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(String(NOW), String(NOW + 1))),
    ],
    ['taken away', (file) => rmSync(file)],
  ]
  for (const [name, harm] of harms) {
    const dir = join(t.testdir(), name.replaceAll(' ', '-'))
    const { clock, keeper } = await recorded(dir)
    await keeper.close()
    harm(join(dir, 'register', readdirSync(join(dir, 'register')).at(-1) ?? ''))
    const again = await keeperIn(dir, clock)
    const register = RulebookRegister.open(join(dir, 'register'))
    await t.rejects(opened(register, again.audit), { code: 'ERR_REGISTER_DAMAGED' }, name)
    await again.close()
  }
})

t.test('white space in a file of the register is no change of what it says', async (t) => {
  const dir = t.testdir()
  const { clock, keeper } = await recorded(dir)
  await keeper.close()
  appendFileSync(join(dir, 'register', '000002.json'), '\n')
  const again = await keeperIn(dir, clock)
  const evidence = await opened(RulebookRegister.open(join(dir, 'register')), again.audit)
  t.equal(evidence.entries().length, 2)
})

const word = (actor: string, digest: string) => ({
  actor,
  rulebook: HASH,
  action: 'rulebook.recorded' as const,
  object: { register: 1, kind: 'initial' as const, hash: HASH, digest },
})

t.test('what was on record of a number first counts, and another word for it ends everything', async (t) => {
  const { clock, evidence, keeper, register } = await recorded(t.testdir())
  clock.advanceTo(NOW + DAY)
  // Whoever may write the log cannot make it say of an entry that it was another one.
  await keeper.audit.record([word('aggregator/a', 'ee'.repeat(32))])
  const again = new RegisterEvidence(register, keeper.audit)
  await t.rejects(again.sync(), { code: 'ERR_REGISTER_DAMAGED', message: /in two ways/ })
  t.equal(evidence.entries()[0]?.time, NOW)
})

t.test('the word of somebody whose part it is not does not count', async (t) => {
  const { keeper, register } = await recorded(t.testdir())
  await keeper.audit.record([word('collector/a', 'ee'.repeat(32))])
  const again = new RegisterEvidence(register, keeper.audit)
  await again.sync()
  t.equal(again.entries().length, 2)
})

t.test(
  'an entry that was said twice alike, its first answer being lost, counts from the first',
  async (t) => {
    const { clock, keeper, register } = await recorded(t.testdir())
    const [first] = (await keeper.audit.read('entries', 0, 1_000_000)).toString().split('\n')
    const { digest } = JSON.parse(first ?? '').entry.object as { readonly digest: string }
    clock.advanceTo(NOW + DAY)
    await keeper.audit.record([word('operator', digest)])
    const again = new RegisterEvidence(register, keeper.audit)
    await again.sync()
    t.equal(again.entries()[0]?.time, NOW)
  },
)

t.test('while the log cannot be read nothing of the register is on record; then it is', async (t) => {
  const { keeper, register } = await recorded(t.testdir())
  let isDown = true
  const evidence = new RegisterEvidence(register, {
    ...keeper.audit,
    async read(file, offset, max) {
      if (isDown) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
      return keeper.audit.read(file, offset, max)
    },
  })
  await t.rejects(evidence.sync(), { code: 'ERR_KEEPER_UNAVAILABLE' })
  t.notOk(evidence.isKnown)
  t.same(evidence.entries(), [])
  isDown = false
  await evidence.sync()
  t.ok(evidence.isKnown)
  t.equal(evidence.entries().length, 2)
})

t.test(
  'what a keeper puts on record under another name is said to it once, and refused by name',
  async (t) => {
    const { keeper, register } = await recorded(t.testdir())
    register.append({ action: 'cancel', cancels: 2 }, NOW)
    let said = 0
    const evidence = new RegisterEvidence(register, {
      ...keeper.audit,
      record: (events) => {
        said += 1
        return keeper.audit.record(events.map((event) => ({ ...event, actor: 'collector/a' })))
      },
    })
    for (let i = 0; i < 3; i++) await t.rejects(evidence.sync(), { code: 'ERR_KEEPER_REFUSED' })
    t.equal(said, 1)
    t.equal(evidence.entries().length, 2)
  },
)
