/** The served keeper: what it makes of garbage, of changed files, of slow and of stale connections. */
import type { AuditEvent } from '@tacit/audit-log'
import { X509Certificate } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import { DrivenClock, TacitError } from '@tacit/contracts'
import t from 'tap'
import { createTestCa, withoutOpenssl } from '../testing/certificates.js'
import { ask, codeOf, connect, createIds, SERVER_NAMES, serve } from '../testing/remote.js'
import { serveKeeper } from './server.js'
import type { TlsPaths } from './tls-files.js'

const skip = withoutOpenssl
const KEY = { purpose: 'stats', stream: 'day', epoch: 'day:2026-08-05', scope: { of: 'tenants' } } as const
const BATCH = { hour: 0, producer: '0123456789abcdef' }
const EVENT: AuditEvent = {
  actor: 'a',
  action: 'boot',
  object: { service: 'aggregator', version: '1.0.0' },
  rulebook: null,
}
const PATH = '/v1/pseudonym-key'
const SECRET = 'wanderlust'

const nested = (levels: number): object => (levels === 1 ? {} : { in: nested(levels - 1) })

const GARBAGE: readonly (readonly [string, unknown])[] = [
  [PATH, {}],
  [PATH, []],
  [PATH, null],
  [PATH, SECRET],
  [PATH, { ...KEY, [SECRET]: 1 }],
  [PATH, { ...KEY, purpose: '' }],
  [PATH, { ...KEY, purpose: SECRET.repeat(13) }],
  [PATH, { ...KEY, stream: SECRET }],
  [PATH, { ...KEY, epoch: `day:2026-08-05${SECRET}` }],
  [PATH, { ...KEY, epoch: 'hour:2026-08-05T10' }],
  [PATH, { ...KEY, scope: { of: 'tenant' } }],
  [PATH, { ...KEY, scope: { of: 'tenant', tenant: 'x'.repeat(257) } }],
  [PATH, { ...KEY, scope: { of: 'tenant', tenant: '\ud800' } }],
  [PATH, { ...KEY, scope: { of: 'tenants', tenant: SECRET } }],
  ['/v1/batch-key/make', { ...BATCH, hour: 1.5 }],
  ['/v1/batch-key/make', { ...BATCH, hour: -3_600_000 }],
  ['/v1/batch-key/make', { ...BATCH, hour: '0' }],
  ['/v1/batch-key/make', { ...BATCH, hour: 1e20 }],
  ['/v1/batch-key/make', { ...BATCH, producer: '0123456789ABCDEF' }],
  ['/v1/batch-key/make', { ...BATCH, producer: `${BATCH.producer}\n` }],
  ['/v1/epochs', { stream: 'hour' }],
  ['/v1/audit/record', { events: [{ ...EVENT, action: '' }] }],
  ['/v1/audit/record', { events: [{ ...EVENT, actor: 'x'.repeat(129) }] }],
  ['/v1/audit/record', { events: [{ ...EVENT, object: [SECRET] }] }],
  ['/v1/audit/record', { events: [{ ...EVENT, object: nested(5) }] }],
  ['/v1/audit/record', { events: [{ ...EVENT, object: { x: 'x'.repeat(65_536) } }] }],
  ['/v1/audit/record', { events: Array.from({ length: 1_001 }, () => EVENT) }],
]

t.test('garbage is answered with a problem that says nothing of it', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper } = await serve(t, ids.server)
  const raw: readonly (readonly [string, string | Buffer])[] = [
    ...GARBAGE.map(([path, body]) => [path, JSON.stringify(body)] as const),
    [PATH, ''],
    [PATH, `{"${SECRET}"`],
    [PATH, '{"__proto__": {}}'],
    [PATH, Buffer.from([0xff, 0xfe, 0])],
    [PATH, '['.repeat(8_000)],
  ]
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  for (const [path, body] of raw) {
    const { status, headers, body: said } = await ask(port, ids.of('collector'), path, body, { agent })
    t.equal(status, 400, `${path} ${String(body).slice(0, 80)}`)
    t.equal(headers['content-type'], 'application/problem+json')
    t.equal(JSON.parse(said).code, 'ERR_KEEPER_REQUEST')
    t.notOk(said.includes(SECRET))
  }
  t.same(keeper.calls, [])
  const nest = JSON.stringify({ events: [{ ...EVENT, object: nested(4) }] })
  t.equal((await ask(port, ids.of('collector'), '/v1/audit/record', nest)).status, 204)
})

