/**
 * V2: of a key that was destroyed nothing is left, neither in the memory of the house's processes nor on its disk, and a
 * copy of the keeper's directory from before is worth nothing. Each search finds the living key first.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { batchKey, DAY, HOUR } from '@tacit/contracts'
import { derivePseudonymKey } from '@tacit/keyring'
import t, { type Test } from 'tap'
import { DrivenHouse } from '../support/attack/house.js'
import {
  copyKeeper,
  fileOfTenant,
  type Secrets,
  secretOf,
  secretsOf,
  wrappingOf,
} from '../support/attack/keeper-copy.js'
import { LEAVING, LEAVING_PEOPLE, PEOPLE, TENANTS } from '../support/attack/people.js'
import { formsOfSecret, type Needle } from '../support/leaks/forms.js'
import { scanDirectory } from '../support/leaks/scan.js'
import { createSearch } from '../support/leaks/search.js'
import { scanMemory, WITHOUT_MEMORY_SCAN } from '../support/memory.js'

// The runner has a limit for the file.
t.setTimeout(0)

const START = Date.UTC(2026, 10, 9, 9)
const END_OF_DAY = Date.UTC(2026, 10, 10)
const EPOCH = 'day:2026-11-09'
const DAY_ROOT = 'day-2026-11-09.root'
const purpose = 'product-usage-stats'

const dir = mkdtempSync(join(tmpdir(), 'tacit-destroyed-'))
const dataDir = join(dir, 'data')
const house = await DrivenHouse.start(dir, START)
t.teardown(async () => {
  await house.end()
  rmSync(dir, { recursive: true, force: true })
})

await house.do({ do: 'visits', leaving: true })
const before = copyKeeper(house.facts)
const secrets = secretsOf(before)
const leaving = fileOfTenant(secrets, LEAVING)
const hours = [...secrets.keys()].filter((name) => name.startsWith('hour-'))
const among = (names: readonly string[]): Secrets =>
  new Map(names.map((name) => [name, secretOf(secrets, name)]))
/** They die, each at its time. */
const doomed = among([DAY_ROOT, leaving, ...hours])

/** What collectors and aggregators hold of the day: the keys of each tenant, of the tenants themselves, of batches. */
function keysOfTheDay(): Secrets {
  const day = { epochRoot: secretOf(secrets, DAY_ROOT), purpose, epoch: EPOCH }
  const keys = new Map([
    ['the tenants’ key', derivePseudonymKey({ ...day, scopeRoot: null, scope: { of: 'tenants' } })],
  ])
  for (const tenant of new Set([...PEOPLE, ...LEAVING_PEOPLE].map((person) => person.tenant))) {
    const scopeRoot = secretOf(secrets, fileOfTenant(secrets, tenant))
    keys.set(`key of ${tenant}`, derivePseudonymKey({ ...day, scopeRoot, scope: { of: 'tenant', tenant } }))
  }
  for (const hour of hours) {
    keys.set(`key of batches of ${hour}`, batchKey(secretOf(secrets, hour), house.facts.producer))
  }
  return keys
}
const derived = keysOfTheDay()

const needlesOf = (wanted: Secrets): Needle[] =>
  [...wanted].flatMap(([name, secret]) => formsOfSecret(name, secret))

/** What of the wanted is in the memory of a process, each with the forms in which it is. */
function inMemory(t: Test, pid: number, ...wanted: readonly Secrets[]): Map<string, string[]> {
  const { bytes, hits, unread } = scanMemory(pid, wanted.flatMap(needlesOf))
  t.same(unread, [], 'all memory is read')
  t.ok(bytes > 10_000_000, `${String(Math.round(bytes / 1e6))} MB are read`)
  const found = new Map<string, string[]>()
  for (const { copies, form, needle, region } of hits) {
    found.set(needle, [...(found.get(needle) ?? []), `${form} in ${region}: ${String(copies)}`])
  }
  return found
}

const NOTHING = new Map<string, string[]>()

