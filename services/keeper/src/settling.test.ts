/** Several aggregators of one keeper: none destroys what another needs, and none overrules another's counts. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, MINUTE } from '@tacit/contracts'
import type { KeeperPort } from '@tacit/keyring'
import t from 'tap'
import type { Keeper } from './keeper.js'
import { audited, batchKeyOf, keyOf, primaryIn } from './testing/pair.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const EPOCH = 'day:2026-08-05'
const LABEL = 'hour:2026-08-05T00'

/** A machine that runs `tacit up`: as a collector it seals, as an aggregator it settles. */
interface Machine {
  readonly producer: string
  readonly collector: KeeperPort
  readonly aggregator: KeeperPort
}

const machine = (keeper: Keeper, name: string, digit: string): Machine => ({
  producer: digit.repeat(16),
  collector: keeper.door(`collector/${name}`, `aggregator/${name}`),
  aggregator: keeper.door(`aggregator/${name}`),
})

const seal = ({ collector, producer }: Machine): Promise<Buffer | null> =>
  collector.batchKey(START, producer, true)

/** Two machines seal in the hour, and the keeper is closed. */
async function sealByTwo(dir: string, clock: DrivenClock): Promise<void> {
  const keeper = await primaryIn(dir, clock)
  for (const name of ['a', 'b']) await seal(machine(keeper, name, name))
  await keeper.close()
}

const opens = async ({ aggregator, producer }: Machine): Promise<boolean> =>
  (await aggregator.batchKey(START, producer, false)) !== null

const stateOf = async (keeper: Keeper, key: string): Promise<string | undefined> =>
  (await keeper.keys()).find(({ id }) => id === key)?.state

const reconciledOf = async (keeper: Keeper, key: string): Promise<boolean | null | undefined> =>
  (await keeper.keys()).find(({ id }) => id === key)?.reconciled

/** `aggregator/a held` …: who said what of a key's counts, as the log tells it. */
const verdicts = (dir: string, key: string): string[] =>
  readFileSync(join(dir, 'audit/entries.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).entry)
    .filter(({ action, object }) => object.key === key && /held|reconciled/.test(action))
    .map(({ action, actor }) => `${actor} ${action.slice('key.'.length)}`)

t.test('an hour’s key dies when the last aggregator that seals in it has settled it', async (t) => {
  const dir = t.testdir()
  const keeper = await primaryIn(dir, new DrivenClock(START + HOUR))
  const [a, b] = [machine(keeper, 'a', 'a'), machine(keeper, 'b', 'b')]
  t.ok(await seal(a))
  t.ok(await seal(b))
  await a.aggregator.destroyLogKey(START, true)
  await a.aggregator.destroyLogKey(START, true)
  t.ok(await opens(b), 'the other still has to open what it sealed')
  await b.aggregator.destroyLogKey(START, true)
  t.notOk(await opens(b))
  t.match(await keeper.keys(), [
    {
      id: LABEL,
      state: 'destroyed',
      reconciled: true,
      handedTo: ['collector/a', 'aggregator/a', 'collector/b', 'aggregator/b'],
    },
  ])
  await keeper.audit.sign()
  t.ok(audited(dir).ok)
})

t.test('an hour in which others may still seal cannot be settled from elsewhere', async (t) => {
  const clock = new DrivenClock(START + HOUR - MINUTE - 1)
  const keeper = await primaryIn(t.testdir(), clock)
  const a = machine(keeper, 'a', 'a')
  t.ok(await seal(a))
  await t.rejects(a.aggregator.destroyLogKey(START, true), { code: 'ERR_KEEPER_REQUEST' })
  t.ok(await opens(a))
  clock.advanceTo(START + HOUR - MINUTE)
  await a.aggregator.destroyLogKey(START, true)
  t.equal(await stateOf(keeper, LABEL), 'destroyed')
})

t.test('collectors that settle nothing are not waited for', async (t) => {
  const keeper = await primaryIn(t.testdir(), new DrivenClock(START + HOUR))
  for (const digit of ['a', 'b'])
    t.ok(await keeper.door(`collector/${digit}`).batchKey(START, digit.repeat(16), true))
  const aggregator = keeper.door('aggregator/x')
  t.ok(await aggregator.batchKey(START, 'a'.repeat(16), false))
  await aggregator.destroyLogKey(START, true)
  t.equal(await stateOf(keeper, LABEL), 'destroyed')
})

t.test('an hour that one aggregator never settles dies with its day', async (t) => {
  const clock = new DrivenClock(START + HOUR)
  const keeper = await primaryIn(t.testdir(), clock)
  const [a, b] = [machine(keeper, 'a', 'a'), machine(keeper, 'b', 'b')]
  await seal(a)
  await seal(b)
  await b.aggregator.reconciled('hour', LABEL, false)
  await a.aggregator.destroyLogKey(START, true)
  clock.advanceTo(START + DAY - 1)
  t.same((await keeper.tick()).destroyed, [])
  t.ok(await opens(b))
  clock.advanceTo(START + DAY)
  t.same((await keeper.tick()).destroyed, [LABEL])
  t.match(await keeper.keys(), [{ reconciled: false }])
})

t.test('who objects to an hour is waited for, whoever settles it', async (t) => {
  const keeper = await primaryIn(t.testdir(), new DrivenClock(START + HOUR))
  await keeper.door('collector/c').batchKey(START, 'c'.repeat(16), true)
  const [x, y] = [keeper.door('aggregator/x'), keeper.door('aggregator/y')]
  await y.reconciled('hour', LABEL, false)
  await x.destroyLogKey(START, true)
  t.equal(await stateOf(keeper, LABEL), 'open')
  await y.destroyLogKey(START, false)
  t.match(await keeper.keys(), [{ state: 'destroyed', reconciled: false }])
})

t.test('a short hour of one stays on record as short, whatever the last one says', async (t) => {
  const dir = t.testdir()
  const keeper = await primaryIn(dir, new DrivenClock(START + HOUR))
  const [a, b] = [machine(keeper, 'a', 'a'), machine(keeper, 'b', 'b')]
  await seal(a)
  await seal(b)
  await a.aggregator.destroyLogKey(START, false)
  await b.aggregator.destroyLogKey(START, true)
  t.match(await keeper.keys(), [{ state: 'destroyed', reconciled: false }])
  t.same(verdicts(dir, LABEL), ['aggregator/a held', 'aggregator/b reconciled'])
})

t.test('a restart forgets who settled an hour, and lets no key die too early for it', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START + HOUR)
  await sealByTwo(dir, clock)

  // Nobody had settled it: the other is still waited for.
  const second = await primaryIn(dir, clock)
  await machine(second, 'a', 'a').aggregator.destroyLogKey(START, true)
  t.ok(await opens(machine(second, 'b', 'b')))
  await second.close()

  // The first one's word is forgotten, and it does not say it again.
  const third = await primaryIn(dir, clock)
  await machine(third, 'b', 'b').aggregator.destroyLogKey(START, true)
  t.equal(await stateOf(third, LABEL), 'open')
  clock.advanceTo(START + DAY)
  t.same((await third.tick()).destroyed, [LABEL])
})

