/**
 * The standby's side: it keeps what the primary sends, and destroys what must not live.
 *
 * Invariants
 * - Roots are wrapped by this keeper's own master key before they touch the disk, and are in memory only for that long.
 * - A page is acknowledged once all of it is on disk, and every root that it declares destroyed is shredded.
 * - A root dies here at its deadline by this keeper's own clock, whether the primary can be reached or not; one past
 *   its deadline is not taken. What a standby does is not put on record: the log is the primary's.
 * - `synced` of the term file is never later than the last page with which everything was here.
 * Recovery: half made secrets were never acknowledged and go; so does what the copied log says is destroyed; one that is
 * whole and does not open tells of a wrong master key: refused. The session begins anew, with what is here.
 */
import type { KeyTimes } from '@tacit/keyring'
import { timingSafeEqual } from 'node:crypto'
import { type Clock, secretBuffer, TacitError } from '@tacit/contracts'
import { deadlineOf, lifeOfFile } from '../key-life.js'
import type { SecretFiles } from '../secret-files.js'
import type { Serial } from '../serial.js'
import type { CopiedLog } from './copied-log.js'
import { decodePage, isSecretName, type Page, type Pull, type Secret } from './replica-wire.js'
import type { TermFile } from './term-file.js'

/** How far `synced` may fall behind on disk, ms: an older one only withholds more after a takeover. */
const SYNCED_STEP_MS = 1_000

/** Asks the primary. @param term the highest that this side knows @returns the answer's bytes, the caller's to zero, and its term */
export type AskPrimary = (
  pull: Pull,
  term: number,
) => Promise<{ readonly page: Buffer; readonly term: number }>

/** The way to the primary. */
export interface Primary {
  readonly ask: AskPrimary
  /** Gives up on what is asked. */
  close(): Promise<void>
}

export interface FollowerParts {
  readonly secrets: SecretFiles
  readonly log: CopiedLog
  readonly term: TermFile
  readonly clock: Clock
  readonly rules: KeyTimes
  readonly serial: Serial
}

/** The id of the key in a secret's file; null where it has none (the naming and the signing key). */
function keyOf(name: string): string | null {
  const match = /^(day|week|month|hour|tenant|site)-(.+)\.(?:root|key)$/.exec(name)
  return match === null ? null : `${match[1] ?? ''}:${match[2] ?? ''}`
}

export class Follower {
  readonly #parts: FollowerParts
  readonly #rules: { -readonly [K in keyof KeyTimes]: KeyTimes[K] }
  /** names of secrets that are here */
  readonly #held = new Set<string>()
  #session: string | null = null
  #number = 0

  constructor(parts: FollowerParts) {
    this.#parts = parts
    this.#rules = { ...parts.rules }
  }

  /**
   * Looks at what is here after a start. Once, before anything else.
   * @throws TacitError ERR_KEY_MASTER where a secret that must live is whole and does not open
   */
  async recover(): Promise<void> {
    const { secrets } = this.#parts
    for (const name of (await secrets.list()).filter(isSecretName)) {
      // What must die opens no more where a crash cut its destruction short: it is not looked at.
      if (this.#mustDie(name) || (await this.#adopt(name))) this.#held.add(name)
    }
    await secrets.sync()
    await this.sweep()
  }

  /** Makes durable what a former process left, or removes what is half made. @returns whether it is here */
  async #adopt(name: string): Promise<boolean> {
    const { secrets } = this.#parts
    const secret = await secrets.readInUse(name, keyOf(name))
    if (secret === null) await secrets.shred(name)
    secret?.fill(0)
    return secret !== null
  }

