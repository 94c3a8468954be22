/**
 * The embedded ClickHouse server: the engine that the `chdb` package carries, as a supervised child process on
 * loopback. Users of the warehouse see an address only.
 *
 * Invariants
 * - One server a data directory: the engine locks it. A start waits for an earlier child that still finishes its
 *   query after its parent was killed.
 * - A random password each start. The files that hold it exist only while the server starts.
 * - The server dies with this process (it waits on a pipe that this process holds), and with `stop`.
 * Recovery: a child that dies by itself is started again at the same address with the same password; requests fail
 * retryably meanwhile. Rows of finished inserts survive any death of the child.
 */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { ServerAddress } from '../types.js'
import { type Launch, launch, type ReadyChild } from './child-process.js'
import { authorizationOf, removePrivateConfigs, writePrivateConfig } from './config.js'

/** What chdb 3.4.0 carries. */
const VERSION = /^26\.7\./
const USERNAME = 'tacit'
const DEFAULT_MEMORY_BYTES = 1_500_000_000
const START_TIMEOUT_MS = 60_000
const STOP_GRACE_MS = 5_000
const BACKOFF_MS = { first: 100, last: 5_000 }
/** A child that lives this long was healthy: its death starts a new series of attempts. */
const HEALTHY_AFTER_MS = 60_000
const RESTARTS_IN_A_ROW = 10
/** Failures other than a held lock or a taken port do not heal: they are tried this often. */
const HOPELESS_ATTEMPTS = 3

/** ClickHouse error numbers (src/Common/ErrorCodes.cpp). */
const CANNOT_OPEN_FILE = 76
const NETWORK_ERROR = 210
const ADDRESS_IN_USE = 1000

export interface EmbeddedServerOptions {
  /** the server's own folder, made where missing: `data/` and, while it starts, a private folder */
  readonly dir: string
  /** folder of `config.xml` and `users.xml`; absent: `infra/clickhouse` of this repository */
  readonly configDir?: string
  /** cap of the server's memory, bytes */
  readonly memoryBytes?: number
  /** how long a start may wait for an earlier child to let go of the data, ms */
  readonly startTimeoutMs?: number
  /** fixed texts without values */
  readonly log?: (message: string) => void
}

/** `stopped`: by `stop()`. `failed`: it died and did not come back. */
export type ServerEnd = 'stopped' | 'failed'

export interface EmbeddedServer {
  readonly address: ServerAddress
  /** e.g. `26.7.2.1` */
  readonly version: string
  /** of the running child; null while there is none */
  pid(): number | null
  /** Lets running queries finish for 5 s, then ends them. Safe to call twice. */
  stop(): Promise<void>
  readonly exited: Promise<ServerEnd>
}

async function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'))
        else resolvePort(address.port)
      })
    })
  })
}

function startError(code: number | null): TacitError {
  if (code === CANNOT_OPEN_FILE) {
    return new TacitError(
      'ERR_WAREHOUSE_START',
      'Another process still holds the ClickHouse data of this data directory: stop it, or wait for it, then start again.',
    )
  }
  return new TacitError(
    'ERR_WAREHOUSE_START',
    `ClickHouse did not start (${code === null ? 'no error number' : `error ${String(code)}`}). It needs 64-bit Linux with glibc or macOS, 1 GB of free memory and room on the disk; a damaged install is mended by: npm ci`,
  )
}

/** Keeps one child alive. */
class Supervisor {
  readonly #options: EmbeddedServerOptions
  readonly #dir: string
  readonly #password = randomBytes(24).toString('base64url')
  readonly #stopping = new AbortController()
  readonly exited: Promise<ServerEnd>
  #end: (end: ServerEnd) => void = () => undefined
  #child: ReadyChild | null = null
  #watching: Promise<void> = Promise.resolve()
  #port = 0

  constructor(options: EmbeddedServerOptions) {
    this.#options = options
    this.#dir = resolve(options.dir)
    this.exited = new Promise((resolveExited) => {
      this.#end = resolveExited
    })
  }

