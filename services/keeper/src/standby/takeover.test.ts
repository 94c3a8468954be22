/**
 * No key is ever handed out twice differently, whatever is cut, dies or loses power between a primary and its standby;
 * and as long as the primary never went alone, none that was handed out is lost.
 */
import { DrivenClock, epochOf, HOUR, hourOf, MINUTE, TacitError } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import fc from 'fast-check'
import t from 'tap'
import type { Keeper } from '../keeper.js'
import type { KeeperStores } from '../keeper-stores.js'
import { openKeeper } from '../open-keeper.js'
import { batchKeyOf, keyOf, TIMES, type Way, wayTo } from '../testing/pair.js'
import { type Failure, VolatileDisk } from '../testing/volatile-disk.js'
import { openStandby, type StandbyKeeper } from './standby-keeper.js'
import { livesWithin, type Promotion } from './takeover.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const SEED = Number(process.env['TACIT_TEST_SEED'] ?? 20_261_205)
const START = Date.parse('2026-08-04T22:30:00Z')
const QUICK = { waitMs: 8, silentMs: 60_000, holdMs: 0 }
const NEVER: Failure = { at: Number.POSITIVE_INFINITY, kind: 'power' }

type Action =
  | {
      readonly do: 'person'
      readonly stream: 'day' | 'week'
      readonly days: number
      readonly tenant: string | null
    }
  | { readonly do: 'hour'; readonly hours: number }
  | { readonly do: 'destroy hour' }
  | { readonly do: 'step' }
  | { readonly do: 'cut'; readonly what: Way['cut'] }
  | { readonly do: 'advance'; readonly minutes: number }
  | { readonly do: 'restart'; readonly losesPower: boolean }

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('person' as const),
      stream: fc.constantFrom('day' as const, 'week' as const),
      days: fc.integer({ min: -1, max: 1 }),
      tenant: fc.constantFrom('t-1', 't-2', 't-3', null),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('hour' as const), hours: fc.integer({ min: -2, max: 1 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'destroy hour' }) },
  { weight: 3, arbitrary: fc.constant<Action>({ do: 'step' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      what: fc.constantFrom<Way['cut']>('question', 'answer', null, null),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      minutes: fc.constantFrom(1, 20, 90, 60 * 26),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), losesPower: fc.boolean() }) },
)

/** What was handed out, by both keepers. */
class Handed {
  readonly keys = new Map<string, string>()

  take(name: string, key: string): void {
    if (!/^[0-9a-f]{64}$/.test(key)) return
    const known = this.keys.get(name)
    if (known !== undefined && known !== key) throw new Error(`two keys for ${name}`)
    this.keys.set(name, key)
  }
}

const FAILED =
  /^ERR_(?:KEY_STORE|KEY_MASTER|AUDIT_WRITE|AUDIT_READ|KEEPER_UNAVAILABLE|KEEPER_FENCED|KEEPER_STANDBY)$/

/** What `call` gives; null where a disk or the network failed it. */
async function tried<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof TacitError && FAILED.test(error.code)) return null
    throw error
  }
}

const storesOn = (disk: VolatileDisk, failure: Failure): KeeperStores => {
  const folder = disk.open(failure)
  return {
    keys: folder('keys'),
    audit: folder('audit'),
    wrapping: { files: folder('master'), name: 'master.key' },
  }
}

async function askFor(keeper: Keeper, action: Action, now: number, handed: Handed): Promise<void> {
  if (action.do === 'hour') {
    const hour = hourOf(now) + action.hours * HOUR
    handed.take(`hour ${hour}`, await batchKeyOf(keeper, hour))
  }
  if (action.do === 'person') {
    const { label } = epochOf(action.stream, now + action.days * 24 * HOUR)
    const scope: KeyScope =
      action.tenant === null ? { of: 'tenants' } : { of: 'tenant', tenant: action.tenant }
    handed.take(`${label} ${action.tenant}`, await keyOf(keeper, label, scope))
  }
  if (action.do === 'destroy hour') await keeper.port.destroyLogKey(hourOf(now), true)
}

interface Story {
  readonly actions: readonly Action[]
  readonly after: readonly Action[]
  /** at which step of its disk each of them dies */
  readonly primaryDies: Failure
  readonly standbyFails: Failure
  readonly heirDies: Failure
  readonly ends: 'lost' | 'handed over'
  readonly states: 'when it stopped' | 'nothing'
  readonly later: number
  readonly numbers: readonly number[]
}

function picker(numbers: readonly number[]): (n: number) => number {
  let index = 0
  return (n) => (numbers[index++ % numbers.length] ?? 0) % n
}

class World {
  readonly clock = new DrivenClock(START)
  readonly handed = new Handed()
  readonly disks = { a: new VolatileDisk(), b: new VolatileDisk() }
  readonly way = wayTo(null)
  /** whether the primary ever handed something out without a standby */
  wasAlone = false
  primary: Keeper | null = null
  standby: StandbyKeeper | null = null

