/**
 * One beacon in, records out, without any store: what `rules try` shows. The way is the collector's own; only the key is
 * a throwaway, and the ERP's signature may be replaced by given claims.
 */
import { randomBytes } from 'node:crypto'
import type { TryCase } from '@tacit/access-log'
import {
  type Anonymizer,
  type AnonymizerInput,
  compileAnonymizer,
  compileTrustedProxies,
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
  rfc3339,
  type Stream,
} from '@tacit/contracts'
import { createPseudonymizer, type Pseudonymizer } from '@tacit/keyring'
import { type Rulebook, recordColumns, streamPlans } from '@tacit/rulebook'
import { compileOptions } from './countries.js'
import { headerOf } from './importer.js'

export type TryRecord = Readonly<Record<string, string | number>>

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

/** Verifies a token that a case carries in its body. */
export type VerifyToken = (token: string) => VerifiedToken | Promise<VerifiedToken>

/** Columns of which a record shows the moment as RFC 3339. */
const TIMES: ReadonlySet<string> = new Set(['received', 'hour'])

export class BeaconTrial {
  readonly anonymizer: Anonymizer
  readonly #rulebook: Rulebook
  readonly #clock: Clock
  readonly #verify: VerifyToken
  readonly #clientAddress: ReturnType<typeof compileTrustedProxies>
  readonly #columns: ReadonlyMap<Stream, readonly string[]>
  readonly #keys = new Map<string, Pseudonymizer>()

  constructor(rulebook: Rulebook, clock: Clock, trustedProxies: readonly string[], verify: VerifyToken) {
    this.#rulebook = rulebook
    this.#clock = clock
    this.#verify = verify
    this.#clientAddress = compileTrustedProxies(trustedProxies)
    const agents = createUserAgentReader({ maxEntries: 10_000, maxAgeMs: MAX_RAW_AGE_MS, clock })
    this.anonymizer = compileAnonymizer(rulebook, compileOptions(rulebook, agents, clock))
    this.#columns = new Map(
      streamPlans(rulebook).map(({ dimensions, stream }) => [
        stream,
        [...recordColumns(stream).map(({ name }) => name), ...dimensions],
      ]),
    )
  }

  /** The beacon of a case, or the problem that it is. */
  beaconOf(trial: TryCase): Beacon | ProblemCode {
    const encoding = headerOf(trial.rawHeaders, 'content-encoding')
    if (encoding !== null && encoding.toLowerCase() !== 'identity') return 'ERR_BEACON_CONTENT_ENCODING'
    const type = headerOf(trial.rawHeaders, 'content-type')?.split(';', 1)[0]?.trim().toLowerCase()
    if (type !== undefined && type !== 'application/json' && type !== 'text/plain') return 'ERR_BEACON_TYPE'
    const { body } = trial
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    if (Buffer.byteLength(text) > LIMITS.bodyBytes) return 'ERR_BEACON_TOO_LARGE'
    return typeof body === 'string' ? parseBeaconText(body) : parseBeaconValue(body)
  }

  async run(trial: TryCase): Promise<TryResult> {
    const beacon = this.beaconOf(trial)
    if (typeof beacon === 'string') return { status: PROBLEMS[beacon].status, code: beacon, records: [] }
    return this.#process(await this.inputOf(trial, beacon))
  }

  /** What the anonymiser is given for a case. */
  async inputOf(trial: TryCase, beacon: Beacon): Promise<AnonymizerInput> {
    return {
      source: 'beacon',
      beacon,
      address: this.#clientAddress(trial.ip, trial.rawHeaders),
      userAgent: headerOf(trial.rawHeaders, 'user-agent') ?? '',
      origin: headerOf(trial.rawHeaders, 'origin'),
      ...readSignals(trial.rawHeaders),
      token: (await this.#tokenOf(trial, beacon)).result,
      person: trial.state,
      allowance: beacon.events.length,
    }
  }

  #tokenOf(trial: TryCase, beacon: Beacon): VerifiedToken | Promise<VerifiedToken> {
    if (trial.claims !== null) return readClaims(trial.claims, this.#clock.now())
    return beacon.token === undefined ? MISSING_TOKEN : this.#verify(beacon.token)
  }

  #process(input: AnonymizerInput): TryResult {
    const dropped: Record<string, number> = {}
    const records: TryRecord[] = []
    const detected: Record<string, number> = {}
    let accepted = 0
    let removed = 0
    this.anonymizer.process(input, this.#clock.now(), this.#peek, {
      row: (stream, _epoch, tail) => records.push(this.#record(stream, tail)),
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
    return {
      status: 204,
      decision: accepted > 0 ? 'accepted' : 'dropped',
      ...(reasons[0] === undefined ? {} : { reason: reasons[0], dropped }),
      ...(removed > 0 ? { removed_props: removed } : {}),
      ...(Object.keys(detected).length > 0 ? { detected } : {}),
      records,
    }
  }

  /** A key that is made here, used once and told nobody: pseudonyms of two runs never meet. */
  readonly #peek = (_stream: Stream, epoch: string, scope: object): Pseudonymizer => {
    const name = JSON.stringify([epoch, scope])
    let key = this.#keys.get(name)
    if (key === undefined) {
      if (this.#keys.size > 10_000) this.#keys.clear()
      key = createPseudonymizer(randomBytes(32))
      this.#keys.set(name, key)
    }
    return key
  }

  #record(stream: Stream, tail: string): TryRecord {
    const values = JSON.parse(`[${tail}`) as (string | number)[]
    const record: Record<string, string | number> = { stream }
    for (const [i, name] of (this.#columns.get(stream) ?? []).entries()) {
      const value = values[i] ?? ''
      if (value !== '') record[name] = TIMES.has(name) ? rfc3339(Number(value) * 1000) : value
    }
    return record
  }

  get rulebook(): Rulebook {
    return this.#rulebook
  }
}
