/** What the aggregator puts on record in the audit log: releases by the hashes of their manifests, what it dropped, and checks that failed. */
import { type AuditEvent, manifestGroups } from '@tacit/audit-log'
import type { Stream } from '@tacit/contracts'
import type { CommittedManifest, WindowRecord } from './records.js'

const ACTOR = 'aggregator'

/** The audit log, as far as the aggregator writes it. */
export interface Evidence {
  /** Appends events in order; they are on disk when it resolves. */
  record(events: readonly AuditEvent[]): Promise<void>
  /** Signs a head over everything recorded so far. */
  sign(): Promise<unknown>
}

interface Window {
  readonly stream: Stream
  readonly epoch: string
  readonly record: WindowRecord
}

const yesOrNo = (holds: boolean): 'yes' | 'no' => (holds ? 'yes' : 'no')

/** One event, or several where the window has many manifests. @param rulebook hash of the one that decided it */
export function releaseEvents(
  { epoch, record, stream }: Window,
  manifests: readonly CommittedManifest[],
  rulebook: string,
): readonly AuditEvent[] {
  const reconciled = yesOrNo(record.reconciled)
  return manifestGroups(manifests).map((group) => ({
    actor: ACTOR,
    rulebook,
    action: 'release.committed',
    object: { stream, epoch, window: stream, reconciled, manifests: group },
  }))
}

/** The rows of an epoch are gone from a store: whether they had added up, never how many they were. */
export function dropEvent({ epoch, record, stream }: Window, rulebook: string): AuditEvent {
  return {
    actor: ACTOR,
    rulebook,
    action: 'retention.dropped',
    object: { store: 'staging', stream, epoch, reconciled: yesOrNo(record.reconciled) },
  }
}

/** A check of what is stored found something: that it did, never what. @param id such as `INV-19` */
export function failedCheckEvent(id: string, rulebook: string): AuditEvent {
  return { actor: ACTOR, rulebook, action: 'provenance.failed', object: { check: id.toLowerCase() } }
}
