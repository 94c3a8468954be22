/** Which keeper is asked, what is asked twice, and what a lost one costs. */
import type { AuditEvent } from '@tacit/audit-log'
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { withoutOpenssl } from '../testing/certificates.js'
import { codeOf, connect, createIds, type Served, serve } from '../testing/remote.js'

const skip = withoutOpenssl
const KEY = { purpose: 'stats', stream: 'day', epoch: 'day:2026-08-05', scope: { of: 'tenants' } } as const
const EVENT: AuditEvent = {
  actor: 'a',
  action: 'boot',
  object: { service: 'aggregator', version: '1.0.0' },
  rulebook: null,
}

/** A TCP server that does with each connection what it is told; closed with the test. */
async function tcp(t: Test, take: (socket: Socket) => void): Promise<{ url: string; server: Server }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    take(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, server }
}

/** An address at which nobody listens. */
async function nowhere(t: Test): Promise<string> {
  const { url, server } = await tcp(t, () => {})
  await new Promise((resolve) => server.close(resolve))
  return url
}

const pair = async (t: Test): Promise<{ ids: ReturnType<typeof createIds>; one: Served; two: Served }> => {
  const ids = createIds(t.testdir())
  const [one, two] = [await serve(t, ids.server), await serve(t, ids.server)]
  two.keeper.stateNow = 'standby'
  return { ids, one, two }
}

