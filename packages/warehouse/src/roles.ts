/**
 * Who may do what on a ClickHouse server: four roles, each with what its statements need and no more. Pure.
 *
 * - `ingest` writes batches and reads them back: landing alone.
 * - `aggregator` owns the database: moves, releases, migrates, drops. A process that aggregates has both roles.
 * - `dashboards` reads what is released: cells and live numbers.
 * - `privacy` reads the same, and of the server what proves that nothing else is kept: tables, parts, mutations, and who
 *   asked what. No role of a human reads pseudonymous rows.
 *
 * No role may read or write outside of the database: no grant here is on a source (`READ`, `WRITE`, `URL`, `FILE`, `REMOTE`,
 * `S3`, `MYSQL`, …), on a dictionary, or on executables, so that `url`, `file`, `remote`, `s3`, `executable` and their like
 * are refused; `input`, which an insert reads by, is none of them. CREATE TABLE brings CREATE VIEW and CREATE TEMPORARY
 * TABLE with it, and so `executable`, which runs what lies in the server's `user_scripts_path`: nothing may lie there.
 */
import { identifier } from './sql.js'

export const ROLES = ['ingest', 'aggregator', 'dashboards', 'privacy'] as const
export type Role = (typeof ROLES)[number]

export interface RolesOptions {
  /** where the tables are */
  readonly database: string
  /** name of the cluster; null: one server */
  readonly cluster: string | null
}

/** What each role reads of the server itself. */
const SYSTEM: Readonly<Record<Role, readonly string[]>> = {
  ingest: [],
  // `processes`: to end its own queries; `clusters` and `macros`: to compare them with its settings
  aggregator: ['tables', 'columns', 'parts', 'detached_parts', 'processes', 'clusters', 'macros'],
  dashboards: [],
  privacy: ['tables', 'columns', 'parts', 'detached_parts', 'mutations', 'query_log'],
}

const RELEASED = ['cells', 'live']

function onDatabase(database: string, privileges: string, ...tables: readonly string[]): readonly string[] {
  return tables.map((table) => `${privileges} ON ${identifier(database)}.${table}`)
}

/** The grants of a role, without the word GRANT and without TO: `SELECT ON …`. */
export function grantsOf(role: Role, { cluster, database }: RolesOptions): readonly string[] {
  const system = SYSTEM[role].map((table) => `SELECT ON system.${table}`)
  switch (role) {
    case 'ingest':
      return onDatabase(database, 'SELECT, INSERT', 'landing_*')
    case 'aggregator': {
      const engines = cluster === null ? ['MergeTree'] : ['ReplicatedMergeTree', 'Distributed', 'MergeTree']
      return [
        ...onDatabase(
          database,
          'SELECT, INSERT, CREATE DATABASE, CREATE TABLE, DROP TABLE, OPTIMIZE, ALTER ADD COLUMN, ALTER ORDER BY, ALTER DELETE',
          '*',
        ),
        ...engines.map((engine) => `TABLE ENGINE ON ${engine}`),
        ...system,
        // An insert into a Distributed table, and a statement for every host.
        ...(cluster === null ? [] : ['CLUSTER ON *.*', 'READ, WRITE ON REMOTE']),
      ]
    }
    case 'dashboards':
      return onDatabase(database, 'SELECT', ...RELEASED)
    case 'privacy':
      return [...onDatabase(database, 'SELECT', ...RELEASED, 'schema_versions'), ...system]
  }
}

export interface ProfileSetting {
  readonly value: string
  /** what a request may set it to; absent: whatever it wants */
  readonly range?: readonly [least: string, most: string]
}

/**
 * Settings of a role's profile. Dashboards have `readonly = 2`: Tacit sends settings with every request, such as the time
 * zone, and may; what bounds a query can be made tighter by a request, and no wider (0 means no bound, so it is below the
 * least that is allowed). The privacy team, by clients of its own, may set nothing: not that its queries are not logged, either.
 */
export function profileOf(role: Role): Readonly<Record<string, ProfileSetting>> {
  const always = {
    async_insert: { value: '0' },
    log_query_threads: { value: '0' },
    log_query_views: { value: '0' },
  }
  const upTo = (most: string): ProfileSetting => ({ value: most, range: ['1', most] })
  const only = (value: string): ProfileSetting => ({ value, range: [value, value] })
  const bounds = (readonly: '1' | '2', seconds: string, memory: string) => ({
    max_execution_time: upTo(seconds),
    max_memory_usage: upTo(memory),
    max_result_bytes: upTo('268435456'),
    allow_ddl: only('0'),
    readonly: only(readonly),
  })
  switch (role) {
    case 'ingest':
    case 'aggregator':
      return { ...always, log_queries: { value: '0' }, max_execution_time: { value: '600' } }
    case 'dashboards':
      return { ...always, log_queries: { value: '0' }, ...bounds('2', '30', '1000000000') }
    case 'privacy':
      // Whoever looks is looked at: infra/clickhouse/server/config.xml masks literals, and drops it after a week.
      return { ...always, log_queries: { value: '1' }, ...bounds('1', '60', '1000000000') }
  }
}

/**
 * The statements by which an administrator makes the roles and their profiles on a server, or on a cluster. They may be run
 * again. Users get them by `GRANT <role> TO <user>` and `ALTER USER <user> SETTINGS PROFILE <role>`.
 */
export function rolesSql(options: RolesOptions): readonly string[] {
  const on = options.cluster === null ? '' : ` ON CLUSTER ${identifier(options.cluster)}`
  return ROLES.flatMap((role) => {
    const name = identifier(`${options.database}_${role}`)
    const settings = Object.entries(profileOf(role)).map(
      ([setting, { range, value }]) =>
        `${setting} = ${value}${range === undefined ? '' : ` MIN ${range[0]} MAX ${range[1]}`}`,
    )
    return [
      `CREATE ROLE IF NOT EXISTS ${name}${on}`,
      // What an earlier version granted and this one does not.
      `REVOKE${on} ALL ON *.* FROM ${name}`,
      ...grantsOf(role, options).map((grant) => `GRANT${on} ${grant} TO ${name}`),
      `CREATE SETTINGS PROFILE OR REPLACE ${name}${on} SETTINGS ${settings.join(', ')}`,
    ]
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

/** The `<grants>` of a user in a users file who has these roles, as text between the tags. */
export function grantsXml(roles: readonly Role[], options: RolesOptions): readonly string[] {
  const grants = new Set(roles.flatMap((role) => grantsOf(role, options)))
  return [...grants].map((grant) => `<query>GRANT ${escaped(grant)}</query>`)
}

/** A profile's settings and constraints for a users file. */
export function profileXml(role: Role): readonly string[] {
  const entries = Object.entries(profileOf(role))
  const constraints = entries.flatMap(([setting, { range }]) =>
    range === undefined ? [] : [`<${setting}><min>${range[0]}</min><max>${range[1]}</max></${setting}>`],
  )
  return [
    ...entries.map(([setting, { value }]) => `<${setting}>${value}</${setting}>`),
    ...(constraints.length === 0 ? [] : [`<constraints>${constraints.join('')}</constraints>`]),
  ]
}
