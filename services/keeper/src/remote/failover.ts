/**
 * Which of several keepers is asked: the one that answered last as primary, and where it does not, the next.
 *
 * Invariants
 * - The highest term ever seen goes with each call, with its proof. An answer of a lower term is of a keeper that was taken
 *   over from: it is thrown away, whatever it says.
 * - A call asks each keeper once (and once more where a kept connection was lost), each for at most `timeoutMs`.
 * - A call that must not be said twice goes on to the next keeper only if nobody can have acted on it.
 * - Calls that wait are bounded.
 * Recovery: none is needed; the keepers say their terms with every answer.
 */
import { type ProblemCode, TacitError } from '@tacit/contracts'
import { type KeeperCall, KeeperConnection, type Reply, Unanswered } from './connection.js'
import { openTlsFiles, type TlsFiles, type TlsFilesOptions, type TlsSource } from './tls-files.js'
import { NO_TERM, problemCodeOf } from './wire.js'

const MAX_WAITING = 8_192

export class KeeperFailover {
  readonly #urls: readonly string[]
  readonly #timeoutMs: number
  readonly #files: TlsFiles
  #connections: readonly KeeperConnection[] = []
  /** those of former certificates, while they end */
  readonly #ending = new Set<Promise<void>>()
  /** index of the one that answered last as primary */
  #primary = 0
  #term = NO_TERM
  #waiting = 0
  #closed = false

  /** @throws TacitError ERR_TLS_FILES, ERR_CONFIG_INVALID */
  constructor(urls: readonly string[], tls: TlsSource, timeoutMs: number, watch: TlsFilesOptions) {
    this.#urls = urls.map(originOf)
    if (urls.length === 0)
      throw new TacitError('ERR_CONFIG_INVALID', 'Give the address of at least one keeper')
    this.#timeoutMs = timeoutMs
    this.#files = openTlsFiles(
      tls,
      (set) => {
        const former = this.#connections
        this.#connections = this.#urls.map((url) => new KeeperConnection(url, set, timeoutMs))
        for (const connection of former) this.#end(connection)
      },
      watch,
    )
  }

  /**
   * Asks the primary.
   * @returns its answer of status 200 or 204
   * @throws TacitError ERR_KEEPER_UNAVAILABLE, ERR_KEEPER_REFUSED, ERR_KEEPER_UNTRUSTED, ERR_KEEPER_REQUEST, or what the
   * keeper says of its own store (ERR_KEY_…, ERR_AUDIT_…)
   */
  async call(call: KeeperCall): Promise<Reply> {
    if (this.#closed) throw new TacitError('ERR_KEEPER_UNAVAILABLE', 'The connection to the keeper is closed')
    if (this.#waiting >= MAX_WAITING) {
      throw new TacitError('ERR_KEEPER_UNAVAILABLE', 'Too many calls wait for the keeper')
    }
    this.#waiting += 1
    try {
      return await this.#askInTurn(call)
    } finally {
      this.#waiting -= 1
    }
  }

  /** Looks at the TLS files now. */
  lookAtFiles(): void {
    this.#files.look()
  }

  /** Ends all connections once their calls have ended, each in at most its time. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#files.close()
    for (const connection of this.#connections) this.#end(connection)
    await Promise.all(this.#ending)
  }

  async #askInTurn(call: KeeperCall): Promise<Reply> {
    const first = this.#primary
    const failures: TacitError[] = []
    for (let step = 0; step < this.#urls.length; step += 1) {
      const index = (first + step) % this.#urls.length
      const outcome = await this.#ask(index, call)
      if (!(outcome instanceof TacitError)) {
        this.#primary = index
        return outcome
      }
      failures.push(outcome)
      if (call.once === true && !isUnseen(outcome)) break
    }
    throw mostTelling(failures)
  }

  /** @returns why this keeper gave no answer that counts @throws TacitError what no other keeper would answer better */
  async #ask(index: number, call: KeeperCall): Promise<Reply | TacitError> {
    const connection = this.#connections[index]
    if (connection === undefined) return unavailable()
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), this.#timeoutMs)
    try {
      return this.#judge(await connection.ask(call, this.#term, abort.signal))
    } catch (error) {
      if (error instanceof Unanswered) return failureOf(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #judge(reply: Reply): Reply | TacitError {
    const { status, term, body } = reply
    // Only Node's parser answers without a term: it gave up on the request, so nothing was done.
    if (term === null) return unavailable()
    if (term.count < this.#term.count) {
      body.fill(0)
      return unavailable('ERR_KEEPER_FENCED')
    }
    // A standby states its primary's without a proof.
    if (term.count > this.#term.count || term.proof !== null) this.#term = term
    if (status === 200 || status === 204) return reply
    const code = problemCodeOf(body)
    if (code === 'ERR_KEEPER_STANDBY' || code === 'ERR_KEEPER_FENCED') return unavailable(code)
    if (status === 403)
      throw new TacitError(
        'ERR_KEEPER_REFUSED',
        'The keeper gives this, or takes it, only in another role than the certificate names',
      )
    if (code !== null && /^ERR_(KEY|AUDIT)_/.test(code)) throw new TacitError(code)
    if (status < 500 && status !== 408 && status !== 429) throw new TacitError('ERR_KEEPER_REQUEST')
    return unavailable(code ?? 'ERR_INTERNAL')
  }

  #end(connection: KeeperConnection): void {
    const ended = connection.close().finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }
}

/** Why a keeper gave no answer: what it said of itself, or how far the call came. */
type Reason = ProblemCode | Unanswered

const unavailable = (reason?: Reason): TacitError =>
  new TacitError('ERR_KEEPER_UNAVAILABLE', undefined, { cause: reason })

/** What a call that was not answered fails with. */
export function failureOf(error: Unanswered): TacitError {
  switch (error.kind) {
    case 'refused':
      return new TacitError(
        'ERR_KEEPER_REFUSED',
        'The keeper does not accept this certificate: look at its end, its authority and TACIT_TLS_CERT_FILE',
        { cause: error },
      )
    case 'untrusted':
      return new TacitError(
        'ERR_KEEPER_UNTRUSTED',
        'What answers at the keeper’s address does not prove to be a keeper: look at the address, its certificate and TACIT_TLS_CA_FILE',
        { cause: error },
      )
    case 'unreachable':
    case 'lost':
    case 'late':
    case 'foreign':
      return unavailable(error)
  }
}

/** A keeper that says it is a standby, or fenced, did nothing; nor did one that never saw the call. */
function isUnseen({ cause }: TacitError): boolean {
  if (cause instanceof Unanswered) return cause.unseen
  return cause === 'ERR_KEEPER_STANDBY' || cause === 'ERR_KEEPER_FENCED'
}

/** What somebody has to put right comes before what may pass by itself. */
function mostTelling(failures: readonly TacitError[]): TacitError {
  const of = (code: ProblemCode): TacitError | undefined => failures.find((failure) => failure.code === code)
  return of('ERR_KEEPER_REFUSED') ?? of('ERR_KEEPER_UNTRUSTED') ?? failures.at(-1) ?? unavailable()
}

/** @throws TacitError ERR_CONFIG_INVALID */
export function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (
    parsed?.protocol !== 'https:' ||
    parsed.pathname !== '/' ||
    parsed.search !== '' ||
    parsed.username !== ''
  ) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'A keeper’s address must look like https://keeper.example:8443',
    )
  }
  return parsed.origin
}
