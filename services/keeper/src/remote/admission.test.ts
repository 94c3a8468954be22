/** Who gets in, and whom the client believes: each wrong certificate, and each role on each route. */
import { createServer as createPlain, request as plainRequest } from 'node:http'
import { createServer as createTls } from 'node:https'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { AUDIT_ACTIONS, type AuditEvent } from '@tacit/audit-log'
import t, { type Test } from 'tap'
import { createTestCa, withoutOpenssl } from '../testing/certificates.js'
import { ask, codeOf, connect, createIds, type Ids, SERVER_NAMES, serve } from '../testing/remote.js'
import { ROUTES } from './routes.js'
import { openTlsFiles, type TlsPaths } from './tls-files.js'

const skip = withoutOpenssl
const COLLECTOR = { names: ['URI:tacit://collector/a'] }
const KEY = { purpose: 'stats', stream: 'day', epoch: 'day:2026-08-05', scope: { of: 'tenants' } } as const
const PATH = '/v1/pseudonym-key'

/** A body that the route of this path takes. */
const BODIES: Readonly<Record<string, object>> = {
  '/v1/pseudonym-key': KEY,
  '/v1/batch-key': { hour: 0, producer: '0123456789abcdef' },
  '/v1/batch-key/make': { hour: 0, producer: '0123456789abcdef' },
  '/v1/log-key/destroy': { hour: 0, reconciled: true },
  '/v1/epochs': { stream: 'day' },
  '/v1/reconciled': { stream: 'day', epoch: 'day:2026-08-05', holds: true },
  '/v1/obey': { latenessMs: 1, destroyKeyAfterMs: 2, logKeyLifeMs: 3 },
  '/v1/audit/record': {
    events: [
      { actor: 'x', action: 'boot', object: { service: 'aggregator', version: '1.0.0' }, rulebook: null },
    ],
  },
  '/v1/audit/read': { file: 'entries', offset: 0, max: 10 },
  '/v1/replica': { session: null, number: 0, entries: 0, heads: 0, begin: null },
}

