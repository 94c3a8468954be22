/** `/api/v1/keys` and `/api/v1/audit/*`: which keys there were, and the evidence of what became of them. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { someEntries } from './audit-entries.js'
import { everHeldData, keyRows } from './keys-answer.js'
import { type Query, readChoice, readNumber } from './query.js'
import type { Realm } from './realm.js'

const FILES = ['entries', 'heads'] as const
const COPY_BYTES = 4_194_304
const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

type Parameter = 'from' | 'limit' | 'file' | 'offset'

/** Lets those in who may, and finds the realm that they ask about; `more`: parameters beside `realm` and `site`. */
export type OpenRealm = (
  request: FastifyRequest,
  more: readonly Parameter[],
  holdsData: (realm: Realm) => Promise<boolean>,
) => Promise<{ readonly realm: Realm; readonly query: Query<Parameter> }>

const heldData = async (realm: Realm): Promise<boolean> => everHeldData(await realm.keys())

/** @param open checks role and query */
export function addAuditRoutes(app: FastifyInstance, open: OpenRealm): void {
  app.route({
    method: 'GET',
    url: '/api/v1/keys',
    handler: async (request) => {
      const { realm } = await open(request, [], heldData)
      const { epochs, keep } = realm.rulebook
      const deadlines = { destroyKeyAfterMs: epochs.destroyKeyAfterMs, logMs: keep.logMs }
      // The head first: what is recorded meanwhile counts as not signed, never the other way round.
      const signed = (await realm.audit.head())?.size ?? 0
      return {
        keys: keyRows(await realm.keys(), deadlines, signed),
        realm: realm.name,
        sample: realm.sample,
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/v1/audit/head',
    handler: async (request) => {
      const { realm } = await open(request, [], heldData)
      const [head, publicKey] = await Promise.all([realm.audit.head(), realm.audit.publicKey()])
      return { head, public_key: publicKey, realm: realm.name, sample: realm.sample }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/v1/audit/entries',
    handler: async (request) => {
      const { query, realm } = await open(request, ['from', 'limit'], heldData)
      const from = readNumber('from', query.from, 1, Number.MAX_SAFE_INTEGER)
      const limit = readNumber('limit', query.limit, 1, MAX_LIMIT) ?? DEFAULT_LIMIT
      const head = await realm.audit.head()
      return {
        entries: await someEntries(realm.audit, from, limit),
        signed: head?.size ?? 0,
        realm: realm.name,
        sample: realm.sample,
      }
    },
  })

  app.route({
    method: 'GET',
    url: '/api/v1/audit/copy',
    handler: async (request, reply) => {
      const { query, realm } = await open(request, ['file', 'offset'], heldData)
      const file = readChoice('file', query.file, FILES) ?? 'entries'
      const offset = readNumber('offset', query.offset, 0, Number.MAX_SAFE_INTEGER) ?? 0
      return reply.type('application/x-ndjson').send(await realm.audit.read(file, offset, COPY_BYTES))
    },
  })
}
