/** `/api/v1/*`: who may read what, and the answers that `answer.ts` shapes. */
import { TacitError, type Clock } from '@tacit/contracts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessTokens, Role } from './access-tokens.js'
import { type CatalogueRealm, isClosedHour, ledgerAnswer, statisticsCatalogue } from './answer/index.js'
import { addAuditRoutes } from './audit-routes.js'
import { addDeskRoutes } from './desk-routes.js'
import { chooseRealm } from './locate.js'
import { openApi } from './openapi.js'
import { readQuery, readRange } from './query.js'
import type { Realm } from './realm.js'
import { addStatisticRoute } from './statistic-route.js'

const READERS: readonly Role[] = ['product', 'privacy', 'admin', 'operator']
const PRIVACY: readonly Role[] = ['privacy', 'admin', 'operator']

export function addApiRoutes(
  app: FastifyInstance,
  realms: readonly Realm[],
  access: AccessTokens,
  clock: Clock,
): void {
  const allow = async (request: FastifyRequest, roles: readonly Role[]): Promise<Role> => {
    const role = await access.verify(request.headers.authorization)
    if (!roles.includes(role)) throw new TacitError('ERR_ACCESS_ROLE')
    return role
  }

  app.get('/openapi.json', async () => openApi)

  app.route({
    method: 'GET',
    url: '/api/v1/statistics',
    handler: async (request) => {
      await allow(request, READERS)
      readQuery(request.query, [])
      return statisticsCatalogue(await Promise.all(realms.map((realm) => catalogued(realm, clock.now()))))
    },
  })

  addStatisticRoute(app, realms, clock, async (request) => allow(request, READERS))
  addDeskRoutes(app, realms, clock, async (request) => allow(request, PRIVACY))

  /** What views of the ledger ask for; `closedBefore` is absent for an operator, who sees every hour. */
  const askLedger = async (request: FastifyRequest) => {
    const role = await allow(request, PRIVACY)
    const query = readQuery(request.query, ['from', 'to', 'realm', 'site'])
    const range = readRange(query)
    const realm = await chooseRealm(realms, query, async (one) => (await one.ledger({})).length > 0)
    const { latenessMs } = realm.rulebook.epochs
    return { range, realm, closedBefore: role === 'operator' ? undefined : { now: clock.now(), latenessMs } }
  }

  app.route({
    method: 'GET',
    url: '/api/v1/ledger',
    handler: async (request) => {
      const { closedBefore, range, realm } = await askLedger(request)
      const answer = ledgerAnswer(await realm.ledger(range), closedBefore)
      return { ...answer, realm: realm.name, sample: realm.sample }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/v1/detections',
    handler: async (request) => {
      const { closedBefore, range, realm } = await askLedger(request)
      const rows = (await realm.detections(range)).filter(
        ({ day }) =>
          closedBefore === undefined ||
          isClosedHour(Date.parse(day), closedBefore.now, closedBefore.latenessMs),
      )
      return { rows, realm: realm.name, sample: realm.sample }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/v1/checks',
    handler: async (request) => {
      await allow(request, PRIVACY)
      const realm = await chooseRealm(realms, readQuery(request.query, ['realm']), async () => true)
      return { checks: realm.checks(), realm: realm.name, sample: realm.sample }
    },
  })

  addAuditRoutes(app, async (request, more, holdsData) => {
    await allow(request, PRIVACY)
    const query = readQuery(request.query, ['realm', 'site', ...more])
    return { query, realm: await chooseRealm(realms, query, holdsData) }
  })

  app.route({
    method: 'GET',
    url: '/api/v1/rulebook',
    handler: async (request) => {
      await allow(request, PRIVACY)
      const query = readQuery(request.query, ['realm'])
      const realm = await chooseRealm(realms, query, async () => true)
      const { rulebook, name, sample } = realm
      return {
        name: rulebook.name,
        version: rulebook.version,
        hash: rulebook.hash,
        policy: rulebook.policy,
        effective: new Date(rulebook.effective).toISOString().slice(0, 10),
        expires: new Date(rulebook.expires).toISOString().slice(0, 10),
        sources: rulebook.sources,
        ...realm.history(),
        realm: name,
        sample,
      }
    },
  })
}

/** A realm with the newest window of each statistic, the number of now included where there is one. */
async function catalogued(realm: Realm, now: number): Promise<CatalogueRealm> {
  const { name, rulebook, sample } = realm
  const [latest, live] = await Promise.all([realm.latest(), realm.live(now)])
  const numbers = live
    .filter(({ users }) => users !== null)
    .map(({ statistic, windowStart }) => ({ statistic, window: '5m', windowStart }))
  return { name, rulebook, sample, latest: [...latest, ...numbers] }
}
