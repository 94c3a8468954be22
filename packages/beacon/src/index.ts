/**
 * The browser SDK: tells Tacit what is used, keeps nothing. One file, no dependency.
 *
 * Invariants
 * - No cookie, no storage, no identifier: an event's id is random and serves deduplication only.
 * - A browser that says GPC or DNT sends nothing, nor does a page whose consent is `denied`; both are asked again
 *   before every send, so that what waited in the queue goes too.
 * - Everything is bounded: the queue, a body (100 events, 64 KiB), the attempts of a batch, the wait between them.
 * - A batch that is sent again keeps its ids; only `age` is counted anew, so no clock of the client is trusted.
 * Recovery: an answer 204 or 4xx ends a batch; 503, 429 or a broken network repeats it, then it is given up.
 */

/** A prop of an event: short text, a finite number, a truth value or nothing. */
export type Prop = string | number | boolean | null
export type Props = Readonly<Record<string, Prop>>
export type Consent = 'granted' | 'denied'

export interface BeaconOptions {
  /** the collector's address for beacons, e.g. `https://tacit.example.in/v1/beacon` */
  readonly url: string
  /** the site of the rulebook that this page belongs to */
  readonly site: string
  /**
   * The token that the ERP signed for this person; absent where the site's identity is `network`. Asked before every
   * send: return one that is at hand, because a page that is being left does not wait for a round trip.
   */
  readonly token?: () => string | Promise<string>
  /** What the page knows of the person's choice. It can only refuse more than the token does. */
  readonly consent?: Consent | (() => Consent | undefined)
  /** Milliseconds between two sends. Default 2,000. */
  readonly flushEveryMs?: number
  /** The browser, as a test or a demonstration hands it in. Default: the real one. */
  readonly environment?: Partial<Environment>
}

export interface BeaconClient {
  /** A page was opened. `path` loses its query and fragment here; the page before it becomes `from_path`. */
  pageView(path: string, props?: Props): void
  /** Something happened on the current page. `name` is one of the rulebook's `events.yaml`. */
  event(name: string, props?: Props): void
  /** Sends what waits. Resolves when the collector answered, or when what waited was given up or put off. */
  flush(): Promise<void>
  /** Sends what waits and stops listening. */
  close(): Promise<void>
}

