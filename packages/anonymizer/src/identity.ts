/**
 * Who a beacon's person is within the epochs of its events: the quoted identity columns of a record, under the keys of
 * that very (stream, epoch, scope). A stream's pseudonym is its own; no record holds those of two (INV-11).
 *
 * Invariants
 * - Columns are remembered by key, so that they die with it; a signed person's with the claims of their token.
 * - Raw addresses and user agents live in a bounded cache for at most 15 minutes.
 */
import { type Clock, DAY, epochOf, type Stream, type TokenClaims, utcDay } from '@tacit/contracts'
import type { KeyScope, Pseudonymizer } from '@tacit/keyring'
import { GenerationCache, MAX_RAW_AGE_MS } from './generation-cache.js'
import { type Address, identityAddress, identityNetwork } from './ip.js'

/** Devices of one (epoch, site) whose pseudonyms are remembered. */
const DEVICE_CACHE_ENTRIES = 50_000
/** Days that beacons of one minute can name: two, or three around a change of the clock. */
const MAX_DAYS = 64
const TENANTS: KeyScope = { of: 'tenants' }

/** Keys on the hot path: `undefined` means that it must be loaded first. */
export type PeekKey = (
  stream: Stream,
  epoch: string,
  scope: KeyScope,
) => Pseudonymizer | 'late' | 'missing' | undefined

export interface KeyNeed {
  readonly stream: Stream
  readonly epoch: string
  readonly scope: KeyScope
}

/** An epoch, as labels and columns want it. */
export interface EpochColumn {
  readonly label: string
  /** JSON of its first UTC day */
  readonly quoted: string
}

/** One UTC day and the epochs that hold it. */
export interface CalendarDay {
  readonly index: number
  /** ms */
  readonly end: number
  readonly epochs: Readonly<Record<Stream, EpochColumn>>
}

function epochColumn(stream: Stream, time: number): EpochColumn {
  const { label, start } = epochOf(stream, time)
  return { label, quoted: JSON.stringify(utcDay(start)) }
}

/** Days by their number, each made once. */
export class Calendar {
  readonly #days = new Map<number, CalendarDay>()

  /** The day that holds `time` (ms). */
  of(time: number): CalendarDay {
    const index = Math.floor(time / DAY)
    let day = this.#days.get(index)
    if (day === undefined) {
      if (this.#days.size > MAX_DAYS) this.#days.clear()
      const at = index * DAY
      day = {
        index,
        end: at + DAY,
        epochs: {
          day: epochColumn('day', at),
          week: epochColumn('week', at),
          month: epochColumn('month', at),
        },
      }
      this.#days.set(index, day)
    }
    return day
  }
}

/** Whom the keys of a beacon are asked for. */
export type Subject =
  | { readonly identity: 'signed'; readonly claims: TokenClaims; readonly scope: KeyScope }
  | {
      readonly identity: 'network'
      readonly address: Address
      readonly userAgent: string
      readonly scope: KeyScope
    }

/** A person within one epoch: their key, and `"standing","tenant","person","network"`. */
export interface Identity {
  readonly state: 'known'
  readonly own: Pseudonymizer
  readonly columns: string
}

/** A person within one epoch, or why there is nobody, or which keys must be loaded first. */
export type Resolved =
  | Identity
  | { readonly state: 'refused'; readonly reason: 'late' | 'key_missing' }
  | { readonly state: 'needed'; readonly needs: readonly KeyNeed[] }

const LATE = { state: 'refused', reason: 'late' } as const
const KEY_MISSING = { state: 'refused', reason: 'key_missing' } as const

export class Identities {
  readonly #clock: Clock
  /** identity columns of devices by key */
  #devices = new Map<Pseudonymizer, GenerationCache<string>>()
  /** identity columns of signed people by their claims, per key */
  #people = new WeakMap<Pseudonymizer, WeakMap<TokenClaims, string>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  resolve(subject: Subject, stream: Stream, epoch: string, peek: PeekKey): Resolved {
    const { scope } = subject
    const own = peek(stream, epoch, scope)
    if (subject.identity === 'network') {
      if (own === undefined) return { state: 'needed', needs: [{ stream, epoch, scope }] }
      if (own === 'late') return LATE
      if (own === 'missing') return KEY_MISSING
      return {
        state: 'known',
        own,
        columns: this.#networkColumns(subject.address, subject.userAgent, own),
      }
    }
    const tenants = peek(stream, epoch, TENANTS)
    if (own === undefined || tenants === undefined) {
      const wanted = [...(own === undefined ? [scope] : []), ...(tenants === undefined ? [TENANTS] : [])]
      return { state: 'needed', needs: wanted.map((missing) => ({ stream, epoch, scope: missing })) }
    }
    if (own === 'late' || tenants === 'late') return LATE
    if (own === 'missing' || tenants === 'missing') return KEY_MISSING
    return { state: 'known', own, columns: this.#signedColumns(subject.claims, own, tenants) }
  }

  #signedColumns(claims: TokenClaims, own: Pseudonymizer, tenants: Pseudonymizer): string {
    let known = this.#people.get(own)
    if (known === undefined) {
      known = new WeakMap()
      this.#people.set(own, known)
    }
    let columns = known.get(claims)
    if (columns === undefined) {
      const tenant = tenants.pseudonym('tenant', claims.tenant)
      columns = `"${claims.standing}","${tenant}","${own.pseudonym('uid', claims.sub)}",""`
      known.set(claims, columns)
    }
    return columns
  }

  #networkColumns(address: Address, userAgent: string, key: Pseudonymizer): string {
    let cache = this.#devices.get(key)
    if (cache === undefined) {
      const clock = this.#clock
      cache = new GenerationCache({ maxEntries: DEVICE_CACHE_ENTRIES, maxAgeMs: MAX_RAW_AGE_MS, clock })
      this.#devices.set(key, cache)
    }
    const identity = identityAddress(address)
    // An address holds no line feed, so the first one divides the two without doubt.
    const id = `${identity}\n${userAgent}`
    let columns = cache.get(id)
    if (columns === undefined) {
      const person = key.pseudonym('net', identity, userAgent)
      columns = `"","","${person}","${key.pseudonym('network', identityNetwork(address))}"`
      cache.set(id, columns)
    }
    return columns
  }

  /** Forgets cached raw values that are due. */
  expire(): void {
    for (const [key, cache] of this.#devices) {
      cache.expire()
      if (cache.size === 0) this.#devices.delete(key)
    }
  }

  /** Forgets everything: an epoch's key died. */
  clear(): void {
    this.#devices = new Map()
    this.#people = new WeakMap()
  }
}
