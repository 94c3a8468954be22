/** What must hold whenever the keeper dies: every step of every operation is a place to die at. */
import { DAY, DrivenClock, epochOf, HOUR, hourOf, TacitError } from '@tacit/contracts'
import { derivePseudonymKey } from '@tacit/keyring'
import fc from 'fast-check'
import t from 'tap'
import { type Keeper, openKeeper } from './embedded-keeper.js'
import { type Failure, VolatileDisk } from './testing/volatile-disk.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const SEED = Number(process.env['TACIT_TEST_SEED'] ?? 20_261_122)

const START = Date.parse('2026-08-05T00:00:00Z')
const END_OF_ALL = START + 60 * DAY

type Action =
  | {
      readonly do: 'person'
      readonly daysAgo: number
      readonly stream: 'day' | 'week'
      readonly tenant: string | null
    }
  | { readonly do: 'hour'; readonly hoursAgo: number; readonly create: boolean }
  | { readonly do: 'destroy hour'; readonly hoursAgo: number }
  | { readonly do: 'tick' }
  | { readonly do: 'epochs' }
  | { readonly do: 'advance'; readonly hours: number }

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant('person' as const),
    daysAgo: fc.integer({ min: -1, max: 2 }),
    stream: fc.constantFrom('day' as const, 'week' as const),
    tenant: fc.constantFrom('t-1', 't-2', null),
  }),
  fc.record({
    do: fc.constant('hour' as const),
    hoursAgo: fc.integer({ min: -1, max: 26 }),
    create: fc.boolean(),
  }),
  fc.record({ do: fc.constant('destroy hour' as const), hoursAgo: fc.integer({ min: 0, max: 3 }) }),
  fc.constant<Action>({ do: 'tick' }),
  fc.constant<Action>({ do: 'epochs' }),
  fc.record({ do: fc.constant('advance' as const), hours: fc.constantFrom(1, 5, 20, 26, 49) }),
)

/** What was promised so far: it must stay true for ever, over every restart. */
class Promises {
  /** (label, scope) → the key that was handed out */
  readonly #keys = new Map<string, string>()
  readonly #over = new Set<string>()

