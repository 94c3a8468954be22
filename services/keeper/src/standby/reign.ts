/**
 * Whether this keeper is still the primary.
 *
 * Invariants
 * - Once over it stays over: in memory at once, and on disk before {@link Reign.fence} or {@link Reign.handOver} resolves.
 * - Its term never changes while it is open.
 * - Nothing but a proof of a higher term ends it from outside: who may ask a keeper could end it otherwise.
 * Recovery: the term file says at a start which it was.
 */
import type { KeyObject } from 'node:crypto'
import type { AuditSigner } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { Term } from '../remote/wire.js'
import type { ReplicaSource } from './replica-source.js'
import type { TermFile } from './term-file.js'
import { isProven, provenTerm } from './term-proof.js'

export class Reign {
  readonly term: Term
  readonly #publicKey: KeyObject
  readonly #file: TermFile
  #isOver: boolean
  #isHandingOver = false

  /** @param signer the audit log's */
  constructor(file: TermFile, signer: AuditSigner) {
    this.term = provenTerm(file.now.term, signer)
    this.#publicKey = signer.publicKey
    this.#file = file
    this.#isOver = !['primary', 'promoting'].includes(file.now.state)
  }

  /** Whether nothing may be created or handed out any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** While it hands over it still answers its standby. */
  get state(): 'primary' | 'fenced' {
    return this.#isOver && !this.#isHandingOver ? 'fenced' : 'primary'
  }

  /**
   * Somebody saw a keeper of this term.
   * @returns whether that is proven, and higher @throws what the disk throws; then it is over in memory alone, until told again
   */
  async fence(seen: Term): Promise<boolean> {
    if (seen.count <= this.term.count || !isProven(seen, this.#publicKey)) return false
    const { state } = this.#file.now
    if (state === 'fenced' || state === 'retired') return true
    this.#isOver = true
    this.#isHandingOver = false
    await this.#file.save({ state: 'fenced' })
    return true
  }

  /**
   * On return its secrets are to be destroyed, at the next start too (retire.ts).
   * @param last what is to be on record before @throws TacitError ERR_KEEPER_STANDBY, ERR_KEEPER_UNAVAILABLE
   */
  async handOver(replica: ReplicaSource, last: () => Promise<void>): Promise<void> {
    if (replica.company !== 'followed') {
      throw new TacitError(
        'ERR_KEEPER_STANDBY',
        'No standby is in step with this keeper, so there is none to hand over to',
      )
    }
    this.#isHandingOver = true
    this.#isOver = true
    let isConfirmed = false
    try {
      await last()
      await this.#file.save({ state: 'handed over' })
      isConfirmed = await replica.handOver()
    } finally {
      this.#isHandingOver = false
    }
    if (!isConfirmed) {
      throw new TacitError(
        'ERR_KEEPER_UNAVAILABLE',
        'The standby did not confirm that it has everything: promote it, and say when this keeper stopped',
      )
    }
    await this.#file.save({ state: 'retired' })
  }
}
