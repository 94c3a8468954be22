/** What the sample ERP page asks of its server: a token as an ERP would sign it, and where beacons go. */
import type { FastifyInstance } from 'fastify'
import { readChoice, readQuery } from './query.js'

export interface SamplePage {
  /** origin of the collector, e.g. `http://127.0.0.1:8080` */
  readonly collectorUrl: string
  /** the sample site of the rulebook */
  readonly site: string
  /** version of the privacy policy that the consent names */
  readonly policy: string
  /** Signs a token for a made-up person of the sample site. */
  token(person: { readonly consent: 'granted' | 'denied' }): Promise<string>
}

export function addSampleRoutes(app: FastifyInstance, page: SamplePage): void {
  app.get('/sample', async (_request, reply) => reply.redirect('/sample/', 308))

  // Anyone on this machine may ask: the token opens the sample site only, whose people are made up.
  app.route({
    method: 'GET',
    url: '/sample/token',
    handler: async (request) => {
      const query = readQuery(request.query, ['consent'])
      const consent = readChoice('consent', query.consent, ['granted', 'denied']) ?? 'granted'
      const { collectorUrl, site, policy } = page
      return { token: await page.token({ consent }), consent, site, policy, collectorUrl }
    },
  })
}
