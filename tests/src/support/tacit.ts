/** The real command line, run as its users run it: arguments and bytes in, exit code and both streams out. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The stub that starts the command line. */
export const TACIT = fileURLToPath(new URL('../../../services/tacit/bin/tacit.mjs', import.meta.url))
const RULEBOOKS = new URL('../../../rulebooks/', import.meta.url)
/** No verb of a test runs longer; one that hangs is ended and fails by its missing exit code. */
const MAX_RUN_MS = 120_000

/** The path of a rulebook as it is shipped. */
export function rulebookPath(name: 'erp' | 'website'): string {
  return fileURLToPath(new URL(`${name}/rulebook.yaml`, RULEBOOKS))
}

export interface Ran {
  /** null where a signal ended it */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** from spawn to end of both streams */
  readonly ms: number
}

export interface RunOptions {
  /** standard input; default empty */
  readonly input?: Buffer
  readonly env?: Readonly<Record<string, string>>
  /** the working directory; default: that of the tests */
  readonly cwd?: string
}

/** Settings of whoever runs the tests must not change what is tested. */
function environment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('TACIT_'))
  return { ...Object.fromEntries(inherited), ...own }
}

function start(args: readonly string[], env: Readonly<Record<string, string>>, cwd?: string) {
  const started = performance.now()
  const child = spawn(process.execPath, [TACIT, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(env),
    cwd,
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  // A process that refuses its arguments does not read its input.
  child.stdin.on('error', () => undefined)
  const ended = once(child, 'close').then(
    ([code]): Ran => ({ code: code as number | null, ...text, ms: performance.now() - started }),
  )
  return { child, text, ended }
}

/** Runs one verb to its end. */
export async function tacit(
  args: readonly string[],
  { cwd, input, env = {} }: RunOptions = {},
): Promise<Ran> {
  const { child, ended } = start(args, env, cwd)
  child.stdin.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), MAX_RUN_MS)
  const ran = await ended
  clearTimeout(timer)
  return ran
}

/** A running `tacit up`. */
export interface Up {
  readonly pid: number
  /** origin of the collector */
  readonly collector: string
  readonly dashboard: string
  /** all that it printed so far, both streams */
  output(): string
  /** Sends the signal and waits for the end. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<Ran>
}

/** Starts `up` on ports that the system chooses. @throws Error where it ends before it is ready */
export async function startUp(
  dir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Up> {
  const { child, ended, text } = start(
    ['up', '--data', dir, '--port', '0', '--dashboard-port', '0', ...args],
    env,
  )
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (text.stdout.includes('Ctrl-C')) resolve()
    })
  })
  const early = await Promise.race([ready, ended])
  if (early !== undefined) throw new Error(`tacit up ended with ${String(early.code)}: ${early.stderr}`)
  const origin = (pattern: RegExp): string => pattern.exec(text.stdout)?.[1] ?? ''
  return {
    pid: child.pid ?? 0,
    collector: origin(/Beacons +(http:\S+)\/v1\/beacon/),
    dashboard: origin(/Product team +(http:[^/]+\/\/[^/]+)\//),
    output: () => text.stdout + text.stderr,
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}
