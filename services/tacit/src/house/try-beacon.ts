/**
 * One beacon in, records out, without any store: what `rules try` shows. The way is the collector's own; only the key is
 * a throwaway, and the ERP's signature may be replaced by given claims.
 */
import { randomBytes } from 'node:crypto'
import type { TryCase } from '@tacit/access-log'
import {
  type Anonymizer,
  type AnonymizerInput,
  type ClientAddressReader,
  compileAnonymizer,
  createUserAgentReader,
  MAX_RAW_AGE_MS,
  readSignals,
} from '@tacit/anonymizer'
import { MISSING_TOKEN, readClaims, type VerifiedToken } from '@tacit/collector'
import {
  type Beacon,
  type Clock,
  LIMITS,
  PROBLEMS,
  type ProblemCode,
  parseBeaconText,
  parseBeaconValue,
  type Reason,
  type Stream,
} from '@tacit/contracts'
import { createPseudonymizer, type KeyScope, type Pseudonymizer } from '@tacit/keyring'
import type { Rulebook } from '@tacit/rulebook'
import { compileOptions } from './countries.js'
import { headerOf } from './log-items.js'
import { RecordTexts } from './record-text.js'
import { type EventOutcome, EventSink, type TryRecord } from './try-events.js'

export interface TryResult {
  readonly status: number
  readonly code?: string
  readonly decision?: 'accepted' | 'dropped'
  readonly reason?: string
  readonly dropped?: Readonly<Record<string, number>>
  readonly removed_props?: number
  /** events that a detector dropped, by `detector field` */
  readonly detected?: Readonly<Record<string, number>>
  readonly records: readonly TryRecord[]
}

/** Verifies a token that a case carries in its body. @param at ms @param isOwnTime whether the case states its time */
export type VerifyToken = (
  token: string,
  at: number,
  isOwnTime: boolean,
) => VerifiedToken | Promise<VerifiedToken>

/** A refusal before any rule acts. */
export function problemText(code: ProblemCode): string {
  return `{"status":${String(PROBLEMS[code].status)},"code":"${code}","records":[]}`
}

/** A case's beacon on its way, and what became of each of its events, in order. */
export interface Followed {
  readonly input: AnonymizerInput
  readonly outcomes: readonly EventOutcome[]
}

/**
 * Whether the body of a case could not have come as UTF-8, or holds the mark of bytes that were none: a collector refuses
 * both. Only a line with the mark, or with escapes, can be such a one.
 */
function isNoUtf8({ body, holdsEscapes, holdsReplacement }: TryCase): boolean {
  if (typeof body === 'string') return holdsEscapes && !body.isWellFormed()
  return holdsReplacement && JSON.stringify(body).includes('\uFFFD')
}

/** Bytes that a character of a line can become in the body's own JSON: UTF-8, and numbers written out. */
const MAX_GROWTH = 8
const MAX_EPOCHS = 100
const MAX_KEYS = 10_000

export class BeaconTrial {
  readonly anonymizer: Anonymizer
  readonly #rulebook: Rulebook
  readonly #clock: Clock
  readonly #verify: VerifyToken
  readonly #clientAddress: ClientAddressReader
  readonly #records: RecordTexts
  /** by epoch and kind of scope, then by name */
  readonly #keys = new Map<string, Map<string, Pseudonymizer>>()

