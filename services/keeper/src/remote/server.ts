/**
 * The keeper over TCP: HTTPS with mutual TLS 1.3, and nothing else.
 *
 * Invariants
 * - Nobody is answered without a certificate of the given authorities, nor asked for a key without a role that may.
 * - No request is taken on a connection that was made under former certificates or authorities, or whose certificate
 *   has expired since: such a connection is ended, and its holder has to prove anew who it is.
 * - Whoever shows a higher term than this keeper's is not answered; where they prove it, there was a takeover, and nobody
 *   is any more (`fenced`).
 * - Nothing of a request is logged, and a key is zeroed once it is out.
 * Recovery: none is needed, no state is kept but connections.
 */
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Clock, type ProblemCode, systemClock, TacitError } from '@tacit/contracts'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { answerClientError, answerProblem, problemOf, send } from './answers.js'
import { type Principal, principalAmong, principalsOf } from './identity.js'
import { type Call, ROUTES, type Route, type ServedKeeper } from './routes.js'
import { openTlsFiles, type TlsFiles, type TlsFilesOptions, type TlsSource } from './tls-files.js'
import { TERM_HEADER, type Term, termOf, termText } from './wire.js'

/** A handshake has this long, and then the head of a request. */
const HANDSHAKE_MS = 5_000
const HEADERS_MS = 5_000
const REQUEST_MS = 10_000
const TIMEOUT_CHECK_MS = 1_000
/** Longer than the client keeps an idle connection, so that usually it closes first. */
const KEEP_ALIVE_MS = 60_000
/** Each connection has one request at a time, so these are also the most requests at a time. */
const MAX_CONNECTIONS = 512
const MAX_HEADER_BYTES = 8_192
const CLOSE_GRACE_MS = 5_000

export interface KeeperServerOptions {
  readonly keeper: ServedKeeper
  /** files are read again when they change */
  readonly tls: TlsSource
  /** Told, as often as it is shown, that there is a keeper of this higher term: this one was taken over from, and is fenced. */
  readonly fenced: (term: number) => void
  /** Told OpenSSL's name of the reason why a connection was not accepted, e.g. `CERT_HAS_EXPIRED`. */
  readonly turnedAway?: (reason: string) => void
  /** Told why changed files are not used; the former stay in use. */
  readonly tlsRefused?: (error: TacitError) => void
  /** how often the files are looked at, ms; default one minute */
  readonly tlsEveryMs?: number
  /** by which certificates end while their connections last; default the machine's, which is what OpenSSL looks at */
  readonly clock?: Clock
  /** ms that a request has, its body included; default 10,000 */
  readonly requestTimeoutMs?: number
}

export interface KeeperServer {
  /** @returns the port @throws TacitError ERR_LISTEN */
  listen(at: { readonly host: string; readonly port: number }): Promise<number>
  /** Looks at the TLS files now. */
  lookAtFiles(): void
  /** Takes no more connections, ends those there are after their answers; the keeper itself stays open. */
  close(): Promise<void>
}

/** A keeper's server, not yet listening. @throws TacitError ERR_TLS_FILES */
export function serveKeeper(options: KeeperServerOptions): KeeperServer {
  return new MutualTlsServer(options)
}

/** What a connection proved when it was made. */
interface Identity {
  readonly principals: readonly Principal[]
  /** ms */
  readonly expiresAt: number
  readonly generation: number
}

class MutualTlsServer implements KeeperServer {
  readonly #options: KeeperServerOptions
  readonly #clock: Clock
  readonly #app: FastifyInstance<Server>
  readonly #files: TlsFiles
  /** under which TLS files a handshake began, by the connection's two ends */
  readonly #beginnings = new Map<string, number>()
  readonly #identities = new WeakMap<object, Identity>()
  /** as whom a request was taken */
  readonly #asking = new WeakMap<FastifyRequest, Pick<Call, 'aggregator' | 'principal'>>()
  /** of the TLS files */
  #generation = 0

