/**
 * The whole house in one process, on stores of its own, under a clock that its parent drives: `house-process.js DIR`.
 * Commands and answers go over the channel that `fork` makes; see {@link Command}. It stays idle between them, so that
 * its memory may be looked through.
 */
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { getHeapSnapshot } from 'node:v8'
import { parseAddress } from '@tacit/anonymizer'
import { DrivenRun, openHouse } from '@tacit/cli'
import { DrivenClock, epochOf, MINUTE } from '@tacit/contracts'
import { subjectOf } from '@tacit/erp-token'
import type { Keeper } from '@tacit/keeper'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { PAGES_IN_ALL_STREAMS } from '../all-streams.js'
import { edSigner, grantedClaims } from '../tokens.js'
import { LEAVING_PEOPLE, type ListedPerson, PEOPLE, SUBJECT_KEY } from './people.js'

/** Times are ms. */
export type Command =
  | { readonly do: 'start'; readonly at: number }
  /** each of the people sends a beacon, over two hours */
  | { readonly do: 'visits'; readonly leaving: boolean }
  | { readonly do: 'advance'; readonly to: number }
  | { readonly do: 'close account'; readonly tenant: string }
  /** writes a heap snapshot, for which V8 collects garbage first */
  | { readonly do: 'heap snapshot'; readonly file: string }
  | { readonly do: 'end' }

export interface Answer {
  readonly failed?: string
  readonly started?: Started
}

export interface Started {
  readonly clickhousePid: number
  readonly clickhouse: { readonly url: string; readonly username: string; readonly password: string }
  /** of the sealed batches of this boot */
  readonly producer: string
  readonly keys: string
  readonly masterFile: string
  readonly database: string
}

const rulebook = shippedRulebook('erp', ...PAGES_IN_ALL_STREAMS)
const STEPS = 24
const STEP_MS = 5 * MINUTE

const [dir = ''] = process.argv.slice(2)
const clock = new DrivenClock(0)
const signer = edSigner('erp-1')
const tokenKeysFile = join(dir, 'token-keys.json')
writeFileSync(tokenKeysFile, JSON.stringify({ keys: [signer.jwk] }))
const house = await openHouse(join(dir, 'data'))
const layout = house.layout.realm('main')
const realm = await house.openRealm({
  layout,
  rulebook,
  clock,
  tokenKeysFile,
  isDriven: true,
  ratePerToken: Number.MAX_SAFE_INTEGER,
})
const run = new DrivenRun(realm, clock)
let sent = 0

function visit({ tenant, user }: ListedPerson): void | Promise<void> {
  const sub = subjectOf(SUBJECT_KEY, tenant, user)
  const event = { id: `event-${String(sent++)}`, name: 'page_view', age: 0, path: '/customers' }
  const beacon = {
    v: 1 as const,
    site: 'erp',
    token: signer.sign(grantedClaims(clock.now(), { tenant, sub })),
    events: [event],
  }
  return realm.intake.take(beacon, {
    source: 'beacon',
    address: parseAddress('203.0.113.77'),
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    origin: 'https://erp.example.in',
    gpc: false,
    dnt: false,
  })
}

/**
 * Makes the keys of the week and the month that run, so that keys of the same people outlive the day's: no row of theirs
 * is stored yet, so no beacon asks for them.
 */
async function openLongEpochs(): Promise<void> {
  for (const stream of ['week', 'month'] as const) {
    const epoch = epochOf(stream, clock.now()).label
    for (const tenant of new Set(PEOPLE.map((person) => person.tenant))) {
      const request = {
        purpose: rulebook.purpose.id,
        stream,
        epoch,
        scope: { of: 'tenant', tenant },
      } as const
      const given = await realm.keeper.port.pseudonymKey(request)
      if (given.state !== 'open') throw new Error(`${epoch} is ${given.state}`)
      given.key.fill(0)
    }
  }
}

async function visits(leaving: boolean): Promise<void> {
  const people = leaving ? [...PEOPLE, ...LEAVING_PEOPLE] : PEOPLE
  const start = clock.now()
  await openLongEpochs()
  for (let step = 0; step < STEPS; step++) {
    await run.advanceTo(start + step * STEP_MS)
    await run.enterOpenHour()
    for (let at = step; at < people.length; at += STEPS) await visit(people[at] as ListedPerson)
    await realm.commit.drain()
  }
  await run.pause()
}

function started(): Started {
  return {
    clickhousePid: house.server.pid() ?? 0,
    clickhouse: house.server.address,
    producer: realm.commit.producer,
    keys: layout.keys,
    masterFile: layout.masterKey,
    database: layout.database,
  }
}

async function obey(command: Command): Promise<Answer> {
  switch (command.do) {
    case 'start':
      clock.advanceTo(command.at)
      return { started: started() }
    case 'visits':
      await visits(command.leaving)
      return {}
    case 'advance':
      await run.advanceTo(command.to)
      return {}
    case 'close account':
      // The embedded keeper is a whole one; the verb for it is not there yet.
      await (realm.keeper as Keeper).closeAccount(command.tenant)
      return {}
    case 'heap snapshot':
      await pipeline(getHeapSnapshot(), createWriteStream(command.file))
      return {}
    case 'end':
      await house.close()
      return {}
    default: {
      const never: never = command
      throw new TypeError(`unknown command ${String(never)}`)
    }
  }
}

// A parent that died drives it no more.
process.on('disconnect', () => process.exit())
async function answer(command: Command): Promise<void> {
  const said = await obey(command).catch((error: unknown): Answer => ({ failed: String(error) }))
  process.send?.(said)
  if (command.do === 'end') process.disconnect()
}

process.on('message', (command: Command) => void answer(command))
