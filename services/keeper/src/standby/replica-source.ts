/**
 * The primary's side of a standby: what it lacks is sent to it, and what it has acknowledged may be handed out.
 *
 * Invariants
 * - No key is handed out that a standby in step could not derive after a takeover: {@link ReplicaSource.share} comes first.
 *   A standby that is silent is passed over, at most `waitMs` later, and is in step again only once it has everything,
 *   what was handed out meanwhile included.
 * - A standby is sent bytes of the log that are on disk and never change, and of every entry that tells of a root the
 *   root before or with it.
 * - Before the first secret of a session is sent it is on record, durably, to whom.
 * - A page is built under the keeper's lock: it is how things stand at one moment, its `asOf`.
 * - Secrets are in memory only while a page is built and sent, and are zeroed.
 * Recovery: none; after a start standbys begin new sessions, and say what they have.
 */
import { randomBytes } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import type { KeyTimes } from '@tacit/keyring'
import type { DatedAudit } from '../dated-audit.js'
import type { KeyFiles } from '../key-files.js'
import type { SecretFiles } from '../secret-files.js'
import type { Serial } from '../serial.js'
import { Changes } from './changes.js'
import {
  encodePage,
  END_BYTES,
  isSecretName,
  MAX_LINES,
  MAX_SECRETS,
  type Page,
  type Pull,
  type Secret,
} from './replica-wire.js'

/** How long a key waits for a standby at most, ms. */
const WAIT_MS = 5_000
/** A standby that did not ask for so long is silent, ms. */
const SILENT_MS = 10_000
/** How long a question is kept where nothing is new, ms: well below {@link SILENT_MS}. */
export const HOLD_MS = 4_000
const MAX_SESSIONS = 4
const SESSION_BYTES = 16
const NO_BYTES = Buffer.alloc(0)

/** `none`: there was none since the start; `alone`: there was one, and it is not in step now. */
export type Company = 'none' | 'alone' | 'followed'

export interface ReplicaOptions {
  /** Told when a standby is in step, and when it no longer is: then the primary goes on alone, which is an alarm. */
  readonly changed?: (company: Company) => void
  /** ms; for tests. Defaults 5,000, 10,000 and 4,000 */
  readonly waitMs?: number
  readonly silentMs?: number
  readonly holdMs?: number
}

export interface ReplicaParts extends ReplicaOptions {
  readonly secrets: SecretFiles
  readonly auditFiles: KeyFiles
  readonly audit: DatedAudit
  /** the keeper's lock */
  readonly serial: Serial
  /** the keeper's clock, ms */
  readonly now: () => number
  readonly times: () => KeyTimes
}

type Sent = Pick<Page, 'number' | 'complete' | 'handedOver'> & { readonly names: readonly string[] }

/** One standby, from one of its starts to the next of either side. */
interface Session {
  readonly id: string
  /** the standby's name, `standby/NAME` */
  readonly principal: string
  /** secrets that it has, durably, as far as it said */
  readonly known: Set<string>
  /** handed out without it */
  readonly missed: Set<string>
  /** what it was sent last and has not acknowledged */
  sent: Sent | null
  inStep: boolean
  /** whether it is on record that it is sent secrets */
  isOnRecord: boolean
  /** whether it acknowledged that this keeper handed over */
  tookOver: boolean
  /** ms of the monotonic clock */
  askedAt: number
  /** questions so far: only the newest is answered */
  turn: number
}

export class ReplicaSource {
  readonly #parts: ReplicaParts
  /** by the standby's name */
  readonly #sessions = new Map<string, Session>()
  #company: Company = 'none'
  #handingOver = false
  #closed = false
  readonly #changes = new Changes()

  constructor(parts: ReplicaParts) {
    this.#parts = parts
    parts.audit.grown = () => this.#changes.tell()
  }

  get company(): Company {
    return this.#company
  }

