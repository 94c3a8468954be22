/** `run.json`: how other `tacit` processes find the running instance. Mode 0600, because it holds an access token. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { DataLayout } from './layout.js'

const runFile = z.object({
  pid: z.int(),
  /** origin of the collector */
  collector: z.string(),
  /** origin of the dashboard */
  dashboard: z.string(),
  /** access token of role operator */
  token: z.string(),
  /** whether keys and audit log of real data are another process's */
  remoteKeeper: z.boolean().default(false),
})

export type RunFile = z.infer<typeof runFile>

export function writeRunFile(layout: DataLayout, content: RunFile): void {
  rmSync(layout.runFile, { force: true })
  writeFileSync(layout.runFile, `${JSON.stringify(content)}\n`, { mode: 0o600 })
}

export function removeRunFile(layout: DataLayout): void {
  rmSync(layout.runFile, { force: true })
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The running instance of a data directory, or null where none runs. */
export function readRunFile(layout: DataLayout): RunFile | null {
  try {
    const content = runFile.parse(JSON.parse(readFileSync(layout.runFile, 'utf8')))
    return isAlive(content.pid) ? content : null
  } catch {
    return null
  }
}
