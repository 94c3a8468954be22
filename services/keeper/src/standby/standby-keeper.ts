/**
 * A keeper that follows another, and waits: it answers nobody but with its health and term (remote/server.ts).
 *
 * Invariants: follower.ts. One process at a time has the directory open.
 * Recovery: what fails is tried again for as long as it runs, a moment later each time up to `MAX_PAUSE_MS`.
 */
import { type Clock, DAY, TacitError } from '@tacit/contracts'
import type { KeeperPort } from '@tacit/keyring'
import type { AuditService } from '../keeper-service.js'
import type { KeeperStores } from '../keeper-stores.js'
import { isThere } from '../key-files.js'
import { openSecrets } from '../open-secrets.js'
import type { ServedKeeper } from '../remote/routes.js'
import type { Term } from '../remote/wire.js'
import type { TickReport } from '../root-registry.js'
import type { RandomFill } from '../secret-files.js'
import { createSerial } from '../serial.js'
import { storing } from '../storing.js'
import { CopiedLog } from './copied-log.js'
import { Follower, type Primary } from './follower.js'
import { TermFile } from './term-file.js'

const MAX_WAITING = 256
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2_000

export interface StandbyOptions {
  /** its own directory, with a master key of its own */
  readonly stores: KeeperStores
  readonly clock: Clock
  /** the rulebook's, as the primary has them; shorter ones that the primary obeys hold here too */
  readonly latenessMs: number
  readonly destroyKeyAfterMs: number
  readonly logKeyLifeMs?: number
  /** {@link primaryOverTls}; closed with the keeper */
  readonly primary: Primary
  /** Told, each time it begins, why nothing comes from the primary; and null when something does again. */
  readonly trouble?: (error: TacitError | null) => void
  readonly randomFill?: RandomFill
}

export interface StandbyKeeper extends ServedKeeper {
  /** ms by the primary's clock: every root made before is here; null: never in step */
  synced(): number | null
  /** Follows the primary until it is closed. */
  follow(): void
  /** Asks once, and takes what comes; for who drives it by hand. @throws TacitError */
  step(): Promise<void>
}

/**
 * Opens a standby's directory, or makes one of an empty directory: half made secrets and overdue roots go first.
 * @throws TacitError ERR_KEY_STORE where the directory is a primary's, or was; ERR_KEY_MASTER, ERR_AUDIT_DAMAGED
 */
export function openStandby(options: StandbyOptions): Promise<StandbyKeeper> {
  return storing(() => open(options))
}

async function open(options: StandbyOptions): Promise<StandbyKeeper> {
  const { stores, clock } = options
  const term = await TermFile.open(stores.keys)
  await assertStandby(term, stores)
  const secrets = await openSecrets(stores.keys, stores.wrapping, options.randomFill)
  const serial = createSerial(MAX_WAITING)
  const log = await CopiedLog.open(stores.audit)
  const rules = { ...options, logKeyLifeMs: options.logKeyLifeMs ?? DAY }
  const follower = new Follower({ secrets: secrets.files, log, term, clock, rules, serial })
  await follower.recover()
  await secrets.claim()
  return new FollowingKeeper(options, {
    follower,
    term,
    sweep: () => serial(() => follower.sweep()),
    close: secrets.close,
  })
}

/** A directory says that it is a standby's before the first root is in it. */
async function assertStandby(term: TermFile, { keys, audit }: KeeperStores): Promise<void> {
  if (term.isThere && term.now.state === 'standby') return
  const isEmpty = !(await keys.list()).some((name) => name.endsWith('.root') || name.endsWith('.key'))
  if (term.isThere || !isEmpty || (await isThere(audit, 'entries.ndjson'))) {
    throw new TacitError(
      'ERR_KEY_STORE',
      'This data directory is a primary’s, or was one: a standby needs a new data directory',
    )
  }
  await term.save({ state: 'standby' })
}

interface Parts {
  readonly follower: Follower
  readonly term: TermFile
  readonly sweep: () => ReturnType<Follower['sweep']>
  readonly close: () => void
}

const standby = async (): Promise<never> => {
  throw new TacitError('ERR_KEEPER_STANDBY')
}
const NO_PORT: KeeperPort = {
  pseudonymKey: standby,
  batchKey: standby,
  destroyLogKey: standby,
  epochs: standby,
  reconciled: standby,
  obey: standby,
}
const NO_AUDIT: AuditService = {
  record: standby,
  sign: standby,
  head: standby,
  publicKey: standby,
  read: standby,
}

class FollowingKeeper implements StandbyKeeper {
  readonly port = NO_PORT
  readonly audit = NO_AUDIT
  readonly #options: StandbyOptions
  readonly #parts: Parts
  #following: Promise<void> | null = null
  #stepping: Promise<void> = Promise.resolve()
  #closed = false
  #endPause: () => void = () => {}

  constructor(options: StandbyOptions, parts: Parts) {
    this.#options = options
    this.#parts = parts
  }

  door(): KeeperPort {
    return NO_PORT
  }

  keys = standby
  replica = standby

  term(): Term {
    return { count: this.#parts.term.now.term, proof: null }
  }

  state(): 'standby' {
    return 'standby'
  }

  /** A standby does nothing that a takeover could forbid it. */
  async fence(): Promise<boolean> {
    return false
  }

  synced(): number | null {
    return this.#parts.term.now.synced
  }

  async tick(): Promise<TickReport> {
    const { destroyed, failed } = await storing(() => this.#parts.sweep())
    return { closed: [], lost: [], destroyed, failed }
  }

  step(): Promise<void> {
    // One question at a time: its answer is acknowledged with the next.
    const step = this.#stepping.then(() => {
      if (this.#closed) throw new TacitError('ERR_KEY_STORE', 'The keeper is closed')
      return storing(() => this.#parts.follower.step(this.#options.primary.ask))
    })
    this.#stepping = step.catch(() => {})
    return step
  }

  follow(): void {
    this.#following ??= this.#follow()
  }

  async #follow(): Promise<void> {
    let pause = 0
    while (!this.#closed) {
      try {
        await this.step()
        if (pause > 0) this.#options.trouble?.(null)
        pause = 0
      } catch (error) {
        if (this.#closed) return
        if (pause === 0)
          this.#options.trouble?.(
            error instanceof TacitError ? error : new TacitError('ERR_INTERNAL', undefined, { cause: error }),
          )
        pause = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, 2 * pause))
        await this.#pause(pause)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#endPause()
    await this.#options.primary.close()
    await this.#following
    await this.#stepping
    this.#parts.close()
  }
}
