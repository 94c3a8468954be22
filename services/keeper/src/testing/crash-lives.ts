/** For tests: lives of one keeper on a disk that fails, and what must hold over all of them. */
import { batchKey, DAY, DrivenClock, epochOf, HOUR, hourLabel, hourOf, TacitError } from '@tacit/contracts'
import { derivePseudonymKey } from '@tacit/keyring'
import type { Keeper } from '../keeper.js'
import { lifeOfLabel } from '../key-life.js'
import { openKeeper } from '../open-keeper.js'
import { unwrapped } from './unwrapped.js'
import { type Failure, VolatileDisk } from './volatile-disk.js'

const PRODUCER = '0123456789abcdef'
export const START = Date.parse('2026-08-05T00:00:00Z')
const END_OF_ALL = START + 60 * DAY

export type Action =
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

/** What was promised so far: it must stay true for ever, over every restart. */
export class Promises {
  /** (label, scope) → the key that was handed out */
  readonly #keys = new Map<string, string>()
  readonly #over = new Set<string>()
  #latest = 0

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

  /** A life saw this moment, ms. */
  reached(now: number): void {
    this.#latest = Math.max(this.#latest, now)
  }

  wasDue(label: string): boolean {
    return (lifeOfLabel(label, RULES)?.destroyAt ?? 0) <= this.#latest
  }

  over(label: string): void {
    this.#over.add(label)
  }

  wasOpen(label: string): boolean {
    return [...this.#keys.keys()].some((name) => name.startsWith(`${label} `))
  }
}

export async function perform(
  keeper: Keeper,
  action: Action,
  clock: DrivenClock,
  promises: Promises,
): Promise<void> {
  const now = clock.now()
  promises.reached(now)
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
      const key = await keeper.port.batchKey(hour, PRODUCER, action.create)
      if (key !== null) promises.handedOut(hourLabel(hour), '', key)
      return
    }
    case 'destroy hour': {
      const hour = hourOf(now) - action.hoursAgo * HOUR
      await keeper.port.destroyLogKey(hour, true)
      if (promises.wasOpen(hourLabel(hour))) promises.over(hourLabel(hour))
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
  // An overdue root dies also where that cannot be written, and counts as lost after a crash (root-registry.ts).
  if (!report.lost.every((label) => promises.wasDue(label)))
    throw new Error('a root that was handed out is lost')
  for (const label of [...report.closed, ...report.destroyed]) promises.over(label)
}

export const reopen = (disk: VolatileDisk, clock: DrivenClock, failure?: Failure): Promise<Keeper> => {
  const folder = disk.open(failure)
  return openKeeper({
    stores: {
      keys: folder('keys'),
      audit: folder('audit'),
      wrapping: { files: folder('master'), name: MASTER },
    },
    clock,
    ...RULES,
    streams: ['day', 'week'],
  })
}

const MASTER = 'master.key'
const RULES = { latenessMs: HOUR, destroyKeyAfterMs: 48 * HOUR, logKeyLifeMs: DAY }
/** What a failing disk makes of a call. */
const FAILED = /^ERR_(?:KEY_STORE|KEY_MASTER|AUDIT_WRITE|AUDIT_READ)$/

export const isOfDisk = (error: unknown): boolean => error instanceof TacitError && FAILED.test(error.code)

export interface Life {
  readonly actions: readonly Action[]
  readonly failure: Failure
  /** hours after START at which its clock begins: an import may begin before the last life ended */
  readonly begins: number
  /** whether the machine dies with it, or the process alone */
  readonly losesPower: boolean
}

/** Lives of one keeper, each with its failure, then one that lives to the end of all epochs. */
export async function live(
  lives: readonly Life[],
  pick: (n: number) => number,
): Promise<{ disk: VolatileDisk; promises: Promises }> {
  const disk = new VolatileDisk()
  const promises = new Promises()
  let clock = new DrivenClock(START)
  for (const { actions, failure, begins, losesPower } of lives) {
    clock = new DrivenClock(START + begins * HOUR)
    promises.reached(clock.now())
    try {
      const keeper = await reopen(disk, clock, failure)
      learn(keeper.recovered, promises)
      for (const action of actions) {
        try {
          await perform(keeper, action, clock, promises)
        } catch (error) {
          if (!isOfDisk(error)) throw error
        }
      }
    } catch (error) {
      if (!isOfDisk(error)) throw error
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

export function picker(numbers: readonly number[]): (n: number) => number {
  let index = 0
  return (n) => {
    const number = numbers[index % numbers.length] ?? 0
    index += 1
    return number % n
  }
}

/**
 * Nothing of a root that was ever used is left: neither its file, nor what would unwrap any copy of the file that was ever
 * on the disk. The reader here is one of its own, so that the format is what it says.
 */
export function assertShredded({ disk, promises }: { disk: VolatileDisk; promises: Promises }): void {
  const left = [...disk.contents().keys()].filter((name) => /^keys\/(?:day|week|hour)-/.test(name))
  if (left.length > 0) throw new Error('a root file is left')
  const master = disk.contents().get(`master/${MASTER}`) ?? Buffer.alloc(0)
  for (const { history, name } of disk.everMade) {
    const file = /^keys\/((?:day|week|hour)-.*)$/.exec(name)?.[1]
    if (file === undefined) continue
    const label = file.replace(/\.(?:root|key)$/, '').replace('-', ':')
    for (const copy of history) {
      const root = unwrapped(copy, file, master)
      if (root === null) continue
      promises.assertUnused(label.startsWith('hour:') ? batchKey(root, PRODUCER) : keyOfTenants(root, label))
    }
  }
}

function keyOfTenants(epochRoot: Buffer, epoch: string): Buffer {
  return derivePseudonymKey({ epochRoot, scopeRoot: null, purpose: 'p', scope: { of: 'tenants' }, epoch })
}