  async begin({ primaryDies, standbyFails }: Story): Promise<void> {
    this.primary = await tried(() =>
      openKeeper({
        stores: storesOn(this.disks.a, primaryDies),
        clock: this.clock,
        ...TIMES,
        streams: ['day', 'week'],
        standby: { ...QUICK, changed: (company) => (this.wasAlone ||= company === 'alone') },
      }),
    )
    this.way.keeper = this.primary
    await this.openStandby(standbyFails)
    for (let at = 0; at < 4; at++) await tried(async () => this.standby?.step())
    this.wasAlone ||= this.primary?.company() !== 'followed'
  }

  async openStandby(failure: Failure): Promise<void> {
    const stores = storesOn(this.disks.b, failure)
    this.standby = await tried(() => openStandby({ stores, clock: this.clock, ...TIMES, primary: this.way }))
  }

  /** Does something at the primary, while its standby asks on. */
  async perform(action: Action, pick: (n: number) => number): Promise<void> {
    const { primary } = this
    if (action.do === 'cut') this.way.cut = action.what
    else if (action.do === 'advance') {
      this.clock.advanceTo(this.clock.now() + action.minutes * MINUTE)
      await tried(async () => primary?.tick())
      await tried(async () => this.standby?.tick())
    } else if (action.do === 'step') await tried(async () => this.standby?.step())
    else if (action.do === 'restart') {
      if (action.losesPower) this.disks.b.losePower(pick)
      else await this.standby?.close()
      await this.openStandby(NEVER)
    } else if (primary !== null) {
      let isDone = false
      const asked = tried(() => askFor(primary, action, this.clock.now(), this.handed)).finally(() => {
        isDone = true
      })
      while (!isDone) {
        const stepped =
          this.standby === null ? null : await tried(async () => (await this.standby?.step(), true))
        if (stepped === null) await new Promise(setImmediate)
      }
      await asked
    }
  }

  openHeir(failure: Failure, promote: Promotion | null): Promise<Keeper> {
    return openKeeper({
      stores: storesOn(this.disks.b, failure),
      clock: this.clock,
      ...TIMES,
      streams: ['day', 'week'],
      standby: QUICK,
      ...(promote === null ? {} : { promote }),
    })
  }

  async takeOver({ heirDies, later, states }: Story, pick: (n: number) => number): Promise<Keeper | null> {
    const stoppedAt = states === 'nothing' ? null : this.clock.now()
    this.way.keeper = null
    await this.standby?.close()
    this.clock.advanceTo(this.clock.now() + later * MINUTE)
    const first = await tried(() => this.openHeir(heirDies, { stoppedAt }))
    if (first !== null) return first
    // It died while it took over, or was never in step; either way it is tried again.
    this.disks.b.losePower(pick)
    const second = await tried(() => this.openHeir(NEVER, { stoppedAt }))
    // Nobody opens what never became a standby's directory as if it were one; that would be a new keeper.
    const log = this.disks.b.contents().get('audit/entries.ndjson')
    if (second !== null || log === undefined || log.length === 0) return second
    return tried(() => this.openHeir(NEVER, null))
  }
}

async function tell(story: Story): Promise<{ handed: number; tookOver: boolean; kept: boolean }> {
  const pick = picker(story.numbers)
  const world = new World()
  await world.begin(story)
  for (const action of story.actions) await world.perform(action, pick)
  if (story.ends === 'handed over') {
    let isOver = false
    const over = tried(async () => world.primary?.handOver()).finally(() => {
      isOver = true
    })
    while (!isOver) {
      await tried(async () => world.standby?.step())
      await new Promise(setImmediate)
    }
    await over
  }
  const before = new Map(world.handed.keys)
  const heir = await world.takeOver(story, pick)
  if (heir === null) return { handed: before.size, tookOver: false, kept: false }
  const kept = !world.wasAlone && story.later === 0
  if (kept) {
    for (const [name, key] of before) {
      const [label = '', tenant = ''] = name.split(' ')
      if (label === 'hour') continue
      const scope: KeyScope = tenant === 'null' ? { of: 'tenants' } : { of: 'tenant', tenant }
      const now = await tried(() => keyOf(heir, label, scope))
      if (now !== key && now !== 'closed' && now !== null) throw new Error(`${name} was lost: ${now}`)
    }
  }
  const ask = async (keeper: Keeper | null, actions: readonly Action[]): Promise<void> => {
    for (const action of actions) {
      if (action.do === 'advance') world.clock.advanceTo(world.clock.now() + action.minutes * MINUTE)
      if (keeper !== null) await tried(() => askFor(keeper, action, world.clock.now(), world.handed))
    }
  }
  await ask(heir, [...story.after, ...story.actions])
  // And once more after a restart, which knows of the takeover only what is on disk.
  world.disks.b.losePower(pick)
  await ask(await tried(() => world.openHeir(NEVER, null)), [...story.after, ...story.actions])
  return { handed: before.size, tookOver: true, kept: kept && before.size > 0 }
}

