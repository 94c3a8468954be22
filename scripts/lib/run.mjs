import { spawn } from 'node:child_process'

const OUTPUT_LIMIT = 256 * 1024

/** The children that run now, so that an interrupt takes their whole process groups along. */
const running = new Set()

/**
 * Keeps the last `limit` characters of what is written to it: output is bounded whatever a child prints.
 * @param {number} [limit]
 */
export function tail(limit = OUTPUT_LIMIT) {
  let text = ''
  return {
    add: (/** @type {string} */ chunk) => {
      text = (text + chunk).slice(-limit)
    },
    text: () => text,
  }
}

/**
 * Kills a child and everything it started. The child leads a process group of its own (`detached`).
 * @param {number | undefined} pid
 */
function killGroup(pid) {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is empty already: that is what we want.
  }
}

/** Kills every child that still runs; for signal handlers. */
export function killAll() {
  for (const child of running) killGroup(child.pid)
}

/**
 * Runs a command to its end, in a process group of its own that never outlives it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, onStdout?: (chunk: string) => void }} options
 *   `onStdout` receives standard output as it comes; without it, it is part of `output`
 * @returns {Promise<{ code: number | null, signal: string | null, timedOut: boolean, output: string, ms: number }>}
 *   `output`: the end of what it printed. A command that cannot be started has `code` 127.
 */
export function run(command, args, { cwd, env = process.env, timeoutMs = 15 * 60_000, onStdout }) {
  const started = performance.now()
  return new Promise((resolve) => {
    const output = tail()
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child.pid)
    }, timeoutMs)
    const finish = (/** @type {number | null} */ code, /** @type {string | null} */ signal) => {
      clearTimeout(timer)
      running.delete(child)
      resolve({ code, signal, timedOut, output: output.text(), ms: performance.now() - started })
    }
    child.stdout.setEncoding('utf8').on('data', onStdout ?? output.add)
    child.stderr.setEncoding('utf8').on('data', output.add)
    child.on('error', (error) => {
      output.add(`${error.message}\n`)
      finish(127, null)
    })
    // A grandchild that inherited the pipes would hold back 'close' for ever: it ends with its parent.
    child.on('exit', () => killGroup(child.pid))
    child.on('close', finish)
  })
}

/**
 * The last lines of a text, without trailing blank ones.
 * @param {string} text
 * @param {number} count
 */
export function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

/**
 * The first and the last lines of a text: tools say what is wrong at either end.
 * @param {string} text
 * @param {number} first
 * @param {number} last
 */
export function bothEnds(text, first, last) {
  const lines = text.trimEnd().split('\n')
  if (lines.length <= first + last) return lines.join('\n')
  return [...lines.slice(0, first), '…', ...lines.slice(-last)].join('\n')
}

/**
 * A duration for people: `0.8 s`, `2 min 5 s`.
 * @param {number} ms
 */
export function seconds(ms) {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const whole = Math.round(ms / 1000)
  return `${Math.floor(whole / 60)} min ${whole % 60} s`
}
