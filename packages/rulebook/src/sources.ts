/** Where a field's value comes from, and what may be done to it there: one list for linter, compiler and explanation. */
import type { FieldRule } from './types.js'

type Transform = FieldRule['do']

/** `request`: the connection and its headers; `token`: signed by the ERP; `page`: what the page sends of itself. */
export type FieldOrigin = 'request' | 'token' | 'page' | 'event'

export interface FieldSource {
  readonly from: FieldOrigin
  /** transforms that are known to be safe for it */
  readonly transforms: readonly Transform[]
}

/** What the envelope, the headers and the token carry, by field; any other name is a prop of an event. */
export const FIELD_SOURCES: Readonly<Record<string, FieldSource>> = {
  client_ip: { from: 'request', transforms: ['truncate', 'drop'] },
  user_agent: { from: 'request', transforms: ['generalise', 'drop'] },
  timestamp: { from: 'request', transforms: ['coarsen'] },
  user_id: { from: 'token', transforms: ['pseudonym', 'drop'] },
  tenant_id: { from: 'token', transforms: ['pseudonym', 'drop'] },
  role: { from: 'token', transforms: ['allow', 'drop'] },
  cohort: { from: 'token', transforms: ['allow', 'drop'] },
  utc_offset: { from: 'page', transforms: ['allow', 'drop'] },
  language: { from: 'page', transforms: ['allow', 'drop'] },
  event_name: { from: 'event', transforms: ['allow'] },
  path: { from: 'event', transforms: ['template', 'drop'] },
  from_path: { from: 'event', transforms: ['template', 'drop'] },
}

/** `device_model` is a prop with families of its own. */
const PROP: FieldSource = { from: 'event', transforms: ['allow', 'bucket', 'drop'] }
const DEVICE_MODEL: FieldSource = { from: 'event', transforms: ['generalise', 'allow', 'drop'] }

/** Where a field comes from. */
export function sourceOf(field: string): FieldSource {
  if (field === 'device_model') return DEVICE_MODEL
  return (Object.hasOwn(FIELD_SOURCES, field) ? FIELD_SOURCES[field] : undefined) ?? PROP
}

/** Whether a field is a prop of an event: its name is free. */
export function isProp(field: string): boolean {
  return !Object.hasOwn(FIELD_SOURCES, field)
}

/** The bits of an address that tell devices apart on a network site, and those of its network, which `min_networks` counts. */
export const IDENTITY_BITS = {
  address: { ipv4: 32, ipv6: 64 },
  network: { ipv4: 24, ipv6: 48 },
} as const
