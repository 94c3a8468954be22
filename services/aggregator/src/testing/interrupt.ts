/** For tests: ports that die, or fail, at a chosen call. */
import type { Doors } from './stores.js'

/** Calls that change something, by door. */
const CHANGES: Readonly<Record<keyof Doors, readonly string[]>> = {
  log: ['commit'],
  state: [
    'apply',
    'intendToSettle',
    'moved',
    'settled',
    'putWindow',
    'commitWindow',
    'quarantine',
    'clearQuarantine',
  ],
  warehouse: ['land', 'settle', 'dropLanding', 'insertCells', 'dropEpoch'],
  keeper: ['destroyLogKey', 'reconciled'],
}

export type Call = (...args: readonly unknown[]) => Promise<unknown>

/** What a door does with a call that changes something. @param name e.g. `warehouse.land` @param call the real one */
export type Hook = (name: string, call: () => Promise<unknown>, args: readonly unknown[]) => Promise<unknown>

function hooked<T extends object>(door: keyof Doors, target: T, hook: Hook): T {
  return new Proxy(target, {
    get(real, name) {
      // With the real one as receiver: getters may read private fields.
      const member = Reflect.get(real, name, real) as unknown
      if (typeof member !== 'function') return member
      const bound = (member as Call).bind(real)
      if (typeof name !== 'string' || !CHANGES[door].includes(name)) return bound
      return (...args: readonly unknown[]) => hook(`${door}.${name}`, () => bound(...args), args)
    },
  })
}

/** Puts a hook between the aggregator and everything that it changes. */
export function behind(hook: Hook): (doors: Doors) => Doors {
  return ({ keeper, log, state, warehouse }) => ({
    log: hooked('log', log, hook),
    state: hooked('state', state, hook),
    warehouse: hooked('warehouse', warehouse, hook),
    keeper: hooked('keeper', keeper, hook),
  })
}

/** A process that dies at one call: from then on nothing it started ever goes on. */
export class Death {
  /** names of the calls so far */
  readonly calls: string[] = []
  readonly happened: Promise<'died'>
  readonly #before: number
  #die: () => void = () => {}
  #dead = false

  /** @param before number of the call that is not made any more, from 0; −1: none */
  constructor(before: number) {
    this.#before = before
    this.happened = new Promise((resolve) => {
      this.#die = () => {
        this.#dead = true
        resolve('died')
      }
    })
  }

  get dead(): boolean {
    return this.#dead
  }

  readonly hook: Hook = (name, call) => {
    if (!this.#dead && this.calls.push(name) - 1 !== this.#before) return call()
    this.#die()
    return new Promise(() => {})
  }
}
