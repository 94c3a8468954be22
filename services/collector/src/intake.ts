/**
 * One beacon in, durable or refused: verify → anonymise → group commit. Everything after the last `await` is
 * synchronous, so a beacon is decided, stamped and counted within one instant of the clock.
 */
import {
  type Address,
  type Anonymizer,
  type AnonymizerInput,
  type KeyNeed,
  NO_PERSON,
  type PeekKey,
  type PersonState,
} from '@tacit/anonymizer'
import { type Beacon, type Clock, TacitError } from '@tacit/contracts'
import type { Keyring } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import type { GroupCommit } from './group-commit.js'
import { Shadow, type ShadowOptions } from './shadow.js'
import { MISSING_TOKEN, readClaims, type VerifiedToken } from './token-claims.js'
import { REPLAYED, type TokenKeys, type TokenVerifier, takeAllowance } from './tokens.js'

/** What a request says around the body; raw, and gone when the request is. */
export interface RequestFacts {
  readonly source: 'beacon' | 'line'
  readonly address: Address | null
  readonly userAgent: string
  readonly origin: string | null
  readonly gpc: boolean
  readonly dnt: boolean
  /** stand for a token that the ERP signed (`import`, `simulate`) */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly person?: PersonState
  /** ms; when it was made, where that is not now (`import`): by it the times are judged that it states */
  readonly time?: number
}

export interface IntakeOptions {
  readonly rulebook: Rulebook
  readonly anonymizer: Anonymizer
  readonly keyring: Keyring
  readonly commit: GroupCommit
  readonly tokens: TokenVerifier
  readonly clock: Clock
  /** events a minute and token */
  readonly ratePerToken: number
}

/** Told once: null when a beacon is durable, the error where that cannot be promised. */
export type Done = (error: unknown) => void

/** A key that stays unknown after this many loads is a fault of the keeper: the beacon gets 503. */
const MAX_KEY_LOADS = 3
/**
 * Beacons that may wait for keys at once. A keeper that hangs holds each for as long as its client waits (seconds); what
 * comes on top is dropped as `key_missing`, as if the keeper had said that there is none, and memory stays bounded.
 */
const MAX_WAITING_FOR_KEYS = 4_096

export class Intake {
  #rulebook: Rulebook
  #anonymizer: Anonymizer
  /** what happens before the first beacon from a moment (ms) on */
  #due: { readonly at: number; readonly act: () => void } | null = null
  /** another rulebook that is tried beside the one that rules */
  #shadow: Shadow | null = null
  readonly commit: GroupCommit
  readonly #options: IntakeOptions
  readonly #peek: PeekKey
  /** for a beacon that may not wait */
  readonly #peekOrMiss: PeekKey
  #waitingForKeys = 0

  constructor(options: IntakeOptions) {
    this.#rulebook = options.rulebook
    this.#anonymizer = options.anonymizer
    this.commit = options.commit
    this.#options = options
    this.#peek = (stream, epoch, scope) => options.keyring.peek(stream, epoch, scope)
    this.#peekOrMiss = (stream, epoch, scope) => options.keyring.peek(stream, epoch, scope) ?? 'missing'
  }

  /** Verifies tokens with other keys from now on. */
  replaceTokenKeys(keys: TokenKeys): void {
    this.#options.tokens.replaceKeys(keys)
  }

  /** The rulebook that decides now. */
  get rulebook(): Rulebook {
    return this.#rulebook
  }

  /**
   * Lets another rulebook decide from the next beacon on. Synchronous, as everything after a beacon's last wait is: each
   * beacon is decided by exactly one rulebook, and none is lost or refused.
   */
  ruleBy(rulebook: Rulebook, anonymizer: Anonymizer): void {
    this.#anonymizer.clear()
    this.#rulebook = rulebook
    this.#anonymizer = anonymizer
    this.commit.ruleBy(rulebook.hash)
    this.#shadow?.end('changed')
    this.#shadow = null
  }

  /**
   * Tries another rulebook on a sample of the beacons that come from now on, beside the one that rules; the former shadow
   * ends.
   */
  beginShadow(options: Omit<ShadowOptions, 'peek'>): Shadow {
    this.#shadow?.end()
    this.#shadow = new Shadow({ ...options, peek: this.#peek })
    return this.#shadow
  }

  /** Ends the shadow, if there is one. */
  endShadow(): void {
    this.#shadow?.end()
    this.#shadow = null
  }

