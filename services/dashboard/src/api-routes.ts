/** `/api/v1/*`: who may read what, and the answers that `answer.ts` shapes. */
import { TacitError, type Clock } from '@tacit/contracts'
import type { Statistic } from '@tacit/rulebook'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessTokens, Role } from './access-tokens.js'
import { finestWindow, isClosedHour, ledgerAnswer, statisticAnswer, statisticsCatalogue } from './answer.js'
import { addAuditRoutes } from './audit-routes.js'
import { toCsv } from './csv.js'
import { openApi } from './openapi.js'
import { readChoice, readQuery, readRange } from './query.js'
import type { Realm, RealmName } from './realm.js'

const READERS: readonly Role[] = ['product', 'privacy', 'admin', 'operator']
const PRIVACY: readonly Role[] = ['privacy', 'admin', 'operator']
const REALM_NAMES: readonly RealmName[] = ['main', 'sample']

/** One declared statistic where it lives. */
interface Located {
  readonly realm: Realm
  readonly statistic: Statistic
}

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
      const known = realms.map(async (realm) => ({ ...realm, released: await realm.released() }))
      return statisticsCatalogue(await Promise.all(known))
    },
  })

  app.route<{ Params: { id: string } }>({
    method: 'GET',
    url: '/api/v1/statistics/:id',
    handler: async (request, reply) => {
      await allow(request, READERS)
      const query = readQuery(request.query, STATISTIC_PARAMETERS)
      const range = readRange(query)
      const format = readChoice('format', query.format, ['json', 'csv']) ?? 'json'
      const { realm, statistic } = await locate(realms, request.params.id, query)
      const window = readChoice('window', query.window, statistic.windows) ?? finestWindow(statistic)
      refuseDrill(statistic, query.drill)
      const cells = await realm.cells({ statistic: statistic.id, window, ...range })
      const { rulebook, sample } = realm
      const answer = statisticAnswer({ rulebook, statistic, window, sample, cells })
      if (format === 'json') return answer
      const name = `${statistic.id}-${window}${sample ? '-sample' : ''}`.replaceAll(/[^\w.-]/g, '_')
      const columns = ['window_start', ...statistic.by, ...statistic.measures, 'floor']
      return reply
        .type('text/csv; charset=utf-8; header=present')
        .header('content-disposition', `attachment; filename="${name}.csv"`)
        .send(toCsv(columns, answer.rows))
    },
  })

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

const STATISTIC_PARAMETERS = ['window', 'from', 'to', 'drill', 'format', 'site', 'realm'] as const

/**
 * Finds the statistic. Ids of the sample realm may be ids of real ones: `site` or `realm` tell them apart; without
 * them the real one is meant, or the sample's where the real one has nothing released yet.
 */
async function locate(
  realms: readonly Realm[],
  id: string,
  query: { readonly site?: string; readonly realm?: string },
): Promise<Located> {
  const name = readChoice('realm', query.realm, REALM_NAMES)
  const found = realms
    .filter((realm) => name === undefined || realm.name === name)
    .flatMap((realm) => realm.rulebook.statistics.map((statistic) => ({ realm, statistic })))
    .filter(({ statistic }) => statistic.id === id && (query.site ?? statistic.site) === statistic.site)
  const chosen = await firstOr(found, async ({ realm }) =>
    (await realm.released()).some(({ statistic }) => statistic === id),
  )
  if (chosen === undefined) throw new TacitError('ERR_STATISTIC_UNKNOWN')
  return chosen
}

/** The realm of that name, or that has that site: ledger, keys and audit log are of all sites of a realm together. */
async function chooseRealm(
  realms: readonly Realm[],
  { realm, site }: { readonly realm?: string; readonly site?: string },
  holdsData: (realm: Realm) => Promise<boolean>,
): Promise<Realm> {
  const wanted = readChoice('realm', realm, REALM_NAMES)
  const found = realms
    .filter(({ name }) => wanted === undefined || name === wanted)
    .filter(({ rulebook }) => site === undefined || Object.hasOwn(rulebook.sites, site))
  const chosen = await firstOr(found, holdsData)
  if (chosen === undefined) {
    const sites = [...new Set(realms.flatMap(({ rulebook }) => Object.keys(rulebook.sites)))].sort()
    throw new TacitError(
      'ERR_QUERY_MALFORMED',
      `This installation has no such realm or site; its sites are: ${sites.join(', ')}`,
    )
  }
  return chosen
}

/** The first item that `test` likes, else the first of all; a single item is not tested. */
async function firstOr<Item>(
  items: readonly Item[],
  test: (item: Item) => Promise<boolean>,
): Promise<Item | undefined> {
  if (items.length < 2) return items[0]
  for (const item of items) if (await test(item)) return item
  return items[0]
}

/** Drill-downs are declared before they are released: say so rather than answer another level. */
function refuseDrill(statistic: Statistic, drill: string | undefined): void {
  if (drill === undefined) return
  if (!statistic.drill.includes(drill)) {
    throw new TacitError('ERR_QUERY_MALFORMED', 'This statistic declares no such drill-down; leave drill out')
  }
  throw new TacitError(
    'ERR_STATISTIC_DRILL',
    'This drill-down is declared, but this version releases the top level only; leave drill out',
  )
}
