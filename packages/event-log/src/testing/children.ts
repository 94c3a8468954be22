/** Child processes whose lines a test waits for. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly process: ChildProcess
  /** whole lines so far */
  readonly lines: readonly string[]
  /** The first line from `from` on that fits. Rejects where the child ends before it, or after a minute. */
  line(fits: RegExp, from?: number): Promise<string>
  kill(): Promise<void>
}

const LINE_MS = 60_000

export function runChild(script: URL, args: readonly string[]): Child {
  const child = spawn(process.execPath, [fileURLToPath(script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const split = (rest + text).split('\n')
    rest = split.pop() ?? ''
    lines.push(...split)
    wake()
  })
  const closed = once(child, 'close').then(wake)
  return {
    process: child,
    lines,
    line: (fits, from = 0) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`no line ${fits} in ${JSON.stringify(lines.slice(-5))}`))
        }, LINE_MS)
        const look = (): void => {
          const found = lines.slice(from).find((line) => fits.test(line))
          if (found === undefined && child.exitCode === null && child.signalCode === null) return
          clearTimeout(timer)
          waiting.delete(look)
          if (found === undefined) reject(new Error(`the child ended without a line ${fits}`))
          else resolve(found)
        }
        waiting.add(look)
        look()
      }),
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}
