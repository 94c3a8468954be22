/**
 * What the page says about consent in a beacon's body: its own word, and the frameworks that it may run. Each can only
 * refuse; a beacon passes by the ERP's token alone.
 */
import type { Beacon, Clock } from '@tacit/contracts'
import { monthsBefore } from '../calendar.js'
import { GenerationCache, MAX_RAW_AGE_MS } from '../generation-cache.js'
import { refusalOfGpp } from './gpp.js'
import type { Refusal } from './refusal.js'
import { refusalOfTcf } from './tcf.js'

export type BodyConsent = Beacon['consent']

const STATES: Readonly<Record<string, Refusal>> = {
  granted: null,
  denied: 'consent.denied',
  unknown: 'consent.unknown',
  withdrawn: 'consent.withdrawn',
  expired: 'consent.expired',
}

/** The reason for which a stated consent refuses; null only for `granted`. */
export function refusalOfState(analytics: string | undefined): Refusal {
  if (analytics === undefined) return 'consent.unknown'
  return Object.hasOwn(STATES, analytics) ? (STATES[analytics] as Refusal) : 'consent.malformed'
}

/**
 * Google Consent Mode: only `analytics_storage` counts. Its "cookieless pings" are not copied: denied means no record at
 * all, not a modelled one.
 */
export function refusalOfConsentMode(google: NonNullable<NonNullable<BodyConsent>['google']>): Refusal {
  const { analytics_storage: storage } = google
  if (storage === undefined) return 'consent.unknown'
  if (storage === 'granted') return null
  return storage === 'denied' ? 'consent.denied' : 'consent.malformed'
}

/** Strings that are remembered: a page sends the same one with each beacon. */
const CACHE_ENTRIES = 2_000

/** Why a body refuses, or null. @param now receipt, ms */
export type BodyConsentReader = (consent: BodyConsent, now: number) => Refusal

/** @param maxAgeMonths calendar months after which a framework's string is stale */
export function createBodyConsentReader(maxAgeMonths: number): BodyConsentReader {
  let at = 0
  const clock: Clock = { now: () => at }
  const cache = new GenerationCache<Refusal | 'none'>({
    maxEntries: CACHE_ENTRIES,
    maxAgeMs: MAX_RAW_AGE_MS,
    clock,
  })

  function remembered(text: string, read: typeof refusalOfTcf, now: number): Refusal {
    // The two kinds cannot be told apart by their text alone.
    const key = `${read.name} ${text}`
    const known = cache.get(key)
    if (known !== undefined) return known === 'none' ? null : known
    const refusal = read(text, now, monthsBefore(now, maxAgeMonths))
    cache.set(key, refusal ?? 'none')
    return refusal
  }

  return (consent, now) => {
    if (consent === undefined) return null
    const { analytics, google, gpp, tcf } = consent
    const own = analytics === undefined ? null : refusalOfState(analytics)
    if (own !== null || (google === undefined && gpp === undefined && tcf === undefined)) return own
    at = now
    return (
      (google === undefined ? null : refusalOfConsentMode(google)) ??
      (tcf === undefined ? null : remembered(tcf, refusalOfTcf, now)) ??
      (gpp === undefined ? null : remembered(gpp, refusalOfGpp, now))
    )
  }
}
