/**
 * What a keeper offers to the processes that work with it: in process (embedded-keeper.ts), or over mutual TLS
 * (remote/). The same for both, so that nobody else knows which it is.
 */
import type { AuditEvent, SignedHead } from '@tacit/audit-log'
import type { KeeperPort } from '@tacit/keyring'
import type { TickReport } from './root-registry.js'

/** One root that ever was. Never key material, nor anything computed from it. */
export interface KeyRecord {
  /** `day:2026-08-05`, `hour:2026-08-05T10`, or `tenant:` and `site:` with 32 hexadecimal digits that tell nobody whose it is */
  readonly id: string
  readonly stream: 'day' | 'week' | 'month' | 'hour' | 'tenant' | 'site'
  /** epoch label, or the hour; null for tenants and sites, whose roots have no epoch */
  readonly epoch: string | null
  /** RFC 3339 */
  readonly created: string
  /** RFC 3339; null while it lives */
  readonly destroyed: string | null
  readonly state: 'open' | 'closed' | 'destroyed'
  /** who was given keys that are derived from it */
  readonly handedTo: readonly string[]
  /** sequence numbers in the audit log */
  readonly entries: { readonly created: number; readonly destroyed: number | null }
  /** whether the counts under it added up (INV-26); null where nobody said */
  readonly reconciled: boolean | null
}

/** The audit log, as others than the keeper write and read it. */
export interface AuditService {
  /** Appends events in order; they are on disk when it resolves. The keeper says when that was. */
  record(events: readonly AuditEvent[]): Promise<void>
  /** Signs a head over everything recorded so far, unless the last one covers it and is of this hour. */
  sign(): Promise<SignedHead>
  /** The newest signed head; null before the first. */
  head(): Promise<SignedHead | null>
  /** SPKI, PEM */
  publicKey(): Promise<string>
  /** Bytes of one of the log's files from `offset` on, at most `max`, ending with a whole line; empty at its end. */
  read(file: 'entries' | 'heads', offset: number, max: number): Promise<Buffer>
}

export interface KeeperService {
  /** The door of this process. */
  readonly port: KeeperPort
  readonly audit: AuditService
  /** Every root that ever was, oldest first. */
  keys(): Promise<readonly KeyRecord[]>
  /**
   * Closes epochs past their end + lateness, destroys what is overdue. Call it at least every minute, and whenever a
   * driven clock moved; a keeper of another process does it by itself, and reports nothing here.
   * @throws TacitError ERR_KEY_STORE
   */
  tick(): Promise<TickReport>
  /** Zeroes every secret in memory; calls fail from now on. */
  close(): Promise<void>
}
