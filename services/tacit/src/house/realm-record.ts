/**
 * What goes on record when work in a realm begins: who works, under which rulebook, and the register as it is. A keeper of
 * another process that is down holds nobody up: it is put on record once that keeper is back, and no change of the
 * rulebook is obeyed before.
 */
import { TacitError } from '@tacit/contracts'
import type { AuditService, RulebookRegister } from '@tacit/keeper'
import { AuditQueue } from './audit-queue.js'
import { VERSION } from './layout.js'
import { RegisterEvidence } from './register-evidence.js'

export interface RealmRecordOptions {
  readonly service: 'up' | 'import' | 'simulate' | 'collector' | 'aggregator'
  /** hash of the rulebook that rules */
  readonly rulebook: string
  readonly register: RulebookRegister | null
  readonly audit: AuditService
  readonly alarm: (message: string) => void
}

export interface RealmRecord {
  /** the register as the audit log knows it; null where there is none */
  readonly registerEvidence: RegisterEvidence | null
  stop(): Promise<void>
}

/** @throws TacitError ERR_REGISTER_DAMAGED, ERR_AUDIT_…; never because a keeper is down */
export async function beginRecord(options: RealmRecordOptions): Promise<RealmRecord> {
  const { alarm, audit, register, rulebook, service } = options
  const queue = new AuditQueue({ alarm, what: 'that work began' })
  const boot = { actor: service, rulebook, action: 'boot', object: { service, version: VERSION } } as const
  await unlessDown(
    () => audit.record([boot]),
    () => {
      queue.attach(audit)
      queue.say(boot)
    },
  )
  const registerEvidence = register === null ? null : new RegisterEvidence(register, audit)
  if (registerEvidence !== null) await unlessDown(() => registerEvidence.sync())
  return { registerEvidence, stop: () => queue.stop() }
}

async function unlessDown(task: () => Promise<void>, otherwise = (): void => undefined): Promise<void> {
  try {
    await task()
  } catch (error) {
    if (!(error instanceof TacitError) || error.code !== 'ERR_KEEPER_UNAVAILABLE') throw error
    otherwise()
  }
}
