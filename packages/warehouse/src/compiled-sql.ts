/**
 * What a rulebook compiles to in SQL, for the privacy team to read: the very statements that are sent, made by the
 * functions that send them. Pure.
 */
import { isReleased, type Rulebook, statisticsOf, storedPlans } from '@tacit/rulebook'
import { cleanSql } from './clean.js'
import { nodesSql, poolSql } from './count.js'
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
const SCRATCH = `${CLEAN}of_one_release`

/**
 * The tables that a rulebook's records are kept in, and for each statistic that this version releases the statements
 * that clean and count them. Blocks are cut out of those counts, and checked, in `@tacit/disclosure`.
 * @param database the name of the database
 */
export function compiledSql(rulebook: Rulebook, database: string): readonly CompiledStatement[] {
  const plans = storedPlans(rulebook)
  const scratch = tableName(database, SCRATCH)
  const tables = tablesSql(database, plans).map((sql) => ({
    about: 'When a data directory is opened: a table that is missing.',
    sql,
    params: {},
  }))
  const releases = plans.flatMap((plan) =>
    Object.values(rulebook.sites).flatMap(({ id: site, identity }) => {
      const statistics = statisticsOf(rulebook, plan.stream).filter(
        (statistic) =>
          statistic.site === site &&
          plan.stream === 'day' &&
          statistic.shape.type === 'counts' &&
          isReleased(statistic, plan.stream),
      )
      if (statistics.length === 0) return []
      const { create, fill } = cleanSql(database, plan, identity, scratch)
      const day = `the first day of the ${plan.stream} that closes`
      return [
        { about: `When a ${plan.stream} of ${site} closes: a scratch table.`, sql: create, params: {} },
        {
          about: `Its rows that count: ${identity === 'signed' ? 'of established tenants, ' : ''}each event once, each person up to the cap.`,
          sql: fill,
          params: { day, site, cap: rulebook.release.maxEventsPerPerson },
        },
        ...statistics.flatMap(({ by, id, where }) => {
          const request = { by, ...where }
          return [
            {
              about: `${id}: people, events, tenants and networks of each node, exactly.`,
              sql: nodesSql(scratch, identity, request),
              params: { ...where },
            },
            {
              about: `${id}: the nodes that do not pass the thresholds of \`release\`, as one.`,
              sql: poolSql(scratch, identity, request),
              params: { ...where, passing: 'the nodes that passed the thresholds' },
            },
          ]
        }),
      ]
    }),
  )
  const ends = plans.map(({ stream }) => ({
    about: `When the key of a ${stream} is destroyed: its rows; YYYYMMDD is its first day.`,
    sql: dropPartitionsSql(database, stagingTable(stream), ['YYYYMMDD']),
    params: {},
  }))
  return [...tables, ...releases, ...ends]
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
