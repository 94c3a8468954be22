/** Keys over the wire: the same for all who may have them, never text, zeroed on both sides. */
import type { AuditEvent } from '@tacit/audit-log'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer as createTlsServer, connect as tlsConnect, TLSSocket } from 'node:tls'
import { DrivenClock, HOUR } from '@tacit/contracts'
import type { KeeperPort, KeyAnswer, KeyScope, PseudonymKeyRequest } from '@tacit/keyring'
import t, { type Test } from 'tap'
import type { Keeper } from '../keeper.js'
import { openKeeper } from '../open-keeper.js'
import { keeperPlaces, openKeeperStores } from '../keeper-stores.js'
import { withoutOpenssl } from '../testing/certificates.js'
import {
  ABSENT_PRODUCER,
  CLOSED,
  EPOCHS,
  expectedKey,
  HEAD,
  LOG_FILE,
  type MemoryKeeper,
  RECORD,
} from '../testing/memory-keeper.js'
import { ask, codeOf, connect, createIds, type Ids, serve } from '../testing/remote.js'

const skip = withoutOpenssl
const NOW = Date.parse('2026-08-05T10:00:00Z')
const tenant = (name: string): KeyScope => ({ of: 'tenant', tenant: name })
const request = (name = 'acme'): PseudonymKeyRequest => ({
  purpose: 'stats',
  stream: 'day',
  epoch: 'day:2026-08-05',
  scope: tenant(name),
})
const keyOf = (answer: KeyAnswer): Buffer => {
  if (answer.state !== 'open') throw new Error(answer.state)
  return answer.key
}
/** A real keeper in the folder `keeper` of the test's own, closed with the test. */
async function realKeeper(t: Test, now: number): Promise<Keeper> {
  const keeper = await openKeeper({
    stores: openKeeperStores(keeperPlaces(`${t.testdirName}/keeper`)),
    clock: new DrivenClock(now),
    latenessMs: HOUR,
    destroyKeyAfterMs: 48 * HOUR,
    streams: ['day'],
  })
  t.teardown(() => keeper.close())
  return keeper
}
/** The server zeroes when its side of the connection is through with the key, which is a moment later. */
async function areZeroed({ given }: MemoryKeeper, count: number): Promise<void> {
  const end = performance.now() + 10_000
  while (performance.now() < end && !(given.length === count && given.every(isZero)))
    await new Promise(setImmediate)
}
const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

t.test(
  'two collectors get the same key from a real keeper, and an aggregator opens what one sealed',
  { skip },
  async (t) => {
    const ids = createIds(t.testdir({ keeper: {} }))
    const keeper = await realKeeper(t, NOW)
    const { url, keeper: served } = await serve(t, ids.server)
    served.door = () => keeper.port
    const second = ids.ca.issue('second', { names: ['URI:tacit://collector/second'] })
    const [a, b] = [connect(t, url, ids.of('collector')), connect(t, url, second)]
    const aggregator = connect(t, url, ids.of('aggregator'))

    const keys = await Promise.all(
      [a, b, a, b].map(async ({ port }) => keyOf(await port.pseudonymKey(request()))),
    )
    const inProcess = keyOf(await keeper.port.pseudonymKey(request()))
    for (const key of keys) t.same(key, inProcess)
    t.notSame(keyOf(await a.port.pseudonymKey(request('other'))), inProcess)

    const producer = '0123456789abcdef'
    t.equal(await aggregator.port.batchKey(NOW, producer, false), null)
    const sealing = await a.port.batchKey(NOW, producer, true)
    t.ok(sealing !== null && sealing.length === 32)
    t.same(await aggregator.port.batchKey(NOW, producer, false), sealing)
    await aggregator.port.destroyLogKey(NOW, true)
    t.equal(await a.port.batchKey(NOW, producer, true), null)
    t.same(await a.port.pseudonymKey({ ...request(), epoch: 'day:2026-08-01' }), { state: 'closed' })
    t.same(await a.port.pseudonymKey({ ...request(), epoch: 'day:2027-08-01' }), { state: 'absent' })
  },
)

