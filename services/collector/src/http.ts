/**
 * The HTTP edge. Nothing of a request is logged, echoed or kept: every answer is one of a few fixed ones.
 * `204` stands for accepted and dropped alike, and means durable.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { type Address, readSignals } from '@tacit/anonymizer'
import {
  type Clock,
  LIMITS,
  PROBLEMS,
  type ProblemCode,
  parseBeaconText,
  problemBody,
  TacitError,
} from '@tacit/contracts'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Intake, RequestFacts } from './intake.js'
import type { PeerLimit } from './peer-limit.js'

/** Seconds after which a client may try again. */
const RETRY_AFTER_S = 2
const BEACON_PATH = '/v1/beacon'

export interface CollectorOptions {
  /** one per realm; the first takes beacons of unknown sites, to count them */
  readonly intakes: readonly Intake[]
  readonly clock: Clock
  /** from the peer and all X-Forwarded-For lines to the client's address */
  readonly clientAddress: (peer: string, rawHeaders: readonly string[]) => Address | null
  readonly peerLimit: PeerLimit
  /** false while nothing durable can be promised; then 503 */
  readonly ready: () => boolean
  /** text of the browser SDK */
  readonly sdk: string
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '86400',
}

function answerProblem(reply: FastifyReply, code: ProblemCode): FastifyReply {
  const { status } = PROBLEMS[code]
  reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .header('access-control-allow-origin', '*')
  if (status === 503 || status === 429) {
    // Exposed, because a page of another origin sees no header that is not.
    reply.header('retry-after', String(RETRY_AFTER_S)).header('access-control-expose-headers', 'Retry-After')
  }
  if (status === 405) reply.header('allow', 'POST, OPTIONS')
  // As bytes: to text Fastify would add a charset, which this media type does not have (RFC 9457).
  return reply.send(Buffer.from(problemBody(code)))
}

/** Fastify's own errors, by their stable codes, to ours. */
const FRAMEWORK_CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'ERR_BEACON_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'ERR_BEACON_TYPE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'ERR_BEACON_INCOMPLETE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'ERR_BEACON_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'ERR_BEACON_JSON',
  FST_ERR_BAD_URL: 'ERR_REQUEST_MALFORMED',
  FST_ERR_ASYNC_CONSTRAINT: 'ERR_REQUEST_MALFORMED',
  ECONNRESET: 'ERR_BEACON_INCOMPLETE',
}

function problemOf(error: unknown): ProblemCode {
  // Whatever of ours failed inside, a full disk under the keys too: nothing was promised, and the client may try again.
  if (error instanceof TacitError) return error.status >= 500 ? 'ERR_LOG_UNAVAILABLE' : error.code
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return (typeof code === 'string' ? FRAMEWORK_CODES[code] : undefined) ?? 'ERR_INTERNAL'
}

/** Node's own errors to ours; all others say that it is no HTTP. */
const PARSER_CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'ERR_REQUEST_HEADERS_TOO_LARGE',
  HPE_INVALID_EOF_STATE: 'ERR_BEACON_INCOMPLETE',
  ERR_HTTP_REQUEST_TIMEOUT: 'ERR_REQUEST_TIMEOUT',
}