t.test('a wrong type, method, path or term, and too much of anything, is refused', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port } = await serve(t, ids.server)
  const own = ids.of('collector')
  const ok = JSON.stringify(KEY)
  const statusOf = async (...args: readonly [string, string | null, object?]): Promise<string> => {
    const { status, body } = await ask(port, own, ...args)
    return `${status} ${JSON.parse(body).code}`
  }
  t.equal(await statusOf(PATH, ok, { headers: { 'content-type': 'text/plain' } }), '400 ERR_KEEPER_REQUEST')
  t.equal(await statusOf(PATH, null), '404 ERR_ROUTE_UNKNOWN')
  t.equal(await statusOf(`/${SECRET}`, ok), '404 ERR_ROUTE_UNKNOWN')
  t.equal(await statusOf('/%', ok), '400 ERR_KEEPER_REQUEST')
  const term = { headers: { 'content-type': 'application/json', 'tacit-keeper-term': '-1' } }
  t.equal(await statusOf(PATH, ok, term), '400 ERR_KEEPER_REQUEST')
  t.equal(await statusOf(PATH, ' '.repeat(8_193)), '413 ERR_KEEPER_REQUEST_TOO_LARGE')
  const wide = { headers: { 'x-wide': 'x'.repeat(10_000) } }
  t.match(
    await codeOf(ask(port, own, PATH, ok, wide).then(({ status }) => Promise.reject({ code: status }))),
    /400|431/,
  )
})

t.test('what the keeper says of its store comes through, and no more than its code', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, url, keeper } = await serve(t, ids.server)
  const client = connect(t, url, ids.of('collector'))
  for (const [failure, code] of [
    [new TacitError('ERR_KEY_STORE', SECRET, { cause: new Error(SECRET) }), 'ERR_KEY_STORE'],
    [new TacitError('ERR_DATA_DIRECTORY', SECRET), 'ERR_KEEPER_UNAVAILABLE'],
    [Object.assign(new Error(SECRET), { statusCode: 200 }), 'ERR_KEEPER_UNAVAILABLE'],
  ] as const) {
    keeper.failure = failure
    const answer = await ask(port, ids.of('collector'), PATH, JSON.stringify(KEY))
    t.equal(answer.status, 500)
    t.notOk(`${JSON.stringify(answer.headers)}${answer.body}`.includes(SECRET))
    t.equal(await codeOf(client.port.pseudonymKey(KEY)), code)
  }
})

t.test('each answer states the term and is kept by nobody', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper } = await serve(t, ids.server)
  keeper.termNow = 7
  for (const [path, body] of [
    [PATH, JSON.stringify(KEY)],
    [PATH, '{'],
    ['/healthz', null],
    ['/v1/keys', '{}'],
    ['/nowhere', '{}'],
  ] as const)
    t.match((await ask(port, ids.of('collector'), path, body)).headers, {
      'tacit-keeper-term': '7',
      'cache-control': 'no-store',
    })
})

function install(dir: string, from: TlsPaths): TlsPaths {
  const at = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key'), ca: join(dir, 'ca.crt') }
  for (const part of ['cert', 'key', 'ca'] as const) copyFileSync(from[part], at[part])
  return at
}

