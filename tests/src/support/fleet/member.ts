/** One process of a distributed deployment, which may be killed and started again on its own directory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { environment, TACIT } from '../tacit.js'

const CLOCK = new URL('../shifted-clock.js', import.meta.url).href
const VITALS = new URL('./vitals.js', import.meta.url).href
const OUTPUT_CHARACTERS = 20_000

export interface MemberOptions {
  readonly name: string
  /** verb and arguments */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** file to which it writes what it holds (vitals.ts) */
  readonly vitals?: string
}

export class Member {
  readonly name: string
  readonly #options: MemberOptions
  #child: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()
  #output = ''
  /** how often it was started */
  starts = 0

  constructor(options: MemberOptions) {
    this.name = options.name
    this.#options = options
  }

  get isAlive(): boolean {
    return this.#child !== null
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** The end of what it printed, both streams, of all its lives. */
  output(): string {
    return this.#output
  }

  /** Starts it. @returns what it says of itself when it is up @throws Error where it ends before */
  async start(): Promise<Readonly<Record<string, unknown>>> {
    if (this.#child !== null) throw new Error(`${this.name} runs already`)
    this.starts++
    const { args, env, vitals } = this.#options
    const watched = vitals === undefined ? [] : ['--expose-gc', '--import', VITALS]
    const child = spawn(process.execPath, [...watched, '--import', CLOCK, TACIT, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment({ ...env, ...(vitals === undefined ? {} : { TACIT_TEST_VITALS_FILE: vitals }) }),
    })
    this.#child = child
    let said = ''
    const up = new Promise<Readonly<Record<string, unknown>>>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        this.#keep(text)
        said += text
        const line = /^\{.*\}$/m.exec(said)?.[0]
        if (line !== undefined) resolve(JSON.parse(line) as Readonly<Record<string, unknown>>)
      })
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text))
    this.#ended = this.#untilClosed(child)
    const early = await Promise.race([up, this.#ended])
    if (early === undefined) throw new Error(`${this.name} ended before it was up: ${this.#output}`)
    return early
  }

  /** Sends a signal and waits for the end. @returns whether it was alive */
  async end(signal: NodeJS.Signals): Promise<boolean> {
    const isAlive = this.#child?.kill(signal) === true
    await this.#ended
    return isAlive
  }

  /** Sends a signal that does not end it: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async #untilClosed(child: ChildProcess): Promise<void> {
    await once(child, 'close')
    if (this.#child === child) this.#child = null
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS)
  }
}