const failure = (most: number): fc.Arbitrary<Failure> =>
  fc.oneof(
    fc.constant(NEVER),
    fc.record({ at: fc.nat(most), kind: fc.constantFrom('power' as const, 'error' as const) }),
  )

const anyStory: fc.Arbitrary<Story> = fc.record({
  actions: fc.array(anyAction, { minLength: 2, maxLength: 14 }),
  after: fc.array(anyAction, { maxLength: 6 }),
  primaryDies: failure(300),
  standbyFails: failure(300),
  heirDies: failure(160),
  ends: fc.constantFrom('lost' as const, 'lost' as const, 'handed over' as const),
  states: fc.constantFrom('when it stopped' as const, 'nothing' as const),
  later: fc.constantFrom(0, 0, 1, 30, 100),
  numbers: fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 }),
})

t.test('no cut, crash or loss of power ever makes two keys of one', async (t) => {
  const seen = { handed: 0, tookOver: 0, kept: 0 }
  await fc.assert(
    fc.asyncProperty(anyStory, async (story) => {
      const { handed, tookOver, kept } = await tell(story)
      seen.handed += handed
      seen.tookOver += tookOver ? 1 : 0
      seen.kept += kept ? 1 : 0
    }),
    isFull ? { numRuns: 5_000 } : { numRuns: 200, seed: SEED },
  )
  t.comment(JSON.stringify(seen))
  t.ok(seen.handed > 200 && seen.tookOver > 100 && seen.kept > 10, JSON.stringify(seen))
})

const ONE_DAY: readonly Action[] = [
  { do: 'person', stream: 'day', days: 0, tenant: 't-1' },
  { do: 'hour', hours: 0 },
  { do: 'person', stream: 'week', days: 0, tenant: 't-2' },
]

t.test('a primary may die at any step of making a root', async (t) => {
  let tookOver = 0
  for (const cut of ['question', 'answer', null] as const) {
    for (let at = 70; at < 230; at += 2) {
      const story: Story = {
        actions: [{ do: 'cut', what: cut }, ...ONE_DAY],
        after: ONE_DAY,
        primaryDies: { at, kind: 'power' },
        standbyFails: NEVER,
        heirDies: NEVER,
        ends: 'lost',
        states: 'when it stopped',
        later: 0,
        numbers: [0],
      }
      if ((await tell(story)).tookOver) tookOver++
    }
  }
  t.comment(String(tookOver))
  t.ok(tookOver > 150, String(tookOver))
})

t.test('a standby may die at any step of taking over', async (t) => {
  let tookOver = 0
  for (const number of [0, 1, 5]) {
    for (let at = 0; at < 120; at += 3) {
      const story: Story = {
        actions: [...ONE_DAY, { do: 'cut', what: 'question' }, { do: 'advance', minutes: 90 }, ...ONE_DAY],
        after: ONE_DAY,
        primaryDies: NEVER,
        standbyFails: NEVER,
        heirDies: { at, kind: 'power' },
        ends: 'lost',
        states: 'nothing',
        later: 0,
        numbers: [number],
      }
      if ((await tell(story)).tookOver) tookOver++
    }
  }
  t.equal(tookOver, 120)
})

t.test('withheld is each epoch and hour whose root may come to be in a gap, and no other', async (t) => {
  const rules = { ...TIMES, logKeyLifeMs: 24 * HOUR }
  const minute = fc.integer({ min: 0, max: 5 * 24 * 60 }).map((minutes) => START + minutes * MINUTE)
  fc.assert(
    fc.property(minute, fc.nat(3 * 24 * 60), (from, minutes) => {
      const to = from + minutes * MINUTE
      const lives = livesWithin({ from, to }, { rules, streams: ['day', 'week', 'month'] })
      const labels = new Set(lives.map(({ label }) => label))
      // Every moment of the gap, by another way: what could be opened then.
      for (let time = from; time <= to; time += 7 * MINUTE) {
        for (const stream of ['day', 'week', 'month'] as const) {
          for (const at of [time - HOUR + 1, time, time + 11 * MINUTE])
            if (!labels.has(epochOf(stream, at).label)) throw new Error(`${stream} at ${at}`)
        }
        for (let back = 0; back < 24; back++) {
          const name = new Date(hourOf(time) - back * HOUR).toISOString().slice(0, 13)
          if (!labels.has(`hour:${name}`) && back < 23) throw new Error(name)
        }
      }
      return (
        lives.every(({ opensAt, closesAt }) => opensAt <= to && closesAt > from) &&
        labels.size === lives.length
      )
    }),
    { numRuns: 60, seed: SEED },
  )
  t.same(
    livesWithin({ from: START, to: START }, { rules, streams: ['day'] })
      .map(({ label }) => label)
      .filter((label) => !label.startsWith('hour')),
    ['day:2026-08-04'],
  )
})
