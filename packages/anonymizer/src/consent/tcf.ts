/** IAB Transparency and Consent Framework, TC strings of version 2 (TCF v2.3). */
import { HOUR } from '@tacit/contracts'
import { consentLibrary } from './library.js'
import type { Refusal } from './refusal.js'

/** Store and access information; understand audiences through statistics. Each must be consented to. */
const PURPOSES = [1, 9] as const
/** Strings made after this day must say which vendors were disclosed (TCF v2.3). */
const DISCLOSURE_SINCE = Date.UTC(2026, 2, 1)
/** A segment's first three bits are its type; 1 is "vendors disclosed". */
const DISCLOSED_VENDORS = 1
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function holdsDisclosedVendors(text: string): boolean {
  const segments = text.split('.', 8).slice(1)
  return segments.some((segment) => BASE64URL.indexOf(segment.charAt(0)) >> 3 === DISCLOSED_VENDORS)
}

interface TcCore {
  readonly version: unknown
  readonly created: number
  readonly purposes: readonly unknown[]
}

function decode(text: string): TcCore | null {
  try {
    const section = new (consentLibrary().TcfEuV2)(text)
    const created: unknown = section.getFieldValue('Created')
    const purposes: unknown = section.getFieldValue('PurposeConsents')
    return {
      version: section.getFieldValue('Version'),
      created: created instanceof Date ? created.getTime() : Number.NaN,
      purposes: Array.isArray(purposes) ? purposes : [],
    }
  } catch {
    // The library's messages quote the string: they go no further.
    return null
  }
}

/**
 * Why a TC string refuses analytics, or null where it does not.
 * @param now receipt, ms @param oldest ms; a string made before is stale
 */
export function refusalOfTcf(text: string, now: number, oldest: number): Refusal {
  const core = decode(text)
  if (core === null || core.version !== 2 || Number.isNaN(core.created)) return 'consent.malformed'
  if (core.created >= DISCLOSURE_SINCE && !holdsDisclosedVendors(text)) return 'consent.malformed'
  if (core.created > now + HOUR) return 'consent.future'
  if (core.created < oldest) return 'consent.expired'
  return PURPOSES.every((purpose) => core.purposes[purpose - 1] === true) ? null : 'consent.denied'
}
