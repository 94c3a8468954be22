/**
 * Who has everything that is stored, once an hour is reconciled, cannot tell which row of a week or a month is of the
 * person of a day's row (design.md, decision 3): he finds no more people than who has the content of the rows alone, at
 * one beacon a second and at one a minute. The same attacker pairs nearly everybody before, so this test can fail.
 *
 * TACIT_TEST_SEED plays it again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openHouse } from '@tacit/cli'
import { DrivenClock, HOUR, MINUTE, openBatch, type Stream } from '@tacit/contracts'
import { createLogKeys } from '@tacit/keyring'
import t, { type Test } from 'tap'
import { copyKeeper, secretsOf } from '../support/attack/keeper-copy.js'
import { lootOfDirectory } from '../support/attack/loot.js'
import { testSeed } from '../support/crash/setting.js'
import { attack, type Found, type SeenRow } from '../support/pairing/attacker.js'
import { drawOf } from '../support/pairing/random.js'
import {
  byHeaders,
  landedRows,
  partsOf,
  partsPerMove,
  recordsOf,
  serverLogs,
  stagedRows,
} from '../support/pairing/spoils.js'
import { type Names, World } from '../support/pairing/world.js'

// The runner has a limit for the file.
t.setTimeout(0)

const seed = testSeed()
t.comment(`TACIT_TEST_SEED=${String(seed)}`)

/** A Monday, so that all of the week's rows are of this day. */
const START = Date.UTC(2026, 10, 9, 9)
const HOURS = 3
const HOUR_NAMES = ['hour-2026-11-09T09.key', 'hour-2026-11-09T10.key', 'hour-2026-11-09T11.key']
const LONGER = ['week', 'month'] as const
const PAIRS: readonly (readonly [Stream, Stream])[] = [
  ['day', 'week'],
  ['day', 'month'],
  ['week', 'month'],
]
const SECOND = 1_000
/** In each hour: ten minutes of one beacon a second, or all of it. A batch is a flush of the disk. */
const [BEACONS, SIZE] =
  process.env['TACIT_TEST_FULL'] === '1' ? [HOUR / SECOND, 1_200] : [(10 * MINUTE) / SECOND, 200]
/** In each hour of a slow day: fewer than the 200 that rows wait for. */
const QUIET_BEACONS = 60

const dir = mkdtempSync(join(tmpdir(), 'tacit-pairing-'))
const house = await openHouse(join(dir, 'data'))
t.teardown(async () => {
  await house.close()
  rmSync(dir, { recursive: true, force: true })
})
const draw = drawOf(seed, 'attack')
const clock = new DrivenClock(START)
const busy = await World.open(house, 'main', clock, drawOf(seed, 'busy'), { size: SIZE, hours: HOURS })

/** Pseudonym in the one stream → of the same person in the other. */
function truthOf(names: Readonly<Record<Stream, Names>>, one: Stream, other: Stream): Map<string, string> {
  return new Map([...names[one]].map(([sub, pseudonym]) => [pseudonym, names[other].get(sub) ?? '']))
}

async function namesOf(world: World): Promise<Record<Stream, Names>> {
  return { day: await world.names('day'), week: await world.names('week'), month: await world.names('month') }
}

function told(t: Test, how: string, [one, other]: readonly [Stream, Stream], found: Found): void {
  const { bound, chance, hits, people } = found
  t.comment(
    `${how}, ${one} to ${other}: ${String(hits)} of ${String(people)} people; content alone ${String(chance)}, at most ${bound.toFixed(1)}`,
  )
}

function isBlind(t: Test, how: string, pair: readonly [Stream, Stream], found: Found): void {
  told(t, how, pair, found)
  t.ok(found.people >= 1.5 * found.bound, 'the content leaves people to be told apart')
  t.ok(found.hits <= found.bound, `${how}: no better than by content, ${pair.join(' to ')}`)
}

/** @param share of the people, at least */
function wins(t: Test, how: string, pair: readonly [Stream, Stream], found: Found, share = 0): void {
  told(t, how, pair, found)
  t.ok(
    found.hits > found.bound && found.hits >= share * found.people,
    `${how} pairs them, ${pair.join(' to ')}`,
  )
}

