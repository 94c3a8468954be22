import { connect } from 'node:net'
import { PROBLEMS, type ProblemCode } from '@tacit/contracts'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { createPeerLimit } from './peer-limit.js'
import { type MemoryCollectorOptions, memoryCollector, TestClock } from './testing/memory.js'
import { edSigner, grantedClaims } from './testing/tokens.js'

const START = Date.parse('2026-11-18T10:20:30Z')
const erp = edSigner('erp-1')
const body = (changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    v: 1,
    site: 'erp',
    token: erp.sign(grantedClaims(START)),
    events: [{ id: 'a', name: 'page_view', age: 0, path: '/customers' }],
    ...changes,
  })
const setUp = (options: MemoryCollectorOptions = {}) => memoryCollector({ keys: [erp.jwk], ...options })
type Answer = Awaited<ReturnType<typeof post>>

function post(
  app: FastifyInstance,
  payload = body(),
  headers: Record<string, string> = {},
  remoteAddress = '192.0.2.1',
) {
  // light-my-request names itself, which is a bot's name.
  const type = { 'content-type': 'application/json', 'user-agent': 'Mozilla/5.0 Firefox/140.0', ...headers }
  return app.inject({ method: 'POST', url: '/v1/beacon', payload, headers: type, remoteAddress })
}

function isProblem(t: Test, answer: Answer, code: ProblemCode): void {
  const { status, title } = PROBLEMS[code]
  t.equal(answer.statusCode, status)
  t.equal(answer.headers['content-type'], 'application/problem+json')
  t.equal(answer.headers['access-control-allow-origin'], '*')
  t.strictSame(answer.json(), { type: `https://tacit.invalid/problems/${code}`, title, status, code })
  for (const name of ['set-cookie', 'etag', 'server', 'x-powered-by'])
    t.equal(answer.headers[name], undefined)
}

function saysWhenToRetry(t: Test, answer: Answer): void {
  t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(answer.headers['access-control-expose-headers'], 'Retry-After')
}

/** All bytes of the answer to one request over a real socket. */
function bytesOf(port: number, payload: string, headers = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    const length = Buffer.byteLength(payload)
    socket.write(
      `POST /v1/beacon HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: text/plain\r\n${headers}content-length: ${length}\r\n\r\n${payload}`,
    )
  })
}

t.test('accepted and dropped beacons get the same bytes, but for the date', async (t) => {
  const { app, ledger } = await setUp({ ratePerToken: 3 })
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  const sent: readonly (readonly [string, string?])[] = [
    [body()],
    [body({ token: undefined })],
    [body({ token: 'forged' })],
    [body({ site: 'nobody' })],
    [body({ consent: { analytics: 'denied' } })],
    [body(), 'origin: https://evil.example\r\n'],
    [body(), 'sec-gpc: 1\r\n'],
    [body(), 'user-agent: Googlebot/2.1\r\n'],
    [body({ events: [{ id: 'b', name: 'made.up', age: 0 }] })],
    [body({ events: Array.from({ length: 50 }, (_, at) => ({ id: `c${at}`, name: 'page_view', age: 0 })) })],
  ]
  const answers: string[] = []
  for (const [payload, headers] of sent) {
    answers.push((await bytesOf(Number(port), payload, headers)).replace(/^date: .*\r\n/im, ''))
  }
  t.match(answers[0], /^HTTP\/1\.1 204 No Content\r\naccess-control-allow-origin: \*\r\n/)
  t.equal(new Set(answers).size, 1)
  t.notMatch(answers[0], /cookie|etag|content-type|content-length/i)
  const { accepted, dropped } = await ledger()
  t.ok(accepted >= 1, 'something was accepted')
  t.ok(Object.keys(dropped).length >= 7, `and much dropped: ${Object.keys(dropped).join(' ')}`)
})

