/**
 * Preloaded into a process that is to get into trouble at SIGUSR2: `node --import troubles.js …` with TACIT_TEST_TROUBLE.
 * `heap`: its heap fills up, beside what it does, until V8 gives up. `block N`: its event loop is blocked for N ms.
 */
import { writeSync } from 'node:fs'

/** 400 kB, of few objects: they cost little to look through when garbage is collected. */
const NUMBERS_A_TURN = 50_000

const trouble = process.env['TACIT_TEST_TROUBLE'] ?? ''
const kept: number[][] = []

function fill(): void {
  kept.push(Array.from<number>({ length: NUMBERS_A_TURN }).fill(kept.length))
  setImmediate(fill)
}

function block(ms: number): void {
  writeSync(2, 'the event loop is blocked\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
  writeSync(2, 'the event loop is free\n')
}

process.on('SIGUSR2', () => {
  const [what, ms] = trouble.split(' ')
  if (what === 'heap') fill()
  else block(Number(ms))
})
