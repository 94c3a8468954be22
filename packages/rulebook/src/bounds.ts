/** Bounds that carry a privacy meaning: the linter holds values against them, messages and the reference say them. */
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import { z } from 'zod'
import { GIB, MIB, sizeText } from './durations.js'

/** Milliseconds, calendar months or days, as the language writes each. */
export const TIME_BOUNDS = {
  lateness: { least: MINUTE, most: DAY },
  keyLife: { most: 72 * HOUR },
  staging: { most: 72 * HOUR },
  log: { least: HOUR, most: 24 * HOUR },
  released: { least: 1, most: 25 },
  audit: { least: 365, most: 1100 },
  consent: { least: 1, most: 13 },
  /** months from `effective` to `expires` */
  life: { most: 13 },
  coarsening: { least: 15 * MINUTE, most: DAY },
} as const

/**
 * Bytes of sealed batches that may wait on a collector's disk. At least a few batches must fit; at most 64 GiB, so that
 * no rulebook lets an outage fill a disk. What a rulebook has that does not state it: `unstated`.
 */
export const SPOOL_BYTES = { least: 16 * MIB, most: 64 * GIB, unstated: GIB } as const

/** Sources: design.md, "Disclosure"; the handbook on statistical disclosure control. */
export const RELEASE_BOUNDS = { users: 5, groups: 2, share: 0.75, rows: 10_000 } as const

/**
 * A delta of noise is the chance that its promise does not hold for somebody: far below one in the people there are. An
 * epsilon of a day above `epsilon` promises nothing that anybody would notice. Sources: privacy.md 3; NIST SP 800-226.
 */
export const NOISE_BOUNDS = { delta: 1e-5, epsilon: 10 } as const

/** Bits kept of an address at most: an office often owns its /24, and a /48 can be one customer (RFC 6177). */
export const ADDRESS_BITS = { ipv4: 24, ipv6: 48 } as const

/** Of a thousand people a row of log2(1000 / 10) = 6.6 bits singles out fewer than ten: privacy.md 2.7. */
export const MAX_ROW_BITS = 6

const TIME = 'hours or minutes'
const hours = (ms: number): string => `${ms / HOUR}h`
const minutes = (ms: number): string => `${ms / MINUTE}m`
const percent = (share: number): string => `${share * 100}%`

/** The same in words, as they follow "must be written like `1h`:". */
export const BOUND_TEXTS = {
  lateness: `${TIME}, from ${minutes(TIME_BOUNDS.lateness.least)} to ${hours(TIME_BOUNDS.lateness.most)}`,
  keyLife: `${TIME}, more than \`lateness\` and at most ${hours(TIME_BOUNDS.keyLife.most)}`,
  staging: `${TIME} after the epoch, at least \`destroy_key_after\` and at most epoch + ${hours(TIME_BOUNDS.staging.most)}`,
  log: `${TIME}, from ${hours(TIME_BOUNDS.log.least)} to ${hours(TIME_BOUNDS.log.most)}`,
  spool: `MiB or GiB, from ${sizeText(SPOOL_BYTES.least)} to ${sizeText(SPOOL_BYTES.most)}`,
  released: `from ${TIME_BOUNDS.released.least} to ${TIME_BOUNDS.released.most} months`,
  audit: `from ${TIME_BOUNDS.audit.least} to ${TIME_BOUNDS.audit.most} days`,
  consent: `from ${TIME_BOUNDS.consent.least} to ${TIME_BOUNDS.consent.most} months`,
  expires: `a day after \`effective\`, at most ${TIME_BOUNDS.life.most} months after it`,
  notice: 'a day on or before `effective`, 30 days before it where the change loosens the rules',
  coarsening: `${TIME}, from ${minutes(TIME_BOUNDS.coarsening.least)} to ${hours(TIME_BOUNDS.coarsening.most)}, a step that divides the day`,
  users: `${RELEASE_BOUNDS.users} or more`,
  groups: `${RELEASE_BOUNDS.groups} or more`,
  share: `at most ${percent(RELEASE_BOUNDS.share)}`,
  personShare: `at most ${percent(RELEASE_BOUNDS.share)} where a signed site is declared`,
  rows: `from 1 to ${RELEASE_BOUNDS.rows}`,
  step: '`min_users` or more',
  epsilon: 'more than 0',
  rho: 'more than 0',
  delta: `more than 0 and at most ${NOISE_BOUNDS.delta}`,
  noiseCap: 'at least what one day costs',
  ipv4: `from 1 to ${ADDRESS_BITS.ipv4}`,
  ipv6: `from 1 to ${ADDRESS_BITS.ipv6}`,
  rowBits: `at most ${MAX_ROW_BITS}`,
} as const

/** What is allowed of a value beyond its form, in words: for messages, the reference and editors. */
export const allowed = z.registry<{ readonly text: string }>()

/** The same of a schema that may be optional; null where only its form is bound. */
export function boundsOf(schema: z.core.$ZodType): string | null {
  if (schema instanceof z.ZodOptional) return boundsOf(schema.def.innerType)
  return allowed.get(schema)?.text ?? null
}