t.test('JSON and plain text are taken, with or without a charset, in any case', async (t) => {
  const { app, ledger } = await setUp()
  const types = [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'Application/JSON; charset="utf-8"',
    'text/plain',
    'text/plain;charset=UTF-8',
    'text/plain; charset=utf-8',
  ]
  for (const type of types) t.equal((await post(app, body(), { 'content-type': type })).statusCode, 204, type)
  t.equal((await ledger()).accepted, types.length)
})
t.test('other types of content are refused', async (t) => {
  const { app, ledger } = await setUp()
  for (const type of [
    'text/html',
    'application/xml',
    'application/jsonp',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text',
    'json',
    '*/*',
    'application/json, text/html',
  ]) {
    isProblem(t, await post(app, body(), { 'content-type': type }), 'ERR_BEACON_TYPE')
  }
  const none = await app.inject({ method: 'POST', url: '/v1/beacon' })
  isProblem(t, none, 'ERR_BEACON_TYPE')
  t.equal((await ledger()).received, 0)
})

t.test('other methods are refused, and say which are offered', async (t) => {
  const { app } = await setUp()
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await app.inject({ method, url: '/v1/beacon?x=1' })
    isProblem(t, answer, 'ERR_REQUEST_METHOD')
    t.equal(answer.headers.allow, 'POST, OPTIONS')
  }
  const withBody = await app.inject({
    method: 'PUT',
    url: '/v1/beacon',
    payload: body(),
    headers: { 'content-type': 'text/html' },
  })
  isProblem(t, withBody, 'ERR_REQUEST_METHOD')
  t.equal((await app.inject({ method: 'HEAD', url: '/v1/beacon' })).statusCode, 405)
})
t.test('an unknown address is unknown, and is not named in the answer', async (t) => {
  const { app } = await setUp()
  for (const url of ['/', '/v1', '/v1/beacons', '/v1/beacon/', '/V1/BEACON', '/metrics', '/secret?marker']) {
    const answer = await app.inject({
      method: 'POST',
      url,
      payload: body(),
      headers: { 'content-type': 'application/json' },
    })
    isProblem(t, answer, 'ERR_ROUTE_UNKNOWN')
    t.notMatch(answer.body, /secret|marker|metrics/)
  }
})
t.test('a preflight is answered, whatever the origin, and allows no credentials', async (t) => {
  const { app } = await setUp()
  const headers = { origin: 'https://erp.example.in', 'access-control-request-method': 'POST' }
  const answer = await app.inject({ method: 'OPTIONS', url: '/v1/beacon', headers })
  t.equal(answer.statusCode, 204)
  t.match(answer.headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'content-type',
  })
  t.equal(answer.headers['access-control-allow-credentials'], undefined)
  t.notMatch(JSON.stringify(answer.headers), /erp\.example/)
})
t.test('the browser SDK is served to every origin', async (t) => {
  const { app } = await setUp()
  const answer = await app.inject('/tacit.js')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers['content-type'], /^text\/javascript/)
  t.equal(answer.headers['access-control-allow-origin'], '*')
  t.equal(answer.body, '// sdk')
})

t.test('a peer beyond its limit is refused before anything is read, and others are not', async (t) => {
  const clock = new TestClock(START)
  const { app, ledger } = await setUp({ clock, peerLimit: createPeerLimit(3, true) })
  for (let at = 0; at < 3; at++) t.equal((await post(app)).statusCode, 204)
  for (const payload of [body(), 'no json', 'x'.repeat(70_000)]) {
    const answer = await post(app, payload)
    isProblem(t, answer, 'ERR_REQUEST_RATE')
    saysWhenToRetry(t, answer)
  }
  t.equal((await post(app, body(), {}, '192.0.2.2')).statusCode, 204)
  t.equal((await ledger()).received, 4, 'what was refused is not counted')
  clock.time += 60_000
  t.equal((await post(app)).statusCode, 204, 'the next minute begins anew')
})
t.test(
  'a peer is its socket: what it says of itself in headers does not give it another limit',
  async (t) => {
    const { app } = await setUp({ peerLimit: createPeerLimit(1, true) })
    t.equal((await post(app)).statusCode, 204)
    isProblem(
      t,
      await post(app, body(), { 'x-forwarded-for': '198.51.100.7', forwarded: 'for=198.51.100.7' }),
      'ERR_REQUEST_RATE',
    )
  },
)

