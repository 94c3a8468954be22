/**
 * V9 of faults.md: the keeper is down when an epoch begins. A real collector over real sockets with a real keeper, behind
 * a way that can be cut, and time in the test's hand. Keys were fetched before, so nothing is lost; and as a control, what
 * is lost where they were not.
 */
import { setImmediate as turn } from 'node:timers/promises'
import {
  DAY,
  DrivenClock,
  epochOf,
  HOUR,
  hourOf,
  MINUTE,
  STREAMS,
  TacitError,
  utcDay,
} from '@tacit/contracts'
import { createPseudonymizer, type KeeperPort, type KeyScope, type Pseudonymizer } from '@tacit/keyring'
import t, { type Test } from 'tap'
import { PAGES_IN_ALL_STREAMS, placesOf } from '../support/all-streams.js'
import { type Ledger, pageView, type RunningCollector, startCollector } from '../support/collector.js'
import { sendAll } from '../support/keep-alive.js'
import { requestBytes } from '../support/raw-http.js'

// The runner has a limit for the file.
t.setTimeout(0)

const tenants = (count: number): string[] => Array.from({ length: count }, (_, at) => `t-${String(at)}`)
/** After the epoch a day's rows have the hour of the event, those of a week or month their site. */
const DAY_ROW = placesOf('day')
const LONGER_ROW = placesOf('week')

/** The way to a keeper, which can be cut. */
class Way {
  isCut = false
  readonly through = (port: KeeperPort): KeeperPort => {
    const guarded =
      <A extends unknown[], R>(call: (...given: A) => Promise<R>) =>
      async (...given: A): Promise<R> => {
        if (this.isCut) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
        return call(...given)
      }
    return {
      pseudonymKey: guarded((request) => port.pseudonymKey(request)),
      batchKey: guarded((hour, producer, create) => port.batchKey(hour, producer, create)),
      destroyLogKey: guarded((hour, reconciled) => port.destroyLogKey(hour, reconciled)),
      epochs: guarded((stream) => port.epochs(stream)),
      reconciled: guarded((stream, epoch, holds) => port.reconciled(stream, epoch, holds)),
      obey: guarded((times) => port.obey(times)),
    }
  }
}

interface Night {
  readonly collector: RunningCollector
  readonly way: Way
  /** lets time pass, with what the live loop does every second */
  until(time: number): Promise<void>
  /** one page view of one person of each tenant @returns how many were answered 204 */
  send(of: readonly string[], age?: number): Promise<number>
}

type Prefetches = 'all' | 'log keys' | 'nothing'

async function startNight(t: Test, start: number, prefetches: Prefetches): Promise<Night> {
  const clock = new DrivenClock(start)
  const way = new Way()
  const collector = await startCollector({
    clock,
    wayToKeeper: way.through,
    changes: PAGES_IN_ALL_STREAMS,
  })
  t.teardown(() => collector.close())
  const { commit, keeper, keyring, logKeys } = collector
  let marked = hourOf(start)
  return {
    collector,
    way,
    async until(time) {
      while (clock.now() < time) {
        clock.advanceTo(Math.min(time, clock.now() + 1_000))
        const now = clock.now()
        if (prefetches === 'all') keyring.prefetch(now)
        if (prefetches !== 'nothing') logKeys.prefetch(now, commit.producer)
        await turn()
        if (hourOf(now) !== marked) {
          marked = hourOf(now)
          await commit.watermark(now).catch(() => {})
          keyring.retire(now, HOUR)
        }
        if (now % MINUTE === 0) await keeper.tick()
      }
    },
    async send(of, age = 0) {
      const requests = of.map((tenant) => {
        const token = collector.token({ tenant, sub: `person of ${tenant}` })
        return requestBytes(collector.beacon([pageView({ age })], { token }))
      })
      const answers = await sendAll(collector.port, requests, 20)
      return answers.filter(({ status }) => status === 204).length
    },
  }
}

