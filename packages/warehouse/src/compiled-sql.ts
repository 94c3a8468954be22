/**
 * What a rulebook compiles to in SQL, for the privacy team to read: the very statements that are sent, made by the
 * functions that send them. Pure.
 */
import {
  isReleased,
  type Rulebook,
  type Site,
  statisticsOf,
  storedPlans,
  type StreamPlan,
  streamOf,
} from '@tacit/rulebook'
import { cleanSql, packedColumns } from './clean.js'
import { Codes, packingOf } from './codes.js'
import { funnelSql } from './funnel.js'
import { treesOf } from './requests.js'
import { treesSql } from './trees.js'
import { unionsSql } from './unions.js'
import { CLEAN, stagingTable, tablesSql } from './schema.js'
import { dropPartitionsSql } from './partitions.js'
import { tableName } from './sql.js'

/** One statement, its values as ClickHouse parameters (`{name:Type}`) so that none is part of its text. */
export interface CompiledStatement {
  /** when it runs and what for, in a sentence */
  readonly about: string
  readonly sql: string
  /** what each parameter stands for: a value of the rulebook, or in words what is known only when it runs */
  readonly params: Readonly<Record<string, string | number>>
}

/** In the place of a scratch table's random name. */
function scratchName(plan: StreamPlan, site: Site): string {
  return `${CLEAN}${plan.stream}_of_${site.id}`
}

/**
 * The tables that a rulebook's records are kept in, and for each statistic that this version releases the statements
 * that clean and count them. Blocks are cut out of those counts, and checked, in `@tacit/disclosure`.
 * @param database the name of the database
 */
export function compiledSql(rulebook: Rulebook, database: string): readonly CompiledStatement[] {
  const plans = storedPlans(rulebook)
  const tables = tablesSql(database, plans).map((sql) => ({
    about: 'When a data directory is opened: a table that is missing.',
    sql,
    params: {},
  }))
  const releases = plans.flatMap((plan) =>
    Object.values(rulebook.sites).flatMap((site) => releaseSql(rulebook, database, plan, site)),
  )
  const ends = plans.map(({ stream }) => ({
    about: `When the key of a ${stream} is destroyed: its rows; YYYYMMDD is its first day.`,
    sql: dropPartitionsSql(database, stagingTable(stream), ['YYYYMMDD']),
    params: {},
  }))
  return [...tables, ...releases, ...ends]
}

/** What is written where a value is known only when a statement runs: by the end of a parameter's name. */
const PACKED: Readonly<Record<string, string>> = {
  shift: "place of the column's code in a row's word",
  mask: "bits of the column's code in a row's word",
}

/** A text's parameters: each `{name:Type}` that is in it. */
function paramsIn(
  sql: string,
  known: Readonly<Record<string, string | number>>,
): CompiledStatement['params'] {
  const names = [...sql.matchAll(/\{(\w+):[^}]+\}/g)].map(([, name]) => name ?? '')
  return Object.fromEntries(
    [...new Set(names)].map((name) => [
      name,
      known[name] ?? PACKED[/_([^_]+)$/.exec(name)?.[1] ?? ''] ?? WORDS[name.replace(/\d+/, 'N')] ?? name,
    ]),
  )
}

const WORDS: Readonly<Record<string, string>> = {
  part: 'code of the kind or statistic',
  page: 'code of page views',
  visit: "code of 'true'",
  labels: 'codes of the buckets of time_spent_s',
  seconds: 'seconds of each of them',
  pN_keys: 'codes of groups above those that are counted together',
  pN_numbers: 'a number for each of these groups',
  stepN: 'code of the page or event of a step',
  uN_keys: 'codes of the nodes that do not pass the thresholds of `release` by themselves',
  uN_numbers: 'the union that each of them belongs to',
}

/** Statements that clean and count the rows of a site in one window of a stream; none where nothing is released. */
function releaseSql(
  rulebook: Rulebook,
  database: string,
  plan: StreamPlan,
  site: Site,
): readonly CompiledStatement[] {
  const { id, identity } = site
  const statistics = statisticsOf(rulebook, plan.stream).filter(
    (statistic) =>
      statistic.site === id &&
      statistic.windows.some((window) => streamOf(window) === plan.stream && isReleased(statistic, window)),
  )
  if (statistics.length === 0) return []
  const scratch = tableName(database, scratchName(plan, site))
  const names = { rows: scratch, values: tableName(database, `${scratchName(plan, site)}_values`) }
  // Few enough values that a row's codes are one word; there are more words where they are not.
  const packing = packingOf(new Codes(new Map()), packedColumns(plan))
  const { createRows, createValues, fillRows, fillValues } = cleanSql(
    database,
    plan,
    identity,
    names,
    packing,
  )
  const known = {
    day: `the first day of the ${plan.stream} that closes`,
    site: id,
    cap: rulebook.release.maxEventsPerPerson,
  }
  const statement = (about: string, sql: string): CompiledStatement => ({
    about,
    sql,
    params: paramsIn(sql, known),
  })
  const trees = statistics.flatMap((statistic) =>
    treesOf(rulebook, statistic, plan.stream).map((tree) => ({ tree, name: statistic.id })),
  )
  const parts = [...new Set(trees.map(({ tree }) => tree.kind ?? tree.statistic))]
  const counts = parts.flatMap((part) => {
    const own = trees.filter(({ tree }) => (tree.kind ?? tree.statistic) === part)
    const ids = [...new Set(own.map(({ name }) => name))].join(', ')
    return [
      statement(
        `${ids}: people, events, tenants and networks of each node of every depth, exactly${part === undefined ? '' : `; rows of ${part} alone`}.`,
        treesSql(
          scratch,
          identity,
          own.map(({ tree }) => tree),
        ),
      ),
      ...own.flatMap(({ name, tree }) =>
        tree.levels.map((level, at) =>
          statement(
            `${name}: nodes of ${tree.hourly === true ? 'one hour and ' : ''}one parent that are too small by themselves, counted together by ${level}.`,
            unionsSql(scratch, identity, tree, at + 1, { prefixes: [], layers: [1] }),
          ),
        ),
      ),
    ]
  })
  const funnels = statistics.flatMap(({ id: name, shape }) =>
    shape.type === 'funnel'
      ? [statement(`${name}: people who did the steps in order.`, funnelSql(scratch, identity, shape.steps))]
      : [],
  )
  return [
    statement(
      `When a ${plan.stream} of ${id} closes: a table of the values that its rows have, dropped when the release is done.`,
      createValues,
    ),
    statement(
      'In byte order: where a value is in its list is the code that stands for it from here on.',
      fillValues,
    ),
    statement('A table of the rows that count, dropped when the release is done.', createRows),
    statement(
      `${identity === 'signed' ? 'Of established tenants, ' : ''}${plan.stream === 'day' ? 'each event once, each person up to the cap' : 'each person once in a cell'}.`,
      fillRows,
    ),
    ...counts,
    ...funnels,
  ]
}

/** Statements as a text that a person reads, each under its comment. */
export function sqlText(statements: readonly CompiledStatement[]): string {
  const lines = (sql: string): string =>
    sql
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('\n')
  return statements
    .map(({ about, params, sql }) => {
      const values = Object.entries(params).map(([name, value]) => `\n--   ${name}: ${String(value)}`)
      return `-- ${about}${values.join('')}\n${lines(sql)};\n`
    })
    .join('\n')
}
