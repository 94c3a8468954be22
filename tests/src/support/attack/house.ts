/** The house in a process of its own (house-process.ts), as a test drives it, and the rows that lie in its warehouse. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { query } from '../server-query.js'
import { environment } from '../tacit.js'
import type { Answer, Command, Started } from './house-process.js'

const PROGRAM = fileURLToPath(new URL('./house-process.js', import.meta.url))

/** What is stored of one person in one epoch: pseudonyms, base64url of 22 characters. */
export interface StoredPerson {
  readonly tenant: string
  readonly person: string
}

export class DrivenHouse {
  readonly pid: number
  readonly facts: Started
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, facts: Started) {
    this.pid = child.pid ?? 0
    this.facts = facts
    this.#child = child
  }

  /** @param dir an empty folder: its `data` is the data directory @param at ms */
  static async start(dir: string, at: number): Promise<DrivenHouse> {
    const child = fork(PROGRAM, [dir], { execArgv: [], env: environment() })
    const { started } = await ask(child, { do: 'start', at })
    if (started === undefined) throw new Error('the house did not say where it is')
    return new DrivenHouse(child, started)
  }

  async do(command: Command): Promise<void> {
    await ask(this.#child, command)
  }

  /** The people of a day, as its staging and landing tables have them, each once. @param day `2026-11-09` */
  async stored(day: string): Promise<readonly StoredPerson[]> {
    const { clickhouse, database } = this.facts
    const from = (table: string): string =>
      `SELECT tenant, person FROM ${database}.${table}_day WHERE epoch = '${day}' AND tenant != ''`
    const both = `${from('staging')} UNION ALL ${from('landing')}`
    const lines = await query(
      { server: { address: clickhouse } },
      `SELECT DISTINCT * FROM (${both}) FORMAT JSONEachRow`,
    )
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as StoredPerson)
  }

  /** Ends it, whatever it is doing. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const closed = once(this.#child, 'close')
    await this.do({ do: 'end' }).catch(() => this.#child.kill('SIGKILL'))
    await closed
  }
}

async function ask(child: ChildProcess, command: Command): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    const ended = (): void => reject(new Error('the house ended'))
    child.once('close', ended)
    child.once('message', (message) => {
      child.off('close', ended)
      resolve(message as Answer)
    })
  })
  child.send(command)
  const { failed, ...rest } = await answer
  if (failed !== undefined) throw new Error(failed)
  return rest
}