t.test(
  'machines that seal and settle both are waited for by the names of their certificates',
  { skip },
  async (t) => {
    const ids = createIds(t.testdir({ keeper: {} }))
    const keeper = await realKeeper(t, NOW + HOUR)
    const { url, keeper: served } = await serve(t, ids.server)
    served.door = (...names) => keeper.door(...names)
    const upOf = (name: string): KeeperPort =>
      connect(
        t,
        url,
        ids.ca.issue(name, {
          names: [`URI:tacit://collector/seals-${name}`, `URI:tacit://aggregator/settles-${name}`],
        }),
      ).port
    const [a, b] = [upOf('a'), upOf('b')]
    t.ok(await a.batchKey(NOW, 'a'.repeat(16), true))
    t.ok(await b.batchKey(NOW, 'b'.repeat(16), true))
    await a.destroyLogKey(NOW, true)
    t.ok(await b.batchKey(NOW, 'b'.repeat(16), false))
    await b.destroyLogKey(NOW, true)
    t.equal(await b.batchKey(NOW, 'b'.repeat(16), false), null)
  },
)

t.test('everything a keeper offers comes through as it was said', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { url, keeper } = await serve(t, ids.server)
  const all = ids.ca.issue('all', { names: ['URI:tacit://collector/a', 'URI:tacit://aggregator/b'] })
  const client = connect(t, url, all)
  const wide = { ...request(), scope: tenant('Zürich "&\n\u{1f600}'.padEnd(256, 'x')) }
  t.same(keyOf(await client.port.pseudonymKey(wide)), expectedKey(wide))
  const site: PseudonymKeyRequest = { ...request(), scope: { of: 'site', site: 'www' } }
  t.same(keyOf(await client.port.pseudonymKey(site)), expectedKey(site))
  t.same(await client.port.pseudonymKey({ ...request(), epoch: CLOSED }), { state: 'closed' })
  t.same(await client.port.batchKey(NOW, 'abcdefabcdefabcd', true), expectedKey([NOW, 'abcdefabcdefabcd']))
  t.equal(await client.port.batchKey(NOW, ABSENT_PRODUCER, false), null)
  t.same(await client.port.epochs('week'), EPOCHS)
  await client.port.reconciled('week', 'week:2026-08-03', false)
  await client.port.obey({ latenessMs: 1, destroyKeyAfterMs: 2, logKeyLifeMs: 3 })
  t.same(keeper.calls.slice(-2), [
    'aggregator/b reconciled week week:2026-08-03 false',
    'aggregator/b obey 1 2 3',
  ])
  t.same(await client.keys(), [RECORD])
  t.same(await client.audit.sign(), HEAD)
  t.same(await client.audit.head(), HEAD)
  t.equal(await client.audit.publicKey(), await keeper.audit.publicKey())
  t.same(await client.audit.read('entries', 10, 1e9), LOG_FILE.subarray(10))
  t.same(await client.audit.read('heads', 1_000, 10), Buffer.alloc(0))
  const event: AuditEvent = {
    actor: 'a',
    action: 'boot',
    object: { service: 'aggregator', version: '1.0.0' },
    rulebook: null,
  }
  await client.audit.record([event, event])
  t.same(
    keeper.events,
    [event, event].map((said) => ({ ...said, actor: 'aggregator/b' })),
  )
  t.same(await client.tick(), { closed: [], destroyed: [], lost: [], failed: [] })
})

/** A relay that ends TLS on both sides and keeps every byte that went through it in the clear. */
async function relay(t: Test, ids: Ids, to: number): Promise<{ port: number; up: Buffer[]; down: Buffer[] }> {
  const [up, down]: [Buffer[], Buffer[]] = [[], []]
  const pem = (file: string): Buffer => readFileSync(file)
  const own = ids.of('collector')
  const server = createTlsServer({ cert: pem(ids.server.cert), key: pem(ids.server.key) }, (inner) => {
    const outer = tlsConnect({
      host: 'localhost',
      port: to,
      ca: pem(own.ca),
      cert: pem(own.cert),
      key: pem(own.key),
    })
    // Copies: the client zeroes what it read, and so does the server what it sent.
    inner.on('data', (bytes: Buffer) => up.push(Buffer.from(bytes)) && outer.write(bytes))
    outer.on('data', (bytes: Buffer) => down.push(Buffer.from(bytes)) && inner.write(bytes))
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const)
      one.on('close', () => other.destroy()).on('error', () => other.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, up, down }
}

t.test('a key goes over the wire as its 32 bytes, once, and as no text', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port } = await serve(t, ids.server)
  const seen = await relay(t, ids, port)
  const client = connect(t, `https://localhost:${seen.port}`, ids.of('collector'))
  const keys = [
    keyOf(await client.port.pseudonymKey(request())),
    (await client.port.batchKey(NOW, '0123456789abcdef', true)) as Buffer,
  ]
  t.equal(await codeOf(client.port.epochs('hour' as 'day')), 'ERR_KEEPER_REQUEST')
  const [up, down] = [Buffer.concat(seen.up), Buffer.concat(seen.down)]
  for (const key of keys) {
    const at = down.indexOf(key)
    t.ok(at > 0)
    t.equal(down.indexOf(key, at + 1), -1)
    t.equal(up.indexOf(key), -1)
    for (const all of [up, down]) {
      const text = all.toString('latin1')
      t.notOk(text.toLowerCase().includes(key.toString('hex')))
      // Without what depends on where the text begins.
      for (const encoding of ['base64', 'base64url'] as const)
        t.notOk(text.includes(key.toString(encoding).slice(0, 40)))
      t.notOk(text.includes([...key].join(',')), 'as a list of numbers')
    }
  }
  t.match(down.toString('latin1'), /content-type: application\/octet-stream\r\n/)
  t.ok(
    seen.down.some((piece) => piece.equals(keys[0] as Buffer)),
    'in a record of its own, joined with nothing',
  )
})

