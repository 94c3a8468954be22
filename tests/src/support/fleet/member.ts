/** One process of a distributed deployment, which may be killed and started again on its own directory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { KillAt } from '../crash/instance.js'
import { environment, TACIT } from '../tacit.js'

const CLOCK = new URL('../shifted-clock.js', import.meta.url).href
const KILL_POINTS = new URL('../crash/kill-points.js', import.meta.url).href
const VITALS = new URL('./vitals.js', import.meta.url).href
const OUTPUT_CHARACTERS = 20_000
const OUTPUT_PIECES = 500

export interface MemberOptions {
  readonly name: string
  /** verb and arguments */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** file to which it writes what it holds (vitals.ts) */
  readonly vitals?: string
}

/** How a life ended. */
interface End {
  /** null after a signal */
  readonly code: number | null
  /** of `performance.now()` */
  readonly at: number
}

export class Member {
  readonly name: string
  readonly #options: MemberOptions
  #child: ChildProcess | null = null
  #ended: Promise<void> = Promise.resolve()
  #output = ''
  /** what was printed in the life that runs, or in the last one, and when */
  #life: { readonly at: number; readonly text: string }[] = []
  #end: End | null = null
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

  /** What it printed since its last start. */
  lifeOutput(): string {
    return this.#life.map(({ text }) => text).join('')
  }

  /** When it last said that since its last start, of `performance.now()`; null where it did not. */
  saidAt(what: string): number | null {
    let said = ''
    for (const { at, text } of this.#life.toReversed()) {
      said = text + said
      if (said.includes(what)) return at
    }
    return null
  }

  /** How its last life ended; null where it lives, or never did. */
  get lastEnd(): End | null {
    return this.#end
  }

  /** Starts it. @returns what it says of itself when it is up @throws Error where it ends before */
  async start(): Promise<Readonly<Record<string, unknown>>> {
    const said = await this.#spawn([], {})
    if (said === null) throw new Error(`${this.name} ended before it was up: ${this.#output}`)
    return said
  }

  /** Starts it to die where it comes to a point (kill-points.ts). Resolves when it is up, or ended before. */
  async startToDie(killAt: KillAt): Promise<void> {
    await this.#spawn(['--import', KILL_POINTS], { TACIT_TEST_KILL_AT: JSON.stringify(killAt) })
  }

  /** Waits for the end of the life that runs. @returns whether it ended within so many ms */
  async endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false)
    })
    const ended = await Promise.race([this.#ended.then(() => true), late])
    clearTimeout(timer)
    return ended
  }

  async #spawn(
    preload: readonly string[],
    more: Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, unknown>> | null> {
    if (this.#child !== null) throw new Error(`${this.name} runs already`)
    this.starts++
    this.#life = []
    this.#end = null
    const { args, env, vitals } = this.#options
    const watched = vitals === undefined ? [] : ['--expose-gc', '--import', VITALS]
    const preloads = [...watched, '--import', CLOCK, ...preload]
    const child = spawn(process.execPath, [...preloads, TACIT, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment({
        ...env,
        ...more,
        ...(vitals === undefined ? {} : { TACIT_TEST_VITALS_FILE: vitals }),
      }),
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
    return (await Promise.race([up, this.#ended])) ?? null
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
    const [code] = (await once(child, 'close')) as [number | null]
    this.#end = { code, at: performance.now() }
    if (this.#child === child) this.#child = null
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS)
    this.#life.push({ at: performance.now(), text })
    if (this.#life.length > OUTPUT_PIECES) this.#life.shift()
  }
}
