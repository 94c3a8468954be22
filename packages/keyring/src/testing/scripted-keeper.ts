/** For tests: a keeper whose roots are known, and whose answers a test can hold up, refuse and break. */
import type { TacitError } from '@tacit/contracts'
import { derivePseudonymKey } from '../derivation.js'
import type { KeeperPort, KeyAnswer, KeyScope, PseudonymKeyRequest } from '../port.js'

export const tenant = (name: string): KeyScope => ({ of: 'tenant', tenant: name })

/** The key that {@link ScriptedKeeper} hands out. */
export function keyOf({ purpose, scope, epoch }: Omit<PseudonymKeyRequest, 'stream'>): Buffer {
  const scopeRoot = scope.of === 'tenants' ? null : Buffer.alloc(32, 2)
  return derivePseudonymKey({ epochRoot: Buffer.alloc(32, 1), scopeRoot, purpose, scope, epoch })
}

/** A keeper with fixed roots, whose answers can be held up, refused and broken. */
export class ScriptedKeeper implements KeeperPort {
  readonly asked: PseudonymKeyRequest[] = []
  readonly handedOut: Buffer[] = []
  failure: TacitError | null = null
  refusal: 'closed' | 'absent' | null = null
  underWay = 0
  mostUnderWay = 0
  #held: (() => void)[] | null = null

  /** Requests wait from now on. */
  hold(): void {
    this.#held ??= []
  }

  /** Answers those that wait. */
  release(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const go of held) go()
  }

  async pseudonymKey(request: PseudonymKeyRequest): Promise<KeyAnswer> {
    this.asked.push(request)
    this.underWay += 1
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    const { failure, refusal } = this
    await new Promise<void>((resolve) => {
      if (this.#held === null) resolve()
      else this.#held.push(resolve)
    })
    this.underWay -= 1
    if (failure !== null) throw failure
    if (refusal !== null) return { state: refusal }
    const key = keyOf(request)
    this.handedOut.push(key)
    return { state: 'open', key }
  }

  async batchKey(): Promise<null> {
    return null
  }

  async destroyLogKey(): Promise<void> {}
  async reconciled(): Promise<void> {}
  async obey(): Promise<void> {}
  async epochs(): Promise<readonly []> {
    return []
  }
}

export const isZeroed = (buffer: Buffer): boolean => buffer.every((byte) => byte === 0)