  get address(): ServerAddress {
    const url = `http://127.0.0.1:${String(this.#port)}`
    return { url, username: USERNAME, password: this.#password }
  }

  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  /** First start. @returns the version @throws TacitError ERR_WAREHOUSE_START */
  async start(): Promise<string> {
    await mkdir(join(this.#dir, 'data'), { recursive: true, mode: 0o700 })
    await removePrivateConfigs(this.#dir)
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? START_TIMEOUT_MS)
    let hopeless = 0
    let waitMs = BACKOFF_MS.first
    for (;;) {
      this.#port = await freePort()
      const started = await this.#launch(deadline)
      if (started.ready) {
        await this.#checkVersion(started.child)
        this.#adopt(started.child)
        return started.child.version
      }
      const { code } = started
      const healsItself = code === CANNOT_OPEN_FILE || code === NETWORK_ERROR || code === ADDRESS_IN_USE
      if (!healsItself) hopeless += 1
      if (hopeless >= HOPELESS_ATTEMPTS || Date.now() + waitMs > deadline) throw startError(code)
      await sleep(waitMs)
      waitMs = Math.min(waitMs * 2, 1_000)
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#child?.stop(STOP_GRACE_MS)
    await this.#watching
    await removePrivateConfigs(this.#dir)
    this.#end('stopped')
  }

  async #launch(deadline: number): Promise<Launch> {
    const memoryBytes = this.#options.memoryBytes ?? DEFAULT_MEMORY_BYTES
    const { configDir } = this.#options
    const config = await writePrivateConfig(this.#dir, {
      username: USERNAME,
      password: this.#password,
      memoryBytes,
      ...(configDir === undefined ? {} : { configDir }),
    })
    try {
      return await launch({
        dataDir: join(this.#dir, 'data'),
        port: this.#port,
        configFile: config.file,
        authorization: authorizationOf(USERNAME, this.#password),
        deadline,
        signal: this.#stopping.signal,
      })
    } finally {
      await config.remove()
    }
  }

  async #checkVersion(child: ReadyChild): Promise<void> {
    if (VERSION.test(child.version)) return
    await child.stop(STOP_GRACE_MS)
    throw new TacitError(
      'ERR_WAREHOUSE_START',
      'The installed chdb carries another ClickHouse than 26.7: run npm ci.',
    )
  }

  #adopt(child: ReadyChild): void {
    this.#child = child
    this.#watching = this.#watch(child)
  }

  /** Waits for the child's death and starts it again until told to stop, or until it no longer comes back. */
  async #watch(first: ReadyChild): Promise<void> {
    let child: ReadyChild | null = first
    let since = Date.now()
    let failures = 0
    while (failures < RESTARTS_IN_A_ROW) {
      if (child !== null) await child.gone
      this.#child = null
      if (this.#stopping.signal.aborted) return
      if (child !== null && Date.now() - since >= HEALTHY_AFTER_MS) failures = 0
      this.#options.log?.('the embedded ClickHouse server ended by itself; starting it again')
      const waitMs = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.last)
      await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (this.#stopping.signal.aborted) return
      failures += 1
      child = await this.#restart()
      since = Date.now()
      if (this.#stopping.signal.aborted) {
        await child?.stop(STOP_GRACE_MS)
        return
      }
      this.#child = child
    }
    this.#options.log?.('the embedded ClickHouse server does not stay up; giving up')
    this.#end('failed')
  }

  async #restart(): Promise<ReadyChild | null> {
    try {
      const started = await this.#launch(Date.now() + START_TIMEOUT_MS)
      return started.ready ? started.child : null
    } catch {
      // A folder that cannot be written now may be writable later; the attempts are counted.
      return null
    }
  }
}

/**
 * Starts ClickHouse on loopback and keeps it running. Ready in well under a second where its data is warm.
 * @throws TacitError ERR_WAREHOUSE_START
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const supervisor = new Supervisor(options)
  const version = await supervisor.start()
  let stopped: Promise<void> | null = null
  return {
    address: supervisor.address,
    version,
    pid: () => supervisor.pid,
    stop: () => (stopped ??= supervisor.stop()),
    exited: supervisor.exited,
  }
}