  constructor(rulebook: Rulebook, clock: Clock, clientAddress: ClientAddressReader, verify: VerifyToken) {
    this.#rulebook = rulebook
    this.#clock = clock
    this.#verify = verify
    this.#clientAddress = clientAddress
    const agents = createUserAgentReader({ maxEntries: 10_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
    this.anonymizer = compileAnonymizer(rulebook, compileOptions(rulebook, agents, clock))
    this.#records = new RecordTexts(rulebook)
  }

  /** The beacon of a case, or the problem that it is. */
  beaconOf(trial: TryCase): Beacon | ProblemCode {
    const encoding = headerOf(trial.rawHeaders, 'content-encoding')
    if (encoding !== null && encoding.toLowerCase() !== 'identity') return 'ERR_BEACON_CONTENT_ENCODING'
    const type = headerOf(trial.rawHeaders, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
    if (type !== undefined && type !== 'application/json' && type !== 'text/plain') return 'ERR_BEACON_TYPE'
    const { body } = trial
    if (isNoUtf8(trial)) return 'ERR_BEACON_ENCODING'
    if (trial.characters * MAX_GROWTH > LIMITS.bodyBytes) {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      if (Buffer.byteLength(text) > LIMITS.bodyBytes) return 'ERR_BEACON_TOO_LARGE'
    }
    return typeof body === 'string' ? parseBeaconText(body) : parseBeaconValue(body, trial.holdsEscapes)
  }

  /** What a case came to. */
  async run(trial: TryCase): Promise<TryResult> {
    return JSON.parse(await this.runText(trial)) as TryResult
  }

  /** {@link TryResult} as JSON; a promise only where a token must be verified. */
  runText(trial: TryCase): string | Promise<string> {
    const beacon = this.beaconOf(trial)
    if (typeof beacon === 'string') return problemText(beacon)
    const token = this.#tokenOf(trial, beacon)
    if (token instanceof Promise) {
      return token.then((verified) => this.#process(this.#input(trial, beacon, verified), this.timeOf(trial)))
    }
    return this.#process(this.#input(trial, beacon, token), this.timeOf(trial))
  }

  /** When a case is received, ms: at its own time, else at the clock's. */
  timeOf(trial: TryCase): number {
    return trial.time ?? this.#clock.now()
  }

  /** What becomes of each event of a case, under the keys of {@link run}. */
  async follow(trial: TryCase, beacon: Beacon): Promise<Followed> {
    const input = this.#input(trial, beacon, await this.#tokenOf(trial, beacon))
    const sink = new EventSink((stream, tail) => this.#records.text(stream, tail))
    this.anonymizer.process(input, this.timeOf(trial), this.#peek, sink)
    return { input, outcomes: sink.outcomes }
  }

  #input(trial: TryCase, beacon: Beacon, token: VerifiedToken): AnonymizerInput {
    return {
      source: 'beacon',
      beacon,
      address: this.#clientAddress(trial.ip, trial.rawHeaders),
      userAgent: headerOf(trial.rawHeaders, 'user-agent') ?? '',
      origin: headerOf(trial.rawHeaders, 'origin'),
      ...readSignals(trial.rawHeaders),
      token: token.result,
      person: trial.state,
      allowance: beacon.events.length,
    }
  }

  #tokenOf(trial: TryCase, beacon: Beacon): VerifiedToken | Promise<VerifiedToken> {
    // Where nobody signs, whatever calls itself a token says nothing.
    if (this.#rulebook.sites[beacon.site]?.identity !== 'signed') return MISSING_TOKEN
    if (trial.claims !== null) return readClaims(trial.claims, this.timeOf(trial))
    if (beacon.token === undefined) return MISSING_TOKEN
    return this.#verify(beacon.token, this.timeOf(trial), trial.time !== null)
  }

  #process(input: AnonymizerInput, at: number): string {
    const dropped: Record<string, number> = {}
    const detected: Record<string, number> = {}
    const records: string[] = []
    let accepted = 0
    let removed = 0
    this.anonymizer.process(input, at, this.#peek, {
      row: (stream, _epoch, tail) => records.push(this.#records.text(stream, tail)),
      accepted: () => accepted++,
      dropped: (_hour, reason: Reason) => {
        dropped[reason] = (dropped[reason] ?? 0) + 1
      },
      removedProps: (count) => {
        removed += count
      },
      detected: (detector, field) => {
        detected[`${detector} ${field}`] = (detected[`${detector} ${field}`] ?? 0) + 1
      },
    })
    const reasons = Object.keys(dropped)
    let text = `{"status":204,"decision":"${accepted > 0 ? 'accepted' : 'dropped'}"`
    if (reasons[0] !== undefined) text += `,"reason":"${reasons[0]}","dropped":${JSON.stringify(dropped)}`
    if (removed > 0) text += `,"removed_props":${String(removed)}`
    if (Object.keys(detected).length > 0) text += `,"detected":${JSON.stringify(detected)}`
    return `${text},"records":[${records.join(',')}]}`
  }

  /** A key that is made here, used once and told nobody: pseudonyms of two runs never meet. */
  readonly #peek = (_stream: Stream, epoch: string, scope: KeyScope): Pseudonymizer => {
    const name = scope.of === 'tenant' ? scope.tenant : scope.of === 'site' ? scope.site : ''
    let keys = this.#keys.get(`${epoch} ${scope.of}`)
    if (keys === undefined) {
      if (this.#keys.size > MAX_EPOCHS) this.#keys.clear()
      keys = new Map()
      this.#keys.set(`${epoch} ${scope.of}`, keys)
    }
    let key = keys.get(name)
    if (key === undefined) {
      if (keys.size > MAX_KEYS) keys.clear()
      key = createPseudonymizer(randomBytes(32))
      keys.set(name, key)
    }
    return key
  }

  get rulebook(): Rulebook {
    return this.#rulebook
  }
}
