/** `/healthz` and `/readyz` of a process that listens for nothing else. */
import Fastify from 'fastify'
import { problemBody } from '@tacit/contracts'
import { listen } from './ports.js'

export interface HealthOptions {
  readonly host: string
  readonly port: number
  isReady(): boolean
}

/** @throws TacitError ERR_LISTEN */
export async function startHealth({
  host,
  isReady,
  port,
}: HealthOptions): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const app = Fastify({ logger: false, exposeHeadRoutes: false, bodyLimit: 1 })
  app.get('/healthz', (_request, reply) => reply.code(200).send({ status: 'alive' }))
  app.get('/readyz', (_request, reply) => {
    if (isReady()) return reply.code(200).send({ status: 'ready' })
    return reply.code(503).type('application/problem+json').send(problemBody('ERR_LOG_UNAVAILABLE'))
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('application/problem+json').send(problemBody('ERR_ROUTE_UNKNOWN')),
  )
  const origin = await listen(app, host, port, '--health-port')
  return { origin, close: () => app.close() }
}
