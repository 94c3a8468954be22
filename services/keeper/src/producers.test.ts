/** A producer stays its collector's own: nobody is forgotten too early, and nobody takes all the room. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, TacitError } from '@tacit/contracts'
import t from 'tap'
import { keepText } from './kept-text.js'
import { type KeyFiles, openKeyFiles } from './key-files.js'
import { MAX_PRODUCERS, Producers } from './producers.js'
import { primaryIn } from './testing/pair.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const [A, B] = ['collector/a', 'collector/b'] as const
const named = (number: number): string => number.toString(16).padStart(16, '0')
const PRODUCER = named(7)

t.test('a producer is its own collector’s: nobody else is given keys to seal in its name', async (t) => {
  const dir = t.testdir()
  const clock = new DrivenClock(START)
  const keeper = await primaryIn(dir, clock)
  t.ok(await keeper.door(A).batchKey(START, PRODUCER, true))
  t.equal(await keeper.door(B).batchKey(START, PRODUCER, true), null)
  t.ok(await keeper.door(A).batchKey(START, PRODUCER, true))
  await keeper.close()
  const again = await primaryIn(dir, clock)
  t.equal(await again.door(B).batchKey(START, PRODUCER, true), null, 'after a restart neither')
  t.ok(await again.door(A).batchKey(START, PRODUCER, true))
})

t.test('a producer is nobody’s where no key of it is given', async (t) => {
  const keeper = await primaryIn(t.testdir(), new DrivenClock(START))
  t.equal(await keeper.door(A).batchKey(START + DAY, PRODUCER, true), null, 'an hour ahead')
  t.equal(await keeper.door(A).batchKey(START - 2 * DAY, PRODUCER, true), null, 'an hour that is over')
  t.ok(await keeper.door(B).batchKey(START, PRODUCER, true))
})

t.test('it is its own for as long as a key that it seals with may live', async (t) => {
  const producers = await Producers.open(openKeyFiles(t.testdir()))
  t.ok(await producers.claim(PRODUCER, A, START, START))
  t.ok(await producers.claim(PRODUCER, A, START + 10 * HOUR, START + 10 * HOUR))
  t.ok(await producers.claim(PRODUCER, A, START, START + 10 * HOUR), 'an earlier hour shortens nothing')
  t.notOk(await producers.claim(PRODUCER, B, START + 35 * HOUR, START + 35 * HOUR - 1))
  t.ok(await producers.claim(PRODUCER, B, START + 35 * HOUR, START + 35 * HOUR))
  t.notOk(await producers.claim(PRODUCER, A, START + 35 * HOUR, START + 35 * HOUR))
})

/** The producers of so many collectors, each of which has so many. */
async function withProducers(files: KeyFiles, collectors: number, each: number): Promise<Producers> {
  const owned = Array.from({ length: collectors * each }, (_, number) => [
    named(number),
    { party: `collector/${Math.floor(number / each)}`, hour: START },
  ])
  await keepText(files, 'producers', JSON.stringify(owned))
  return Producers.open(files)
}
const NEW = named(MAX_PRODUCERS)
const FULL = { code: 'ERR_KEY_PRODUCERS' }

t.test('a collector that dies every ten seconds gets its keys all day', async (t) => {
  const producers = await withProducers(openKeyFiles(t.testdir()), 1, (25 * HOUR) / 10_000)
  t.ok(await producers.claim(NEW, 'collector/0', START + 24 * HOUR, START + 24 * HOUR))
})

t.test('nobody takes more than half of the room', async (t) => {
  const files = openKeyFiles(t.testdir())
  const producers = await withProducers(files, 1, MAX_PRODUCERS / 2)
  await t.rejects(producers.claim(NEW, 'collector/0', START, START), FULL)
  t.ok(await producers.claim(named(0), 'collector/0', START + HOUR, START), 'it keeps those that it has')
  t.ok(await producers.claim(NEW, B, START, START))
  const later = START + 25 * HOUR
  const next = named(MAX_PRODUCERS + 1)
  await t.rejects((await Producers.open(files)).claim(next, 'collector/0', later, later - 1), FULL)
  t.ok(await (await Producers.open(files)).claim(next, 'collector/0', later, later), 'the next day')
})

t.test('nor do many that die all the time: they leave some for others', async (t) => {
  const producers = await withProducers(openKeyFiles(t.testdir()), 24, MAX_PRODUCERS / 25)
  await t.rejects(producers.claim(NEW, 'collector/0', START, START), FULL)
  t.ok(await producers.claim(NEW, B, START, START))
})

t.test('where there is no room nobody is forgotten for another', async (t) => {
  const producers = await withProducers(openKeyFiles(t.testdir()), MAX_PRODUCERS - 1, 1)
  t.ok(await producers.claim(named(MAX_PRODUCERS - 1), A, START, START))
  await t.rejects(producers.claim(NEW, B, START, START), FULL)
  t.notOk(await producers.claim(named(0), B, START, START))
  t.ok(await producers.claim(named(0), 'collector/0', START + HOUR, START + HOUR))
})

t.test('no key is given where it cannot be put on disk whose the producer is', async (t) => {
  const files = openKeyFiles(t.testdir())
  const full = new TacitError('ERR_KEY_STORE')
  const producers = await Producers.open({
    list: () => files.list(),
    read: (name) => files.read(name),
    create: () => Promise.reject(full),
    write: () => Promise.reject(full),
    remove: (name) => files.remove(name),
    syncDirectory: () => files.syncDirectory(),
  })
  await t.rejects(producers.claim(PRODUCER, A, START, START), full)
  await t.rejects(producers.claim(PRODUCER, A, START, START), full, 'nor when it asks again')
  t.ok(await (await Producers.open(files)).claim(PRODUCER, B, START, START))
})

t.test('what a crash left half written is as none', async (t) => {
  const dir = t.testdir()
  const producers = await Producers.open(openKeyFiles(dir))
  await producers.claim(PRODUCER, A, START, START)
  writeFileSync(join(dir, 'producers'), '[["00000000000000ff",{"pa')
  t.ok(await (await Producers.open(openKeyFiles(dir))).claim(PRODUCER, B, START, START))
})
