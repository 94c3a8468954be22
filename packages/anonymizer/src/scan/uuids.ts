/**
 * UUIDs (RFC 9562): 8-4-4-4-12 hexadecimal digits, with nothing of a word before or behind. No identifier can be hidden in
 * a real one, but in 2 of 100 some stretch looks like a passport or a mobile number. One without a letter is none: a real
 * one is so once in a million times, and a row of numbers always.
 */
const LENGTH = 36
const UUID =
  /(?<![0-9a-z])(?=[0-9-]{0,35}[a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])/gi

/** What stands in a UUID's place: it joins nothing, and is no part of a token. */
const PLACE = '|'

/** The text without its UUIDs. Linear: what is looked for has one length. */
export function withoutUuids(text: string): string {
  return text.length >= LENGTH && text.includes('-') ? text.replace(UUID, PLACE) : text
}
