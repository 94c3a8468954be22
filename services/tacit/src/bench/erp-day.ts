/**
 * Rows of one day of an ERP, made inside ClickHouse: tenants and routes after Zipf, a few people who do very much, events
 * that are sent twice, tenants that are trials. Values are those that the rulebook declares.
 */
import { DAY, HOUR, utcDay } from '@tacit/contracts'
import { declaredValues, type EventKind, type Rulebook, type StreamPlan } from '@tacit/rulebook'
import type { ServerAddress } from '@tacit/warehouse'
import { ask } from './clickhouse.js'

/** 2026-11-03T00:00:00Z, ms */
export const DAY_START = Date.UTC(2026, 10, 3)
const TENANTS = 300
const ROWS_PER_PERSON = 50
const ROUTES = 40

const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
const arrayOf = (values: readonly string[]): string => `[${values.map(quoted).join(', ')}]`

/** Up to so many declared values of a dimension, filled up with made-up ones where its domain is open. */
function valuesOf(rulebook: Rulebook, dimension: string, count: number, kind?: EventKind): readonly string[] {
  const declared = declaredValues(rulebook, dimension, kind) ?? []
  const more = Array.from({ length: count }, (_none, at) => `/${dimension}/${String(at)}`)
  return (declared.length > 0 ? declared : more).slice(0, count)
}

/** One of some values. @param at SQL of a number from 0 to 1: low ones are the first values */
function oneOf(values: readonly string[], at: string): string {
  return `${arrayOf(values)}[1 + toUInt32(floor(${at} * ${values.length}))]`
}

/** SQL of a row's values, by column; those of rows that have none are ''. */
function expressions(rulebook: Rulebook): Readonly<Record<string, string>> {
  const only = (kinds: readonly string[], value: string): string =>
    `if(kind IN (${kinds.map(quoted).join(', ')}), ${value}, '')`
  const routes = valuesOf(rulebook, 'path', ROUTES)
  return {
    path: only(['page_view', 'timing', 'error'], oneOf(routes, 'pow(r1, 2)')),
    from_path: only(['page_view'], oneOf(routes, 'pow(r2, 2)')),
    event_name: only(['feature'], oneOf(valuesOf(rulebook, 'event_name', 40, 'feature'), 'pow(r1, 2)')),
    load_ms: only(['timing'], oneOf(valuesOf(rulebook, 'load_ms', 9), 'r2')),
    time_spent_s: only(['page_view'], oneOf(valuesOf(rulebook, 'time_spent_s', 9), 'r3')),
    visit_start: only(['page_view'], `if(r3 < 0.2, 'true', '')`),
    device: oneOf(['desktop', 'mobile', 'tablet', 'other'], 'pow(who, 2)'),
    os: oneOf(['windows', 'macos', 'android', 'linux', 'ios'], 'who'),
    browser: oneOf(['chrome', 'edge', 'firefox', 'safari'], 'who'),
    role: oneOf(valuesOf(rulebook, 'role', 5), 'who'),
  }
}

/** Numbers from 0 to 1 of a row or person, by a hash: the same in every run. */
const share = (of: string, salt: number): string => `(sipHash64(${of}, ${salt}) % 1000003) / 1000003.`
const pseudonym = (of: string): string => `substring(base64URLEncode(reinterpretAsFixedString(${of})), 1, 22)`

/** The statement that makes the rows of receipt hour `hour`. */
function hourSql(rulebook: Rulebook, plan: StreamPlan, database: string, rows: number, hour: number): string {
  const people = Math.max(100, Math.round(rows / ROWS_PER_PERSON))
  const received = DAY_START / 1_000 + (hour * HOUR) / 1_000
  const [first, next] = [hour, hour + 1].map((at) => Math.floor((rows * at) / 24)) as [number, number]
  const values = expressions(rulebook)
  const dimensions = plan.dimensions.map((name) => `, ${values[name] ?? "''"} AS ${name}`).join('')
  return `INSERT INTO ${database}.staging_day
    (received, epoch, hour, site, kind, standing, tenant, person, network, eid, ${plan.dimensions.join(', ')}, _rulebook)
    SELECT toDateTime(${received}), toDate('${utcDay(DAY_START)}'), toDateTime(${received}), 'erp',
      multiIf(k < 0.5, 'page_view', k < 0.7, 'feature', k < 0.9, 'timing', k < 0.95, 'error', 'device') AS kind,
      if(t % 40 = 39, 'trial', 'established'), ${pseudonym('sipHash128(t)')}, ${pseudonym('sipHash128(t, u)')}, '',
      substring(base64URLEncode(reinterpretAsFixedString(sipHash64(n))), 1, 11)${dimensions}, ${quoted(rulebook.hash)}
    FROM (
      SELECT n, ${share('n', 1)} AS k, ${share('n', 2)} AS r1, ${share('n', 3)} AS r2, ${share('n', 4)} AS r3, u,
        toUInt32(floor(pow(${TENANTS}, ${share('u', 5)}))) AS t, ${share('u', 6)} AS who
      FROM (
        -- one in a hundred is sent twice
        SELECT if(number % 100 = 99, number - 1, number) AS n, toUInt32(floor(${people} * pow(${share('n', 7)}, 1.5))) AS u
        FROM numbers(${first}, ${next - first})
      )
    )`
}

/** Stages about `rows` rows of the day, hour after hour as a day fills up, and waits until the server has merged them. */
export async function stageErpDay(
  address: ServerAddress,
  database: string,
  rulebook: Rulebook,
  plan: StreamPlan,
  rows: number,
  onHour: (hour: number) => void,
): Promise<void> {
  for (let hour = 0; hour < DAY / HOUR; hour++) {
    onHour(hour)
    await ask(address, hourSql(rulebook, plan, database, rows, hour))
  }
  for (let running = '1'; running !== '0'; ) {
    running = (await ask(address, 'SELECT count() FROM system.merges')).trim()
    if (running !== '0') await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
