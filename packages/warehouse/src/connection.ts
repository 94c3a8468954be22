/**
 * Requests to one database of one server, through the official client.
 *
 * - Nothing of a request is logged: the client's log is off, and so is the server's query log for our queries.
 * - Only requests that may be repeated are repeated: a bounded number of times, for a bounded time.
 * - Of a cluster one host is spoken to for as long as it answers, then the next: what is on that host alone (scratch tables,
 *   a query to be ended) is found again.
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
import { CLUSTER_SETTINGS, onCluster, type Topology } from './topology.js'
import type { ServerAddress } from './types.js'

const REQUEST_TIMEOUT_MS = 120_000
/** ms before each repetition: 6.3 s in all, longer than a restart of the embedded server */
const RETRY_WAITS_MS = [50, 150, 400, 800, 1_600, 3_300]

/** Another insert into the table still waits for its quorum: they go one after the other, and nothing of this one was done. */
const QUORUM_IN_USE = 286

/** Sent with every request: the meaning of a query must not hang on a server's profile. */
const SETTINGS: ClickHouseSettings = {
  async_insert: 0,
  log_queries: 0,
  wait_end_of_query: 1,
  // Rows that are sent again on purpose are no repetition; landing asks for it by token.
  insert_deduplicate: 0,
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
  /** null: one server */
  readonly topology: Topology
  /** how many hosts it knows */
  readonly hosts: number
  /** whose statements these are: see owner.ts */
  readonly owner: { term: number }
  /** Rows of a SELECT; repeated while the server is away. Column names are the keys. */
  rows<Row>(query: string, params?: Record<string, unknown>, settings?: ClickHouseSettings): Promise<Row[]>
  /** The same of every host, one after the other: for what each knows of itself. @throws where one of them does not answer */
  rowsOfEach<Row>(query: string, params?: Record<string, unknown>): Promise<Row[]>
  command(query: string, options?: CommandOptions): Promise<void>
  /** A statement for every host, which is sent to one. @param statement gets ` ON CLUSTER …`, or nothing on one server */
  everywhere(statement: (on: string) => string, options?: CommandOptions): Promise<void>
  /** A statement sent to each host, for what ClickHouse itself hands to one replica only. */
  each(query: string, options?: CommandOptions): Promise<void>
  /** Sends bytes as they are in the format that the statement names; repeated only where it was not its turn. */
  insert(statement: string, bytes: Buffer, options?: Omit<CommandOptions, 'repeatable'>): Promise<void>
  close(): Promise<void>
}

async function repeated<T>(
  waits: readonly number[],
  writes: boolean,
  once: () => Promise<T>,
  passes = isTransient,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once()
    } catch (error) {
      const failure: WarehouseError = toWarehouseError(error, writes)
      const wait = waits[attempt]
      if (wait === undefined || !passes(failure)) throw failure
      await sleep(wait)
    }
  }
}

interface CompactAnswer {
  readonly meta: readonly { readonly name: string }[]
  readonly data: readonly (readonly unknown[])[]
}

/**
 * A SELECT's rows, with the columns' names as keys. The names are sent once: repeated in each row they are half of the bytes.
 * `wait_end_of_query` keeps an error in the middle out of the answer.
 */
async function rowsOf<Row>(
  client: ClickHouseClient,
  query: string,
  params: Record<string, unknown>,
  settings: ClickHouseSettings = {},
): Promise<Row[]> {
  const answer = await client.query({
    query,
    query_params: params,
    clickhouse_settings: settings,
    format: 'JSONCompact',
  })
  const { data, meta } = (await answer.json()) as unknown as CompactAnswer
  const names = meta.map(({ name }) => name)
  return data.map((values) => {
    const row: Record<string, unknown> = {}
    for (let at = 0; at < names.length; at += 1) row[names[at] as string] = values[at]
    return row as Row
  })
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

function clientOf(address: ServerAddress, url: string, options: ConnectionOptions): ClickHouseClient {
  return createClient({
    url,
    username: address.username,
    password: address.password,
    application: 'tacit',
    request_timeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    max_open_connections: 16,
    compression: { request: false, response: false },
    keep_alive: { enabled: true, idle_socket_ttl: 2_500 },
    // A list of passing values may be longer than an address can be.
    use_multipart_params_auto: true,
    clickhouse_settings: address.cluster === undefined ? SETTINGS : { ...SETTINGS, ...CLUSTER_SETTINGS },
    log: { level: ClickHouseLogLevel.OFF },
  })
}

/** The hosts of a server or a cluster, of which one is spoken to. */
class Hosts {
  readonly all: readonly ClickHouseClient[]
  #at = 0

  constructor(address: ServerAddress, options: ConnectionOptions) {
    const urls = [address.url, ...(address.otherUrls ?? [])]
    this.all = urls.map((url) => clientOf(address, url, options))
  }

  /** @throws WarehouseError; where nobody answered, the next request goes to the next host */
  async ask<T>(writes: boolean, task: (client: ClickHouseClient) => Promise<T>): Promise<T> {
    const at = this.#at
    try {
      return await task(this.all[at] as ClickHouseClient)
    } catch (error) {
      const failure = toWarehouseError(error, writes)
      // Others may have noticed before.
      if (failure.clickhouseCode === null && failure.kind !== 'data' && at === this.#at) {
        this.#at = (at + 1) % this.all.length
      }
      throw failure
    }
  }
}

async function send(
  client: ClickHouseClient,
  query: string,
  { params = {}, settings = {}, queryId }: CommandOptions,
): Promise<void> {
  const result = await client.command({
    query,
    query_params: params,
    clickhouse_settings: settings,
    ...(queryId === undefined ? {} : { query_id: queryId }),
  })
  checkHeaders(result.response_headers)
}

/** Opens a connection; nothing is sent yet. @param database made by `migrate` where missing */
export function connect(
  address: ServerAddress,
  database: string,
  options: ConnectionOptions = {},
): Connection {
  const hosts = new Hosts(address, options)
  const topology = address.cluster ?? null
  const waits = options.retryWaitsMs ?? RETRY_WAITS_MS
  const waitsOf = ({ repeatable = false }: CommandOptions): readonly number[] => (repeatable ? waits : [])
  const command: Connection['command'] = (query, how = {}) =>
    repeated(waitsOf(how), true, () => hosts.ask(true, (client) => send(client, query, how)))
  const each: Connection['each'] = async (query, how = {}) => {
    for (const client of hosts.all) await repeated(waitsOf(how), true, () => send(client, query, how))
  }
  return {
    database,
    topology,
    hosts: hosts.all.length,
    owner: { term: 0 },
    rows: (query, params = {}, settings = {}) =>
      repeated(waits, false, () => hosts.ask(false, (client) => rowsOf(client, query, params, settings))),
    async rowsOfEach<Row>(query: string, params: Record<string, unknown> = {}) {
      const all: Row[] = []
      for (const client of hosts.all) {
        all.push(...(await repeated(waits, false, () => rowsOf<Row>(client, query, params))))
      }
      return all
    },
    command,
    each,
    everywhere: (statement, how) => {
      const query = statement(onCluster(topology))
      return topology !== null && !topology.coordinated ? each(query, how) : command(query, how)
    },
    insert: (statement, bytes, how = {}) =>
      repeated(
        waits,
        true,
        () => hosts.ask(true, (client) => insert(client, statement, bytes, how)),
        ({ clickhouseCode }) => clickhouseCode === QUORUM_IN_USE,
      ),
    close: async () => {
      for (const client of hosts.all) await client.close()
    },
  }
}