/** HTTP that Node's own parser refuses: answered with a fixed body, then closed. */
function answerClientError(error: NodeJS.ErrnoException, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const code = PARSER_CODES[error.code ?? ''] ?? 'ERR_REQUEST_MALFORMED'
  const { status } = PROBLEMS[code]
  const body = problemBody(code)
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      `content-type: application/problem+json\r\naccess-control-allow-origin: *\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

/** The raw facts of one request. */
function factsOf(request: IncomingMessage, options: CollectorOptions): RequestFacts {
  const { rawHeaders } = request
  const { gpc, dnt } = readSignals(rawHeaders)
  return {
    source: 'beacon',
    address: options.clientAddress(request.socket.remoteAddress ?? '', rawHeaders),
    userAgent: headerOf(request, 'user-agent') ?? '',
    origin: headerOf(request, 'origin'),
    gpc,
    dnt,
  }
}

/** Refuses before the body is read: rate, encodings, and a log that cannot promise anything. */
function admission(request: FastifyRequest, options: CollectorOptions): ProblemCode | null {
  if (!options.peerLimit.admit(request.raw.socket.remoteAddress ?? '', options.clock.now()))
    return 'ERR_REQUEST_RATE'
  if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1')
    return 'ERR_REQUEST_MALFORMED'
  const encoding = request.raw.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') return 'ERR_BEACON_CONTENT_ENCODING'
  return options.ready() ? null : 'ERR_LOG_UNAVAILABLE'
}

function intakeBySite(intakes: readonly Intake[]): ReadonlyMap<string, Intake> {
  const map = new Map<string, Intake>()
  for (const intake of intakes) {
    for (const site of Object.keys(intake.rulebook.sites)) if (!map.has(site)) map.set(site, intake)
  }
  return map
}

/** The collector's server, not yet listening. */
export function createCollector(options: CollectorOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: 15_000,
    keepAliveTimeout: 65_000,
    requestIdHeader: false,
    genReqId: () => '',
    exposeHeadRoutes: false,
    // Node would answer without a body; admission refuses with a problem.
    http: { requireHostHeader: false },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => {
      answerProblem(reply, problemOf(error))
    },
  })
  const sites = intakeBySite(options.intakes)
  const fallback = options.intakes[0]
  if (fallback === undefined) throw new TypeError('a collector needs at least one intake')

  app.removeAllContentTypeParsers()
  for (const type of ['application/json', 'text/plain']) {
    // The text is parsed by the contract, which knows what to refuse; Fastify only reads and bounds it.
    app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, done) => done(null, body))
  }
  app.setErrorHandler((error, _request, reply) => answerProblem(reply, problemOf(error)))
  app.setNotFoundHandler((request, reply) =>
    answerProblem(
      reply,
      request.raw.url?.split('?', 1)[0] === BEACON_PATH ? 'ERR_REQUEST_METHOD' : 'ERR_ROUTE_UNKNOWN',
    ),
  )

  app.post(
    BEACON_PATH,
    {
      onRequest: (request, reply, next) => {
        const problem = admission(request, options)
        if (problem === null) next()
        else answerProblem(reply, problem)
      },
    },
    (request, reply) => {
      const text = request.body
      const beacon = typeof text === 'string' ? parseBeaconText(text) : 'ERR_BEACON_TYPE'
      if (typeof beacon === 'string') {
        answerProblem(reply, beacon)
        return
      }
      const intake = sites.get(beacon.site) ?? fallback
      intake.accept(beacon, factsOf(request.raw, options), (error) => {
        if (error === null) answerNoContent(reply)
        else answerProblem(reply, problemOf(error))
      })
    },
  )
  app.options(BEACON_PATH, (_request, reply) => reply.code(204).headers(CORS).send())
  app.get('/tacit.js', (_request, reply) =>
    reply
      .headers({ 'access-control-allow-origin': '*', 'content-type': 'text/javascript; charset=utf-8' })
      .send(options.sdk),
  )
  app.get('/healthz', (_request, reply) => reply.code(200).send({ status: 'alive' }))
  app.get('/readyz', (_request, reply) =>
    options.ready() ? reply.code(200).send({ status: 'ready' }) : answerProblem(reply, 'ERR_LOG_UNAVAILABLE'),
  )
  return app
}

const NO_CONTENT_HEADERS = ['access-control-allow-origin', '*']

/** Past Fastify's reply: there is no body to serialise and no hook to run, and this is the answer to every beacon. */
function answerNoContent(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.writeHead(204, NO_CONTENT_HEADERS)
  reply.raw.end()
}