  constructor(options: KeeperServerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#app = createApp(options.requestTimeoutMs ?? REQUEST_MS)
    const { server } = this.#app
    server.maxConnections = MAX_CONNECTIONS
    server.on('connection', (socket: Socket) => this.#begin(socket))
    server.on('secureConnection', (socket) => this.#identify(socket))
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      options.turnedAway?.(reasonOf(error, socket))
    })
    this.#files = openTlsFiles(
      options.tls,
      (set) => {
        server.setSecureContext(set)
        this.#generation += 1
        server.closeIdleConnections()
      },
      watchOptions(options),
    )
    this.#route()
  }

  async listen(at: { readonly host: string; readonly port: number }): Promise<number> {
    try {
      await this.#app.listen(at)
    } catch (error) {
      throw new TacitError('ERR_LISTEN', 'The keeper’s port cannot be listened on', { cause: error })
    }
    const address = this.#app.server.address()
    return typeof address === 'object' && address !== null ? address.port : at.port
  }

  lookAtFiles(): void {
    this.#files.look()
  }

  async close(): Promise<void> {
    this.#files.close()
    const grace = setTimeout(() => this.#app.server.closeAllConnections(), CLOSE_GRACE_MS)
    await this.#app.close()
    clearTimeout(grace)
  }

  /** A handshake goes on under the files that it began with, even while they change. */
  #begin(socket: Socket): void {
    const ends = endsOf(socket)
    this.#beginnings.set(ends, this.#generation)
    socket.once('close', () => this.#beginnings.delete(ends))
  }

  #identify(socket: TLSSocket): void {
    const certificate = socket.getPeerX509Certificate()
    this.#identities.set(socket, {
      principals: principalsOf(certificate?.subjectAltName),
      expiresAt: certificate === undefined ? 0 : Date.parse(certificate.validTo),
      generation: this.#beginnings.get(endsOf(socket)) ?? Number.NaN,
    })
  }

  #route(): void {
    const app = this.#app
    app.setErrorHandler((error, _request, reply) => answerProblem(reply, problemOf(error)))
    app.setNotFoundHandler((_request, reply) => answerProblem(reply, 'ERR_ROUTE_UNKNOWN'))
    app.addHook('onRequest', async (request, reply) => {
      reply.header('cache-control', 'no-store').header(TERM_HEADER, termText(this.#options.keeper.term()))
      if (this.#identityOf(request) !== undefined) return
      reply.hijack()
      request.raw.socket.destroy()
    })
    app.get('/healthz', (_request, reply) => reply.send({ state: this.#options.keeper.state() }))
    for (const route of ROUTES) this.#offer(route)
  }

  #offer({ path, roles, bodyLimit, answer }: Route): void {
    const { keeper } = this.#options
    this.#app.post(path, {
      bodyLimit,
      // Before the body is read: who may not ask is told nothing about what it says.
      onRequest: async (request, reply) => {
        const principals = this.#identityOf(request)?.principals ?? []
        const principal = principalAmong(principals, roles)
        if (principal === undefined) return answerProblem(reply, 'ERR_KEEPER_REFUSED')
        const code = this.#standing(request)
        if (code !== null) return answerProblem(reply, code)
        const aggregator = principalAmong(principals, ['aggregator'])?.name
        this.#asking.set(request, { principal: principal.name, aggregator })
      },
      handler: async (request, reply) => {
        const party = this.#asking.get(request)
        if (party === undefined) return answerProblem(reply, 'ERR_KEEPER_REFUSED')
        return this.#send(reply, await answer(request.body, { keeper, ...party }))
      },
    })
  }

  #send(reply: FastifyReply, answer: Parameters<typeof send>[1]): FastifyReply {
    // The term as it is now: a takeover may have been heard of while the keeper worked.
    reply.header(TERM_HEADER, termText(this.#options.keeper.term()))
    return send(reply, answer)
  }

  /** Undefined where what the connection proved no longer holds. */
  #identityOf(request: FastifyRequest): Identity | undefined {
    const identity = this.#identities.get(request.raw.socket)
    if (identity === undefined || identity.generation !== this.#generation) return undefined
    return this.#clock.now() < identity.expiresAt ? identity : undefined
  }

  /** Why this keeper may not answer; null where it may. */
  #standing(request: FastifyRequest): ProblemCode | null {
    const { keeper } = this.#options
    const seen = termOf(request.headers[TERM_HEADER])
    if (seen === undefined) return 'ERR_KEEPER_REQUEST'
    if (seen !== null && seen.count > keeper.term().count) {
      void this.#fence(seen)
      return 'ERR_KEEPER_FENCED'
    }
    switch (keeper.state()) {
      case 'primary':
        return null
      case 'standby':
        return 'ERR_KEEPER_STANDBY'
      case 'fenced':
        return 'ERR_KEEPER_FENCED'
    }
  }

  async #fence(seen: Term): Promise<void> {
    const { keeper, fenced } = this.#options
    // A disk that refuses it is asked again with the next call that proves it; no other is answered meanwhile.
    if (await keeper.fence(seen).catch(() => true)) fenced(seen.count)
  }
}

const endsOf = (socket: Socket): string =>
  [socket.remoteAddress, socket.remotePort, socket.localAddress, socket.localPort].join(' ')

function createApp(requestTimeout: number): FastifyInstance<Server> {
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    requestIdHeader: false,
    genReqId: () => '',
    requestTimeout,
    keepAliveTimeout: KEEP_ALIVE_MS,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => answerProblem(reply as FastifyReply, problemOf(error)),
    https: {
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_MS,
      headersTimeout: Math.min(HEADERS_MS, requestTimeout),
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeout / 2),
      maxHeaderSize: MAX_HEADER_BYTES,
      ALPNProtocols: ['http/1.1'],
    },
  })
  app.removeContentTypeParser('text/plain')
  return app as unknown as FastifyInstance<Server>
}

/** The socket knows why its certificate was not accepted; the error then only says that it was ended. */
function reasonOf(error: NodeJS.ErrnoException, socket: TLSSocket): string {
  const { authorizationError } = socket as { authorizationError?: unknown }
  return typeof authorizationError === 'string' ? authorizationError : (error.code ?? 'UNKNOWN')
}

function watchOptions({ tlsRefused, tlsEveryMs }: KeeperServerOptions): TlsFilesOptions {
  return {
    ...(tlsRefused === undefined ? {} : { refused: tlsRefused }),
    ...(tlsEveryMs === undefined ? {} : { everyMs: tlsEveryMs }),
  }
}
