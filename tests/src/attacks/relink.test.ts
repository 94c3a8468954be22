/**
 * INV-09: who has everything that is left on the machine, the full list of users and all rows that somebody kept of a
 * closed day, relinks nobody of it. The same program relinks everybody of an open day.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY } from '@tacit/contracts'
import { derivePseudonymKey } from '@tacit/keyring'
import t from 'tap'
import { type Attacked, attack, type Spoils } from '../support/attack/attacker.js'
import { DrivenHouse } from '../support/attack/house.js'
import { copyKeeper, fileOfTenant, secretOf, secretsOf } from '../support/attack/keeper-copy.js'
import { type Loot, lootOfDirectory, lootOfProcess, stringsOfSnapshot } from '../support/attack/loot.js'
import { LEAVING, LEAVING_PEOPLE, PEOPLE, TENANTS } from '../support/attack/people.js'
import { createSearch } from '../support/leaks/search.js'
import { WITHOUT_MEMORY_SCAN } from '../support/memory.js'

// The runner has a limit for the file.
t.setTimeout(0)

const CLOSED = { day: '2026-11-09', epoch: 'day:2026-11-09', around: Date.UTC(2026, 10, 9, 9) }
const OPEN = { day: '2026-11-14', epoch: 'day:2026-11-14', around: Date.UTC(2026, 10, 14, 9) }
const purpose = 'product-usage-stats'

const dir = mkdtempSync(join(tmpdir(), 'tacit-attack-'))
const dataDir = join(dir, 'data')
const house = await DrivenHouse.start(dir, CLOSED.around)
t.teardown(async () => {
  await house.end()
  rmSync(dir, { recursive: true, force: true })
})

await house.do({ do: 'visits', leaving: true })
const before = secretsOf(copyKeeper(house.facts))
// An hour after its end the day is released; until its root dies its rows stay.
await house.do({ do: 'advance', to: CLOSED.around + DAY })
const closedRows = await house.stored(CLOSED.day)
await house.do({ do: 'close account', tenant: LEAVING })
await house.do({ do: 'advance', to: OPEN.around })
await house.do({ do: 'visits', leaving: false })
const openRows = await house.stored(OPEN.day)
const after = secretsOf(copyKeeper(house.facts))
const snapshot = join(dir, 'after.heapsnapshot')
await house.do({ do: 'heap snapshot', file: snapshot })
/** Descriptors of other users' processes are shown to root alone. */
const ofProcesses = WITHOUT_MEMORY_SCAN
  ? []
  : [house.pid, house.facts.clickhousePid].flatMap((pid) => lootOfProcess(pid, dataDir))
const spoils: Spoils = {
  loot: [...lootOfDirectory(dataDir), ...ofProcesses],
  master: readFileSync(house.facts.masterFile),
  heapStrings: stringsOfSnapshot(snapshot),
}
const dayRoot = secretOf(before, 'day-2026-11-09.root')

const told = ({ hmacs, seconds, tried, unwrapped: opened }: Attacked): string =>
  `${String(opened)} secrets unwrapped, ${String(tried)} candidates, ${String(hmacs)} HMACs, ${seconds.toFixed(1)} s`

t.test(
  'the attacker has every living key, the kept rows of everybody, and a day that is closed',
  async (t) => {
    t.equal(closedRows.length, PEOPLE.length + LEAVING_PEOPLE.length)
    t.equal(openRows.length, PEOPLE.length)
    t.equal((await house.stored(CLOSED.day)).length, 0, 'the house itself kept no row')
    t.notOk(after.has('day-2026-11-09.root'))
    for (const name of ['day-2026-11-14.root', 'week-2026-11-09.root', 'month-2026-11.root'])
      t.ok(after.has(name), `${name} lives`)
    t.equal([...after.keys()].filter((name) => name.startsWith('tenant-')).length, TENANTS)
  },
)

t.test('INV-09: of an open day the attacker relinks 2,000 of 2,000 people', async (t) => {
  const attacked = attack(spoils, openRows, { ...OPEN, purpose })
  t.equal(attacked.people, 2_000)
  t.equal(attacked.tenants, 40)
  t.equal(attacked.unwrapped, after.size, 'every living secret is among what he unwrapped')
  t.comment(told(attacked))
})

