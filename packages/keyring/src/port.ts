/**
 * The door to the keeper. Roots never come through it: what does is derived for one use, and a missing key is an
 * answer, never a fallback. In process, or a service over mutual TLS: the same door.
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

/** Times of keys, from the rulebook that rules. */
export interface KeyTimes {
  /** how long after its end an epoch's events are accepted, ms */
  readonly latenessMs: number
  /** how long after its end an epoch's root lives, ms */
  readonly destroyKeyAfterMs: number
  /** how long after the hour's start its log key lives at most, ms */
  readonly logKeyLifeMs: number
}

/**
 * A keeper that cannot be reached rejects with TacitError ERR_KEEPER_UNAVAILABLE; one whose store fails, ERR_KEY_STORE; one
 * that has the root and cannot unwrap it, ERR_KEY_MASTER.
 */
export interface KeeperPort {
  /** K of a (stream, epoch, scope): 32 bytes, owned by the caller, who zeroes it when the epoch closes. */
  pseudonymKey(request: PseudonymKeyRequest): Promise<KeyAnswer>
  /**
   * The key of the batches that one producer seals in one hour of receipt: 32 bytes, owned by the caller; null once the
   * hour's log key is destroyed (or may not exist yet). The log key itself stays with the keeper.
   * `create` makes it if the hour was never opened; a destroyed hour is never opened again.
   * @param hour ms, a whole UTC hour @param producer 16 hexadecimal digits
   * @throws TacitError ERR_KEY_PRODUCERS where this collector was started too often
   */
  batchKey(hour: number, producer: string, create: boolean): Promise<Buffer | null>
  /**
   * Says that everything of an hour that came to this aggregator is staged. The hour's log key is destroyed once every
   * aggregator that has keys of it said so. @param reconciled whether its rows added up (INV-26)
   */
  destroyLogKey(hour: number, reconciled: boolean): Promise<void>
  /** Epochs of a stream that are closed but whose root still lives, and those whose root is destroyed, by label. */
  epochs(stream: Stream): Promise<readonly EpochState[]>
  /**
   * Says whether the counts of an epoch's window, or of an hour of receipt, add up. Where they do not, an epoch's root
   * outlives its time by at most 24 hours (INV-26); once all who said so said `true`, or after that, it dies, and the audit
   * log says which it was. An hour's key dies with its day all the same.
   * @param epoch label, e.g. `day:2026-08-05` or `hour:2026-08-05T10`
   */
  reconciled(stream: Stream | 'hour', epoch: string, holds: boolean): Promise<void>
  /**
   * Obeys the times of another rulebook from now on, for keys that live already too. A life only ever gets shorter by
   * this: where a new time is longer, the shorter one holds until the keeper is opened again.
   */
  obey(times: KeyTimes): Promise<void>
}

export interface EpochState {
  readonly label: string
  readonly state: 'open' | 'closed' | 'destroyed'
}
