/**
 * Requests to one database of one server, through the official client.
 *
 * - Nothing of a request is logged: the client's log is off, and so is the server's query log for our queries.
 * - Only requests that may be repeated are repeated: a bounded number of times, for a bounded time.
 */
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client'
import { failureOfCode, isTransient, toWarehouseError, type WarehouseError } from './failures.js'
import type { ServerAddress } from './types.js'

const REQUEST_TIMEOUT_MS = 120_000
/** ms before each repetition: 6.3 s in all, longer than a restart of the embedded server */
const RETRY_WAITS_MS = [50, 150, 400, 800, 1_600, 3_300]

/** Sent with every request: the meaning of a query must not hang on a server's profile. */
const SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  log_queries: 0,
  wait_end_of_query: 1,
  session_timezone: 'UTC',
  output_format_json_quote_64bit_integers: 0,
}

export interface ConnectionOptions {
  /** ms without an answer after which a request's outcome is unknown */
  readonly requestTimeoutMs?: number
  /** ms before each repetition of a request that may be repeated; empty: none is */
  readonly retryWaitsMs?: readonly number[]
}

export interface CommandOptions {
  readonly params?: Record<string, unknown>
  readonly settings?: ClickHouseSettings
  readonly queryId?: string
  /** sending it twice is the same as once; absent: it is never sent again */
  readonly repeatable?: boolean
}

export interface Connection {
  readonly database: string
  /** whose statements these are: see owner.ts */
  readonly owner: { term: number }
  /** Rows of a SELECT; repeated while the server is away. Column names are the keys. */
  rows<Row>(query: string, params?: Record<string, unknown>, settings?: ClickHouseSettings): Promise<Row[]>
  command(query: string, options?: CommandOptions): Promise<void>
  /** Sends bytes as they are in the format that the statement names; never repeated. */
  insert(statement: string, bytes: Buffer, options?: Omit<CommandOptions, 'repeatable'>): Promise<void>
  close(): Promise<void>
}

async function repeated<T>(waits: readonly number[], writes: boolean, once: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once()
    } catch (error) {
      const failure: WarehouseError = toWarehouseError(error, writes)
      const wait = waits[attempt]
      if (wait === undefined || !isTransient(failure)) throw failure
      await sleep(wait)
    }
  }
}

/** An answer of 200 may still carry an error in its headers. */
function checkHeaders(headers: Readonly<Record<string, unknown>>): void {
  const code = Number(headers['x-clickhouse-exception-code'])
  if (Number.isInteger(code)) throw failureOfCode(code, true)
}

async function insert(
  client: ClickHouseClient,
  statement: string,
  bytes: Buffer,
  { params = {}, settings = {}, queryId }: Omit<CommandOptions, 'repeatable'>,
): Promise<void> {
  try {
    const result = await client.exec({
      query: statement,
      values: Readable.from([bytes], { objectMode: false }),
      query_params: params,
      clickhouse_settings: settings,
      ...(queryId === undefined ? {} : { query_id: queryId }),
    })
    // An insert answers nothing; reading to the end gives the socket back.
    result.stream.resume()
    await finished(result.stream)
    checkHeaders(result.response_headers)
  } catch (error) {
    throw toWarehouseError(error, true)
  }
}

/** Opens a connection; nothing is sent yet. @param database made by `migrate` where missing */
export function connect(
  address: ServerAddress,
  database: string,
  options: ConnectionOptions = {},
): Connection {
  const client = createClient({
    url: address.url,
    username: address.username,
    password: address.password,
    application: 'tacit',
    request_timeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    max_open_connections: 16,
    compression: { request: false, response: false },
    keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
    // A list of passing values may be longer than an address can be.
    use_multipart_params_auto: true,
    clickhouse_settings: SETTINGS,
    log: { level: ClickHouseLogLevel.OFF },
  })
  const waits = options.retryWaitsMs ?? RETRY_WAITS_MS
  return {
    database,
    owner: { term: 0 },
    rows<Row>(query: string, params: Record<string, unknown> = {}, settings: ClickHouseSettings = {}) {
      return repeated(waits, false, async () => {
        const result = await client.query({
          query,
          query_params: params,
          clickhouse_settings: settings,
          format: 'JSONEachRow',
        })
        return result.json<Row>()
      })
    },
    command(query, { params = {}, settings = {}, queryId, repeatable = false } = {}) {
      return repeated(repeatable ? waits : [], true, async () => {
        const result = await client.command({
          query,
          query_params: params,
          clickhouse_settings: settings,
          ...(queryId === undefined ? {} : { query_id: queryId }),
        })
        checkHeaders(result.response_headers)
      })
    },
    insert: (statement, bytes, how = {}) => insert(client, statement, bytes, how),
    close: () => client.close(),
  }
}