t.test('a keeper that is down is known at once, one that is silent when time is up', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const down = connect(t, await nowhere(t), ids.of('collector'), { timeoutMs: 60_000 })
  const calls: readonly (() => Promise<unknown>)[] = [
    () => down.port.pseudonymKey(KEY),
    () => down.audit.record([EVENT]),
    () => down.keys(),
  ]
  for (const call of calls) {
    const start = performance.now()
    await t.rejects(call(), { code: 'ERR_KEEPER_UNAVAILABLE', retryable: true, status: 503 })
    t.ok(performance.now() - start < 10_000, 'far sooner than the time that it has')
  }
  const { url } = await tcp(t, () => {})
  const silent = connect(t, url, ids.of('collector'), { timeoutMs: 100 })
  t.equal(await codeOf(silent.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNAVAILABLE')
  const ended = await tcp(t, (socket) => socket.destroy())
  t.equal(
    await codeOf(connect(t, ended.url, ids.of('collector')).port.epochs('day')),
    'ERR_KEEPER_UNAVAILABLE',
  )
})

t.test(
  'the next keeper is asked where one is down, silent, a standby or fenced; and then stays the one',
  { skip },
  async (t) => {
    const { ids, one, two } = await pair(t)
    const silent = await tcp(t, () => {})
    one.keeper.stateNow = 'standby'
    two.keeper.stateNow = 'primary'
    const asked = ids.of('collector')
    for (const first of [await nowhere(t), silent.url, one.url]) {
      const client = connect(t, [first, two.url], asked, { timeoutMs: 1_500 })
      t.equal((await client.port.pseudonymKey(KEY)).state, 'open')
      const start = performance.now()
      await client.port.pseudonymKey(KEY)
      t.ok(performance.now() - start < 1_500, 'the silent one is not asked again')
    }
    t.same(one.keeper.calls, [])
    const client = connect(t, [one.url, two.url], asked)
    await client.port.pseudonymKey(KEY)
    one.keeper.stateNow = 'primary'
    two.keeper.stateNow = 'fenced'
    await client.port.epochs('day')
    t.same(one.keeper.calls, ['collector/a epochs'])
    one.keeper.stateNow = 'standby'
    t.equal(await codeOf(client.port.epochs('day')), 'ERR_KEEPER_UNAVAILABLE', 'nobody is the primary')
  },
)

t.test('who saw a takeover fences the former primary, and takes nothing from it', { skip }, async (t) => {
  const { ids, one, two } = await pair(t)
  const client = connect(t, [one.url, two.url], ids.of('collector'))
  await client.port.pseudonymKey(KEY)
  t.same([one.keeper.calls.length, two.keeper.calls.length], [1, 0])
  // A takeover that the former primary has not heard of: it is gone for a moment, and comes back as if nothing was.
  two.keeper.stateNow = 'primary'
  two.keeper.termNow = 2
  await one.server.close()
  await client.port.pseudonymKey(KEY)
  const back = await serve(t, ids.server, { at: one.port })
  await two.server.close()
  t.equal(await codeOf(client.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNAVAILABLE')
  t.same(back.fencedBy, [2])
  t.same(back.keeper.calls, [])
  back.keeper.termNow = 3
  t.equal((await client.port.pseudonymKey(KEY)).state, 'open')
})

t.test('an answer that a takeover overtook is thrown away', { skip }, async (t) => {
  const { ids, one, two } = await pair(t)
  const client = connect(t, [one.url, two.url], ids.of('collector'))
  let go: () => void = () => {}
  one.keeper.pause = new Promise((resolve) => {
    go = resolve
  })
  const overtaken = client.port.pseudonymKey(KEY)
  while (one.keeper.calls.length === 0) await new Promise(setImmediate)
  one.keeper.stateNow = 'standby'
  two.keeper.stateNow = 'primary'
  two.keeper.termNow = 2
  await client.port.epochs('day')
  go()
  t.equal((await overtaken).state, 'open')
  t.same(two.keeper.calls, ['collector/a epochs', 'collector/a pseudonymKey'])
})

t.test('a connection that was ended between two calls is not noticed', { skip }, async (t) => {
  const ids = createIds(t.testdir())
  const { port, keeper } = await serve(t, ids.server)
  const sockets: Socket[] = []
  const way = await tcp(t, (socket) => {
    sockets.push(socket)
    const onward = createConnection(port, 'localhost')
    onward.on('error', () => {})
    socket.pipe(onward).pipe(socket)
  })
  const client = connect(t, way.url, ids.of('collector'))
  await client.port.pseudonymKey(KEY)
  t.equal(sockets.length, 1)
  // In one turn of the event loop: the client says its call before it can see that the connection is gone.
  sockets[0]?.destroy()
  t.equal((await client.port.pseudonymKey(KEY)).state, 'open')
  t.equal(keeper.calls.length, 2)
  for (const socket of sockets) socket.destroy()
  await client.audit.record([EVENT])
  t.equal(keeper.events.length, 1)
})

t.test(
  'what is lost on the way is said once more, but an entry of the audit log is not',
  { skip },
  async (t) => {
    const { ids, one, two } = await pair(t)
    let connections = 0
    // Carries a call to the keeper and loses the answer: ends the connection once the keeper was asked.
    const lossy = await tcp(t, (socket) => {
      connections += 1
      const onward = new (socket.constructor as new () => Socket)()
      onward.connect(one.port, 'localhost')
      onward.on('error', () => {})
      const before = one.keeper.calls.length
      socket.on('data', (bytes) => onward.write(bytes))
      onward.on('data', (bytes) => {
        if (one.keeper.calls.length > before) socket.destroy()
        else socket.write(bytes)
      })
      socket.on('close', () => onward.destroy())
    })
    two.keeper.stateNow = 'primary'
    const client = connect(t, [lossy.url, two.url], ids.of('collector'))
    t.equal(await codeOf(client.audit.record([EVENT])), 'ERR_KEEPER_UNAVAILABLE')
    t.equal(connections, 1)
    t.same([one.keeper.events.length, two.keeper.events.length], [1, 0], 'recorded once, and nowhere else')
    t.equal((await client.port.pseudonymKey(KEY)).state, 'open')
    t.equal(connections, 3)
    t.same(two.keeper.calls, ['collector/a pseudonymKey'])
    const away = connect(t, [await nowhere(t), two.url], ids.of('collector'))
    await away.audit.record([EVENT])
    one.keeper.stateNow = 'standby'
    await connect(t, [one.url, two.url], ids.of('collector')).audit.record([EVENT])
    t.equal(two.keeper.events.length, 2, 'where nobody can have recorded it, the next is asked')
  },
)

t.test('calls end with the client, and addresses must be those of keepers', { skip }, async (t) => {
  const { ids, one } = await pair(t)
  const client = connect(t, one.url, ids.of('collector'))
  const running = client.port.pseudonymKey(KEY)
  await client.close()
  await client.close()
  t.equal((await running).state, 'open', 'one that runs is answered')
  t.equal(await codeOf(client.port.pseudonymKey(KEY)), 'ERR_KEEPER_UNAVAILABLE')
  for (const urls of [[], ['http://a'], ['a'], ['https://a/b'], ['https://a?b'], ['https://b@a']])
    t.throws(() => connect(t, urls, ids.of('collector')), { code: 'ERR_CONFIG_INVALID' })
})