t.test(
  'a server takes new certificates without a restart, and former authorities open no door',
  { skip },
  async (t) => {
    const dir = t.testdir({ live: {} })
    const ids = createIds(dir)
    const next = createTestCa(join(dir, 'next'))
    const { port, url, server } = await serve(t, install(join(dir, 'live'), ids.server))
    const former = connect(t, url, ids.of('collector'))
    await former.port.pseudonymKey(KEY)
    const kept = tlsConnect({
      port,
      host: 'localhost',
      ca: readFileSync(ids.ca.certificate),
      ...pem(ids.of('collector')),
    })
    await new Promise((resolve) => kept.once('secureConnect', resolve))

    install(join(dir, 'live'), next.issue('server', { names: SERVER_NAMES }))
    server.lookAtFiles()
    t.equal(await overHeld(kept), '', 'a connection from before is ended, not answered')
    t.equal(await codeOf(former.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNTRUSTED')
    const own = next.issue('collector', { names: ['URI:tacit://collector/a'] })
    const now = connect(t, url, own)
    t.equal((await now.port.pseudonymKey(KEY)).state, 'open')
    const stale = connect(t, url, { ...ids.of('collector'), ca: own.ca })
    t.equal(await codeOf(stale.port.pseudonymKey(KEY)), 'ERR_KEEPER_REFUSED')
    t.match(await ask(port, own, PATH, '', { maxVersion: 'TLSv1.2' }).catch(String), /protocol version/)
    t.match(await codeOf(ask(port, null, PATH, '', { ca: readFileSync(own.ca) })), /CERTIFICATE_REQUIRED/)
  },
)

t.test('a renewed certificate on either side goes unnoticed by those who work', { skip }, async (t) => {
  const dir = t.testdir({ live: {}, own: {} })
  const ids = createIds(dir)
  const { url, server, keeper } = await serve(t, install(join(dir, 'live'), ids.server))
  const client = connect(t, url, install(join(dir, 'own'), ids.of('collector')))
  let stop = false
  let answered = 0
  const working = Array.from({ length: 8 }, async () => {
    while (!stop) {
      await client.port.pseudonymKey(KEY)
      answered += 1
    }
  })
  for (let round = 0; round < 3; round += 1) {
    install(join(dir, 'live'), ids.ca.issue(`server-${round}`, { names: SERVER_NAMES }))
    server.lookAtFiles()
    install(
      join(dir, 'own'),
      ids.ca.issue(`own-${round}`, { names: [`URI:tacit://collector/round-${round}`] }),
    )
    client.lookAtFiles()
    const before = answered
    while (answered < before + 50) await new Promise(setImmediate)
    t.equal(keeper.calls.at(-1), `collector/round-${round} pseudonymKey`)
  }
  stop = true
  await Promise.all(working)
})

const pem = ({ cert, key }: TlsPaths): { cert: Buffer; key: Buffer } => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
})

/** What a request over a connection that was made before is answered with. */
function overHeld(socket: TLSSocket): Promise<string> {
  const body = JSON.stringify(KEY)
  return new Promise((resolve) => {
    let said = ''
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(said))
    socket.write(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  })
}

t.test('a connection ends with the certificate that opened it', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const own = ids.of('collector')
  const end = Date.parse(new X509Certificate(readFileSync(own.cert)).validTo)
  const clock = new DrivenClock(end - 1)
  const { port, url, keeper } = await serve(t, ids.server, { clock })
  const client = connect(t, url, own)
  const held = tlsConnect({ port, host: 'localhost', ca: readFileSync(own.ca), ...pem(own) })
  await new Promise((resolve, reject) => held.once('secureConnect', resolve).once('error', reject))
  t.equal((await client.port.pseudonymKey(KEY)).state, 'open')
  clock.advanceTo(end)
  t.equal(await overHeld(held), '')
  t.equal(await codeOf(client.port.pseudonymKey(KEY)), 'ERR_KEEPER_REFUSED')
  t.equal(keeper.calls.length, 1)
})

t.test('nobody comes back on a former handshake', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port } = await serve(t, ids.server)
  const own = ids.of('collector')
  const options = { port, host: 'localhost', ca: readFileSync(own.ca), ...pem(own) }
  const sessions: Buffer[] = []
  const first = tlsConnect(options).on('session', (session: Buffer) => sessions.push(session))
  await overHeld(first.once('secureConnect', () => setTimeout(() => first.end(), 200)))
  const second = tlsConnect({ ...options, ...(sessions[0] === undefined ? {} : { session: sessions[0] }) })
  await new Promise((resolve) => second.once('secureConnect', resolve))
  t.notOk(second.isSessionReused())
  second.destroy()
})

t.test('who sends slowly is cut off', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper } = await serve(t, ids.server, { requestTimeoutMs: 200 })
  const own = ids.of('collector')
  for (const start of [
    'POST /v1/pseu',
    `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{`,
  ]) {
    const socket = tlsConnect({ port, host: 'localhost', ca: readFileSync(own.ca), ...pem(own) })
    let said = ''
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
    })
    socket.write(start)
    await new Promise((resolve) => socket.once('close', resolve))
    t.match(said, /^HTTP\/1\.1 408 .*ERR_REQUEST_TIMEOUT/s)
  }
  t.same(keeper.calls, [])
})

t.test('a port that is taken is said, and so is a key that others may read', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper } = await serve(t, ids.server)
  const other = serveKeeper({ keeper, tls: ids.server, fenced: () => {} })
  t.equal(await codeOf(other.listen({ host: 'localhost', port })), 'ERR_LISTEN')
  await other.close()
  chmodSync(ids.server.key, 0o644)
  t.throws(() => serveKeeper({ keeper, tls: ids.server, fenced: () => {} }), { code: 'ERR_TLS_FILES' })
})
