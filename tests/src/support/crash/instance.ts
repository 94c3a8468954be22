/** A real `tacit` process and the ClickHouse child that it brings along. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const TACIT = fileURLToPath(new URL('../../../../services/tacit/bin/tacit.mjs', import.meta.url))
const KILL_POINTS = new URL('./kill-points.js', import.meta.url).href
const TROUBLES = new URL('./troubles.js', import.meta.url).href
const ADVANCE = fileURLToPath(new URL('./advance.js', import.meta.url))
const OUTPUT_CHARACTERS = 20_000
const DIES_WITHIN_MS = 20_000

/** Where a process ends itself with SIGKILL: the n-th time that it comes to a point (see kill-points.ts). */
export interface KillAt {
  readonly point: string
  readonly nth?: number
  /** ms after the point; absent: before it goes on */
  readonly afterMs?: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ms: number
}

export interface Instance {
  readonly pid: number
  readonly exited: Promise<Ended>
  /** the end of what it printed, both streams */
  output(): string
  hasEnded(): boolean
  kill(signal: NodeJS.Signals): void
  /** sends a signal to the process alone, not to its children */
  signal(signal: NodeJS.Signals): void
  /** Resolves with the origin of the collector; null where the process ended before it was ready. */
  readonly ready: Promise<{ readonly origin: string; readonly ms: number } | null>
}

interface SpawnOptions {
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly killAt?: KillAt
  /** what SIGUSR2 brings over it (see troubles.ts) */
  readonly trouble?: string
  /** options of Node */
  readonly nodeOptions?: readonly string[]
}

function start({ args, env = {}, killAt, nodeOptions = [], trouble }: SpawnOptions): Instance {
  const started = performance.now()
  const preload = [
    ...(killAt === undefined ? [] : ['--import', KILL_POINTS]),
    ...(trouble === undefined ? [] : ['--import', TROUBLES]),
  ]
  const child = spawn(process.execPath, [...nodeOptions, ...preload, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as a shell gives it: Ctrl-C goes to the group.
    detached: true,
    env: {
      ...process.env,
      ...env,
      ...(killAt === undefined ? {} : { TACIT_TEST_KILL_AT: JSON.stringify(killAt) }),
      ...(trouble === undefined ? {} : { TACIT_TEST_TROUBLE: trouble }),
    },
  })
  let output = ''
  let ended = false
  const exited = once(child, 'close').then(([code, signal]): Ended => {
    ended = true
    return {
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      ms: performance.now() - started,
    }
  })
  const origin = new Promise<{ origin: string; ms: number }>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-OUTPUT_CHARACTERS)
        const found = /Beacons +(http:\S+)\/v1\/beacon/.exec(output)?.[1]
        if (found !== undefined) resolve({ origin: found, ms: performance.now() - started })
      })
    }
  })
  return {
    pid: child.pid ?? 0,
    exited,
    ready: Promise.race([origin, exited.then(() => null)]),
    output: () => output,
    hasEnded: () => ended,
    kill: (signal) => void killGroup(child, signal),
    signal: (signal) => void child.kill(signal),
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It ended first.
  }
}

export interface UpOptions {
  readonly dir: string
  readonly rulebook: string
  readonly env: NodeJS.ProcessEnv
  readonly killAt?: KillAt
  readonly trouble?: string
  readonly nodeOptions?: readonly string[]
}

/** `tacit up` on ports that the system chooses. */
export function startUp({ dir, rulebook, ...rest }: UpOptions): Instance {
  const args = [TACIT, 'up', '--data', dir, '--rulebook', rulebook, '--port', '0', '--dashboard-port', '0']
  return start({ ...rest, args })
}

/** Any other verb. */
export function startVerb(args: readonly string[], env: NodeJS.ProcessEnv = {}): Instance {
  return start({ args: [TACIT, ...args], env })
}

/** Lets the clock of a directory at rest go on to these times (ms), one after the other (see advance.ts). */
export function startAdvance(dir: string, times: readonly number[], killAt?: KillAt): Instance {
  const args = [ADVANCE, dir, ...times.map(String)]
  return start(killAt === undefined ? { args } : { args, killAt })
}

/** Whether this system shows its processes. */
export const SEES_PROCESSES = existsSync('/proc/self/cmdline')

/** Living processes that name a folder in their arguments: the ClickHouse child does. */
export function processesNaming(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const alive = !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
        return (
          alive &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8')
            .split('\0')
            .some((arg) => arg.startsWith(dir))
        )
      } catch {
        return false
      }
    })
}

/** ms until no process names the folder any more; null where some still do at the end. */
export async function timeUntilNone(dir: string, withinMs: number): Promise<number | null> {
  const started = performance.now()
  for (;;) {
    if (processesNaming(dir).length === 0) return performance.now() - started
    if (performance.now() - started > withinMs) return null
    await sleep(20)
  }
}

/** Waits until it killed itself at its point; a run that never came there fails. */
export async function expectDeath(t: Test, instance: Instance, { point }: KillAt): Promise<void> {
  const ended = await Promise.race([instance.exited, sleep(DIES_WITHIN_MS, null, { ref: false })])
  if (ended === null) instance.kill('SIGKILL')
  t.equal(ended?.signal, 'SIGKILL', 'it is killed')
  t.match(instance.output(), `reached ${point}`, 'at its point')
}