t.test(
  'while the log fails every beacon is 503, readiness says so, and it comes back by itself',
  async (t) => {
    const { app, commit, ledger, log } = await setUp()
    t.equal((await app.inject('/readyz')).statusCode, 200)
    log.failure = new Error('disk')
    for (const payload of [body(), body({ site: 'nobody' }), body({ consent: { analytics: 'denied' } })]) {
      const answer = await post(app, payload)
      isProblem(t, answer, 'ERR_LOG_UNAVAILABLE')
      saysWhenToRetry(t, answer)
    }
    const readiness = await app.inject('/readyz')
    isProblem(t, readiness, 'ERR_LOG_UNAVAILABLE')
    saysWhenToRetry(t, readiness)
    t.equal((await app.inject('/healthz')).statusCode, 200, 'it is alive')
    log.failure = null
    for (let at = 0; at < 200 && !commit.ready(); at++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    t.equal((await app.inject('/readyz')).statusCode, 200)
    t.equal((await post(app)).statusCode, 204)
    t.equal((await ledger()).received, 1)
  },
)
t.test('an answer waits for the disk, for dropped beacons too', async (t) => {
  const { app, log } = await setUp()
  log.hold()
  let answers = 0
  const waiting = [body(), body({ site: 'nobody' })].map(async (payload) => {
    await post(app, payload)
    answers++
  })
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.equal(answers, 0)
  log.release()
  await Promise.all(waiting)
  t.equal(answers, 2)
})
t.test('a fault inside is a problem without a word of it', async (t) => {
  const { app, intake } = await setUp()
  intake.accept = (_beacon, _facts, done) => done(new Error('secret /customers'))
  const answer = await post(app)
  isProblem(t, answer, 'ERR_INTERNAL')
  t.notMatch(answer.body, /secret|customers/)
})

t.test('the site says that it obeys Global Privacy Control, to whoever asks', async (t) => {
  const { app } = await setUp()
  const answer = await app.inject('/.well-known/gpc.json')
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, {
    'content-type': /^application\/json/,
    'access-control-allow-origin': '*',
    'cache-control': /^public, max-age=[1-9]/,
  })
  t.strictSame(answer.json(), { gpc: true, lastUpdate: '2026-11-01' })
})
t.test('where one rulebook does not obey Global Privacy Control, the site does not claim it', async (t) => {
  const { app, intake } = await setUp()
  const { rulebook } = intake
  const { purpose } = rulebook
  const refuseWhen = new Set([...purpose.refuseWhen].filter((signal) => signal !== 'gpc'))
  Object.defineProperty(intake, 'rulebook', { value: { ...rulebook, purpose: { ...purpose, refuseWhen } } })
  t.equal((await app.inject('/.well-known/gpc.json')).json().gpc, false)
})

t.test('a token far beyond its rate is replayed: refused from then on, with the same answer', async (t) => {
  const { app, clock, ledger } = await setUp({ ratePerToken: 3 })
  let id = 0
  const send = async (count: number) => {
    const events = Array.from({ length: count }, () => ({ id: `r${id++}`, name: 'page_view', age: 0 }))
    const answer = await post(app, body({ events }), { origin: 'https://erp.example.in' })
    t.equal(answer.statusCode, 204)
  }
  await send(3)
  await send(27)
  await send(1)
  clock.time += 60_000
  await send(2)
  t.match(await ledger(), { received: 33, accepted: 3, dropped: { rate: 27, 'token.replayed': 3 } })
})