/** Each attack on what is staged. */
function attackStaged(
  t: Test,
  rows: Readonly<Record<Stream, readonly SeenRow[]>>,
  names: Readonly<Record<Stream, Names>>,
  records: ReturnType<typeof recordsOf>,
): void {
  for (const [one, other] of PAIRS) {
    const truth = truthOf(names, one, other)
    const [left, right] = [rows[one], rows[other]]
    const plain = (all: readonly SeenRow[]): SeenRow[] => all.map(({ moment: _moment, ...row }) => row)
    isBlind(t, 'by rank', [one, other], attack(plain(left), plain(right), truth))
    isBlind(t, 'by hour and part', [one, other], attack(left, right, truth))
    isBlind(t, 'by hour and part, ties at random', [one, other], attack(left, right, truth, draw))
    const headers = attack(byHeaders(left, records, one), byHeaders(right, records, other), truth)
    isBlind(t, 'by the headers in the log', [one, other], headers)
  }
}

async function stagedOf(world: World): Promise<Record<Stream, readonly SeenRow[]>> {
  const of = (stream: Stream) => stagedRows(house, world.database, `staging_${stream}`)
  return { day: await of('day'), week: await of('week'), month: await of('month') }
}

/** Files of ClickHouse in which a producer is named: parts of landing. The server clears replaced ones in a while. */
function filesNaming(producer: string): readonly string[] {
  return lootOfDirectory(house.layout.clickhouse)
    .filter(({ bytes }) => bytes.includes(producer))
    .map(({ name }) => name)
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + 5_000; Date.now() < deadline; await sleep(250))
    if (await holds()) return true
  return false
}

const { producer } = busy.realm.commit
const layout = house.layout.realm('main')
const keeperFiles = { keys: layout.keys, masterFile: layout.masterKey }
for (let hour = 0; hour < HOURS; hour++) await busy.work(hour, BEACONS, SECOND)
await busy.realm.aggregator.stage()
const names = await namesOf(busy)
const records = recordsOf(busy.realm.log)
const landed = {
  day: await landedRows(house, busy.database, 'day'),
  week: await landedRows(house, busy.database, 'week'),
  month: await landedRows(house, busy.database, 'month'),
}
const control = await partsPerMove(house, busy.database, 'week')
const controlRows = await stagedRows(house, busy.database, control)

t.test('control: before the hours are reconciled, landing pairs nearly everybody', async (t) => {
  t.equal(landed.day.length, HOURS * BEACONS)
  for (const pair of PAIRS) {
    wins(t, 'by batch', pair, attack(landed[pair[0]], landed[pair[1]], truthOf(names, ...pair), draw), 0.95)
  }
  t.ok(filesNaming(producer).length > 0, 'and ClickHouse names the producer on the disk')
})

t.test('control: so does the log, while the hours’ keys live', async (t) => {
  const opened: Record<Stream, SeenRow[]> = { day: [], week: [], month: [] }
  const keys = createLogKeys(busy.realm.keeper.port)
  for (const { bytes } of records) {
    const batch = await keys.open(bytes)
    for (const { rows, section } of batch?.sections ?? []) {
      const line = JSON.parse(rows.toString('utf8')) as readonly string[]
      const number = Number(line[1])
      // A row's content is that of the row in landing with the same batch; whose it is, the line says.
      const known = landed[section.stream].find(({ moment }) => moment === number)
      const person = line.find((value) => value === known?.person)
      if (known !== undefined && person !== undefined) opened[section.stream].push({ ...known, person })
    }
  }
  keys.close()
  t.equal(opened.week.length, HOURS * BEACONS)
  const pair = ['day', 'week'] as const
  wins(t, 'by opened batch', pair, attack(opened.day, opened.week, truthOf(names, ...pair), draw), 0.95)
  const living = secretsOf(copyKeeper(keeperFiles))
  for (const name of HOUR_NAMES) t.ok(living.has(name), `the keeper has ${name}`)
})

t.test('control: parts of one move each would tell who came when', async (t) => {
  const pair = ['day', 'week'] as const
  const { day } = landed
  const hours = day.map((row) => ({ ...row, moment: Math.floor((row.moment ?? 0) / (BEACONS + 1)) }))
  wins(t, 'by hour and part of a move', pair, attack(hours, controlRows, truthOf(names, ...pair), draw))
})

t.test('once they are reconciled, nothing but the content pairs anybody', async (t) => {
  await busy.advance()
  const rows = await stagedOf(busy)
  t.equal(rows.day.length, HOURS * BEACONS)
  t.same(await serverLogs(house), [], 'the server writes down nothing of its parts')
  attackStaged(t, rows, names, recordsOf(busy.realm.log))
})

