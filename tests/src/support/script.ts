/** A script of this repository that runs until it is ended, as its users run it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFree } from '@tacit/event-log/testing'
import type { Test } from 'tap'

const SAYS_WITHIN_MS = 120_000
const GONE_WITHIN_MS = 30_000

export interface Script {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** the exit code; null after a signal */
  readonly ended: Promise<number | null>
}

/** Runs a command and collects what it says. */
export function runScript(test: Test, command: string, args: readonly string[], env = process.env): Script {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  test.teardown(() => child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, ended }
}

/** Waits until a script that goes on says how to end it. @throws Error with what it said where it does not */
export async function untilUp({ child, stdout, stderr }: Script): Promise<void> {
  const deadline = performance.now() + SAYS_WITHIN_MS
  const isWaiting = (): boolean => child.exitCode === null && performance.now() < deadline
  while (!stdout().includes('Ctrl-C') && isWaiting()) await sleep(20)
  if (!stdout().includes('Ctrl-C')) throw new Error(`it is not up: ${stderr()}`)
}

/** Whether nobody listens on those ports any more, soon. */
export async function areGone(ports: readonly number[]): Promise<boolean> {
  const deadline = performance.now() + GONE_WITHIN_MS
  for (;;) {
    const free = await Promise.all(ports.map(isFree))
    if (!free.includes(false)) return true
    if (performance.now() > deadline) return false
    await sleep(50)
  }
}
