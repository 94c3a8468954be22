/**
 * What can go wrong with a request, as the caller has to act on it. ClickHouse's messages quote the data they choke on:
 * only its error number leaves this file.
 */
import { ClickHouseError } from '@clickhouse/client'
import { type ProblemCode, TacitError } from '@tacit/contracts'

/**
 * `data`: the rows can never be taken; sending them again changes nothing.
 * `refused`: certainly not executed (no connection, no access, no such table); it may be sent again.
 * `unknown`: it may or may not have been executed: read back before it is sent again.
 */
export type FailureKind = 'data' | 'refused' | 'unknown'

/**
 * `user`: there is no such user, or the password is another one. `rights`: the user may not do this.
 * `certificate`: the other side's, which nobody signed whom this process trusts.
 */
export type Refused = 'user' | 'rights' | 'certificate'

export class WarehouseError extends TacitError {
  readonly kind: FailureKind
  /** ClickHouse's error number; null where the answer had none */
  readonly clickhouseCode: number | null
  /** what of the settings has to be corrected, where that is it: waiting does not help */
  readonly refuses: Refused | null

  constructor(
    kind: FailureKind,
    clickhouseCode: number | null,
    detail: string,
    refuses = refusedBy(clickhouseCode),
  ) {
    const code: ProblemCode = kind === 'data' ? 'ERR_WAREHOUSE_DATA' : 'ERR_WAREHOUSE_QUERY'
    super(code, `ClickHouse: ${detail}`)
    this.name = 'WarehouseError'
    this.kind = kind
    this.clickhouseCode = clickhouseCode
    this.refuses = refuses
  }
}

// Numbers of src/Common/ErrorCodes.cpp, the same in every version.
/** parse and conversion errors of values */
const DATA_CODES: ReadonlySet<number> = new Set([
  6, 25, 26, 27, 38, 41, 53, 69, 70, 72, 117, 130, 131, 321, 349, 467, 469, 675, 676,
])
/** raised before anything is written: syntax, unknown names, access, authentication, read-only, too many queries, not its turn */
const REFUSED_CODES: ReadonlySet<number> = new Set([
  16, 36, 46, 47, 57, 60, 62, 81, 115, 164, 192, 193, 194, 202, 216, 241, 286, 291, 392, 452, 497, 516,
])
/** never heal by waiting: the request or the installation is wrong */
const LASTING_CODES: ReadonlySet<number> = new Set([
  16, 36, 46, 47, 57, 60, 62, 81, 115, 164, 192, 193, 194, 291, 392, 452, 497, 516,
])

const USER_CODES: ReadonlySet<number> = new Set([192, 193, 194, 516])
/** 452: its profile holds a setting that is sent with every request, such as `async_insert` */
const RIGHTS_CODES: ReadonlySet<number> = new Set([164, 291, 392, 452, 497])

function refusedBy(code: number | null): Refused | null {
  if (code === null) return null
  if (USER_CODES.has(code)) return 'user'
  return RIGHTS_CODES.has(code) ? 'rights' : null
}

/** Errors of the socket that come before a request was sent. */
const NEVER_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

function socketCode(error: unknown): string | null {
  if (typeof error !== 'object' || error === null) return null
  if ('code' in error && typeof error.code === 'string') return error.code
  return 'cause' in error ? socketCode(error.cause) : null
}

/** The failure that a ClickHouse error number stands for. @param writes whether the request could change anything */
export function failureOfCode(code: number, writes: boolean): WarehouseError {
  if (writes && DATA_CODES.has(code)) {
    return new WarehouseError('data', code, `it refused the rows for their data (error ${String(code)})`)
  }
  // A memory limit may strike an insert between its partitions.
  const refused = REFUSED_CODES.has(code) && !(writes && code === 241)
  return new WarehouseError(
    refused || !writes ? 'refused' : 'unknown',
    code,
    `it answered with error ${String(code)}`,
  )
}

/** Maps whatever the client threw. @param writes whether the request could change anything */
export function toWarehouseError(error: unknown, writes: boolean): WarehouseError {
  if (error instanceof WarehouseError) return error
  if (error instanceof ClickHouseError) return failureOfCode(Number(error.code), writes)
  const code = socketCode(error)
  if (code !== null && NEVER_SENT.has(code)) {
    return new WarehouseError('refused', null, `no connection (${code}); is the server up?`)
  }
  if (code !== null && /CERT|SIGNATURE/.test(code)) {
    return new WarehouseError('refused', null, `its certificate is not trusted (${code})`, 'certificate')
  }
  return new WarehouseError('unknown', null, 'no answer, or one that is not ClickHouse’s')
}

/** Whether waiting may help a request that changes nothing, or changes the same thing twice. */
export function isTransient(error: WarehouseError): boolean {
  if (error.kind === 'data' || error.refuses !== null) return false
  return error.clickhouseCode === null || !LASTING_CODES.has(error.clickhouseCode)
}
