/** A running Tacit with a little sample data in a folder of its own, as `npm start` would run it. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const TACIT = join(ROOT, 'services/tacit/bin/tacit.mjs')
const VERB_MS = 120_000
const READY_MS = 60_000
const STOP_MS = 30_000

export type Role = 'product' | 'privacy'

export interface LedgerRow {
  readonly hour: string
  readonly received: number
  readonly accepted: number
  readonly dropped: Readonly<Record<string, number>>
}

export interface Instance {
  /** origins */
  readonly collector: string
  readonly dashboard: string
  /** the sign-in link that `tacit token` prints */
  link(role: Role): Promise<string>
  /** `GET path` of the dashboard with a role's token, as JSON */
  api<Answer>(role: Role, path: string): Promise<Answer>
  /** the same as text */
  text(role: Role, path: string): Promise<string>
  /** `tacit ledger --site sample --json`: open hours too */
  ledger(): Promise<readonly LedgerRow[]>
  /** Stops it as Ctrl-C does, and removes its folder. */
  stop(): Promise<void>
}

async function tacit(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [TACIT, ...args], {
    timeout: VERB_MS,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** Keeps the end of what a process says. */
function listen(child: ChildProcess): { readonly said: () => string } {
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000)
    })
  }
  return { said: () => said }
}

/** Resolves when it says that it is ready. @throws Error with what it said, where it ends or takes too long */
async function ready(child: ChildProcess, said: () => string): Promise<void> {
  const signal = AbortSignal.timeout(READY_MS)
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error(`tacit up ended: ${said()}`)
  })
  const spoke = new Promise<void>((resolve) => {
    child.stdout?.on('data', () => {
      if (said().includes('Tacit is ready')) resolve()
    })
  })
  await Promise.race([spoke, ended])
}

/** @throws Error with what it said, where it had ended by itself: a test that goes on without it proves nothing */
async function end(child: ChildProcess, said: () => string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`tacit up had ended (${child.exitCode ?? child.signalCode}): ${said()}`)
  }
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await ended
  clearTimeout(timer)
}

/** Plays sample traffic of this size and starts `tacit up --sample` on it, on ports that the system chooses. */
export async function startInstance(size: {
  readonly days: number
  readonly tenants: number
  readonly users: number
}): Promise<Instance> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-browser-'))
  const sizes = Object.entries(size).flatMap(([name, value]) => [`--${name}`, String(value)])
  await tacit('simulate', ...sizes, '--data', dir)
  const args = ['up', '--sample', '--port', '0', '--dashboard-port', '0', '--data', dir]
  const child = spawn(process.execPath, [TACIT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const { said } = listen(child)
  try {
    await ready(child, said)
  } catch (error) {
    child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
    throw error
  }
  const run = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')) as Record<string, string>
  const { collector = '', dashboard = '' } = run
  const tokens = new Map<Role, Promise<{ readonly token: string; readonly link: string }>>()
  const access = (role: Role) => {
    const known =
      tokens.get(role) ??
      tacit('token', '--role', role, '--data', dir, '--json').then(
        (text) => JSON.parse(text) as { token: string; link: string },
      )
    tokens.set(role, known)
    return known
  }
  const text = async (role: Role, path: string): Promise<string> => {
    const { token } = await access(role)
    const answer = await fetch(`${dashboard}${path}`, { headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer.text()
  }
  return {
    collector,
    dashboard,
    link: async (role) => (await access(role)).link,
    text,
    api: async <Answer>(role: Role, path: string) => JSON.parse(await text(role, path)) as Answer,
    async ledger() {
      const answer = await tacit('ledger', '--site', 'sample', '--data', dir, '--json')
      return (JSON.parse(answer) as { rows: LedgerRow[] }).rows
    },
    async stop() {
      try {
        await end(child, said)
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    },
  }
}
