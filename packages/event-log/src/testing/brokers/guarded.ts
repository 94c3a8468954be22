/**
 * Children that never outlive this process, not even its SIGKILL: the system closes our end of a pipe when we die,
 * and a shell beside the child sees that and kills it.
 *
 * The shell that we spawn leaves a small copy of itself behind, waiting on the pipe, and becomes the command: so the
 * pid, the signals and the exit are those of the command itself. A child that ended is reported to the waiting copy,
 * so that it never kills a process that got the same number later.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

/** `$$` is the number of the shell that becomes the command, in its background copy too. */
const GUARD = '(read -r line <&3 || kill -9 "$$") >/dev/null 2>&1 & exec "$@" 3<&-'
/** The processes that wrote into the folder are killed at the same moment; this lets them go first. */
const TIDY = 'read -r line <&3 || { sleep 1; rm -rf -- "$1"; }'
const OUTPUT_CHARS = 64 * 1024

export interface GuardedOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** told what it prints, both streams, as it comes */
  readonly said?: (text: string) => void
}

export interface Guarded {
  readonly pid: number
  readonly isAlive: boolean
  /** resolves with the exit code (null after a signal) when the process is gone */
  readonly gone: Promise<number | null>
  /** the end of what it printed, both streams */
  output(): string
  /** false where it is gone already */
  signal(name: NodeJS.Signals): boolean
}

/** The parent's end of the pipe that a guard waits on. */
function lifeline(child: ChildProcess): Writable {
  const pipe = child.stdio[3] as Writable
  // A guard that is gone has nothing left to be told.
  pipe.on('error', () => undefined)
  return pipe
}

/**
 * Starts a command. Detached, so that Ctrl-C reaches this process only, which then ends its children as it wants to.
 * A command that is missing ends with code 127.
 */
export function spawnGuarded(
  command: string,
  args: readonly string[],
  { cwd, env = process.env, said = () => undefined }: GuardedOptions,
): Guarded {
  const child = spawn('/bin/sh', ['-c', GUARD, 'sh', command, ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const pipe = lifeline(child)
  let output = ''
  let isAlive = true
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-OUTPUT_CHARS)
      said(chunk)
    })
  }
  const gone = new Promise<number | null>((resolve) => {
    const end = (code: number | null): void => {
      isAlive = false
      pipe.end('ended\n')
      resolve(code)
    }
    child.once('exit', end)
    child.once('error', () => end(127))
  })
  return {
    pid: child.pid ?? 0,
    get isAlive() {
      return isAlive
    },
    gone,
    output: () => output,
    signal: (name) => isAlive && child.kill(name),
  }
}

/** Runs a guarded command to its end; one that takes longer than `timeoutMs` is killed (code null). */
export async function runGuarded(
  command: string,
  args: readonly string[],
  options: GuardedOptions & { readonly timeoutMs: number },
): Promise<{ code: number | null; output: string }> {
  const child = spawnGuarded(command, args, options)
  const timer = setTimeout(() => child.signal('SIGKILL'), options.timeoutMs)
  const code = await child.gone
  clearTimeout(timer)
  return { code, output: child.output() }
}

/** Removes a folder when this process dies, however it dies. @returns says that it is not needed any more */
export function removeFolderAtDeath(dir: string): () => void {
  const child = spawn('/bin/sh', ['-c', TIDY, 'sh', dir], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  child.on('error', () => undefined)
  const pipe = lifeline(child)
  return () => pipe.end('done\n')
}
