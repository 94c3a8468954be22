/**
 * What goes over the wire between the keeper and those who ask it: HTTP/1.1, a POST of a small JSON object for each call.
 * Keys come back as 32 bytes of `application/octet-stream`, with their state in a header, so that they never become text.
 */
import { LIMITS, PROBLEMS, type ProblemCode, STREAMS } from '@tacit/contracts'
import { z } from 'zod'

/** The keeper's term, in every answer; in a request, the highest that its sender saw: `3`, or with its proof `3 Zm9v…`. */
export const TERM_HEADER = 'tacit-keeper-term'
/** Of a key: `open` (200, its bytes follow), or why there is none (204). */
export const KEY_STATE_HEADER = 'tacit-key-state'
/** Most bytes of a log's file in one answer. */
export const MAX_READ_BYTES = 1_048_576
const MAX_EVENTS = 1_000
const MAX_EVENT_BYTES = 65_536
const MAX_EVENT_DEPTH = 4

export const PATHS = {
  pseudonymKey: '/v1/pseudonym-key',
  batchKey: '/v1/batch-key',
  makeBatchKey: '/v1/batch-key/make',
  destroyLogKey: '/v1/log-key/destroy',
  epochs: '/v1/epochs',
  reconciled: '/v1/reconciled',
  obey: '/v1/obey',
  keys: '/v1/keys',
  record: '/v1/audit/record',
  sign: '/v1/audit/sign',
  head: '/v1/audit/head',
  publicKey: '/v1/audit/public-key',
  read: '/v1/audit/read',
  replica: '/v1/replica',
} as const

/** Half a surrogate pair would become U+FFFD, and two names one. */
const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed())
const stream = z.enum(STREAMS)
const epoch = z.string().regex(/^(day|week|month):\d{4}-\d{2}(-\d{2})?$/)
const hour = z.int().min(0)
const duration = z.int().min(0)

const scope = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('tenant'), tenant: text(LIMITS.string) }),
  z.strictObject({ of: z.literal('site'), site: text(LIMITS.string) }),
  z.strictObject({ of: z.literal('tenants') }),
])

/** Objects and lists within a value, itself included. */
function depthOf(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (most === 0) return 1
  return 1 + Math.max(0, ...Object.values(value).map((part) => depthOf(part, most - 1)))
}

const event = z
  .strictObject({
    actor: text(128),
    action: text(128),
    object: z.record(z.string().max(128), z.unknown()),
    rulebook: text(128).nullable(),
  })
  .refine(({ object }) => depthOf(object, MAX_EVENT_DEPTH) <= MAX_EVENT_DEPTH)
  .refine((whole) => Buffer.byteLength(JSON.stringify(whole)) <= MAX_EVENT_BYTES)

export const REQUESTS = {
  nothing: z.strictObject({}),
  pseudonymKey: z.strictObject({ purpose: text(128), stream, epoch, scope }),
  batchKey: z.strictObject({ hour, producer: z.string().regex(/^[0-9a-f]{16}$/) }),
  destroyLogKey: z.strictObject({ hour, reconciled: z.boolean() }),
  epochs: z.strictObject({ stream }),
  reconciled: z.strictObject({
    stream: z.enum([...STREAMS, 'hour']),
    epoch: z.union([epoch, z.string().regex(/^hour:\d{4}-\d{2}-\d{2}T\d{2}$/)]),
    holds: z.boolean(),
  }),
  obey: z.strictObject({ latenessMs: duration, destroyKeyAfterMs: duration, logKeyLifeMs: duration }),
  record: z.strictObject({ events: z.array(event).max(MAX_EVENTS) }),
  read: z.strictObject({
    file: z.enum(['entries', 'heads']),
    offset: z.int().min(0),
    max: z.int().min(1).max(MAX_READ_BYTES),
  }),
}

const time = z.string()
const head = z.looseObject({
  v: z.literal(1),
  log: z.string(),
  size: z.int(),
  root: z.string(),
  time,
  signature: z.string(),
})

export const ANSWERS = {
  epochs: z.array(z.strictObject({ label: z.string(), state: z.enum(['open', 'closed', 'destroyed']) })),
  keys: z.array(
    z.object({
      id: z.string(),
      stream: z.enum([...STREAMS, 'hour', 'tenant', 'site']),
      epoch: z.string().nullable(),
      created: time,
      destroyed: time.nullable(),
      state: z.enum(['open', 'closed', 'destroyed']),
      handedTo: z.array(z.string()),
      entries: z.object({ created: z.int(), destroyed: z.int().nullable() }),
      reconciled: z.boolean().nullable(),
    }),
  ),
  signed: head,
  head: head.nullable(),
  publicKey: z.strictObject({ publicKey: z.string() }),
}

const problem = z.object({ code: z.string() })

/** The code of a problem's body; null where it is none that this version knows. */
export function problemCodeOf(body: Buffer): ProblemCode | null {
  try {
    const { code } = problem.parse(JSON.parse(body.toString()))
    return Object.hasOwn(PROBLEMS, code) ? (code as ProblemCode) : null
  } catch {
    return null
  }
}

export interface Term {
  /** takeovers so far */
  readonly count: number
  /** that a keeper came to it (standby/term-proof.ts), 64 bytes in base64url; null where its sender has none */
  readonly proof: string | null
}

/** That of who has not heard of any. */
export const NO_TERM: Term = { count: 0, proof: null }

export function termText({ count, proof }: Term): string {
  return proof === null ? String(count) : `${String(count)} ${proof}`
}

/** The term that a header states; null where it states none, undefined where it is not of that form. */
export function termOf(header: string | string[] | undefined): Term | null | undefined {
  if (header === undefined) return null
  const match = typeof header === 'string' ? /^(\d{1,15})(?: ([\w-]{86}))?$/.exec(header) : null
  return match === null ? undefined : { count: Number(match[1]), proof: match[2] ?? null }
}