/** Who may, written down anew: not what the routes say of themselves. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  '/v1/pseudonym-key': ['collector'],
  '/v1/batch-key': ['aggregator'],
  '/v1/batch-key/make': ['collector'],
  '/v1/log-key/destroy': ['aggregator'],
  '/v1/epochs': ['collector', 'aggregator'],
  '/v1/reconciled': ['aggregator'],
  '/v1/obey': ['aggregator'],
  '/v1/keys': ['operator', 'aggregator', 'standby'],
  '/v1/audit/record': ['collector', 'aggregator'],
  '/v1/audit/sign': ['aggregator'],
  '/v1/audit/head': ['operator', 'aggregator', 'standby'],
  '/v1/audit/public-key': ['operator', 'aggregator', 'standby'],
  '/v1/audit/read': ['operator', 'aggregator', 'standby'],
  '/v1/replica': ['standby'],
}

t.test(
  'a client without a valid certificate of the authority is turned away in the handshake',
  { skip },
  async (t) => {
    const dir = t.testdir()
    const { ca, server } = createIds(dir)
    const other = createTestCa(join(dir, 'other'))
    const { port, url, keeper, turnedAway } = await serve(t, server)
    const usingOur = (paths: TlsPaths): TlsPaths => ({ ...paths, ca: ca.certificate })
    const cases: readonly (readonly [string, TlsPaths, string])[] = [
      ['expired', ca.issue('expired', { ...COLLECTOR, from: -3, until: -1 }), 'CERT_HAS_EXPIRED'],
      ['not yet valid', ca.issue('early', { ...COLLECTOR, from: 1, until: 3 }), 'CERT_NOT_YET_VALID'],
      ['of another authority', usingOur(other.issue('other', COLLECTOR)), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      ['signed by itself', ca.selfSigned('self', COLLECTOR), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      ['for servers only', ca.issue('usage', { ...COLLECTOR, usage: 'serverAuth' }), 'INVALID_PURPOSE'],
    ]
    for (const [name, paths, reason] of cases) {
      t.equal(await codeOf(ask(port, paths, PATH, JSON.stringify(KEY))), 'ECONNRESET', name)
      t.same(turnedAway.splice(0), [reason], name)
      t.equal(await codeOf(connect(t, url, paths).port.pseudonymKey(KEY)), 'ERR_KEEPER_REFUSED', name)
      t.same(new Set(turnedAway.splice(0)), new Set([reason]), name)
    }
    t.same(keeper.calls, [])
  },
)

t.test('a client with no certificate, older TLS or no TLS is turned away', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper, turnedAway } = await serve(t, ids.server)
  const ca = readFileSync(ids.ca.certificate)
  const body = JSON.stringify(KEY)
  for (const path of [PATH, '/healthz', '/nowhere'])
    t.equal(await codeOf(ask(port, null, path, body, { ca })), 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')
  for (const maxVersion of ['TLSv1.2', 'TLSv1.1'] as const) {
    const older = ask(port, ids.of('collector'), PATH, body, { maxVersion, minVersion: 'TLSv1' })
    t.match(await older.catch(String), /protocol version|no protocols available/i, maxVersion)
  }
  const plain = new Promise((_resolve, reject) => {
    plainRequest({ host: 'localhost', port, path: '/healthz' })
      .on('response', _resolve)
      .on('error', reject)
      .end()
  })
  t.equal(await codeOf(plain), 'ECONNRESET')
  t.match(new Set(turnedAway), new Set(['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'ERR_SSL_HTTP_REQUEST']))
  t.same(keeper.calls, [])
  t.equal((await ask(port, ids.of('collector'), '/healthz', null)).status, 200)
})

t.test(
  'the client believes no server but a keeper of its authority under the name it asked for',
  { skip },
  async (t) => {
    const dir = t.testdir()
    const ids = createIds(dir)
    const other = createTestCa(join(dir, 'other'))
    const { ca } = ids
    const cases: readonly (readonly [string, TlsPaths])[] = [
      ['another host', ca.issue('host', { names: ['DNS:elsewhere.example', 'URI:tacit://keeper/one'] })],
      [
        'a collector on the right host',
        ca.issue('role', { names: ['DNS:localhost', 'URI:tacit://collector/a'] }),
      ],
      ['no role', ca.issue('none', { names: ['DNS:localhost'] })],
      ['another authority', { ...other.issue('other', { names: SERVER_NAMES }), ca: ca.certificate }],
      ['signed by itself', ca.selfSigned('self', { names: SERVER_NAMES })],
      ['expired', ca.issue('expired', { names: SERVER_NAMES, from: -3, until: -1 })],
      ['for clients only', ca.issue('usage', { names: SERVER_NAMES, usage: 'clientAuth' })],
    ]
    for (const [name, tls] of cases) {
      const { url, keeper } = await serve(t, tls)
      const client = connect(t, url, ids.of('collector'))
      t.equal(await codeOf(client.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNTRUSTED', name)
      t.same(keeper.calls, [])
    }
  },
)

t.test('the client speaks to no server of TLS 1.2, and to none without TLS', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const answer = (_: unknown, response: { end(): void }): void => response.end()
  const old = createTls({ maxVersion: 'TLSv1.2' }, answer)
  openTlsFiles(ids.server, (set) => {
    old.setSecureContext({ ...set, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  }).close()
  for (const server of [old, createPlain(answer)]) {
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const client = connect(t, `https://localhost:${port}`, ids.of('collector'))
    t.equal(await codeOf(client.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNTRUSTED')
  }
})

async function rolesAreHeld(t: Test, ids: Ids, role: string): Promise<void> {
  const { port, keeper } = await serve(t, ids.server)
  for (const { path } of ROUTES) {
    const answer = await ask(port, ids.of(role), path, JSON.stringify(BODIES[path] ?? {}))
    const may = MAY[path]?.includes(role) ?? false
    t.equal(answer.status < 300, may, `${role} ${path}: ${answer.status}`)
    if (may) continue
    t.equal(answer.status, 403)
    t.equal(answer.headers['content-type'], 'application/problem+json')
    t.equal(JSON.parse(answer.body).code, 'ERR_KEEPER_REFUSED')
  }
  for (const call of keeper.calls.filter((said) => said !== 'record'))
    t.ok(call.startsWith(`${role}/a `), call)
  t.equal((await ask(port, ids.of(role), '/healthz', null)).status, 200)
}

t.test('each role may what it may, on every route, and is known by its name', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  t.same(ROUTES.map(({ path }) => path).sort(), Object.keys(MAY).sort())
  for (const role of ['collector', 'aggregator', 'operator', 'standby', 'keeper', 'admin'])
    await rolesAreHeld(t, ids, role)
})

/** Every action of the audit log that a role may put on record, written down anew. */
const MAY_RECORD: Readonly<Record<string, readonly string[]>> = {
  collector: ['boot', 'clock.confirmed', 'clock.jumped'],
  aggregator: [
    'boot',
    'clock.confirmed',
    'clock.jumped',
    'provenance.failed',
    'release.committed',
    'retention.dropped',
    'rulebook.recorded',
  ],
}

