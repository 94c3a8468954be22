/**
 * The HTTP edge. Nothing of a request is logged, echoed or kept: every answer is one of a few fixed ones.
 * `204` stands for accepted and dropped alike, and means durable.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { LIMITS, type ProblemCode } from '@tacit/contracts'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { answerClientError, answerProblem, problemOf } from './answers.js'
import { type BeaconRouteOptions, createBeaconRoute } from './beacon-route.js'

const BEACON_PATH = '/v1/beacon'
/** A request, its body included, has this long; then 408. */
const REQUEST_TIMEOUT_MS = 15_000
/** Slow requests are looked for this often; Node's own 30 s would let them live that much longer. */
const TIMEOUT_CHECK_MS = 1_000
/** An idle connection is kept this long: longer than usual load balancers, so that they close first. */
const KEEP_ALIVE_MS = 65_000
/** While it closes, idle connections are looked for this often, and after the grace all are ended. */
const CLOSE_IDLE_EVERY_MS = 25
const CLOSE_GRACE_MS = 5_000

export interface CollectorOptions extends BeaconRouteOptions {
  /** text of the browser SDK */
  readonly sdk: string
  /** ms that a request has, its body included; default {@link REQUEST_TIMEOUT_MS} */
  readonly requestTimeoutMs?: number
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '86400',
}

/** Answers past Fastify's reply, so that each problem is made in one place. */
function refuse(reply: FastifyReply, code: ProblemCode): void {
  reply.hijack()
  answerProblem(reply.raw, code)
}

function isBeacon(request: IncomingMessage): boolean {
  return request.method === 'POST' && request.url === BEACON_PATH
}

/**
 * Sees that a server that is about to close does: one that was answering is idle a moment later and would be kept for
 * as long as any other, and a client that goes on and on would keep it for ever.
 */
function endConnections(server: Server): void {
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS)
  const grace = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
  server.once('close', () => {
    clearInterval(idle)
    clearTimeout(grace)
  })
}

/** What the site says of Global Privacy Control (the proposal's GPC Support Resource): whether every rulebook obeys it. */
function globalPrivacyControl({ intakes }: CollectorOptions): {
  readonly gpc: boolean
  readonly lastUpdate: string
} {
  const rulebooks = intakes.map(({ rulebook }) => rulebook)
  const policies = rulebooks.map(({ policy }) => policy.version).sort()
  return {
    gpc: rulebooks.every(({ purpose }) => purpose.refuseWhen.has('gpc')),
    lastUpdate: policies.at(-1) ?? '',
  }
}

/** The collector's server, not yet listening. */
export function createCollector(options: CollectorOptions): FastifyInstance {
  const beaconRoute = createBeaconRoute(options)
  const requestTimeout = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS
  const app = Fastify({
    logger: false,
    bodyLimit: LIMITS.bodyBytes,
    requestIdHeader: false,
    genReqId: () => '',
    exposeHeadRoutes: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => refuse(reply, problemOf(error)),
    serverFactory: (handler): Server => {
      const server = createServer(
        // Node would answer a missing Host without a body; the route refuses it with a problem.
        {
          requireHostHeader: false,
          requestTimeout,
          connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeout / 2),
          keepAliveTimeout: KEEP_ALIVE_MS,
        },
        (request, response) => {
          // Once it closes, each connection ends with its answer.
          if (!server.listening) response.shouldKeepAlive = false
          if (isBeacon(request)) beaconRoute(request, response)
          else handler(request, response)
        },
      )
      server.on('clientError', answerClientError)
      return server
    },
  })
  app.addHook('preClose', async () => {
    if (app.server.listening) endConnections(app.server)
  })
  app.removeAllContentTypeParsers()
  // No route of Fastify's reads a body: the beacon's reads its own.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.setErrorHandler((error, _request, reply) => refuse(reply, problemOf(error)))
  app.setNotFoundHandler((request, reply) =>
    refuse(
      reply,
      request.raw.url?.split('?', 1)[0] === BEACON_PATH ? 'ERR_REQUEST_METHOD' : 'ERR_ROUTE_UNKNOWN',
    ),
  )
  // For a path with a query, and for `inject`; over a socket the plain path comes by the short cut above.
  app.post(BEACON_PATH, (request, reply) => {
    reply.hijack()
    beaconRoute(request.raw, reply.raw)
  })
  app.options(BEACON_PATH, (_request, reply) => reply.code(204).headers(CORS).send())
  app.get('/tacit.js', (_request, reply) =>
    reply
      .headers({
        'access-control-allow-origin': '*',
        'cache-control': 'public, max-age=3600',
        'content-type': 'text/javascript; charset=utf-8',
      })
      .send(options.sdk),
  )
  app.get('/.well-known/gpc.json', (_request, reply) =>
    reply
      .headers({ 'access-control-allow-origin': '*', 'cache-control': 'public, max-age=3600' })
      .send(globalPrivacyControl(options)),
  )
  app.get('/healthz', (_request, reply) => reply.code(200).send({ status: 'alive' }))
  app.get('/readyz', (_request, reply) => {
    if (options.ready()) reply.code(200).send({ status: 'ready' })
    else refuse(reply, 'ERR_LOG_UNAVAILABLE')
  })
  return app
}
