/** Lives of one directory, one after the other. While one process lives, another loads that takes its place. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LifeOrder, Report } from './life-order.js'

const LIFE = fileURLToPath(new URL('./life.js', import.meta.url))
/** A life that hangs is ended, and fails. */
const LIVES_WITHIN_MS = 240_000
const ERROR_CHARACTERS = 4_000

export interface Life {
  readonly order: LifeOrder
  readonly reports: readonly Report[]
  /** of its process, where that ended with it */
  readonly signal: NodeJS.Signals | null
  /** ms by the driven clock, when it ended or was killed */
  readonly end: number
  /** it did all that it was ordered to, and closed */
  readonly isWhole: boolean
  readonly errors: string
}

interface LifeProcess {
  readonly child: ChildProcess
  readonly lines: Interface
  readonly closed: Promise<unknown[]>
  errors: string
}

export class Lives {
  readonly #isReused: boolean
  #current: LifeProcess
  #next: LifeProcess

  /** @param isReused whether a process that closed its house well opens it again; else every life has its own */
  constructor(isReused: boolean) {
    this.#isReused = isReused
    this.#current = load()
    this.#next = load()
  }

  /** Lives one order to its end. */
  async live(order: LifeOrder): Promise<Life> {
    const current = this.#current
    const reports: Report[] = []
    const ended = new Promise<null>((resolve) => {
      current.lines.on('line', (line) => {
        const report = JSON.parse(line) as Report
        reports.push(report)
        if (report.r === 'ended') resolve(null)
      })
    })
    current.child.stdin?.write(`${JSON.stringify(order)}\n`)
    const limit = setTimeout(() => current.child.kill('SIGTERM'), LIVES_WITHIN_MS)
    const exit = (await Promise.race([ended, current.closed])) as [unknown, NodeJS.Signals | null] | null
    clearTimeout(limit)
    current.lines.removeAllListeners('line')
    if (exit !== null || !this.#isReused) await this.#replace()
    const last = reports.findLast(({ r }) => r === 'reached' || r === 'ended')
    return {
      order,
      reports,
      signal: exit?.[1] ?? null,
      end: last?.at ?? order.from,
      isWhole: exit === null,
      errors: current.errors,
    }
  }

  async #replace(): Promise<void> {
    await end(this.#current)
    this.#current = this.#next
    this.#next = load()
  }

  /** Ends the processes that still wait for an order. */
  async close(): Promise<void> {
    await Promise.all([end(this.#current), end(this.#next)])
  }
}

function load(): LifeProcess {
  const child = spawn(process.execPath, [LIFE], { stdio: ['pipe', 'pipe', 'pipe'] })
  const life: LifeProcess = {
    child,
    lines: createInterface(child.stdout),
    closed: once(child, 'close'),
    errors: '',
  }
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    life.errors = (life.errors + text).slice(-ERROR_CHARACTERS)
  })
  // One that died before its order: its end says why.
  child.stdin.on('error', () => {})
  return life
}

async function end({ child, closed }: LifeProcess): Promise<void> {
  child.stdin?.end()
  await closed
}
