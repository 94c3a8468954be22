/** From the text of a body to a beacon, or the problem that it is. Bounded and strict; input is never echoed. */
import { parse as parseJson } from 'secure-json-parse'
import { type Beacon, beacon, LIMITS } from './beacon.js'
import { isPlainBeacon } from './beacon-guard.js'
import type { ProblemCode } from './problems.js'

/** Keys that reach an object's prototype in careless code (privacy.md 2.6). */
const POISONED_KEYS = ['__proto__', 'constructor', 'prototype']

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/

function isPlainText(value: unknown): boolean {
  return typeof value !== 'string' || (value.isWellFormed() && !CONTROL.test(value))
}

/** Only a body with escapes can hold lone surrogates or control characters, so only then each string is looked at. */
function holdsOnlyPlainText(parsed: Beacon): boolean {
  const { google, ...consent } = parsed.consent ?? {}
  const envelope = [
    parsed.site,
    parsed.token,
    parsed.client?.language,
    ...Object.values(consent),
    ...Object.values(google ?? {}),
  ]
  return (
    envelope.every(isPlainText) &&
    parsed.events.every(
      ({ props, ...event }) =>
        Object.values(event).every(isPlainText) &&
        (props === undefined || Object.entries(props).flat().every(isPlainText)),
    )
  )
}

function propsAreSound(parsed: Beacon): boolean {
  for (const { props } of parsed.events) {
    if (props === undefined) continue
    const names = Object.keys(props)
    if (names.length > LIMITS.props) return false
    for (const poisoned of POISONED_KEYS) if (Object.hasOwn(props, poisoned)) return false
  }
  return true
}

const PROTOTYPE_GUARD = { protoAction: 'error', constructorAction: 'error' } as const

/**
 * Parses a body.
 * @param text the decoded body; U+FFFD in it stands for bytes that were not UTF-8
 * @returns the beacon, or the code of the problem
 */
export function parseBeaconText(text: string): Beacon | ProblemCode {
  if (text.includes('\uFFFD') || text.charCodeAt(0) === 0xfeff) return 'ERR_BEACON_ENCODING'
  try {
    const json: unknown = JSON.parse(text)
    // What the guard takes has no key that could poison a prototype; anything else is parsed again, guarded.
    const parsed = isPlainBeacon(json) ? json : parseBySchema(parseJson(text, PROTOTYPE_GUARD))
    return checkText(parsed, text.includes('\\u'))
  } catch {
    // V8's message quotes the body: it goes no further.
    return 'ERR_BEACON_JSON'
  }
}

/** The same for a body that is already a value (`rules try`, NDJSON). */
export function parseBeaconValue(json: unknown, mayHoldEscapes = true): Beacon | ProblemCode {
  return checkText(isPlainBeacon(json) ? json : parseBySchema(json), mayHoldEscapes)
}

function checkText(parsed: Beacon | null, mayHoldEscapes: boolean): Beacon | ProblemCode {
  if (parsed === null) return 'ERR_BEACON_MALFORMED'
  return mayHoldEscapes && !holdsOnlyPlainText(parsed) ? 'ERR_BEACON_ENCODING' : parsed
}

function parseBySchema(json: unknown): Beacon | null {
  const result = beacon.safeParse(json)
  return result.success && propsAreSound(result.data) ? result.data : null
}
