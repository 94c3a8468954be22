/**
 * The dashboard's listener: the query API over released cells, the web page, and the sample page.
 *
 * Invariants
 * - It reads released cells and ledger counts through its options, and holds nothing itself: no state, no recovery.
 * - Requests are not logged; no cookie, no ETag; an answer never echoes input; pages load nothing from elsewhere.
 */
import type { Socket } from 'node:net'
import fastifyStatic from '@fastify/static'
import { TacitError, problemBody, systemClock, type Clock, type ProblemCode } from '@tacit/contracts'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AccessTokens } from './access-tokens.js'
import { addApiRoutes } from './api-routes.js'
import type { Realm } from './realm.js'
import { addSampleRoutes, type SamplePage } from './sample-routes.js'

export interface DashboardOptions {
  /** real data first; at most one of each name */
  readonly realms: readonly Realm[]
  readonly access: AccessTokens
  /** decides which hours of the ledger are closed. Default: the system's */
  readonly clock?: Clock
  /** folder of the built web page (`web-dist`); absent: the API alone */
  readonly webRoot?: string
  /** present: the sample ERP page is served at `/sample/` */
  readonly samplePage?: SamplePage
}

/** Builds the listener; the caller listens and closes. Works with `inject` without a socket. */
export function createDashboard(options: DashboardOptions): FastifyInstance {
  const clock = options.clock ?? systemClock
  const app = fastify({
    logger: false,
    bodyLimit: 1_024,
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _request, reply) => sendProblem(reply, error),
    clientErrorHandler: answerClientError,
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders(request.url, options.samplePage))
  })
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error))
  app.setNotFoundHandler((_request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(reply, new TacitError('ERR_ROUTE_UNKNOWN')),
  )
  // For who restarts it and who sends it requests: whoever answers is ready, because it holds nothing itself.
  app.get('/healthz', async () => ({ status: 'alive' }))
  app.get('/readyz', async () => ({ status: 'ready' }))
  addApiRoutes(app, options.realms, options.access, clock)
  if (options.samplePage !== undefined) addSampleRoutes(app, options.samplePage)
  if (options.webRoot !== undefined) {
    void app.register(fastifyStatic, {
      root: options.webRoot,
      allowedPath: (path) => options.samplePage !== undefined || !path.startsWith('/sample'),
      etag: false,
      lastModified: false,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // names in assets/ carry a hash of their content; pages do not
        const hashed = /[\\/]assets[\\/][^\\/]+$/.test(path)
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-store')
      },
    })
  }
  return app
}

/** HTTP that Node's own parser refuses: a fixed body, then the connection ends. */
function answerClientError(_error: Error, socket: Socket): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const body = problemBody('ERR_REQUEST_MALFORMED')
  socket.end(
    'HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n' +
      `content-length: ${String(Buffer.byteLength(body))}\r\nconnection: close\r\n\r\n${body}`,
  )
}

function securityHeaders(url: string, samplePage: SamplePage | undefined): Record<string, string> {
  const collector =
    samplePage !== undefined && url.startsWith('/sample') ? ` ${new URL(samplePage.collectorUrl).origin}` : ''
  return {
    'cache-control': 'no-store',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      `connect-src 'self'${collector}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  }
}

/**
 * Answers an error as problem+json. The `detail` of a 4xx is the message of our own error, fixed text by contract; any
 * other error becomes its code's title alone.
 */
function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const problem = error instanceof TacitError ? error : new TacitError(codeOf(error))
  const body = JSON.parse(problemBody(problem.code)) as Record<string, unknown>
  if (problem.status < 500 && problem.message !== body['title']) body['detail'] = problem.message
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(body))
}

/** What fastify refuses by itself (a bad URL, a bad body) is the caller's; anything else is ours. */
function codeOf(error: unknown): ProblemCode {
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' && status >= 400 && status < 500
    ? 'ERR_REQUEST_MALFORMED'
    : 'ERR_INTERNAL'
}