t.test('a role puts on record what it has to tell of, and nothing else', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { keeper, url } = await serve(t, ids.server)
  for (const [role, may] of Object.entries(MAY_RECORD)) {
    const client = connect(t, url, ids.of(role))
    for (const action of [...AUDIT_ACTIONS, 'key.made', 'boot ']) {
      const event = { actor: 'x', action, object: {}, rulebook: null } as AuditEvent
      const expected = may.includes(action) ? 'answered' : 'ERR_KEEPER_REFUSED'
      t.equal(await codeOf(client.audit.record([event])), expected, `${role} ${action}`)
      t.equal(keeper.events.splice(0).length, expected === 'answered' ? 1 : 0)
    }
    const mixed = ['boot', 'keeper.takeover'].map(
      (action) => ({ actor: 'x', action, object: {}, rulebook: null }) as AuditEvent,
    )
    t.equal(await codeOf(client.audit.record(mixed)), 'ERR_KEEPER_REFUSED', 'all or nothing')
    t.same(keeper.events, [])
  }
})

t.test(
  'a certificate of no role is refused on every route before its body is looked at',
  { skip },
  async (t) => {
    const ids = createIds(t.testdir())
    const { port, keeper, url, fencedBy } = await serve(t, ids.server)
    const nobody = ids.ca.issue('nobody', { names: ['DNS:collector', 'URI:https://example.org/collector/a'] })
    const headers = { 'tacit-keeper-term': '99', 'content-type': 'application/json' }
    for (const { path } of ROUTES)
      t.equal((await ask(port, nobody, path, '{', { headers })).status, 403, path)
    t.same(fencedBy, [], 'nor can it fence a keeper')
    t.equal(await codeOf(connect(t, url, nobody).keys()), 'ERR_KEEPER_REFUSED')
    t.same(keeper.calls, [])
    t.equal((await ask(port, nobody, '/healthz', null)).status, 200)
  },
)

t.test('a certificate of two roles acts in the one that may', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { url, keeper } = await serve(t, ids.server)
  const both = ids.ca.issue('both', { names: ['URI:tacit://aggregator/x', 'URI:tacit://collector/y'] })
  const client = connect(t, url, both)
  await client.port.pseudonymKey(KEY)
  await client.port.destroyLogKey(0, false)
  await client.audit.record([
    {
      actor: 'somebody-else',
      action: 'boot',
      object: { service: 'aggregator', version: '1.0.0' },
      rulebook: null,
    },
  ])
  t.same(keeper.calls, ['collector/y pseudonymKey', 'aggregator/x destroyLogKey 0 false', 'record'])
  t.same(keeper.events, [
    {
      actor: 'aggregator/x',
      action: 'boot',
      object: { service: 'aggregator', version: '1.0.0' },
      rulebook: null,
    },
  ])
})