t.test('of landing nothing is left, and each table of sets is one part', async (t) => {
  const tables = async () => {
    const all = await partsOf(house, busy.database)
    return all.filter(({ table }) => /^landing|week$|month$/.test(table) && !table.startsWith('control'))
  }
  t.ok(await eventually(async () => (await tables()).every(({ inactive }) => inactive === 0)))
  t.same(await tables(), [
    { table: 'staging_month', parts: 1, inactive: 0 },
    { table: 'staging_week', parts: 1, inactive: 0 },
  ])
  t.ok(await eventually(() => filesNaming(producer).length === 0), 'no file names the producer')
})

t.test('the hours’ keys are gone, and no copy of their batches opens', async (t) => {
  const { keeper } = busy.realm
  const left = secretsOf(copyKeeper(keeperFiles))
  for (const name of HOUR_NAMES) t.notOk(left.has(name), `the keeper has no ${name}`)
  for (let hour = 0; hour < HOURS; hour++) {
    t.equal(await keeper.port.batchKey(START + hour * HOUR, producer, true), null, 'and makes no second one')
  }
  const keys = createLogKeys(keeper.port)
  const dead = records.filter(({ hour }) => hour < START + HOURS * HOUR)
  t.equal(dead.length, HOURS * BEACONS + HOURS - 1)
  for (const { bytes } of dead) if ((await keys.open(bytes)) !== null) t.fail('a copy was opened')
  keys.close()
  const others = [...left.values()].filter(({ length }) => length === 32)
  t.ok(others.length > 0)
  for (const { bytes } of dead.slice(0, 50)) {
    for (const key of others) t.throws(() => openBatch(bytes, key), { code: 'ERR_BATCH_AUTHENTICATION' })
  }
})

t.test('the aggregator’s own state and the log say nothing of anybody', async (t) => {
  t.same(busy.realm.state.receiptHours(START + HOURS * HOUR), [])
  const pseudonyms = new Set(Object.values(names).flatMap((of) => [...of.values()]))
  const found = (text: string): number =>
    (text.match(/[A-Za-z0-9_-]{22}/g) ?? []).filter((one) => pseudonyms.has(one)).length
  t.equal(found(JSON.stringify(landed.week.slice(0, 100).map(({ person }) => person))), 100, 'control')
  for (const folder of [layout.state, layout.log]) {
    for (const { bytes, name } of lootOfDirectory(folder)) t.equal(found(bytes.toString('latin1')), 0, name)
  }
})

t.test('at a beacon a minute rows wait for their day to end, and then nothing pairs them', async (t) => {
  const quietClock = new DrivenClock(START)
  const shape = { size: 60, hours: HOURS }
  const quiet = await World.open(house, 'sample', quietClock, drawOf(seed, 'quiet'), shape)
  for (let hour = 0; hour < HOURS; hour++) {
    await quiet.work(hour, QUIET_BEACONS, HOUR / QUIET_BEACONS)
    await quiet.advance()
    for (const stream of ['day', ...LONGER] as const)
      t.same(
        await stagedRows(house, quiet.database, `staging_${stream}`),
        [],
        `nothing of the ${stream} moved`,
      )
  }
  const who = await namesOf(quiet)
  const pair = ['day', 'week'] as const
  const truth = truthOf(who, ...pair)
  const before = await landedRows(house, quiet.database, 'day')
  const unmixed = await stagedRows(house, quiet.database, await partsPerMove(house, quiet.database, 'week'))
  const hours = before.map((row) => ({ ...row, moment: Math.floor((row.moment ?? 0) / (QUIET_BEACONS + 1)) }))
  wins(t, 'control, without the rule: by who came with each move', pair, attack(hours, unmixed, truth, draw))
  await quiet.endDay()
  const rows = await stagedOf(quiet)
  t.equal(rows.day.length, HOURS * QUIET_BEACONS)
  attackStaged(t, rows, who, recordsOf(quiet.realm.log))
  t.same(quiet.realm.state.receiptHours(START + HOURS * HOUR), [])
  const held = secretsOf(
    copyKeeper({
      keys: house.layout.realm('sample').keys,
      masterFile: house.layout.realm('sample').masterKey,
    }),
  )
  for (const name of HOUR_NAMES) t.notOk(held.has(name), `the keeper has no ${name}`)
})