t.test('after a restart an hour goes once all have settled it since', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START + HOUR)
  await sealByTwo(dir, clock)
  const second = await primaryIn(dir, clock)
  for (const name of ['a', 'b']) await machine(second, name, name).aggregator.destroyLogKey(START, true)
  t.equal(await stateOf(second, LABEL), 'destroyed')
})

t.test('a process that is all in one settles its hours at once, after a restart too', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START + HOUR)
  const first = await primaryIn(dir, clock)
  await batchKeyOf(first, START)
  await first.close()
  const second = await primaryIn(dir, clock)
  await second.port.destroyLogKey(START, true)
  t.equal(await stateOf(second, LABEL), 'destroyed')
})

t.test('a root is held while any aggregator says that its counts do not add up', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START + HOUR)
  const first = await primaryIn(dir, clock)
  await keyOf(first, EPOCH, { of: 'tenants' })
  const [a, b] = [first.door('aggregator/a'), first.door('aggregator/b')]
  await a.reconciled('day', EPOCH, false)
  await a.reconciled('day', EPOCH, false)
  await b.reconciled('day', EPOCH, true)
  await b.reconciled('day', EPOCH, false)
  await a.reconciled('day', EPOCH, true)
  const due = START + DAY + 48 * HOUR
  clock.advanceTo(due)
  t.same((await first.tick()).destroyed, [], 'the other one still objects')
  t.match(await first.keys(), [{ reconciled: false }])
  await first.close()

  const second = await primaryIn(dir, clock)
  t.same(second.recovered.destroyed, [], 'and is known to after a restart')
  await second.door('aggregator/a').reconciled('day', EPOCH, true)
  t.same((await second.tick()).destroyed, [])
  await second.door('aggregator/b').reconciled('day', EPOCH, true)
  t.same((await second.tick()).destroyed, [EPOCH])
  t.match(await second.keys(), [{ reconciled: true }])
  t.same(verdicts(dir, EPOCH), [
    'aggregator/a held',
    'aggregator/b held',
    'aggregator/a reconciled',
    'aggregator/b reconciled',
  ])
})

t.test('a hold of an earlier build, which did not say whose it is, is taken back by anybody', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START + HOUR)
  const earlier = await primaryIn(dir, clock)
  await keyOf(earlier, EPOCH, { of: 'tenants' })
  await batchKeyOf(earlier, START)
  await earlier.door('keeper').reconciled('day', EPOCH, false)
  await earlier.door('keeper').reconciled('hour', LABEL, false)
  await earlier.close()

  const keeper = await primaryIn(dir, clock)
  await keeper.door('aggregator/b').reconciled('day', EPOCH, false)
  await keeper.door('aggregator/a').reconciled('day', EPOCH, true)
  t.equal(await reconciledOf(keeper, EPOCH), false, 'not one that has a name')
  await keeper.door('aggregator/b').reconciled('day', EPOCH, true)
  await keeper.port.destroyLogKey(START, true)
  t.equal(await stateOf(keeper, LABEL), 'destroyed', 'an hour does not wait for it')
  await keeper.close()

  const again = await primaryIn(dir, clock)
  t.equal(await reconciledOf(again, EPOCH), true)
  clock.advanceTo(START + DAY + 48 * HOUR)
  t.same((await again.tick()).destroyed, [EPOCH])
})

t.test('a hold ends after a day, whoever still objects', async (t) => {
  const clock = new DrivenClock(START + HOUR)
  const keeper = await primaryIn(t.testdir(), clock)
  await keyOf(keeper, EPOCH, { of: 'tenants' })
  for (const name of ['a', 'b']) await keeper.door(`aggregator/${name}`).reconciled('day', EPOCH, false)
  await keeper.door('aggregator/a').reconciled('day', EPOCH, true)
  clock.advanceTo(START + DAY + 72 * HOUR - 1)
  t.same((await keeper.tick()).destroyed, [])
  clock.advanceTo(START + DAY + 72 * HOUR)
  t.same((await keeper.tick()).destroyed, [EPOCH])
})