/** `epoch tenant person` as the keeper derives them, of an epoch that holds `time`, for each stream. */
async function derived(night: Night, of: readonly string[], time: number): Promise<string[]> {
  const { keeper, rulebook } = night.collector
  const expected: string[] = []
  for (const stream of STREAMS) {
    const { label, start } = epochOf(stream, time)
    const keyOf = async (scope: KeyScope): Promise<Pseudonymizer> => {
      const answer = await keeper.port.pseudonymKey({
        purpose: rulebook.purpose.id,
        stream,
        epoch: label,
        scope,
      })
      if (answer.state !== 'open') throw new Error(`a key is ${answer.state}`)
      return createPseudonymizer(answer.key)
    }
    const own = await keyOf({ of: 'tenants' })
    for (const tenant of of) {
      const key = await keyOf({ of: 'tenant', tenant })
      const person = key.pseudonym('uid', `person of ${tenant}`)
      expected.push(`${utcDay(start)} ${own.pseudonym('tenant', tenant)} ${person}`)
    }
  }
  return expected
}

function people({ rows }: Ledger): string[] {
  const found = rows.map((row) => {
    const { epoch, person, tenant } = typeof row[5] === 'number' ? DAY_ROW : LONGER_ROW
    return `${String(row[epoch])} ${String(row[tenant])} ${String(row[person])}`
  })
  return [...new Set(found)].sort()
}

const MIDNIGHTS = [
  ['a day', Date.UTC(2026, 11, 3), 200],
  ['a day and a week', Date.UTC(2026, 11, 7), 40],
  ['a day and a month', Date.UTC(2026, 11, 1), 40],
] as const
for (const [what, midnight, count] of MIDNIGHTS) {
  t.test(`V9: a keeper that is down from 23:55 to 00:40, while ${what} begins, loses nothing`, async (t) => {
    const night = await startNight(t, midnight - 20 * MINUTE, 'all')
    const { collector, send, until, way } = night
    const early = tenants(count)
    t.equal(await send(early), count)
    await until(midnight - 6 * MINUTE)
    t.equal(await send(['t-late']), 1, 'one that is first seen after fetching ahead began')
    await until(midnight - 5 * MINUTE)
    way.isCut = true
    const all = [...early, 't-late']
    let sent = all.length
    for (const time of [midnight - 1, midnight, midnight + 4 * MINUTE]) {
      await until(time)
      t.equal(await send(all), all.length)
      sent += all.length
    }
    const before = await collector.ledger()
    t.same([before.accepted, before.dropped], [sent, {}], 'not one is lost')
    await until(midnight + 5 * MINUTE)
    t.equal(await send(['t-new', 't-new']), 2, 'one without a key is answered like any other')
    t.same((await collector.ledger()).dropped, { key_missing: 2 }, 'and dropped and counted: no fallback')
    await until(midnight + 39 * MINUTE)
    t.equal(await send(all), all.length)
    t.equal(await send(all, 39 * MINUTE + 1), all.length, 'events of the day before are taken too')
    t.ok(collector.commit.ready(), 'readiness never went')
    way.isCut = false
    await until(midnight + 40 * MINUTE)
    t.equal(await send(['t-new']), 1)
    const ledger = await collector.ledger()
    t.same([ledger.accepted, ledger.dropped], [sent + 2 * all.length + 1, { key_missing: 2 }])
    const expected = new Set([
      ...(await derived(night, all, midnight - DAY)),
      ...(await derived(night, [...all, 't-new'], midnight)),
    ])
    t.same(people(ledger), [...expected].sort(), 'and all are under the keys that the keeper derives')
  })
}

const WITHOUT = [
  ['pseudonym keys', 'log keys', 40, { key_missing: 40 }],
  ['any keys', 'nothing', 0, {}],
] as const
for (const [what, prefetches, answered, lost] of WITHOUT) {
  t.test(`V9, as a control: without ${what} fetched ahead the same night loses events`, async (t) => {
    const midnight = Date.UTC(2026, 11, 3)
    const { collector, send, until, way } = await startNight(t, midnight - 20 * MINUTE, prefetches)
    const all = tenants(40)
    t.equal(await send(all), 40)
    await until(midnight - 5 * MINUTE)
    way.isCut = true
    await until(midnight + MINUTE)
    t.equal(await send(all), answered, 'what cannot be sealed is refused, what can be is answered')
    const { accepted, dropped } = await collector.ledger()
    t.same([accepted, dropped], [40, lost])
    t.equal(collector.commit.ready(), prefetches === 'log keys')
  })
}