/** Where on the disk a secret's own bytes, its wrapping key and its wrapped bytes are. */
async function onDisk(
  t: Test,
): Promise<{ readonly files: readonly string[]; readonly whats: readonly string[] }> {
  const wrappings = [...doomed.keys()].flatMap((name): Needle[] => {
    const { key, wrapped } = wrappingOf(before, name)
    return [
      { what: `wrapping key of ${name}`, form: 'raw', bytes: key },
      { what: `wrapped ${name}`, form: 'raw', bytes: wrapped },
    ]
  })
  const search = createSearch([...needlesOf(doomed), ...needlesOf(derived), ...wrappings])
  const { leaks, unreadable } = await scanDirectory(dataDir, search)
  t.same(unreadable, [], 'every file is read')
  return {
    files: [...new Set(leaks.map(({ file }) => file))].sort(),
    whats: [...new Set(leaks.map(({ what }) => what))].sort(),
  }
}

t.test(
  'control: a living key is in the memory of the house, in none of ClickHouse',
  { skip: WITHOUT_MEMORY_SCAN },
  async (t) => {
    const found = inMemory(t, house.pid, doomed, derived)
    t.equal(derived.size, TENANTS + 2 + hours.length)
    for (const name of [...doomed.keys(), ...derived.keys()]) t.ok(found.has(name), name)
    t.same(inMemory(t, house.facts.clickhousePid, doomed, derived), NOTHING, 'nothing is found')
  },
)

t.test('control: on the disk a living key is wrapped, under a key in the master key file', async (t) => {
  const { files, whats } = await onDisk(t)
  t.same(whats, [...doomed.keys()].flatMap((name) => [`wrapped ${name}`, `wrapping key of ${name}`]).sort())
  t.same(files, [...[...doomed.keys()].map((name) => `main/keys/${name}`), 'main/master.key'].sort())
})

t.test(
  'V2: when a day is released, its keys and those of its batches are in no memory, and its root is on the disk only',
  { skip: WITHOUT_MEMORY_SCAN },
  async (t) => {
    await house.do({ do: 'advance', to: END_OF_DAY + 2 * HOUR })
    t.same(inMemory(t, house.pid, derived, among([DAY_ROOT, ...hours])), NOTHING, 'nothing is found')
    const now = secretsOf(copyKeeper(house.facts))
    t.ok(now.has(DAY_ROOT))
    for (const hour of hours) t.notOk(now.has(hour))
  },
)

t.test('V2: a destroyed key is in no memory', { skip: WITHOUT_MEMORY_SCAN }, async (t) => {
  await house.do({ do: 'close account', tenant: LEAVING })
  await house.do({ do: 'advance', to: END_OF_DAY + 2 * DAY })
  t.same(inMemory(t, house.pid, doomed, derived), NOTHING, 'nothing is found')
  t.same(inMemory(t, house.facts.clickhousePid, doomed, derived), NOTHING, 'nothing is found')
})

t.test('V2: a destroyed key is nowhere on the disk, and neither is what wrapped it', async (t) => {
  // Where the memory could not be looked through, nobody closed and destroyed yet.
  await house.do({ do: 'close account', tenant: LEAVING })
  await house.do({ do: 'advance', to: END_OF_DAY + 2 * DAY })
  t.same(await onDisk(t), { files: [], whats: [] })
  const { files } = copyKeeper(house.facts)
  for (const name of doomed.keys()) t.notOk(files.has(name), `${name} is gone`)
})

t.test(
  'a copy of the keeper’s directory from before opens with the master key file from before only',
  async (t) => {
    const now = copyKeeper(house.facts)
    const opened = secretsOf(before, now.master)
    for (const name of doomed.keys()) t.notOk(opened.has(name), `${name} stays closed`)
    t.same(
      [...opened.keys()].sort(),
      [...secrets.keys()].filter((name) => !doomed.has(name)).sort(),
      'all that lives opens',
    )
    // docs/keys.md: who copied both has the keys of that moment.
    for (const [name, secret] of doomed) t.ok(secretsOf(before).get(name)?.equals(secret), name)
  },
)