  /**
   * Does something before the first beacon from a moment on: a rulebook that rules from midnight decides every beacon
   * from midnight. @param at ms @param act synchronous; null forgets what was asked before
   */
  atTime(at: number, act: (() => void) | null): void {
    this.#due = act === null ? null : { at, act }
  }

  /** Does what is due, where no beacon came. @param now ms */
  lookAt(now: number): void {
    const due = this.#due
    if (due === null || now < due.at) return
    this.#due = null
    due.act()
  }

  /** Takes one beacon and says when it is durable, or why that cannot be promised. */
  accept(beacon: Beacon, facts: RequestFacts, tell: Done): void {
    try {
      const taken = this.take(beacon, facts, tell)
      if (taken !== undefined) taken.catch(tell)
    } catch (error) {
      tell(error)
    }
  }

  /**
   * Anonymises one beacon into the batch that gathers, without waiting for the disk (`import` waits once for many).
   * A promise only where a token must be verified or a key loaded first.
   * @param done asked for in the same turn in which the beacon is in a batch: a turn later another one may gather
   */
  take(beacon: Beacon, facts: RequestFacts, done: Done | null = null): void | Promise<void> {
    const token = this.#tokenOf(beacon, facts)
    if (token instanceof Promise) return token.then((verified) => this.#admit(beacon, facts, verified, done))
    return this.#admit(beacon, facts, token, done)
  }

  /** Regular housekeeping: caches forget, keys of closed epochs are zeroed. */
  tick(now: number): void {
    this.#anonymizer.expire()
    this.#shadow?.expire()
    this.#options.tokens.expire()
    const retired = this.#options.keyring.retire(now, this.rulebook.epochs.latenessMs)
    if (retired.length === 0) return
    this.#anonymizer.clear()
    this.#shadow?.clear()
  }

  /** Forgets every cached raw value and token now: where the clock stands still, nothing would ever be due. */
  forget(): void {
    this.#anonymizer.clear()
    this.#shadow?.clear()
    this.#options.tokens.forget()
  }

  #tokenOf(beacon: Beacon, facts: RequestFacts): VerifiedToken | Promise<VerifiedToken> {
    const time = facts.time ?? this.#options.clock.now()
    // Where nobody signs, whatever calls itself a token says nothing.
    if (this.rulebook.sites[beacon.site]?.identity !== 'signed') return MISSING_TOKEN
    if (facts.claims !== undefined) return readClaims(facts.claims, time)
    if (beacon.token === undefined) return MISSING_TOKEN
    return this.#options.tokens.verify(beacon.token, time)
  }

  #admit(beacon: Beacon, facts: RequestFacts, token: VerifiedToken, done: Done | null): void | Promise<void> {
    const events = beacon.events.length
    // Claims that stand for a token come from a file, not from a page that could flood.
    const limited = token.result.state === 'valid' && facts.claims === undefined
    const { clock, ratePerToken } = this.#options
    const allowance = limited ? takeAllowance(token, events, ratePerToken, clock.now()) : events
    const input: AnonymizerInput = {
      source: facts.source,
      beacon,
      address: facts.address,
      userAgent: facts.userAgent,
      origin: facts.origin,
      gpc: facts.gpc,
      dnt: facts.dnt,
      token: token.replayed === true ? REPLAYED : token.result,
      person: facts.person ?? NO_PERSON,
      time: facts.time,
      allowance,
    }
    return this.#process(input, done, 0)
  }

  #process(input: AnonymizerInput, done: Done | null, loads: number): void | Promise<void> {
    const { clock, commit } = this.#options
    const now = clock.now()
    this.lookAt(now)
    commit.open(now)
    // One that waited before may wait again: it gave up its place only now.
    const mayWait = loads > 0 || this.#waitingForKeys < MAX_WAITING_FOR_KEYS
    const needs = this.#anonymizer.process(input, now, mayWait ? this.#peek : this.#peekOrMiss, commit)
    if (needs !== null) return this.#load(needs, loads).then(() => this.#process(input, done, loads + 1))
    if (done !== null) commit.whenDurable(done)
    if (this.#shadow !== null) this.#shadow.offer(input, now)
  }

  async #load(needs: readonly KeyNeed[], loads: number): Promise<void> {
    if (loads >= MAX_KEY_LOADS) throw new TacitError('ERR_LOG_UNAVAILABLE')
    this.#waitingForKeys += 1
    try {
      await Promise.all(needs.map((need) => this.#options.keyring.load(need.stream, need.epoch, need.scope)))
    } finally {
      this.#waitingForKeys -= 1
    }
  }
}