  /** One question and what follows from it. @throws TacitError */
  async step(ask: AskPrimary): Promise<void> {
    const { term } = this.#parts
    const { page, term: stated } = await ask(await this.#pull(), term.now.term)
    try {
      if (stated < term.now.term) throw new TacitError('ERR_KEEPER_FENCED')
      await this.#parts.serial(() => this.#apply(decodePage(page), stated))
    } finally {
      page.fill(0)
    }
  }

  /** Shreds what is past its time by this keeper's clock, or declared destroyed. @returns ids that are gone, and that failed */
  async sweep(): Promise<{ destroyed: readonly string[]; failed: readonly string[] }> {
    const destroyed: string[] = []
    const failed: string[] = []
    for (const name of this.#held) {
      if (!this.#mustDie(name)) continue
      const key = keyOf(name) ?? name
      try {
        await this.#parts.secrets.shred(name)
        this.#held.delete(name)
        destroyed.push(key)
      } catch {
        failed.push(key)
      }
    }
    if (destroyed.length > 0) await this.#parts.secrets.sync()
    return { destroyed, failed }
  }

  async #pull(): Promise<Pull> {
    const { log } = this.#parts
    const begin =
      this.#session !== null
        ? null
        : {
            entriesEnd: await log.endOf('entries'),
            headsEnd: await log.endOf('heads'),
            have: [...this.#held],
          }
    return { session: this.#session, number: this.#number, ...log.length, begin }
  }

  async #apply(page: Page, term: number): Promise<void> {
    if (page.refused === 'diverged') {
      this.#session = null
      throw new TacitError(
        'ERR_AUDIT_DAMAGED',
        'This standby’s audit log is not how the primary’s begins: give the standby a new data directory',
      )
    }
    if (page.refused === 'session') {
      this.#session = null
      this.#number = 0
      return
    }
    // Before the log tells of it: a term is never used twice.
    if (term > this.#parts.term.now.term) await this.#parts.term.save({ term })
    this.#obey(page.times)
    for (const secret of page.secrets) await this.#keep(secret)
    await this.#parts.log.append(page.entries, page.heads)
    const { failed } = await this.sweep()
    if (failed.length > 0)
      throw new TacitError('ERR_KEY_STORE', 'A key could not be destroyed; it is tried again')
    await this.#note(page)
    this.#session = page.session
    this.#number = page.number
  }

  /** The primary may obey shorter times than this keeper was started with. */
  #obey(times: KeyTimes): void {
    for (const key of ['latenessMs', 'destroyKeyAfterMs', 'logKeyLifeMs'] as const)
      this.#rules[key] = Math.min(this.#rules[key], times[key])
  }

  async #keep({ bytes, name }: Secret): Promise<void> {
    const { secrets } = this.#parts
    if (this.#mustDie(name)) return
    const known = await secrets.readDurable(name)
    if (known === null) {
      await secrets.shred(name)
      const copy = secretBuffer(bytes.length)
      bytes.copy(copy)
      ;(await secrets.store(name, copy)).fill(0)
      this.#held.add(name)
      return
    }
    const isSame = timingSafeEqual(known, bytes)
    known.fill(0)
    await secrets.sync()
    this.#held.add(name)
    if (!isSame) {
      throw new TacitError(
        'ERR_KEY_STORE',
        'This standby has another root than the primary: give the standby a new data directory',
      )
    }
  }

  async #note({ asOf, complete, handedOver }: Page): Promise<void> {
    const { now } = this.#parts.term
    // A primary's clock that went back takes `synced` back with it.
    const isNews = now.synced === null || Math.abs(asOf - now.synced) >= SYNCED_STEP_MS
    const synced = complete && (isNews || handedOver) ? asOf : now.synced
    const isHandedOver = complete ? handedOver : false
    if (synced === now.synced && isHandedOver === now.handedOver) return
    await this.#parts.term.save({ synced, handedOver: isHandedOver })
  }

  #mustDie(name: string): boolean {
    const { log, clock } = this.#parts
    const key = keyOf(name)
    if (key !== null && log.records.isDoomed(key)) return true
    const life = lifeOfFile(name, this.#rules)
    if (life === null) return false
    return clock.now() >= deadlineOf(life, log.records.of(life.label)?.reconciled === false)
  }
}
