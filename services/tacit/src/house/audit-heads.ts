/**
 * Heads of the audit log, sent out of the house: only who holds an earlier head elsewhere can tell that the log was cut or
 * rewritten by somebody who also had its key.
 *
 * Invariants
 * - Each place is told every signed head, in order, and again where that failed; what it was told last lies on disk. Of
 *   those that waited longer than the newest 1,000 the earlier ones are left out, which is said.
 * - A place that was never told anything begins with the newest.
 * - No head is sent that the log's key did not sign: somebody may write into the file that they are read from.
 * - A head tells the size of the log, its root and the time: nothing of a person. Nothing else is sent, and nowhere else.
 * - By mail one head a UTC day, the newest; to the others each.
 * Recovery: a file that is damaged or gone sends the newest head again.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLogCopy, type SignedHead } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import type { AuditService } from '@tacit/keeper'
import type { Environment } from './environment.js'
import { type Mail, NotDelivered, requireMailProgram, sendMail } from './head-mail.js'
import { makeOutputFolder, writeOutput } from './written-files.js'

const TIMEOUT_MS = 10_000
/** Heads that may wait for a place. Each covers those before it, so that little is lost with one. */
const MAX_WAITING = 1_000
/** Of some 200 heads, whose signatures are checked in one turn. */
const CHUNK_BYTES = 65_536
/** How long a stop waits for places, ms. */
const MAX_STOP_MS = 15_000
/** A place that failed is left alone for so long, ms. */
const RETRY_MS = 60_000

export interface HeadPlaces {
  /** a folder, on another machine or medium */
  readonly folder?: string | undefined
  /** of a witness that takes POSTs of `application/json` */
  readonly witness?: string | undefined
  readonly mail?: Mail | undefined
}

/** Where heads come from. */
export type HeadSource = Pick<AuditService, 'head' | 'publicKey' | 'read'>

export interface HeadPublisherOptions extends HeadPlaces {
  /** where it is kept what each place was told last */
  readonly file: string
  readonly alarm: (message: string) => void
}

type Place = 'folder' | 'witness' | 'mail'
const NAMES: Readonly<Record<Place, string>> = {
  folder: 'the folder TACIT_AUDIT_HEADS_DIR',
  witness: 'the witness TACIT_AUDIT_WITNESS_URL',
  mail: 'the mail to TACIT_AUDIT_MAIL_TO',
}

export class HeadPublisher {
  readonly #options: HeadPublisherOptions
  readonly #places: ReadonlyMap<Place, (head: SignedHead) => Promise<void>>
  readonly #told: Partial<Record<Place, string>>
  readonly #failed = new Map<Place, number>()
  /** the newest heads that were read, the oldest first */
  readonly #heads: SignedHead[] = []
  /** bytes of the log's heads that were read */
  #offset = 0
  #running: Promise<void> | null = null
  #saidUnread = false

  /** @throws TacitError ERR_CONFIG_INVALID */
  constructor(options: HeadPublisherOptions) {
    this.#options = options
    this.#places = placesOf(options)
    this.#told = readTold(options.file)
  }

