/**
 * The beacon's contract once more, by hand: the zod schema in `beacon.ts` is the contract, this is a guard in front of it
 * that says yes to what the schema would take unchanged, at a tenth of its cost. Where the guard says no, the schema
 * decides; a property test holds the two together (beacon-guard.test.ts).
 */
import { type Beacon, LIMITS } from './beacon.js'

/** Members are read by name and counted, because a look at each key by its text costs several times as much. */
interface Raw {
  readonly v?: unknown
  readonly site?: unknown
  readonly token?: unknown
  readonly consent?: unknown
  readonly client?: unknown
  readonly events?: unknown
  readonly analytics?: unknown
  readonly utc_offset?: unknown
  readonly language?: unknown
  readonly id?: unknown
  readonly name?: unknown
  readonly age?: unknown
  readonly path?: unknown
  readonly from_path?: unknown
  readonly props?: unknown
}

/** From JSON nothing else is an object; `undefined` stands for a member that is not there. */
function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= LIMITS.string
}

function isName(value: unknown): boolean {
  return isText(value) && value !== ''
}

function isProp(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= LIMITS.string
    case 'number':
      return Number.isFinite(value)
    case 'boolean':
      return true
    default:
      return value === null
  }
}

function areProps(value: unknown): boolean {
  if (!isObject(value)) return false
  const props = value as Readonly<Record<string, unknown>>
  let names = 0
  for (const name in props) {
    if (++names > LIMITS.props || name.length > LIMITS.string || !isProp(props[name])) return false
    // These reach an object's prototype in careless code; the schema's caller refuses them.
    if (name === 'constructor' || name === 'prototype' || name === '__proto__') return false
  }
  return true
}

function isAge(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LIMITS.ageMs
}

function isEvent(value: unknown): boolean {
  if (!isObject(value)) return false
  const { age, from_path, id, name, path, props } = value
  if (!isName(id) || !isName(name) || !isAge(age)) return false
  let members = 3
  if (path !== undefined) {
    if (!isText(path)) return false
    members++
  }
  if (from_path !== undefined) {
    if (!isText(from_path)) return false
    members++
  }
  if (props !== undefined) {
    if (!areProps(props)) return false
    members++
  }
  return Object.keys(value).length === members
}

function areEvents(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.events) return false
  for (const event of value) if (!isEvent(event)) return false
  return true
}

function isConsent(value: unknown): boolean {
  return isObject(value) && isText(value.analytics) && Object.keys(value).length === 1
}

function isClient(value: unknown): boolean {
  if (!isObject(value)) return false
  const { language, utc_offset } = value
  let members = 0
  if (utc_offset !== undefined) {
    if (!Number.isFinite(utc_offset)) return false
    members++
  }
  if (language !== undefined) {
    if (!isText(language)) return false
    members++
  }
  return Object.keys(value).length === members
}

/** True only for values that the schema takes as they are; false proves nothing. */
export function isPlainBeacon(value: unknown): value is Beacon {
  if (!isObject(value)) return false
  const { client, consent, events, site, token, v } = value
  if (v !== 1 || !isName(site) || !areEvents(events)) return false
  let members = 3
  if (token !== undefined) {
    if (typeof token !== 'string' || token.length > LIMITS.token) return false
    members++
  }
  if (consent !== undefined) {
    if (!isConsent(consent)) return false
    members++
  }
  if (client !== undefined) {
    if (!isClient(client)) return false
    members++
  }
  return Object.keys(value).length === members
}