  handedOut(label: string, scope: string, key: Buffer): void {
    if (this.#over.has(label)) throw new Error(`${label} is open again`)
    if (label.startsWith('hour:') && key.every((byte) => byte === 0))
      throw new Error('a root that is no secret')
    const name = `${label} ${scope}`
    const known = this.#keys.get(name)
    if (known !== undefined && known !== key.toString('hex')) throw new Error(`a second root for ${label}`)
    this.#keys.set(name, key.toString('hex'))
  }

  assertUnused(key: Buffer): void {
    const hex = key.toString('hex')
    if ([...this.#keys.values()].includes(hex)) throw new Error('the bytes of a used root are left on disk')
  }

  over(label: string): void {
    this.#over.add(label)
  }

  wasOpen(label: string): boolean {
    return [...this.#keys.keys()].some((name) => name.startsWith(`${label} `))
  }
}

const labelOfHour = (hour: number): string => `hour:${new Date(hour).toISOString().slice(0, 13)}`

async function perform(
  keeper: Keeper,
  action: Action,
  clock: DrivenClock,
  promises: Promises,
): Promise<void> {
  const now = clock.now()
  switch (action.do) {
    case 'person': {
      const { label } = epochOf(action.stream, now - action.daysAgo * DAY)
      const scope =
        action.tenant === null
          ? ({ of: 'tenants' } as const)
          : ({ of: 'tenant', tenant: action.tenant } as const)
      const answer = await keeper.port.pseudonymKey({
        purpose: 'p',
        stream: action.stream,
        epoch: label,
        scope,
      })
      if (answer.state === 'open') promises.handedOut(label, JSON.stringify(scope), answer.key)
      if (answer.state === 'closed' && promises.wasOpen(label)) promises.over(label)
      return
    }
    case 'hour': {
      const hour = hourOf(now) - action.hoursAgo * HOUR
      const key = await keeper.port.logKey(hour, action.create)
      if (key !== null) promises.handedOut(labelOfHour(hour), '', key)
      return
    }
    case 'destroy hour': {
      const hour = hourOf(now) - action.hoursAgo * HOUR
      await keeper.port.destroyLogKey(hour)
      if (promises.wasOpen(labelOfHour(hour))) promises.over(labelOfHour(hour))
      return
    }
    case 'tick':
      return learn(await keeper.tick(), promises)
    case 'epochs':
      for (const { label, state } of await keeper.port.epochs('day'))
        if (state !== 'open') promises.over(label)
      return
    case 'advance':
      clock.advanceTo(now + action.hours * HOUR)
      return
    default: {
      const never: never = action
      throw new TypeError(String(never))
    }
  }
}

function learn(report: Keeper['recovered'], promises: Promises): void {
  if (report.lost.length > 0) throw new Error('a root that was handed out is lost')
  for (const label of [...report.closed, ...report.destroyed]) promises.over(label)
}

const reopen = (disk: VolatileDisk, clock: DrivenClock, failure?: Failure): Promise<Keeper> =>
  openKeeper({
    dir: '',
    clock,
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day', 'week'],
    files: disk.open(failure),
  })

interface Life {
  readonly actions: readonly Action[]
  readonly failure: Failure
  /** hours after START at which its clock begins: an import may begin before the last life ended */
  readonly begins: number
  /** whether the machine dies with it, or the process alone */
  readonly losesPower: boolean
}

/** Lives of one keeper, each with its failure, then one that lives to the end of all epochs. */
async function live(
  lives: readonly Life[],
  pick: (n: number) => number,
): Promise<{ disk: VolatileDisk; promises: Promises }> {
  const disk = new VolatileDisk()
  const promises = new Promises()
  let clock = new DrivenClock(START)
  for (const { actions, failure, begins, losesPower } of lives) {
    clock = new DrivenClock(START + begins * HOUR)
    try {
      const keeper = await reopen(disk, clock, failure)
      learn(keeper.recovered, promises)
      for (const action of actions) {
        try {
          await perform(keeper, action, clock, promises)
        } catch (error) {
          if (!(error instanceof TacitError) || error.code !== 'ERR_KEY_STORE') throw error
        }
      }
    } catch (error) {
      if (!(error instanceof TacitError) || error.code !== 'ERR_KEY_STORE') throw error
    }
    if (losesPower) disk.losePower(pick)
  }
  const last = await reopen(disk, clock)
  learn(last.recovered, promises)
  for (const { actions } of lives) for (const action of actions) await perform(last, action, clock, promises)
  clock.advanceTo(END_OF_ALL)
  learn(await last.tick(), promises)
  return { disk, promises }
}

const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 30 })

function picker(numbers: readonly number[]): (n: number) => number {
  let index = 0
  return (n) => {
    const number = numbers[index % numbers.length] ?? 0
    index += 1
    return number % n
  }
}

/** Nothing of a root that was ever used is left: neither its file, nor its bytes under a name that is gone. */
function assertShredded({ disk, promises }: { disk: VolatileDisk; promises: Promises }): void {
  const left = [...disk.contents().keys()].filter((name) => /^(?:day|week|hour)-/.test(name))
  if (left.length > 0) throw new Error('a root file is left')
  for (const { name, durable } of disk.everMade) {
    if (durable.length !== 32) continue
    const label = name.replace(/\.(?:root|key)$/, '').replace('-', ':')
    if (label.startsWith('hour:')) promises.assertUnused(durable)
    else promises.assertUnused(keyOfTenants(durable, label))
  }
}

function keyOfTenants(epochRoot: Buffer, epoch: string): Buffer {
  return derivePseudonymKey({ epochRoot, scopeRoot: null, purpose: 'p', scope: { of: 'tenants' }, epoch })
}

t.test(
  'no crash or failing disk makes a second root, opens what was over, loses a root or leaves its bytes',
  async (t) => {
    const life = fc.record({
      actions: fc.array(anyAction, { minLength: 1, maxLength: 12 }),
      failure: fc.record({ at: fc.nat(160), kind: fc.constantFrom('power' as const, 'error' as const) }),
      begins: fc.constantFrom(0, 0, 0, 13, 30, 80),
      losesPower: fc.boolean(),
    })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), choices, async (lives, numbers) => {
        assertShredded(await live(lives, picker(numbers)))
        runs += 1
      }),
      // Seeded every day, another seed each time in the full run. Seed 1000459342 has a history that fails, see the
      // closing note of issue 3: a power failure between two unfinished destructions.
      isFull ? { numRuns: 6_000 } : { numRuns: 600, seed: SEED },
    )
    t.ok(runs >= 600)
  },
)

const DAY_AND_HOUR: readonly Action[] = [
  { do: 'person', daysAgo: 0, stream: 'day', tenant: null },
  { do: 'person', daysAgo: 0, stream: 'day', tenant: 't-1' },
  { do: 'hour', hoursAgo: 0, create: true },
  { do: 'destroy hour', hoursAgo: 0 },
  { do: 'advance', hours: 26 },
  { do: 'tick' },
  { do: 'advance', hours: 49 },
  { do: 'tick' },
]

t.test(
  'a whole life survives a loss of power at each of its steps, and its roots are overwritten on disk',
  async (t) => {
    let lives = 0
    for (const kind of ['power', 'error'] as const) {
      for (let at = 0; at < 100; at += 1) {
        for (const numbers of [[0], [1], [1, 0], [2, 1, 0, 5]]) {
          const life: Life = { actions: DAY_AND_HOUR, failure: { at, kind }, begins: 0, losesPower: true }
          assertShredded(await live([life], picker(numbers)))
          lives += 1
        }
      }
    }
    t.equal(lives, 800)
  },
)
