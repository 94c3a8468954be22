/** What one life of the keeper's house does: beacons in, batches read, hours settled, keys destroyed, by a driven clock. */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { compileAnonymizer, createUserAgentReader, MAX_RAW_AGE_MS } from '@tacit/anonymizer'
import { createTokenVerifier, GroupCommit, Intake, importTokenKeys } from '@tacit/collector'
import { DAY, DrivenClock, epochOf, HOUR, hourOf, MINUTE, STREAMS, type Stream } from '@tacit/contracts'
import { type LmdbLog, openLmdbLog } from '@tacit/event-log'
import { type Keeper, keeperPlaces, openKeeper, openKeeperStores } from '@tacit/keeper'
import { createKeyring, createLogKeys, type KeeperPort, type Keyring, type LogKeys } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { placesOf } from '../all-streams.js'
import { grantedClaims } from '../tokens.js'
import { DyingFiles, report } from './dying-files.js'
import { addsUp, type LifeOrder, PEOPLE, type StoredRow } from './life-order.js'

const READER = 'reader'
const TENANTS = 4
/** One that is new that day comes at half past eight in the evening. */
const NEWCOMER_AT = 20 * HOUR + 30 * MINUTE
/** Minutes of the day around midnight at which an event is sent, and its age: in time, and too late. */
const AROUND_MIDNIGHT: ReadonlyMap<number, number> = new Map([
  [23 * HOUR + 55 * MINUTE, 0],
  [5 * MINUTE, 0],
  [40 * MINUTE, 50 * MINUTE],
  [HOUR, 2 * HOUR],
  [90 * MINUTE, 100 * MINUTE],
])
/** How long after its end an hour is settled; every seventh is left for the keeper's own time. */
const SETTLED_AFTER_MS = 5 * MINUTE
const isLeft = (hour: number): boolean => (hour / HOUR) % 7 === 0

/** The shipped rulebook with a statistic of each window, so that every beacon has rows in all three streams. */
export function threeStreams(): Rulebook {
  return shippedRulebook(
    'erp',
    ['streams: [day, week]', 'streams: [day, week, month]'],
    ['title: Devices\n    window: day', 'title: Devices\n    window: [day, week, month]'],
  )
}

export class Operation {
  readonly #order: LifeOrder
  readonly #clock: DrivenClock
  readonly #keeper: Keeper
  readonly #log: LmdbLog
  readonly #keyring: Keyring
  readonly #logKeys: LogKeys
  readonly #commit: GroupCommit
  readonly #intake: Intake
  #events = 0

  private constructor(
    order: LifeOrder,
    rulebook: Rulebook,
    clock: DrivenClock,
    keeper: Keeper,
    log: LmdbLog,
  ) {
    this.#order = order
    this.#clock = clock
    this.#keeper = keeper
    this.#log = log
    const port = reporting(keeper.port, clock)
    this.#keyring = createKeyring(port, rulebook.purpose.id, { clock })
    this.#logKeys = createLogKeys(port)
    this.#commit = new GroupCommit({ log, logKeys: this.#logKeys, clock, rulebook: rulebook.hash })
    const agents = createUserAgentReader({ maxEntries: 1_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
    this.#intake = new Intake({
      rulebook,
      anonymizer: compileAnonymizer(rulebook, { agents, clock }),
      keyring: this.#keyring,
      commit: this.#commit,
      tokens: createTokenVerifier(NO_TOKEN_KEYS, clock),
      clock,
      ratePerToken: Number.MAX_SAFE_INTEGER,
    })
  }

  /** Opens everything on disk; the keeper does what is overdue. */
  static async open(order: LifeOrder, rulebook: Rulebook): Promise<Operation> {
    const clock = new DrivenClock(order.from)
    const dying = new DyingFiles(order.killAt, () => clock.now())
    const stores = openKeeperStores(keeperPlaces(order.dir))
    if (!('files' in stores.wrapping)) throw new Error('the master key is in a file')
    const keeper = await openKeeper({
      stores: {
        keys: dying.around('keys', stores.keys),
        audit: dying.around('audit', stores.audit),
        wrapping: { ...stores.wrapping, files: dying.around('master', stores.wrapping.files) },
      },
      clock,
      streams: rulebook.epochs.streams,
      latenessMs: rulebook.epochs.latenessMs,
      destroyKeyAfterMs: rulebook.epochs.destroyKeyAfterMs,
      logKeyLifeMs: rulebook.keep.logMs,
    })
    const { failed, lost } = keeper.recovered
    report({ r: 'opened', at: clock.now(), lost, failed })
    const log = await openLmdbLog({ dir: join(order.dir, 'log') })
    return new Operation(order, rulebook, clock, keeper, log)
  }

  /** Lives until its time is over, check by check. */
  async run(): Promise<void> {
    const { checkMs, from, until } = this.#order
    await this.#settle(from, DAY)
    for (let now = from; now <= until; now += checkMs) {
      this.#clock.advanceTo(now)
      await this.#check(now)
      await this.#beacons(now)
      if (now % HOUR === SETTLED_AFTER_MS) await this.#settle(now, 2 * HOUR)
      if (now % DAY === 2 * HOUR) await this.#sayWhetherCountsAddUp(now)
    }
  }

