/**
 * Release, step 1: cleaned rows of one (epoch, site), in a scratch table that every count of the release reads.
 *
 * Out go rows of tenants that are not established (signed sites), repetitions of an event id, and what one person has
 * beyond the cap of a kind. Which row stays is decided by the keyed event id, then by the row itself (kind, hour,
 * dimensions, network, each by its bytes): the same staging rows give the same cleaned rows, in whatever order they
 * lie. Rows of a week or a month are no events: each (person, cell) is there once, and no cap applies.
 * Source: design.md, "Disclosure", step 1.
 *
 * One pass: staging lies in the order of people, so each person's rows are put together as they are read, and cleaned
 * as arrays of codes. No order of all rows is ever made, and memory holds a few thousand people at a time.
 */
import { randomBytes } from 'node:crypto'
import { epochFromLabel, utcDay } from '@tacit/contracts'
import type { StreamPlan } from '@tacit/rulebook'
import {
  type Codes,
  codeSql,
  HOUR_COLUMN,
  listsSql,
  type Packing,
  packingOf,
  packingParams,
  readCodes,
  unpackSql,
  valuesSql,
  wordSql,
} from './codes.js'
import type { Connection } from './connection.js'
import { countFunnel } from './funnel.js'
import { type Identity, SPILL } from './nodes.js'
import { CLEAN, dropTable, hasHours, stagingTable } from './schema.js'
import { arrayColumn, arrayType, NETWORK_COLUMN, type Scratch } from './scratch.js'
import { epochPartition } from './staging.js'
import { identifier, tableName } from './sql.js'
import { countTrees } from './trees.js'
import type { CleanedRows, CleanRequest } from './types.js'
import { countUnions } from './unions.js'

const ESTABLISHED = 'established'

/** rows of the site and epoch */
const STAGED = 'epoch = {day:Date} AND site = {site:String}'

/** Those of them that may count. */
function standingOf(identity: Identity): string {
  return identity === 'signed' ? `${STAGED} AND standing = '${ESTABLISHED}'` : STAGED
}

function paramsOf(request: CleanRequest): Record<string, unknown> {
  return { day: utcDay(epochFromLabel(request.epoch).start), site: request.site }
}

/** The column whose values part the cleaned rows: each kind is counted by itself, and so is each statistic. */
function partColumnOf(plan: StreamPlan): 'kind' | 'statistic' {
  return hasHours(plan.stream) ? 'kind' : 'statistic'
}

/** Columns that are packed into a row's words, in the order in which rows sort. */
export function packedColumns(plan: StreamPlan): readonly string[] {
  return hasHours(plan.stream) ? ['kind', HOUR_COLUMN, ...plan.dimensions] : plan.dimensions
}

/** Columns whose values have codes. */
function codedColumns(plan: StreamPlan): readonly string[] {
  return [partColumnOf(plan), 'tenant', ...plan.dimensions]
}

/** Arrays of the scratch table. */
function arraysOf(plan: StreamPlan, identity: Identity): readonly string[] {
  return [
    ...(hasHours(plan.stream) ? [HOUR_COLUMN] : []),
    ...plan.dimensions,
    ...(identity === 'network' ? [NETWORK_COLUMN] : []),
  ]
}

/** Elements of a person's rows: their words, and on network sites their networks, as one array of tuples. */
function rowsSql(packing: Packing, identity: Identity, first: readonly string[]): string {
  const words = Array.from({ length: packing.words }, (_none, word) => wordSql(packing, word))
  const elements = [...first, ...words, ...(identity === 'network' ? [identifier(NETWORK_COLUMN)] : [])]
  const arrays = elements.map((element) => `groupArray(${element})`)
  return `arrayZip(${arrays.join(', ')})`
}

/** Names of the arrays `w0`, … of words, and `w<n>` of networks. */
function elementsOf(packing: Packing, identity: Identity): readonly string[] {
  const count = packing.words + (identity === 'network' ? 1 : 0)
  return Array.from({ length: count }, (_none, at) => `w${String(at)}`)
}

/** Several arrays as one; one alone as it is. */
function zipped(arrays: readonly string[]): string {
  return arrays.length === 1 ? (arrays[0] ?? '') : `arrayZip(${arrays.join(', ')})`
}

/**
 * People of a day and the arrays of each kind's rows. `uncapped`, with the first kind: how many rows they had before
 * the cap. A row's kind is in the highest bits of its first word: sorted rows are together by kind.
 */