  /**
   * Tells each place the heads that it was not told yet; does nothing while that is under way. Never throws: nobody who
   * destroys keys should wait for a witness. @param now ms
   */
  async publish(audit: HeadSource, now: number): Promise<void> {
    if (this.#running !== null) return
    this.#running = this.#publish(audit, now, Number.POSITIVE_INFINITY).finally(() => {
      this.#running = null
    })
    await this.#running
  }

  /**
   * Before a stop: signs what is on record, and tells each place the rest, those that failed lately included. Never
   * throws, and ends within half a minute; what could not be sent is sent after the next start.
   */
  async finish(audit: HeadSource & Pick<AuditService, 'sign'>): Promise<void> {
    await this.#running
    // A keeper that cannot sign now says so itself, and signs at the next start.
    await audit.sign().catch(() => undefined)
    await this.#publish(audit, Number.POSITIVE_INFINITY, performance.now() + MAX_STOP_MS)
  }

  async #publish(audit: HeadSource, now: number, deadline: number): Promise<void> {
    try {
      await this.#read(audit)
      this.#saidUnread = false
    } catch {
      if (!this.#saidUnread)
        this.#options.alarm('heads of the audit log could not be read, and are not sent; it is tried again')
      this.#saidUnread = true
      return
    }
    for (const place of this.#places.keys()) {
      if (now >= (this.#failed.get(place) ?? 0) + RETRY_MS) await this.#tell(place, now, deadline)
    }
  }

  /** Reads the heads that were signed since. */
  async #read(audit: HeadSource): Promise<void> {
    const newest = await audit.head()
    const last = this.#heads.at(-1)
    if (newest === null || (last !== undefined && mark('folder', newest) === mark('folder', last))) return
    const publicKey = createPublicKey(await audit.publicKey())
    for (;;) {
      const bytes = await audit.read('heads', this.#offset, CHUNK_BYTES)
      if (bytes.length === 0) return
      this.#offset += bytes.length
      this.#heads.push(...headsIn(bytes, publicKey))
      this.#heads.splice(0, Math.max(0, this.#heads.length - MAX_WAITING))
    }
  }

  /** @param deadline by the monotonic clock, ms */
  async #tell(place: Place, now: number, deadline: number): Promise<void> {
    const tell = this.#places.get(place)
    if (tell === undefined) return
    try {
      for (const head of this.#waitingFor(place)) {
        if (performance.now() > deadline) return
        await tell(head)
        this.#told[place] = mark(place, head)
        writeOutput(this.#options.file, `${JSON.stringify(this.#told)}\n`, { option: '--data' })
      }
      if (this.#failed.delete(place)) {
        this.#options.alarm(`heads of the audit log reach ${NAMES[place]} again`)
      }
    } catch (error) {
      if (!this.#failed.has(place)) {
        const why = error instanceof NotDelivered ? error.message : 'what was sent could not be noted'
        this.#options.alarm(
          `a head of the audit log could not be sent to ${NAMES[place]} (${why}); it is tried again`,
        )
      }
      this.#failed.set(place, now)
    }
  }

  /** Those that a place was not told yet, the oldest first. */
  #waitingFor(place: Place): readonly SignedHead[] {
    const told = this.#told[place]
    const newest = this.#heads.slice(-1)
    if (told === undefined) return newest
    if (place === 'mail') return newest.filter((head) => mark(place, head) !== told)
    const at = this.#heads.findLastIndex((head) => mark(place, head) === told)
    if (at < 0 && this.#heads.length >= MAX_WAITING) {
      this.#options.alarm(
        `more than ${String(MAX_WAITING)} heads of the audit log waited for ${NAMES[place]}: the earlier ones are left out`,
      )
    }
    return this.#heads.slice(at + 1)
  }
}

function headsIn(bytes: Buffer, publicKey: KeyObject): readonly SignedHead[] {
  return readLogCopy({ entries: Buffer.alloc(0), heads: bytes, publicKey }).heads()
}

/** What the settings name; null where they name no place. */
export function headPlacesOf(environment: Environment): HeadPlaces | null {
  const { TACIT_AUDIT_HEADS_DIR, TACIT_AUDIT_MAIL_COMMAND, TACIT_AUDIT_MAIL_TO, TACIT_AUDIT_WITNESS_URL } =
    environment
  const places: HeadPlaces = {
    folder: TACIT_AUDIT_HEADS_DIR,
    witness: TACIT_AUDIT_WITNESS_URL,
    mail:
      TACIT_AUDIT_MAIL_TO === undefined
        ? undefined
        : { to: TACIT_AUDIT_MAIL_TO, command: TACIT_AUDIT_MAIL_COMMAND },
  }
  return Object.values(places).every((place) => place === undefined) ? null : places
}

/** What tells one head from another at a place: by mail, the day. */
function mark(place: Place, { root, size, time }: SignedHead): string {
  return place === 'mail' ? time.slice(0, 10) : `${String(size)} ${root} ${time}`
}

function readTold(file: string): Partial<Record<Place, string>> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function placesOf({ folder, mail, witness }: HeadPlaces): Map<Place, (head: SignedHead) => Promise<void>> {
  const places = new Map<Place, (head: SignedHead) => Promise<void>>()
  if (folder !== undefined) {
    makeOutputFolder(folder, { option: 'TACIT_AUDIT_HEADS_DIR' })
    places.set('folder', async (head) => drop(folder, head))
  }
  if (witness !== undefined) {
    const url = witnessUrl(witness)
    places.set('witness', (head) => post(url, head))
  }
  if (mail !== undefined) {
    requireMailProgram(mail, process.env)
    places.set('mail', (head) => sendMail(mail, head, TIMEOUT_MS))
  }
  return places
}

/** `head-000000000042-2026-11-29T100000Z.json`: sorted by name they are sorted by time, and none is written over. */
function drop(folder: string, head: SignedHead): void {
  const name = `head-${String(head.size).padStart(12, '0')}-${head.time.replaceAll(':', '')}.json`
  try {
    writeOutput(join(folder, name), `${JSON.stringify(head)}\n`, { option: 'TACIT_AUDIT_HEADS_DIR' })
  } catch {
    throw new NotDelivered('it is not there, or cannot be written')
  }
}

function witnessUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isLocal = url?.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if (url !== null && (url.protocol === 'https:' || isLocal)) return url
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    'TACIT_AUDIT_WITNESS_URL must be an https address (http only on this machine)',
  )
}

async function post(url: URL, head: SignedHead): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(head),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw new NotDelivered('it is not reachable')
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new NotDelivered(`it answered with the status ${String(answer.status)}`)
}
