/** What the attacker reads: ClickHouse in full, and the log, whose headers are in the clear. */
import type { openHouse } from '@tacit/cli'
import { type BatchHeader, readBatchHeader, type Stream } from '@tacit/contracts'
import type { EventLog, LogRecord } from '@tacit/event-log'
import { query } from '../server-query.js'
import type { SeenRow } from './attacker.js'

type House = Awaited<ReturnType<typeof openHouse>>

async function rowsOf<Row>(house: House, statement: string): Promise<readonly Row[]> {
  const text = await query(
    house,
    `${statement} FORMAT JSONEachRow SETTINGS output_format_json_quote_64bit_integers = 0`,
  )
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
}

/** What a record says in every stream. */
const CONTENT = "concat(path, ' ', device)"
/** Rows of the one statistic that is counted in every window: a day's table has those of others too. */
const SEEN = `person, ${CONTENT} AS content`

/**
 * Rows of a staging table, each with its place; the moment of a day's row is its hour, of others the part they lie in.
 * @param table name without the database
 */
export async function stagedRows(house: House, database: string, table: string): Promise<readonly SeenRow[]> {
  const { length } = await rowsOf(
    house,
    `SELECT 1 FROM system.columns WHERE database = '${database}' AND table = '${table}' AND name = 'received'`,
  )
  const [moment, ofPart] = length > 0 ? ['toUnixTimestamp(received) / 3600', 'received'] : ['made', 'made']
  const rows = await rowsOf<
    { offset: number; made: number; moment: number } & Omit<SeenRow, 'place' | 'moment'>
  >(
    house,
    `SELECT ${SEEN}, _part_offset AS offset, toFloat64(made) AS made, toFloat64(${moment}) AS moment
     FROM ${database}.${table} AS rows
     INNER JOIN (SELECT name, min_block_number AS made FROM system.parts
                 WHERE database = '${database}' AND table = '${table}' AND active) AS parts ON rows._part = parts.name
     ORDER BY ${ofPart}, offset`,
  )
  const moments = [...new Set(rows.map((row) => row.moment))].sort((a, b) => a - b)
  return rows.map(({ content, made, moment: at, offset, person }) => ({
    person,
    content,
    place: [made, offset],
    moment: moments.indexOf(at),
  }))
}

/** Rows that have not moved on: their batch is the moment. */
export async function landedRows(
  house: House,
  database: string,
  stream: Stream,
): Promise<readonly SeenRow[]> {
  const rows = await rowsOf<{ batch: number } & Omit<SeenRow, 'place'>>(
    house,
    `SELECT ${SEEN}, _batch AS batch FROM ${database}.landing_${stream} ORDER BY batch`,
  )
  return rows.map(({ batch, ...row }) => ({ ...row, place: [batch], moment: batch }))
}

/** How each table's parts that hold rows are: of landing none may be left, not even one that was replaced. */
export async function partsOf(
  house: House,
  database: string,
): Promise<readonly { readonly table: string; readonly parts: number; readonly inactive: number }[]> {
  return rowsOf(
    house,
    `SELECT table, count() AS parts, countIf(NOT active) AS inactive FROM system.parts
     WHERE database = '${database}' AND rows > 0 GROUP BY table ORDER BY table`,
  )
}

/** Tables in which the server itself would write down what it did to which part, and when. */
export async function serverLogs(house: House): Promise<readonly string[]> {
  const found = await rowsOf<{ name: string }>(
    house,
    "SELECT name FROM system.tables WHERE database = 'system' AND match(name, '(part|query|query_thread|text|trace)_log')",
  )
  return found.map(({ name }) => name)
}

/**
 * The parts that there would be if each move left its own: one of each hour, in a table beside.
 * @returns its name
 */
export async function partsPerMove(house: House, database: string, stream: Stream): Promise<string> {
  const [from, to] = [`${database}.landing_${stream}`, `${database}.control_${stream}`]
  await query(house, `CREATE TABLE ${to} AS ${database}.staging_${stream}`)
  // Nothing is small enough to be merged.
  const never = ['max', 'min'].map((at) => `max_bytes_to_merge_at_${at}_space_in_pool = 1`)
  await query(house, `ALTER TABLE ${to} MODIFY SETTING ${never.join(', ')}`)
  const hours = await rowsOf<{ hour: number }>(
    house,
    `SELECT DISTINCT toUnixTimestamp(received) AS hour FROM ${from} ORDER BY hour`,
  )
  for (const { hour } of hours) {
    await query(
      house,
      `INSERT INTO ${to} SELECT DISTINCT * EXCEPT (_producer, _batch, _row, received) FROM ${from}
       WHERE toUnixTimestamp(received) = ${String(hour)} ORDER BY rand()`,
    )
  }
  return `control_${stream}`
}

/** Every record of the log, as it lies there. */
export function recordsOf(log: EventLog): readonly LogRecord[] {
  const [part] = log.parts('attacker')
  const all: LogRecord[] = []
  for (let after = 0; part !== undefined; ) {
    const slice = part.read(after, 1_000, 16 * 1024 * 1024)
    all.push(...slice.records)
    if (slice.last === after) break
    after = slice.last
  }
  return all
}

/**
 * What the headers, which are in the clear for as long as the log keeps them, say of rows: the length of a batch's rows
 * is the length of a row that he has, so it may be the batch in which that came. He takes the first such batch that no
 * other row of the table has yet; Kafka's offsets and times say no more, for they are in the same order and by the hour.
 */
export function byHeaders(
  rows: readonly SeenRow[],
  records: readonly LogRecord[],
  stream: Stream,
): readonly SeenRow[] {
  const headers: BatchHeader[] = records.map(({ bytes }) => readBatchHeader(bytes))
  const free = new Map<number, number[]>()
  for (const { batch, sections } of headers) {
    const section = sections.find((one) => one.stream === stream)
    if (section === undefined) continue
    const length = section.bytes - String(batch).length
    free.set(length, [...(free.get(length) ?? []), batch])
  }
  const lengths = [...free.keys()].sort((a, b) => a - b)
  const contents = [...new Set(rows.map(({ content }) => content.length))].sort((a, b) => a - b)
  return rows.map((row) => {
    const length = lengths[Math.min(contents.indexOf(row.content.length), lengths.length - 1)] ?? 0
    const batch = free.get(length)?.shift() ?? Number.MAX_SAFE_INTEGER
    return { ...row, place: [batch], moment: batch }
  })
}
