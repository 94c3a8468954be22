/** `GET /api/v1/statistics/:id`: one answer, built once, written as JSON or CSV. */
import type { Clock } from '@tacit/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { columnsOf, statisticAnswer } from './answer/index.js'
import { toCsv } from './csv.js'
import { locate } from './locate.js'
import { readChoice, readQuery, readRange } from './query.js'
import type { Realm } from './realm.js'
import { readAsked, STATISTIC_PARAMETERS } from './statistic-query.js'
import { gather } from './statistic-reading.js'

/** @param allow throws where the request may not read */
export function addStatisticRoute(
  app: FastifyInstance,
  realms: readonly Realm[],
  clock: Clock,
  allow: (request: FastifyRequest) => Promise<unknown>,
): void {
  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/v1/statistics/:id',
    handler: async (request, reply) => {
      await allow(request)
      const query = readQuery(request.query, STATISTIC_PARAMETERS)
      const range = readRange(query)
      const format = readChoice('format', query.format, ['json', 'csv']) ?? 'json'
      const located = await locate(realms, request.params.id, query)
      const asked = readAsked(located, query)
      const answer = statisticAnswer(asked, await gather(located.realm, asked, range, clock.now()))
      if (format === 'json') return answer
      const { sample, statistic, window } = answer
      const name = `${statistic}-${window}${sample ? '-sample' : ''}`.replaceAll(/[^\w.-]/g, '_')
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="${name}.csv"`)
        .send(toCsv(columnsOf(answer, asked), answer.rows))
    },
  })
}