t.test('INV-09: of a closed day he relinks nobody, and no tenant', async (t) => {
  const attacked = attack(spoils, closedRows, { ...CLOSED, purpose })
  t.equal(attacked.people, 0)
  t.equal(attacked.tenants, 0)
  t.ok(attacked.tried > 500_000, 'he looked through all there is')
  t.comment(told(attacked))
})

t.test('control: were a dead key left anywhere, in whatever form, he would find it', async (t) => {
  const keys = spoils.loot.filter(({ name }) => name.startsWith('main/keys/'))
  const among = (secret: Buffer): Buffer => Buffer.concat([randomBytes(1_001), secret, randomBytes(333)])
  const text = (form: string): Buffer => Buffer.from(`{"level":30,"note":"${form}"}\n`)
  const found = (loot: readonly Loot[], heapStrings: readonly string[] = []) => {
    const { people, tenants } = attack({ ...spoils, loot: [...keys, ...loot], heapStrings }, closedRows, {
      ...CLOSED,
      purpose,
    })
    return { people, tenants }
  }
  const everybody = { people: 2_000, tenants: 40 }
  const planted: readonly (readonly [string, string, Buffer])[] = [
    ['in a free page of the log', 'main/log/data.mdb', among(dayRoot)],
    ['in a free page of the state', 'main/state/state.mdb', among(dayRoot)],
    ['in hexadecimal', 'main/log/notes', text(dayRoot.toString('hex'))],
    ['in base64', 'clickhouse/data/x', text(dayRoot.toString('base64'))],
    ['inside longer base64', 'main/log/notes', text(among(dayRoot).toString('base64url'))],
  ]
  for (const [where, name, bytes] of planted) t.same(found([{ name, bytes }]), everybody, where)
  t.same(found([], [dayRoot.toString('base64')]), everybody, 'as a string of the heap')
  t.same(
    found([], [dayRoot.toString('latin1').padStart(50, '\xe9')]),
    everybody,
    'as a binary string of the heap',
  )
  const derived = { epochRoot: dayRoot, purpose, epoch: CLOSED.epoch }
  const tenantsKey = derivePseudonymKey({ ...derived, scopeRoot: null, scope: { of: 'tenants' } })
  t.same(found([{ name: 'main/log/x', bytes: among(tenantsKey) }]), { people: 0, tenants: 40 })
  const tenant = PEOPLE[0]?.tenant ?? ''
  const scopeRoot = secretOf(before, fileOfTenant(before, tenant))
  const tenantKey = derivePseudonymKey({ ...derived, scopeRoot, scope: { of: 'tenant', tenant } })
  t.same(
    found([{ name: 'main/audit/x', bytes: among(tenantKey) }]),
    { people: 50, tenants: 0 },
    'the key of one tenant relinks its people alone',
  )
})

t.test('no pseudonym of the closed day is left, which a cache could hold beside a name', async (t) => {
  const foundOf = (rows: typeof closedRows): ReadonlySet<string> => {
    const search = createSearch(
      rows.flatMap(({ person }) => [
        { what: person, form: 'text', bytes: Buffer.from(person, 'latin1') },
        { what: person, form: 'raw', bytes: Buffer.from(person, 'base64url') },
      ]),
    )
    const texts = spoils.heapStrings.join('\n')
    const everything = [...spoils.loot.map(({ bytes }) => bytes), Buffer.from(texts, 'utf8')]
    return new Set(everything.flatMap((bytes) => search(bytes).map(({ what }) => what)))
  }
  t.equal(foundOf(openRows).size, PEOPLE.length, 'control: those of the open day are there')
  t.equal(foundOf(closedRows).size, 0)
})

t.test('what only a descriptor holds is among the loot', { skip: WITHOUT_MEMORY_SCAN }, async (t) => {
  const program = t.testdir({
    'holder.cjs': `const { openSync, unlinkSync } = require('node:fs')
openSync(process.argv[2], 'r')
unlinkSync(process.argv[2])
process.send('held')
process.on('message', () => process.exit())`,
  })
  const file = join(dir, 'nameless')
  const content = randomBytes(100)
  writeFileSync(file, content)
  const child = fork(join(program, 'holder.cjs'), [file])
  await once(child, 'message')
  const found = lootOfProcess(child.pid ?? 0, dir)
  t.ok(found.some(({ bytes }) => bytes.equals(content)))
  child.send('end')
  await once(child, 'close')
})
