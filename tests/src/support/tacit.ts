/** The real command line, run as its users run it: arguments and bytes in, exit code and both streams out. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The stub that starts the command line. */
export const TACIT = fileURLToPath(new URL('../../../services/tacit/bin/tacit.mjs', import.meta.url))
const RULEBOOKS = new URL('../../../rulebooks/', import.meta.url)
/** Few verbs of a test run longer; one that hangs is ended and fails by its missing exit code. */
const MAX_RUN_MS = 120_000
/** A line that never comes is waited for so long. */
const SAYS_WITHIN_MS = 30_000

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
  /** ms after which it is ended; default two minutes */
  readonly limitMs?: number
}

/** Settings of whoever runs the tests must not change what is tested. @param own those of the test, beside them */
export function environment(own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TACIT_|CLICKHOUSE_|KAFKA_BROKERS$)/.test(name),
  )
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
  { cwd, input, env = {}, limitMs = MAX_RUN_MS }: RunOptions = {},
): Promise<Ran> {
  const { child, ended } = start(args, env, cwd)
  child.stdin.end(input)
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const ran = await ended
  clearTimeout(timer)
  return ran
}

/** A verb that goes on until it is ended. */
interface Running {
  /** all that it printed so far, both streams */
  output(): string
  /** Whether it prints that, now or soon: what it said on one stream may arrive after what it said later on the other. */
  says(what: RegExp): Promise<boolean>
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ran>
}

/** A running `tacit up`. */
export interface Up extends Running {
  readonly pid: number
  /** origin of the collector */
  readonly collector: string
  readonly dashboard: string
}

/** Starts a verb that goes on until it is ended. @throws Error where it ends before it is ready */
async function startReady(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<ReturnType<typeof start>> {
  const started = start(args, env, cwd)
  const { child, ended, text } = started
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', () => {
      if (text.stdout.includes('Ctrl-C')) resolve()
    })
  })
  const early = await Promise.race([ready, ended])
  if (early !== undefined) {
    throw new Error(`tacit ${args[0] ?? ''} ended with ${String(early.code)}: ${early.stderr}`)
  }
  return started
}

/** A running `tacit keeper`. */
export interface RunningKeeper extends Running {
  /** where it listens: `https://…` */
  readonly url: string
}

function running({ child, ended, text }: ReturnType<typeof start>): Running {
  const output = (): string => text.stdout + text.stderr
  return {
    output,
    async says(what) {
      const until = performance.now() + SAYS_WITHIN_MS
      while (!what.test(output()) && performance.now() < until) await sleep(20)
      return what.test(output())
    },
    end(signal) {
      child.kill(signal)
      return ended
    },
  }
}

/** Starts `keeper` on loopback. @param port 0: one that the system chooses */
export async function startKeeper(
  dir: string,
  env: Readonly<Record<string, string>>,
  port = 0,
  rulebook = rulebookPath('erp'),
): Promise<RunningKeeper> {
  const args = ['keeper', '--data', dir, '--rulebook', rulebook, '--port', String(port)]
  const started = await startReady(args, env)
  return { url: /Listens +(https:\S+)/.exec(started.text.stdout)?.[1] ?? '', ...running(started) }
}

/** Starts `up` on ports that the system chooses. @throws Error where it ends before it is ready */
export async function startUp(
  dir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Up> {
  const started = await startReady(
    ['up', '--data', dir, '--port', '0', '--dashboard-port', '0', ...args],
    env,
    cwd,
  )
  const origin = (pattern: RegExp): string => pattern.exec(started.text.stdout)?.[1] ?? ''
  return {
    pid: started.child.pid ?? 0,
    collector: origin(/Beacons +(http:\S+)\/v1\/beacon/),
    dashboard: origin(/Product team +(http:[^/]+\/\/[^/]+)\//),
    ...running(started),
  }
}
