/** One run of the child: from spawn to ready, from "let go" to gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url))
const PROBE_EVERY_MS = 20
const PROBE_TIMEOUT_MS = 1_000
const STDERR_BYTES = 4_096

export interface LaunchOptions {
  readonly dataDir: string
  readonly port: number
  readonly configFile: string
  readonly authorization: string
  /** ms on the system clock after which a child that is not ready is ended */
  readonly deadline: number
  /** ends the attempt early */
  readonly signal: AbortSignal
}

/** A child that answers. */
export interface ReadyChild {
  readonly pid: number
  readonly version: string
  /** resolves when the process is gone, however it went */
  readonly gone: Promise<void>
  /** Lets go of its stdin; SIGTERM after `graceMs`, SIGKILL after as long again. Resolves when it is gone. */
  stop(graceMs: number): Promise<void>
}

/** `code`: ClickHouse's error number where it said one; its text may quote data and is thrown away. */
export type Launch =
  | { readonly ready: true; readonly child: ReadyChild }
  | { readonly ready: false; readonly code: number | null }

/** The part of the environment that the child needs: no secret of the parent, no NODE_OPTIONS. */
function childEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LD_LIBRARY_PATH } = process.env
  return {
    TZ: 'UTC',
    ...(PATH === undefined ? {} : { PATH }),
    ...(HOME === undefined ? {} : { HOME }),
    ...(LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH }),
  }
}

/** Asks for the version; null where nobody (or not our server) answers. */
function askVersion(port: number, authorization: string): Promise<string | null> {
  return new Promise((resolve) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        headers: { authorization },
        timeout: PROBE_TIMEOUT_MS,
        // A connection kept alive would hold up the server's end.
        agent: false,
      },
      (res) => {
        let body = ''
        res.setEncoding('utf8')
        res.on('data', (text: string) => {
          if (body.length < 64) body += text
        })
        res.on('end', () => resolve(res.statusCode === 200 ? body.trim() : null))
        res.on('error', () => resolve(null))
      },
    )
    req.on('timeout', () => req.destroy())
    req.on('error', () => resolve(null))
    req.end('SELECT version()')
  })
}

function readErrorCode(child: ChildProcess): () => number | null {
  let text = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (chunk: string) => {
    text = (text + chunk).slice(0, STDERR_BYTES)
  })
  return () => {
    const code = /Code: (\d+)/.exec(text)?.[1]
    return code === undefined ? null : Number(code)
  }
}

async function stopChild(child: ChildProcess, gone: Promise<void>, graceMs: number): Promise<void> {
  const wait = async (): Promise<boolean> => {
    const late = new AbortController()
    const timer = sleep(graceMs, false, { signal: late.signal }).catch(() => false)
    const ended = await Promise.race([gone.then(() => true), timer])
    late.abort()
    return ended
  }
  child.stdin?.end()
  if (await wait()) return
  child.kill('SIGTERM')
  if (await wait()) return
  child.kill('SIGKILL')
  await gone
}

/**
 * Starts a child and waits until it answers, dies, or the deadline passes.
 * Detached, so that Ctrl-C reaches the parent first and the parent can finish with it.
 */
export async function launch(options: LaunchOptions): Promise<Launch> {
  const child = spawn(process.execPath, [CHILD, options.dataDir, String(options.port), options.configFile], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    env: childEnvironment(),
  })
  // A write to the pipe of a child that died is no news: `gone` tells.
  child.stdin.on('error', () => undefined)
  const errorCode = readErrorCode(child)
  let isGone = false
  const gone = new Promise<void>((resolve) => {
    const end = (): void => {
      isGone = true
      resolve()
    }
    child.once('close', end)
    child.once('error', end)
  })
  while (!isGone && !options.signal.aborted && Date.now() < options.deadline) {
    const version = await askVersion(options.port, options.authorization)
    if (version !== null && !isGone && child.pid !== undefined) {
      const stop = (graceMs: number): Promise<void> => stopChild(child, gone, graceMs)
      return { ready: true, child: { pid: child.pid, version, gone, stop } }
    }
    await sleep(PROBE_EVERY_MS)
  }
  if (!isGone) await stopChild(child, gone, 1_000)
  return { ready: false, code: errorCode() }
}
