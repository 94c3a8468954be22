/** The keeper of this process: what it is opened with, and what it offers besides what every keeper does. */
import type { Clock, Stream } from '@tacit/contracts'
import type { KeeperStores } from './keeper-stores.js'
import type { ServedKeeper } from './remote/routes.js'
import type { TickReport } from './root-registry.js'
import type { RandomFill } from './secret-files.js'
import type { Company, ReplicaOptions } from './standby/replica-source.js'
import type { Promotion } from './standby/takeover.js'

export interface KeeperOptions {
  readonly stores: KeeperStores
  readonly clock: Clock
  /** dates entries of the audit log; default: `clock`. A driven run's are dated by the system's */
  readonly auditClock?: Clock
  /** the rulebook's `epochs.lateness`, ms */
  readonly latenessMs: number
  /** the rulebook's `epochs.destroy_key_after`, ms after the epoch's end */
  readonly destroyKeyAfterMs: number
  /** streams that have epochs; keys of any other are absent */
  readonly streams: readonly Stream[]
  /** how long after its start an hour's log key lives at most, ms; default 24 h */
  readonly logKeyLifeMs?: number
  /** default: the system's random source */
  readonly randomFill?: RandomFill
  /** Makes a standby's directory, whose process has ended, the primary's (standby/takeover.ts). */
  readonly promote?: Promotion
  /** who is told of the standby that follows this keeper */
  readonly standby?: ReplicaOptions
}

export interface Keeper extends ServedKeeper {
  /** what opening found overdue, and did */
  readonly recovered: TickReport
  /** whether the audit log ended with a line that could not be read, and was cut: an alarm */
  readonly isAuditCut: boolean
  /** Destroys the root of a tenant whose account is closed; it has no keys for good. */
  closeAccount(tenant: string): Promise<void>
  /** Whether a standby has every root that was handed out. */
  company(): Company
  /**
   * Ends being the primary, in order: nothing is created any more, and a standby has everything and knows it; promoted, it
   * withholds nothing. For good, restarts included; every secret here is destroyed, what a crash kept from it at the next
   * start.
   * @throws TacitError ERR_KEEPER_STANDBY where no standby is in step: then nothing changed; ERR_KEEPER_UNAVAILABLE where
   *   it did not confirm in time: this keeper is no primary any more, and the standby is to be promoted as after a loss;
   *   ERR_KEY_STORE where a secret could not be destroyed
   */
  handOver(): Promise<void>
}