  /**
   * Whether keys that are derived from these secrets may go out now. Where it says yes and a standby goes without, it is
   * remembered what that one missed.
   * @param names of their files
   */
  isShared(names: readonly string[]): boolean {
    const lacking = [...this.#sessions.values()].filter(({ known }) => names.some((name) => !known.has(name)))
    if (lacking.some(({ inStep }) => inStep)) return false
    for (const { known, missed } of lacking) for (const name of names) if (!known.has(name)) missed.add(name)
    return true
  }

  /** Waits until {@link isShared}; who keeps it waiting is passed over, so it always ends. */
  async share(names: readonly string[]): Promise<void> {
    this.#changes.tell()
    const end = performance.now() + (this.#parts.waitMs ?? WAIT_MS)
    this.passOverSilent()
    while (!this.isShared(names)) {
      const left = end - performance.now()
      if (left <= 0) {
        for (const session of this.#sessions.values())
          if (names.some((name) => !session.known.has(name))) session.inStep = false
        this.#look()
      } else {
        await this.#changes.next(Math.min(left, this.#silentMs))
        this.passOverSilent()
      }
    }
  }

  /** Goes on without standbys that have not asked for long. */
  passOverSilent(): void {
    const since = performance.now() - this.#silentMs
    for (const session of this.#sessions.values()) if (session.askedAt < since) session.inStep = false
    this.#look()
  }

  /**
   * Answers one question of a standby: at once where something is new, else a little later.
   * @param principal its name @returns an encoded page, for the caller to zero
   */
  async answer(principal: string, pull: Pull): Promise<Buffer> {
    const session = this.#sessionOf(principal, pull)
    if (session === null) return encodePage(this.#refusal('session'))
    session.turn += 1
    const { turn } = session
    session.askedAt = performance.now()
    this.#acknowledge(session, pull.number)
    const seen = this.#changes.count
    let page = await this.#page(session, pull, turn)
    const { holdMs = HOLD_MS } = this.#parts
    if (page.complete && isEmpty(page) && session.inStep && !page.handedOver) {
      if (this.#changes.count === seen) await this.#changes.next(holdMs)
      page = await this.#page(session, pull, turn)
    }
    try {
      return encodePage(page)
    } finally {
      for (const { bytes } of page.secrets) bytes.fill(0)
    }
  }

  /**
   * Tells the standbys in step that nothing will be created here any more.
   * @returns whether one has everything, and knows it
   */
  async handOver(): Promise<boolean> {
    this.#handingOver = true
    this.#changes.tell()
    const end = performance.now() + (this.#parts.waitMs ?? WAIT_MS)
    for (;;) {
      if ([...this.#sessions.values()].some(({ tookOver }) => tookOver)) return true
      const left = end - performance.now()
      if (left <= 0) return false
      await this.#changes.next(left)
    }
  }

  /** Answers who waits: the keeper closes. */
  close(): void {
    this.#closed = true
    this.#sessions.clear()
    this.#changes.tell()
  }

  get #silentMs(): number {
    return this.#parts.silentMs ?? SILENT_MS
  }

  /** The session that a question belongs to, begun if it says so; null where there is none of that name. */
  #sessionOf(principal: string, pull: Pull): Session | null {
    const known = this.#sessions.get(principal)
    if (pull.begin === null) return known !== undefined && known.id === pull.session ? known : null
    if (known === undefined && this.#sessions.size >= MAX_SESSIONS) this.#forgetOne()
    if (known === undefined && this.#sessions.size >= MAX_SESSIONS) {
      throw new TacitError('ERR_KEEPER_REQUEST', 'Too many standbys follow this keeper')
    }
    const session: Session = {
      id: randomBytes(SESSION_BYTES).toString('hex'),
      principal,
      known: new Set(pull.begin.have),
      missed: new Set(),
      sent: null,
      inStep: false,
      isOnRecord: false,
      tookOver: false,
      askedAt: 0,
      turn: 0,
    }
    this.#sessions.set(principal, session)
    this.#look()
    return session
  }

  /** Forgets a standby that has not asked for long. */
  #forgetOne(): void {
    this.passOverSilent()
    const gone = [...this.#sessions].find(([, { inStep }]) => !inStep)
    if (gone !== undefined) this.#sessions.delete(gone[0])
  }

  #acknowledge(session: Session, number: number): void {
    const { sent } = session
    if (sent === null || sent.number !== number) return
    for (const name of sent.names) {
      session.known.add(name)
      session.missed.delete(name)
    }
    session.sent = null
    if (sent.complete && session.missed.size === 0) session.inStep = true
    if (sent.handedOver) session.tookOver = true
    this.#look()
    this.#changes.tell()
  }

  #page(session: Session, pull: Pull, turn: number): Promise<Page> {
    return this.#parts.serial(async () => {
      // Its standby has asked again: whoever still waits for this answer must not be taken for it.
      if (this.#closed || session.turn !== turn) return this.#refusal('session')
      const { audit } = this.#parts
      if (pull.begin !== null && !(await this.#isPrefix(pull, await audit.synced())))
        return this.#refusal('diverged')
      const { isAll, names } = await this.#lacking(session)
      if (names.length > 0) await this.#record(session)
      const length = await audit.synced()
      const entries = isAll ? await this.#lines('entries', pull.entries, length.entries) : NO_BYTES
      const isEnd = isAll && pull.entries + entries.length === length.entries
      const heads = isEnd ? await this.#lines('heads', pull.heads, length.heads) : NO_BYTES
      const complete = isEnd && pull.heads + heads.length === length.heads
      // Last: nothing that may fail follows, after which nobody would zero them.
      const secrets = await this.#read(names)
      const page: Page = {
        ...this.#refusal(null),
        complete,
        handedOver: complete && this.#handingOver,
        session: session.id,
        number: (session.sent?.number ?? pull.number) + 1,
        entries,
        heads,
        secrets,
      }
      session.sent = { names, number: page.number, complete, handedOver: page.handedOver }
      return page
    })
  }

  #refusal(refused: Page['refused']): Page {
    const { now, times } = this.#parts
    const nothing = { session: '', number: 0, entries: NO_BYTES, heads: NO_BYTES, secrets: [] }
    return { refused, complete: false, handedOver: false, asOf: now(), times: times(), ...nothing }
  }

  async #record(session: Session): Promise<void> {
    if (session.isOnRecord) return
    const object = { by: session.principal }
    await this.#parts.audit.append(
      [{ actor: 'keeper', rulebook: null, action: 'keeper.followed', object }],
      true,
    )
    session.isOnRecord = true
  }

  /** Secrets that the standby lacks; `isAll`: there are no more. */
  async #lacking(session: Session): Promise<{ names: readonly string[]; isAll: boolean }> {
    const there = (await this.#parts.secrets.list()).filter(isSecretName)
    // What is gone is gone for good, and need not be remembered.
    const living = new Set(there)
    for (const name of session.known) if (!living.has(name)) session.known.delete(name)
    for (const name of session.missed) if (!living.has(name)) session.missed.delete(name)
    const lacking = there.filter((name) => !session.known.has(name)).toSorted()
    const names = lacking.slice(0, MAX_SECRETS)
    return { names, isAll: lacking.length === names.length }
  }

  async #read(names: readonly string[]): Promise<readonly Secret[]> {
    const secrets: Secret[] = []
    try {
      for (const name of names) {
        const bytes = await this.#parts.secrets.read(name)
        if (bytes !== null) secrets.push({ name, bytes })
      }
    } catch (error) {
      for (const { bytes } of secrets) bytes.fill(0)
      throw error
    }
    return secrets
  }

  /** Whole lines of a file from `from` on, as many as fit. @param end bytes that may be sent */
  async #lines(file: 'entries' | 'heads', from: number, end: number): Promise<Buffer> {
    if (from >= end) return NO_BYTES
    const bytes = await this.#parts.auditFiles.read(`${file}.ndjson`, from, Math.min(MAX_LINES, end - from))
    if (bytes === null) return NO_BYTES
    return bytes.subarray(0, bytes.lastIndexOf('\n') + 1)
  }

  /** Whether what the standby has is how the log begins. */
  async #isPrefix(
    pull: Pull,
    length: { readonly entries: number; readonly heads: number },
  ): Promise<boolean> {
    for (const file of ['entries', 'heads'] as const) {
      const has = pull[file]
      if (has > length[file]) return false
      const from = Math.max(0, has - END_BYTES)
      const end = await this.#parts.auditFiles.read(`${file}.ndjson`, from, has - from)
      if ((end ?? NO_BYTES).toString('hex') !== pull.begin?.[`${file}End`]) return false
    }
    return true
  }

  #look(): void {
    const sessions = [...this.#sessions.values()]
    const followed = sessions.some(({ inStep }) => inStep)
    const company = followed ? 'followed' : this.#company === 'followed' ? 'alone' : this.#company
    if (company === this.#company) return
    this.#company = company
    this.#parts.changed?.(company)
  }
}

const isEmpty = ({ entries, heads, secrets }: Page): boolean =>
  entries.length + heads.length + secrets.length === 0
