/** NDJSON cases: what `tacit rules try` takes a line at a time, and with a time of receipt `tacit import`. */
import { LIMITS, parseInstant } from '@tacit/contracts'
import { z } from 'zod'

/** Characters. A line may carry a body beyond the beacon's limit, so that the limit itself can be tried; still bounded. */
const MAX_LINE = 64 * LIMITS.bodyBytes
const MAX_HEADERS = 200
const MAX_HEADER = 16_384

const header = z.string().max(MAX_HEADER)

/**
 * One case. `claims` stand for a token that the ERP signed; `state` for what the stores would know; `time` for the moment
 * of receipt. Other keys are notes of whoever wrote the case (`name`, `id`, what they expect), and say nothing.
 */
const tryCase = z.object({
  ip: z.string().max(256),
  /** a list stands for a header that was sent several times */
  headers: z
    .record(z.string().max(256), z.union([header, z.array(header).max(MAX_HEADERS)]))
    .refine((headers) => Object.keys(headers).length <= MAX_HEADERS),
  body: z.union([z.string(), z.looseObject({})]),
  claims: z.record(z.string(), z.unknown()).nullish(),
  // Strict: an objection under a misspelt name must not pass for none.
  state: z
    .strictObject({
      objected: z.boolean().optional(),
      tenant_opted_out: z.boolean().optional(),
      account_closed: z.boolean().optional(),
      withdrawn: z.boolean().optional(),
    })
    .nullish(),
  time: z.string().refine(isInstant).optional(),
})

function isInstant(text: string): boolean {
  return !Number.isNaN(parseInstant(text))
}

export interface TryCase {
  /** length of the line: no part of it is longer */
  readonly characters: number
  /** whether the line writes any character as `\\uXXXX`: only then can it hold a control or half a character */
  readonly holdsEscapes: boolean
  /** whether the line holds U+FFFD as such: bytes that were no UTF-8, which a collector refuses, or what looks like it */
  readonly holdsReplacement: boolean
  /** time of receipt, milliseconds since the Unix epoch; null where the case states none */
  readonly time: number | null
  readonly ip: string
  /** name, value, name, value, … as `node:http` has them */
  readonly rawHeaders: readonly string[]
  /** raw text, or the object that the text would have parsed to */
  readonly body: string | Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly state: {
    readonly objected: boolean
    readonly tenant_opted_out: boolean
    readonly account_closed: boolean
    readonly withdrawn: boolean
  }
}

export interface BeaconLine extends TryCase {
  readonly time: number
}

/** Reads a case of `rules try`; null where the line is not one. */
export function parseTryCase(text: string): TryCase | null {
  const value = parseJson(text)
  if (isPlainCase(value)) return caseOf(value, value, text)
  const parsed = tryCase.safeParse(value)
  return parsed.success ? caseOf(parsed.data, value, text) : null
}

/**
 * Says yes to what the schema would take unchanged, at a tenth of its cost: the usual case. Where it says no, the
 * schema decides; a property test holds the two together (beacon-line.test.ts).
 */
function isPlainCase(value: unknown): value is z.infer<typeof tryCase> {
  if (!isObject(value)) return false
  const { body, claims, headers, ip, state, time } = value
  if (typeof ip !== 'string' || ip.length > 256 || state !== undefined) return false
  if (!isObject(headers) || !(typeof body === 'string' || isObject(body))) return false
  if (claims !== undefined && !isObject(claims)) return false
  if (time !== undefined && !(typeof time === 'string' && isInstant(time))) return false
  let count = 0
  for (const name in headers) {
    const text = headers[name]
    if (++count > MAX_HEADERS || name.length > 256) return false
    if (typeof text !== 'string' || text.length > MAX_HEADER) return false
  }
  return true
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads a case with its time of receipt; null where the line is not one. */
export function parseBeaconLine(text: string): BeaconLine | null {
  const line = parseTryCase(text)
  return line === null || line.time === null ? null : { ...line, time: line.time }
}

/** V8's message quotes the text, so the error stays here. */
function parseJson(text: string): unknown {
  if (text.length > MAX_LINE) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** @param raw the value before validation: zod copies objects, and the body is to be judged as it came */
function caseOf(data: z.infer<typeof tryCase>, raw: unknown, line: string): TryCase {
  const { body } = raw as { body: TryCase['body'] }
  const rawHeaders: string[] = []
  for (const [name, value] of Object.entries(data.headers)) {
    if (typeof value === 'string') rawHeaders.push(name, fieldValue(value))
    else for (const one of value) rawHeaders.push(name, fieldValue(one))
  }
  return {
    characters: line.length,
    holdsEscapes: line.includes('\\u'),
    holdsReplacement: line.includes('\uFFFD'),
    time: data.time === undefined ? null : parseInstant(data.time),
    ip: data.ip,
    rawHeaders,
    body,
    claims: data.claims ?? null,
    state:
      data.state === undefined || data.state === null
        ? NO_STATE
        : {
            objected: data.state.objected ?? false,
            tenant_opted_out: data.state.tenant_opted_out ?? false,
            account_closed: data.state.account_closed ?? false,
            withdrawn: data.state.withdrawn ?? false,
          },
  }
}

/** Space and tab. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09])

/**
 * A header's value as `node:http` hands it on: without the blanks around it, which are no part of it (RFC 9110, 5.5), so
 * that a case is judged as its request would be.
 */
function fieldValue(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && BLANKS.has(text.charCodeAt(start))) start++
  while (end > start && BLANKS.has(text.charCodeAt(end - 1))) end--
  return end - start === text.length ? text : text.slice(start, end)
}

const NO_STATE: TryCase['state'] = {
  objected: false,
  tenant_opted_out: false,
  account_closed: false,
  withdrawn: false,
}
