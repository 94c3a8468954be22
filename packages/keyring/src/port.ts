/**
 * The door to the keeper. Roots never come through it: what does is derived for one use, and a missing key is an
 * answer, never a fallback. In process today; a service over mutual TLS behind the same port later.
 */
import type { Stream } from '@tacit/contracts'

/** Whose ids a pseudonym key is for: one tenant's people, one network site's devices, or the tenants themselves. */
export type KeyScope =
  | { readonly of: 'tenant'; readonly tenant: string }
  | { readonly of: 'site'; readonly site: string }
  | { readonly of: 'tenants' }

export interface PseudonymKeyRequest {
  readonly purpose: string
  readonly stream: Stream
  /** epoch label, e.g. `day:2026-08-05` */
  readonly epoch: string
  readonly scope: KeyScope
}

/**
 * `closed`: the epoch ended longer than `lateness` ago, or was ever closed or destroyed (events of it are late).
 * `absent`: no key can be had (an epoch that lies ahead, a closed tenant): drop and count.
 */
export type KeyAnswer =
  | { readonly state: 'open'; readonly key: Buffer }
  | { readonly state: 'closed' | 'absent' }

export interface KeeperPort {
  /** K of a (stream, epoch, scope): 32 bytes, owned by the caller, who zeroes it when the epoch closes. */
  pseudonymKey(request: PseudonymKeyRequest): Promise<KeyAnswer>
  /**
   * The log key of an hour of receipt: 32 bytes, owned by the caller; null once it is destroyed (or may not exist yet).
   * `create` makes it if the hour was never opened; a destroyed hour is never opened again.
   * @param hour ms, a whole UTC hour
   */
  logKey(hour: number, create: boolean): Promise<Buffer | null>
  /** Destroys the log key of an hour: everything of it is staged and reconciled. */
  destroyLogKey(hour: number): Promise<void>
  /** Epochs of a stream that are closed but whose root still lives, and those whose root is destroyed, by label. */
  epochs(stream: Stream): Promise<readonly EpochState[]>
}

export interface EpochState {
  readonly label: string
  readonly state: 'open' | 'closed' | 'destroyed'
}
