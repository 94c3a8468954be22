/** Imports by the real command line, and what they left: shared by the tests of `tacit import`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countLog, publishable } from './count-log.js'
import { type Ran, type RunOptions, rulebookPath, tacit } from './tacit.js'

/** What `import --json` prints. */
export interface Imported {
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
  readonly released: readonly {
    readonly statistic: string
    readonly window: string
    readonly window_start: string
    readonly cells: number
  }[]
}

/** A published cell of `pages`. */
export interface Row {
  readonly window_start: string
  readonly path: string
  readonly users: number | null
  readonly events: number | null
}

/** An hour of `ledger --json`. */
export interface LedgerRow {
  readonly hour: string
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

/** The arguments of an import under the website's rulebook. */
export const website = (data: string, ...args: string[]) => [
  'import',
  ...args,
  '--rulebook',
  rulebookPath('website'),
  '--data',
  data,
  '--json',
]

/** @throws Error where the exit code is not 0 */
export const ranOk = (ran: Ran): Ran => {
  if (ran.code !== 0) throw new Error(`exit code ${String(ran.code)}: ${ran.stderr}`)
  return ran
}
/** What a verb prints as JSON. */
export async function json<T>(args: readonly string[], options?: RunOptions): Promise<T> {
  return JSON.parse(ranOk(await tacit(args, options)).stdout) as T
}
export const imported = (data: string, args: readonly string[], options?: RunOptions) =>
  json<Imported>(website(data, ...args), options)
export const pagesOf = async (data: string) =>
  (await json<{ rows: Row[] }>(['statistics', 'pages', '--data', data, '--json'])).rows
export const ledgerOf = async (data: string) =>
  (await json<{ rows: LedgerRow[] }>(['ledger', '--data', data, '--json'])).rows
export const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)

/** Cells by day and path, without pooled ones. */
export function cellsOf(rows: readonly Row[]): [string, unknown][] {
  return rows
    .filter(({ path }) => path !== '(other)')
    .map((row): [string, unknown] => [
      `${row.window_start.slice(0, 10)} ${row.path}`,
      { users: row.users, events: row.events },
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The cells that a log must lead to, by the counting script. */
export function shouldBe(text: string): [string, unknown][] {
  return [...publishable(countLog(text))].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** A folder for the logs and data directories of one test file. */
export class Workplace {
  readonly root: string
  #count = 0

  constructor(name: string) {
    this.root = mkdtempSync(join(tmpdir(), `tacit-${name}-`))
  }

  /** Writes a file. @returns its path */
  file(content: string | Buffer, suffix = '.log'): string {
    const path = join(this.root, `file-${++this.#count}${suffix}`)
    writeFileSync(path, content)
    return path
  }

  /** The path of a data directory that is not there yet. */
  data(): string {
    return join(this.root, `data-${++this.#count}`)
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