function eventsSql(staging: string, packing: Packing, identity: Identity): string {
  const names = elementsOf(packing, identity)
  const kindOf = (word: string): string => unpackSql('kind', word)
  const wordOf = (row: string): string => (names.length === 1 ? row : `${row}.1`)
  const once = names.map(
    (name, at) =>
      `arrayFilter((element, nth) -> nth = 1, sorted.${String(at + 2)}, arrayEnumerateUniq(sorted.1)) AS once_${name}`,
  )
  const capped = names.map((name) => `arrayFilter((element, nth) -> nth <= {cap:UInt64}, once_${name}, nths)`)
  const own = names.map((name, at) => `${names.length === 1 ? 'own' : `own.${String(at + 1)}`} AS ${name}`)
  return `SELECT ${kindOf(wordOf('own[1]'))} AS part, tenant, person, if(number = 1, distinct, 0) AS uncapped, ${own.join(', ')}
    FROM (
      SELECT tenant, person, distinct,
        arraySplit((row, nth) -> nth = 1, capped, arrayEnumerateUniq(arrayMap(row -> ${kindOf(wordOf('row'))}, capped))) AS parts
      FROM (
        SELECT tenant, person, length(once_w0) AS distinct, arraySort(${zipped(capped)}) AS capped FROM (
          SELECT *, arrayEnumerateUniq(arrayMap(word -> ${kindOf('word')}, once_w0)) AS nths FROM (
            SELECT tenant, person, ${once.join(', ')} FROM (
              SELECT tenant, person, arraySort(${rowsSql(packing, identity, ['eid'])}) AS sorted
              FROM ${staging} WHERE ${standingOf(identity)} GROUP BY tenant, person
            )
          )
        )
      )
    ) ARRAY JOIN parts AS own, arrayEnumerate(parts) AS number`
}

/** People of a week or a month and the arrays of each statistic's cells. */
function cellsSql(staging: string, packing: Packing, identity: Identity): string {
  const names = elementsOf(packing, identity)
  const own = names.map((name, at) => `once.${String(at + 1)} AS ${name}`)
  return `SELECT part, tenant, person, length(once) AS uncapped, ${own.join(', ')} FROM (
      SELECT ${codeSql('statistic')} AS part, tenant, person, arrayDistinct(${rowsSql(packing, identity, [])}) AS once
      FROM ${staging} WHERE ${standingOf(identity)} GROUP BY statistic, tenant, person
    )`
}

/** The array of a column, out of the words that it is packed in. */
function unpackedSql(packing: Packing, identity: Identity, column: string): string {
  if (column === NETWORK_COLUMN) {
    const networks = elementsOf(packing, identity).at(-1) ?? ''
    return `arrayMap(net -> if(net = '', toUInt128(0), reinterpretAsUInt128(sipHash128(net))), ${networks})`
  }
  const word = packing.places.find((place) => place.column === column)?.word ?? 0
  const cast = column === HOUR_COLUMN ? 'toUInt8' : 'toUInt32'
  return `arrayMap(word -> ${cast}(${unpackSql(column, 'word')}), w${String(word)})`
}

/** Quoted names of the scratch tables of a release: of cleaned rows, and of the values that their codes stand for. */
export interface ScratchNames {
  readonly rows: string
  readonly values: string
}

export interface CleanSql {
  readonly createValues: string
  /** the values of every column; their places are their codes */
  readonly fillValues: string
  readonly createRows: string
  readonly fillRows: string
}

/**
 * The statements that make and fill scratch tables, in this order. Parameters: `{day:Date}`, `{site:String}`,
 * `{cap:UInt64}`, and each column's place in a row's words.
 */
export function cleanSql(
  database: string,
  plan: StreamPlan,
  identity: Identity,
  scratch: ScratchNames,
  packing: Packing,
): CleanSql {
  const staging = tableName(database, stagingTable(plan.stream))
  const arrays = arraysOf(plan, identity)
  const columns = arrays.map((column) => `, ${arrayColumn(column)} ${arrayType(column)}`).join('')
  const people = hasHours(plan.stream)
    ? eventsSql(staging, packing, identity)
    : cellsSql(staging, packing, identity)
  const unpacked = arrays.map((column) => `, ${unpackedSql(packing, identity, column)}`).join('')
  const names = ['part', 'tenant', 'person', 'rows', 'uncapped', ...arrays.map(arrayColumn)]
  return {
    createValues: `CREATE TABLE ${scratch.values} (name String, list Array(String)) ENGINE = MergeTree ORDER BY name`,
    fillValues: `INSERT INTO ${scratch.values} (name, list) ${valuesSql(staging, standingOf(identity), codedColumns(plan))}`,
    createRows: `CREATE TABLE ${scratch.rows} (part UInt32, tenant UInt32, person UInt128, rows UInt64, uncapped UInt64${columns})
     ENGINE = MergeTree ORDER BY part`,
    fillRows: `INSERT INTO ${scratch.rows} (${names.join(', ')})
     ${listsSql(scratch.values, codedColumns(plan))}
     SELECT part, ${codeSql('tenant')}, reinterpretAsUInt128(sipHash128(tenant, person)), length(w0), uncapped${unpacked}
     FROM (${people})`,
  }
}