/** What the SDK needs of a browser. */
export interface Environment {
  fetch(url: string, init: RequestInit): Promise<Response>
  navigator: {
    readonly globalPrivacyControl?: unknown
    readonly doNotTrack?: unknown
    readonly language?: string
  }
  /** where `pagehide` is heard */
  window: Listening
  /** where `visibilitychange` is heard */
  document: Listening & { readonly visibilityState: string }
  /** milliseconds since the Unix epoch */
  now(): number
  /** minutes that local time is ahead of UTC */
  utcOffset(): number
  after(ms: number, run: () => void): void
  random(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
}

export interface Listening {
  addEventListener(type: string, listener: () => void): void
  removeEventListener(type: string, listener: () => void): void
}

interface Waiting {
  readonly at: number
  readonly json: Readonly<Record<string, unknown>>
}

interface Batch {
  readonly events: readonly Waiting[]
  attempts: number
}

const MAX_EVENTS = 100
const MAX_BYTES = 65_536
/** Left for the envelope beside token and events. */
const ENVELOPE_BYTES = 1_024
const MAX_TEXT = 256
const MAX_PROPS = 32
const MAX_AGE_MS = 86_400_000
const MAX_QUEUE = 500
const MAX_ATTEMPTS = 4
const DEFAULT_WAIT_MS = 5_000
const MAX_WAIT_MS = 60_000

function browser(): Environment {
  return {
    fetch: (url, init) => fetch(url, init),
    navigator: globalThis.navigator,
    window: globalThis.window,
    document: globalThis.document,
    now: () => Date.now(),
    utcOffset: () => -new Date().getTimezoneOffset(),
    after: (ms, run) => {
      setTimeout(run, ms)
    },
    random: (bytes) => crypto.getRandomValues(bytes),
  }
}

function randomId(env: Environment): string {
  return Array.from(env.random(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function isProp(value: unknown): value is Prop {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

/** Cuts what is longer than the contract takes: one long prop must not cost a whole batch its 204. */
function boundedProps(props: Props): Props {
  const kept = Object.entries(props)
    .filter(([name, value]) => name.length <= MAX_TEXT && isProp(value))
    .slice(0, MAX_PROPS)
  return Object.fromEntries(
    kept.map(([name, value]) => [name, typeof value === 'string' ? value.slice(0, MAX_TEXT) : value]),
  )
}

function bytesOf(json: unknown): number {
  return new TextEncoder().encode(JSON.stringify(json)).length
}

/** Takes the head of `queue` that fits one body; an event too large for any body is dropped on the way. */
function takeBatch(queue: Waiting[], room: number): Batch | undefined {
  const events: Waiting[] = []
  let bytes = 0
  for (let head = queue[0]; head !== undefined && events.length < MAX_EVENTS; head = queue[0]) {
    // 24 bytes: the comma and the age, which is written when the batch is sent
    const size = bytesOf(head.json) + 24
    if (size <= room && bytes + size > room) break
    queue.shift()
    if (size > room) continue
    bytes += size
    events.push(head)
  }
  return events.length > 0 ? { events, attempts: 0 } : undefined
}

/** How long the collector asks to wait, in milliseconds, within bounds. Only seconds are read. */
function retryAfter(answer: Response | undefined): number {
  const seconds = Number(answer?.headers.get('retry-after') ?? NaN)
  return seconds > 0 ? Math.min(seconds * 1_000, MAX_WAIT_MS) : DEFAULT_WAIT_MS
}

/** Starts a beacon for this page. It never throws and never disturbs the page. */
export function createBeacon(options: BeaconOptions): BeaconClient {
  return new Beacon(options)
}

class Beacon implements BeaconClient {
  readonly #options: BeaconOptions
  readonly #env: Environment
  readonly #queue: Waiting[] = []
  readonly #repeats: Batch[] = []
  #path: string | undefined
  #due = false
  #notBefore = 0

  constructor(options: BeaconOptions) {
    this.#options = options
    this.#env = { ...browser(), ...options.environment }
    this.#env.window.addEventListener('pagehide', this.#onHide)
    this.#env.document.addEventListener('visibilitychange', this.#onVisibility)
  }

  pageView(to: string, props?: Props): void {
    // String(): a page without types may hand in anything
    const path = (String(to).split(/[?#]/)[0] ?? '').slice(0, MAX_TEXT)
    const from = this.#path === undefined ? undefined : { from_path: this.#path }
    this.#add('page_view', { path, ...from }, props)
    this.#path = path
  }

  event(name: string, props?: Props): void {
    this.#add(name, this.#path === undefined ? {} : { path: this.#path }, props)
  }

  flush(): Promise<void> {
    return this.#send(false)
  }

  async close(): Promise<void> {
    this.#env.window.removeEventListener('pagehide', this.#onHide)
    this.#env.document.removeEventListener('visibilitychange', this.#onVisibility)
    await this.#send(false)
  }

  readonly #onHide = (): void => {
    void this.#send(true)
  }

  readonly #onVisibility = (): void => {
    if (this.#env.document.visibilityState === 'hidden') void this.#send(true)
  }

  #refuses(): boolean {
    const { globalPrivacyControl, doNotTrack } = this.#env.navigator
    const { consent } = this.#options
    let choice: Consent | undefined
    try {
      choice = typeof consent === 'function' ? consent() : consent
    } catch {
      // a choice that cannot be read is no consent
      return true
    }
    return globalPrivacyControl === true || doNotTrack === '1' || choice === 'denied'
  }

  #add(name: string, more: Readonly<Record<string, unknown>>, props?: Props): void {
    if (this.#refuses()) return
    this.#schedule(this.#options.flushEveryMs ?? 2_000)
    if (this.#queue.length >= MAX_QUEUE) return
    const json = {
      id: randomId(this.#env),
      name: String(name).slice(0, MAX_TEXT),
      ...more,
      ...(props ? { props: boundedProps(props) } : undefined),
    }
    this.#queue.push({ at: this.#env.now(), json })
  }

  #schedule(ms: number): void {
    if (this.#due) return
    this.#due = true
    this.#env.after(ms, () => {
      this.#due = false
      const wait = this.#notBefore - this.#env.now()
      if (wait > 0) this.#schedule(Math.min(wait, MAX_WAIT_MS))
      else void this.#send(false)
    })
  }

  /** @param leaving all batches at once: the page does not live to see the first answer */
  async #send(leaving: boolean): Promise<void> {
    if (this.#queue.length === 0 && this.#repeats.length === 0) return
    let token: string | undefined
    try {
      const asked = this.#options.token?.()
      token = typeof asked === 'object' ? await asked : asked
    } catch {
      // no token now: what waits is kept (bounded), and the next event asks again
      return
    }
    const batches = this.#repeats.splice(0)
    const room = MAX_BYTES - ENVELOPE_BYTES - (token?.length ?? 0) - this.#options.site.length * 4
    for (let next = takeBatch(this.#queue, room); next; next = takeBatch(this.#queue, room))
      batches.push(next)
    // bodies under way with keepalive share 64 KiB: one after another, where there is time for it
    if (leaving) await Promise.all(batches.map((batch) => this.#post(batch, token)))
    else for (const batch of batches) await this.#post(batch, token)
  }

  /** Posts one batch; puts it off where the collector may take it later. */
  async #post(batch: Batch, token: string | undefined): Promise<void> {
    // asked last, so that a choice made while a token or an earlier answer was awaited counts
    const text = this.#refuses() ? undefined : this.#body(batch, token)
    if (text === undefined) return
    let answer: Response | undefined
    try {
      answer = await this.#env.fetch(this.#options.url, {
        method: 'POST',
        body: text,
        keepalive: true,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store',
        // text/plain needs no preflight; the collector reads it as JSON
        headers: { 'content-type': 'text/plain;charset=UTF-8' },
      })
    } catch {
      // the network broke: as good as a 503
    }
    const again = answer === undefined || answer.status === 503 || answer.status === 429
    batch.attempts += 1
    if (!again || batch.attempts >= MAX_ATTEMPTS) return
    const wait = retryAfter(answer)
    this.#notBefore = this.#env.now() + wait
    this.#repeats.push(batch)
    this.#schedule(wait)
  }

  /** The beacon as sent now, or nothing where all its events are too old for the contract. */
  #body(batch: Batch, token: string | undefined): string | undefined {
    const { site, consent } = this.#options
    const { language } = this.#env.navigator
    const now = this.#env.now()
    const events = batch.events
      .map(({ at, json }) => ({
        ...json,
        age: Math.max(0, Math.round(now - at)),
      }))
      .filter(({ age }) => age <= MAX_AGE_MS)
    if (events.length === 0) return undefined
    return JSON.stringify({
      v: 1,
      site,
      ...(token === undefined ? undefined : { token }),
      ...(consent === undefined ? undefined : { consent: { analytics: 'granted' } }),
      client: {
        utc_offset: this.#env.utcOffset(),
        ...(language ? { language: language.slice(0, 35) } : undefined),
      },
      events,
    })
  }
}