t.test('a key is zeroed on both sides, in every buffer but the caller’s', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { url, keeper } = await serve(t, ids.server)
  const client = connect(t, url, ids.of('collector'))
  const expected = expectedKey(request())
  // Every piece that a TLS socket of this process gives to its reader.
  const pieces: Buffer[] = []
  const push = TLSSocket.prototype.push
  TLSSocket.prototype.push = function (this: TLSSocket, chunk: unknown, encoding?: BufferEncoding): boolean {
    if (Buffer.isBuffer(chunk) && chunk.includes(expected)) pieces.push(chunk)
    return push.call(this, chunk, encoding)
  }
  t.teardown(() => {
    TLSSocket.prototype.push = push
  })
  const key = keyOf(await client.port.pseudonymKey(request()))
  t.same(key, expected)
  t.equal(key.buffer.byteLength, 32, 'in memory of its own')
  t.equal(pieces.length, 1)
  t.notOk(pieces.some((piece) => piece.includes(expected)))
  await areZeroed(keeper, 1)
  t.ok(keeper.given.every(isZero))
})

t.test('a key that nobody waits for any more is zeroed', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, url, keeper } = await serve(t, ids.server)
  let go: () => void = () => {}
  keeper.pause = new Promise((resolve) => {
    go = resolve
  })
  const gone = new AbortController()
  const asked = ask(port, ids.of('collector'), '/v1/pseudonym-key', JSON.stringify(request()), {
    signal: gone.signal,
  })
  const client = connect(t, url, ids.of('collector'), { timeoutMs: 300 })
  const late = codeOf(client.port.pseudonymKey(request()))
  while (keeper.calls.length < 2) await new Promise(setImmediate)
  gone.abort()
  t.equal(await codeOf(asked), 'ABORT_ERR')
  t.equal(await late, 'ERR_KEEPER_UNAVAILABLE')
  go()
  await areZeroed(keeper, 2)
  t.ok(keeper.given.every(isZero))
})

t.test('a thousand calls at once are each answered with their own key', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { url } = await serve(t, ids.server)
  const client = connect(t, url, ids.of('collector'), { timeoutMs: 60_000 })
  const names = Array.from({ length: 1_000 }, (_, index) => `tenant-${index}`)
  const keys = await Promise.all(
    names.map(async (name) => keyOf(await client.port.pseudonymKey(request(name)))),
  )
  const wrong = keys.filter((key, index) => !key.equals(expectedKey(request(names[index]))))
  t.equal(wrong.length, 0)
})

t.test('what a key over loopback costs', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { url, keeper } = await serve(t, ids.server)
  const client = connect(t, url, ids.of('collector'))
  const medianOf = async (port: typeof keeper.port, calls: number): Promise<number> => {
    const times: number[] = []
    for (let call = 0; call < calls; call += 1) {
      const start = performance.now()
      await port.pseudonymKey(request())
      times.push((performance.now() - start) * 1_000)
    }
    return times.sort((a, b) => a - b)[Math.floor(calls / 2)] ?? 0
  }
  const [inProcess, remote] = [await medianOf(keeper.port, 500), await medianOf(client.port, 500)]
  t.comment(
    `pseudonymKey, median: ${inProcess.toFixed(1)} µs in process, ${remote.toFixed(0)} µs over loopback`,
  )
  t.ok(remote < 100_000, 'a kept connection, no handshake per call')
})
