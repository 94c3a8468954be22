/**
 * The way to one keeper: a few kept connections, and for what must not be said twice, or went wrong on a kept one, new
 * ones. Every failure says how far the call came.
 */
import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContextOptions,
} from 'node:tls'
import { secretBuffer } from '@tacit/contracts'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { principalAmong, principalsOf } from './identity.js'
import { KEY_STATE_HEADER, TERM_HEADER, type Term, termOf, termText } from './wire.js'

/** Connections that are kept to one keeper, and those for one call each, at a time. */
const KEPT = 8
const SINGLE = 8
/** Shorter than the server's, so that usually this side ends an idle connection. */
const KEEP_ALIVE_MS = 30_000

export interface KeeperCall {
  readonly path: string
  readonly body: object
  /** the answer is a key: every copy of it but the one that is handed out is zeroed */
  readonly secret?: boolean
  /** it must not be said twice: only on a connection of its own */
  readonly once?: boolean
  /** longest answer, bytes */
  readonly maxBytes: number
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly term: Term | null
  readonly keyState: string
  /** in memory of its own, the caller's to zero */
  readonly body: Buffer
}

/**
 * `unreachable`: no connection came to be. `untrusted`: what answered could not prove to be a keeper. `refused`: the
 * keeper does not accept this side's certificate. In these three nobody has seen the call. `lost`: the connection ended
 * before the answer did. `late`: time was up. `foreign`: the answer is not what the contract says.
 */
export type FailureKind = 'unreachable' | 'untrusted' | 'refused' | 'lost' | 'late' | 'foreign'

/** A call that was not answered. */
export class Unanswered extends Error {
  readonly kind: FailureKind

  constructor(kind: FailureKind, cause?: unknown) {
    super(`The keeper did not answer (${kind})`, { cause })
    this.name = 'Unanswered'
    this.kind = kind
  }

  /** Whether nobody can have acted on the call. */
  get unseen(): boolean {
    return this.kind === 'unreachable' || this.kind === 'untrusted' || this.kind === 'refused'
  }
}

export class KeeperConnection {
  readonly #kept: Pool
  readonly #single: Pool
  readonly #asking = new Set<Promise<Reply>>()

  /** @param origin `https://host:port` @param timeoutMs for making a connection */
  constructor(origin: string, tls: SecureContextOptions, timeoutMs: number) {
    const connect = connectorOf(tls, timeoutMs)
    const common = { connect, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: KEEP_ALIVE_MS }
    this.#kept = new Pool(origin, { ...common, connections: KEPT, pipelining: 1 })
    // `pipelining: 0` is undici's way to say: no connection is used twice.
    this.#single = new Pool(origin, { ...common, connections: SINGLE, pipelining: 0 })
  }

  /**
   * Says a call. One that was lost on a kept connection (the keeper may just have ended it) is said once more on a new one.
   * @param term the highest term seen so far @param signal aborts when time is up @throws Unanswered
   */
  ask(call: KeeperCall, term: Term, signal: AbortSignal): Promise<Reply> {
    const asking = this.#ask(call, term, signal).finally(() => this.#asking.delete(asking))
    this.#asking.add(asking)
    return asking
  }