  /** What a house does every few seconds. */
  async #check(now: number): Promise<void> {
    this.#keyring.prefetch(now)
    // Where beacons come every hour.
    if ((this.#order.beaconMs ?? DAY) <= HOUR) this.#logKeys.prefetch(now, this.#commit.producer)
    this.#intake.tick(now)
    const { failed, lost } = await this.#keeper.tick()
    if (failed.length + lost.length > 0) report({ r: 'tick', at: now, lost, failed })
    // What was fetched ahead comes in.
    await turn()
  }

  async #beacons(now: number): Promise<void> {
    const { beaconMs } = this.#order
    if (beaconMs === null) return
    const beacons: Promise<void>[] = []
    const ofDay = now % DAY
    if (now % beaconMs === Math.min(10 * MINUTE, beaconMs / 2)) {
      const turnOf = Math.floor(now / beaconMs)
      for (let at = 0; at < 3; at++) {
        beacons.push(this.#send(`t-${(turnOf + at) % TENANTS}`, `p-${(turnOf + at) % PEOPLE}`, 0))
      }
    }
    const age = AROUND_MIDNIGHT.get(ofDay)
    if (age !== undefined) beacons.push(this.#send('t-0', 'p-0', age), this.#send('t-1', 'p-1', age))
    if (ofDay === NEWCOMER_AT) beacons.push(this.#send(`n-${Math.floor(now / DAY)}`, 'p-0', 0))
    await Promise.all(beacons)
  }

  #send(tenant: string, person: string, age: number): Promise<void> {
    const now = this.#clock.now()
    const told = { at: now, tenant, person, time: now - age }
    report({ r: 'sent', ...told })
    const event = { id: `e-${now}-${this.#events++}`, name: 'page_view', age, path: '/customers' }
    return new Promise((resolve, reject) => {
      this.#intake.accept(
        { v: 1, site: 'erp', consent: { analytics: 'granted' }, events: [event] },
        {
          source: 'beacon',
          address: null,
          userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36',
          origin: 'https://erp.example.in',
          gpc: false,
          dnt: false,
          claims: grantedClaims(now, { tenant, sub: person }),
        },
        (error) => {
          if (error !== null) return reject(error)
          report({ r: 'acked', ...told })
          resolve()
        },
      )
    })
  }

  /** Reads the log to its end, then lets the log keys of past hours die, as far back as `backMs`. */
  async #settle(now: number, backMs: number): Promise<void> {
    await this.#commit.drain()
    await this.#readLog()
    for (let hour = hourOf(now) - backMs; hour < hourOf(now); hour += HOUR) {
      if (isLeft(hour)) continue
      await this.#keeper.port.destroyLogKey(hour, true)
      this.#logKeys.forget(hour)
    }
  }

  async #readLog(): Promise<void> {
    for (let after = this.#log.parts(READER)[0].cursor().position; ; ) {
      const { corrupt, last, records } = this.#log.parts('aggregator')[0].read(after, 100, 8_388_608)
      if (corrupt > 0) throw new Error('a record is corrupt')
      if (last === after) return
      for (const { bytes, hour, position } of records) {
        const batch = await this.#logKeys.open(bytes)
        const counts = Object.values(batch?.header.counts ?? {})
        const late = counts.reduce((sum, { dropped }) => sum + (dropped['late'] ?? 0), 0)
        const rows = batch?.sections.flatMap(({ rows: lines, section }) => storedRows(section.stream, lines))
        report({ r: 'batch', at: this.#clock.now(), position, hour, rows: rows ?? null, late })
      }
      await this.#log.parts(READER)[0].commit({ position: last, boundary: null })
      after = last
    }
  }

  /** What the release of yesterday's windows would say. */
  async #sayWhetherCountsAddUp(now: number): Promise<void> {
    const yesterday = now - DAY
    for (const stream of STREAMS) {
      const { end, label, start } = epochOf(stream, yesterday)
      if (now < end) continue
      await this.#keeper.port.reconciled(stream, label, addsUp(start))
      if (!addsUp(start)) report({ r: 'mismatch', at: now, epoch: label })
    }
  }

  async close(): Promise<void> {
    await this.#commit.drain()
    this.#keyring.close()
    this.#logKeys.close()
    await this.#log.close()
    await this.#keeper.close()
  }
}

/** Claims stand for tokens here. */
const NO_TOKEN_KEYS = await importTokenKeys({ keys: [] })

/** A keeper whose every key answer is told. */
function reporting(port: KeeperPort, clock: DrivenClock): KeeperPort {
  return {
    destroyLogKey: (...args) => port.destroyLogKey(...args),
    epochs: (stream) => port.epochs(stream),
    reconciled: (...args) => port.reconciled(...args),
    obey: (times) => port.obey(times),
    async pseudonymKey(request) {
      const answer = await port.pseudonymKey(request)
      const { epoch, scope } = request
      const key = answer.state === 'open' ? { key: answer.key.toString('hex') } : {}
      report({ r: 'key', at: clock.now(), epoch, scope, state: answer.state, ...key })
      return answer
    },
    async batchKey(hour, producer, create) {
      const key = await port.batchKey(hour, producer, create)
      report({ r: 'hour', at: clock.now(), hour, producer, key: key?.toString('hex') ?? null })
      return key
    },
  }
}

function storedRows(stream: Stream, lines: Buffer): StoredRow[] {
  const { epoch, person, tenant } = placesOf(stream)
  return lines
    .toString('utf8')
    .split('\n')
    .slice(0, -1)
    .map((line): StoredRow => {
      const row = JSON.parse(line) as readonly unknown[]
      const day = Date.parse(`${String(row[epoch])}T00:00:00Z`)
      return [epochOf(stream, day).label, String(row[tenant]), String(row[person])]
    })
}
