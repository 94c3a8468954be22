/** NDJSON cases: what `tacit rules try` takes a line at a time, and with a time of receipt `tacit import`. */
import { LIMITS } from '@tacit/contracts'
import { z } from 'zod'

/** A line may carry a body beyond the beacon's limit, so that the limit itself can be tried; still bounded. */
const MAX_LINE = 16 * LIMITS.bodyBytes
const MAX_HEADERS = 200
const MAX_HEADER = 16_384

const header = z.string().max(MAX_HEADER)

/** One case. `claims` stand for a token that the ERP signed; `state` for what the stores would know. */
const tryCase = z.strictObject({
  ip: z.string().max(256),
  /** a list stands for a header that was sent several times */
  headers: z
    .record(z.string().max(256), z.union([header, z.array(header).max(MAX_HEADERS)]))
    .refine((headers) => Object.keys(headers).length <= MAX_HEADERS),
  body: z.union([z.string(), z.looseObject({})]),
  claims: z.record(z.string(), z.unknown()).optional(),
  state: z
    .strictObject({
      objected: z.boolean().optional(),
      tenant_opted_out: z.boolean().optional(),
      account_closed: z.boolean().optional(),
      withdrawn: z.boolean().optional(),
    })
    .optional(),
})

const beaconLine = tryCase.extend({ time: z.iso.datetime({ offset: true }) })

export interface TryCase {
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
  /** time of receipt, milliseconds since the Unix epoch */
  readonly time: number
}

/** Reads a case of `rules try`; null where the line is not one. */
export function parseTryCase(text: string): TryCase | null {
  const value = parseJson(text)
  const parsed = tryCase.safeParse(value)
  return parsed.success ? caseOf(parsed.data, value) : null
}

/** Reads a case with its time of receipt; null where the line is not one. */
export function parseBeaconLine(text: string): BeaconLine | null {
  const value = parseJson(text)
  const parsed = beaconLine.safeParse(value)
  if (!parsed.success) return null
  const time = Date.parse(parsed.data.time)
  return Number.isNaN(time) ? null : { ...caseOf(parsed.data, value), time }
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
function caseOf(data: z.infer<typeof tryCase>, raw: unknown): TryCase {
  const { body } = raw as { body: TryCase['body'] }
  return {
    ip: data.ip,
    rawHeaders: Object.entries(data.headers).flatMap(([name, value]) =>
      [value].flat().flatMap((line) => [name, line]),
    ),
    body,
    claims: data.claims ?? null,
    state: {
      objected: data.state?.objected ?? false,
      tenant_opted_out: data.state?.tenant_opted_out ?? false,
      account_closed: data.state?.account_closed ?? false,
      withdrawn: data.state?.withdrawn ?? false,
    },
  }
}