  /** Ends the connections once what was asked is answered, said a second time if need be. */
  async close(): Promise<void> {
    while (this.#asking.size > 0) await Promise.allSettled(this.#asking)
    await Promise.all([this.#kept.close(), this.#single.close()])
  }

  async #ask(call: KeeperCall, term: Term, signal: AbortSignal): Promise<Reply> {
    if (call.once !== true) {
      try {
        return await exchange(this.#kept, call, term, signal)
      } catch (error) {
        if (!(error instanceof Unanswered) || error.kind !== 'lost') throw error
      }
    }
    try {
      return await exchange(this.#single, call, term, signal)
    } catch (error) {
      // In TLS 1.3 a client's handshake is over before the server has looked at its certificate, and Node's server says
      // no by ending the connection. A second connection that ends right after the handshake, of a server that proved to
      // be a keeper, is such a no. What must not be said twice had one only, and may have been heard.
      const isRefusal =
        call.once !== true &&
        error instanceof Unanswered &&
        error.kind === 'lost' &&
        error.cause instanceof NothingReceived
      throw isRefusal ? new Unanswered('refused', error.cause) : error
    }
  }
}

/** The connection ended before the first byte of an answer. */
class NothingReceived extends Error {}

/** A failure before there was a connection. */
class NotConnected extends Error {}

async function exchange(pool: Pool, call: KeeperCall, term: Term, signal: AbortSignal): Promise<Reply> {
  let answer: Dispatcher.ResponseData | undefined
  try {
    answer = await pool.request({
      path: call.path,
      method: 'POST',
      headers: { 'content-type': 'application/json', [TERM_HEADER]: termText(term) },
      body: JSON.stringify(call.body),
      signal,
    })
    const body = await readBody(answer.body, call.maxBytes, call.secret === true)
    const header = (name: string): string => String(answer?.headers[name] ?? '')
    const stated = termOf(answer.headers[TERM_HEADER])
    return {
      status: answer.statusCode,
      type: header('content-type'),
      term: stated ?? null,
      keyState: header(KEY_STATE_HEADER),
      body,
    }
  } catch (error) {
    if (error instanceof Unanswered) throw error
    if (signal.aborted) throw new Unanswered('late', error)
    const kind = kindOf(error)
    throw new Unanswered(
      kind,
      kind === 'lost' && answer === undefined && ENDED.has(codeOf(error))
        ? new NothingReceived('', { cause: error })
        : error,
    )
  }
}

/** Reads a body into memory of its own, outside V8's heap: it may be a key. @param secret zeroes the pieces that it came in */
async function readBody(stream: AsyncIterable<Buffer>, max: number, secret: boolean): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  try {
    for await (const piece of stream) {
      pieces.push(piece)
      length += piece.length
      if (length > max) throw new Unanswered('foreign')
    }
    const body = secretBuffer(length)
    let at = 0
    for (const piece of pieces) at += piece.copy(body, at)
    return body
  } finally {
    if (secret) for (const piece of pieces) piece.fill(0)
  }
}

function connectorOf(tls: SecureContextOptions, timeout: number): buildConnector.connector {
  const connect = buildConnector({
    secureContext: createSecureContext(tls),
    checkServerIdentity: provesKeeper,
    maxCachedSessions: 0,
    timeout,
  })
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, socket as NonNullable<typeof socket>)
      else callback(new NotConnected('No connection', { cause: error }), null)
    })
}

/** The server is who the address says, and a keeper: another service's certificate for the same host is not enough. */
function provesKeeper(host: string, certificate: PeerCertificate): Error | undefined {
  const wrongHost = checkServerIdentity(host, certificate)
  if (wrongHost !== undefined) return wrongHost
  const keeper = principalAmong(principalsOf(certificate.subjectaltname), ['keeper'])
  return keeper === undefined
    ? Object.assign(new Error('No keeper'), { code: 'ERR_TLS_CERT_NO_KEEPER' })
    : undefined
}

/** How undici and Node say that the other side ended a connection. */
const ENDED = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** TLS alerts that are about this side's certificate (RFC 8446, 6.2), as OpenSSL names them. */
const ALERTS_ON_CERTIFICATE =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/
/** What verifying the server's certificate fails with (OpenSSL's names), and a server that speaks no TLS 1.3. */
const UNTRUSTED =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_|PATH_LENGTH_|HOSTNAME_|ERROR_IN_CERT)/

function kindOf(error: unknown): FailureKind {
  const connecting = error instanceof NotConnected
  const code = codeOf(connecting ? error.cause : error)
  if (ALERTS_ON_CERTIFICATE.test(code)) return 'refused'
  if (!connecting) return 'lost'
  return UNTRUSTED.test(code) ? 'untrusted' : 'unreachable'
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