async function counted(
  connection: Connection,
  plan: StreamPlan,
  request: CleanRequest,
): Promise<{ readonly staged: number; readonly standing: number }> {
  const staging = tableName(connection.database, stagingTable(plan.stream))
  const [row] = await connection.rows<{ staged: number; standing: number }>(
    `SELECT (SELECT count() FROM ${staging} WHERE ${STAGED}) AS staged,
            (SELECT count() FROM ${staging} WHERE ${standingOf(request.identity)}) AS standing`,
    paramsOf(request),
  )
  return row ?? { staged: 0, standing: 0 }
}

interface PartSize {
  readonly part: number
  readonly rows: number
  readonly uncapped: number
}

const NO_PACKING: Packing = { places: [], words: 1 }

/**
 * Settings of the pass over staging: people are read in their order, and only so many of them are held at a time, so that
 * memory does not grow with the day (ten million rows took 450 MB, and 1,000 MB with what is the default).
 */
const IN_ORDER = {
  ...SPILL,
  optimize_aggregation_in_order: 1,
  aggregation_in_order_max_block_bytes: '10000000',
  min_insert_block_size_rows: '200000',
  min_insert_block_size_bytes: '67108864',
} as const

async function fillScratch(
  connection: Connection,
  plan: StreamPlan,
  request: CleanRequest,
  scratch: ScratchNames,
): Promise<{ readonly codes: Codes; readonly sizes: readonly PartSize[] }> {
  const { database } = connection
  const { identity } = request
  const params = paramsOf(request)
  // How codes are packed hangs on how many there are.
  const { createRows, createValues, fillValues } = cleanSql(database, plan, identity, scratch, NO_PACKING)
  await connection.command(createValues)
  await connection.command(fillValues, { params })
  const codes = await readCodes(connection, scratch.values)
  if (codes.valuesOf(partColumnOf(plan)).length === 0) return { codes, sizes: [] }
  const packing = packingOf(codes, packedColumns(plan))
  await connection.command(createRows)
  await connection.command(cleanSql(database, plan, identity, scratch, packing).fillRows, {
    params: { ...params, cap: request.maxEventsPerPerson, ...packingParams(packing) },
    settings: IN_ORDER,
  })
  const sizes = await connection.rows<PartSize>(
    `SELECT part, sum(rows) AS rows, sum(uncapped) AS uncapped FROM ${scratch.rows} GROUP BY part ORDER BY part`,
  )
  return { codes, sizes }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/**
 * Cleans and caps the rows of a site in an epoch. The caller drops them after the release; those of a killed release
 * go at the next `migrate`, or with their epoch.
 * @throws WarehouseError
 */
export async function clean(
  connection: Connection,
  plan: StreamPlan,
  request: CleanRequest,
): Promise<CleanedRows> {
  const name = `${CLEAN}${plan.stream}_${epochPartition(request.epoch)}_${randomBytes(8).toString('hex')}`
  const names = [name, `${name}_values`] as const
  const [table, values] = names.map((each) => tableName(connection.database, each)) as [string, string]
  const drop = async (): Promise<void> => {
    for (const each of names) await dropTable(connection, each)
  }
  const { identity } = request
  const partColumn = partColumnOf(plan)
  try {
    const { staged, standing } = await counted(connection, plan, request)
    const { codes, sizes } = await fillScratch(connection, plan, request, { rows: table, values })
    const scratch: Scratch = { connection, table, identity, codes, isEmpty: sizes.length === 0, partColumn }
    const kinds = Object.fromEntries(sizes.map(({ part, rows }) => [codes.valueOf(partColumn, part), rows]))
    const rows = sum(sizes.map((size) => size.rows))
    const distinct = sum(sizes.map(({ uncapped }) => uncapped))
    return {
      staged,
      removed: staged - standing,
      deduplicated: standing - distinct,
      capped: distinct - rows,
      rows,
      kinds,
      trees: (requests) => countTrees(scratch, requests),
      unions: (tree, unions) => countUnions(scratch, tree, unions),
      funnel: (steps) => countFunnel(scratch, steps),
      total: (asked) => {
        const part = partColumn === 'kind' ? asked.kind : asked.statistic
        return part === undefined ? rows : (kinds[part] ?? 0)
      },
      drop,
    }
  } catch (error) {
    await drop().catch(() => undefined)
    throw error
  }
}
