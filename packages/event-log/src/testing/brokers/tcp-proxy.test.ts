import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { until } from './control.js'
import { freePorts } from './ports.js'
import { TcpProxy } from './tcp-proxy.js'

/** A connection, and all that came over it. */
interface Client {
  readonly socket: Socket
  /** Waits for that many bytes in all, or the end, and says what came since the beginning. */
  received(bytes: number): Promise<Buffer>
}

async function connectTo(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let length = 0
  let hasEnded = false
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
  })
  for (const event of ['end', 'close'] as const) {
    socket.on(event, () => {
      hasEnded = true
    })
  }
  await once(socket, 'connect')
  return {
    socket,
    async received(bytes) {
      await until(async () => length >= bytes || hasEnded, 10_000, 2)
      return Buffer.concat(chunks)
    },
  }
}

/** A server that sends back what it gets, behind a proxy. */
async function behindProxy(
  test: Test,
): Promise<{ proxy: TcpProxy; echo: Server; client(): Promise<Client> }> {
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  const [target = 0, port = 0] = await freePorts(2)
  echo.listen(target, '127.0.0.1')
  await once(echo, 'listening')
  const proxy = new TcpProxy(port, target)
  await proxy.open()
  const clients: Client[] = []
  test.teardown(async () => {
    for (const { socket } of clients) socket.destroy()
    await proxy.close()
    echo.close()
  })
  const client = async (): Promise<Client> => {
    const made = await connectTo(port)
    clients.push(made)
    return made
  }
  return { proxy, echo, client }
}

t.test('bytes pass both ways in order, and so does the end', async (test) => {
  const { client } = await behindProxy(test)
  const { socket, received } = await client()
  const sent = Buffer.alloc(3_000_000, 'abcdefghijk')
  socket.end(sent)
  const came = await received(Infinity)
  test.ok(socket.readableEnded, 'the end of one side is the end of the other')
  test.ok(came.equals(sent))
})

t.test('what hangs is accepted, does not come, and comes in order once healed', async (test) => {
  const { proxy, client } = await behindProxy(test)
  const before = await client()
  proxy.hang()
  const after = await client()
  before.socket.write('one ')
  after.socket.write('two')
  const early = await Promise.race([before.received(1), after.received(1), sleep(150, null)])
  test.equal(early, null, 'nothing comes while it hangs')
  before.socket.write('more')
  await proxy.heal()
  test.equal((await before.received(8)).toString(), 'one more')
  test.equal((await after.received(3)).toString(), 'two')
})

t.test('a delay holds each direction, not each piece', async (test) => {
  const { proxy, client } = await behindProxy(test)
  const { socket, received } = await client()
  proxy.delay(100)
  const started = performance.now()
  for (let piece = 0; piece < 30; piece++) {
    socket.write('x')
    await sleep(1)
  }
  await received(30)
  const ms = performance.now() - started
  test.ok(ms >= 200, `there and back takes ${ms.toFixed(0)} ms`)
  test.ok(ms < 3_000, `thirty pieces do not wait for each other: ${ms.toFixed(0)} ms`)
})

t.test('a limit is shared by both directions', async (test) => {
  const { proxy, client } = await behindProxy(test)
  const { socket, received } = await client()
  proxy.limit(200_000)
  const started = performance.now()
  socket.write(Buffer.alloc(40_000))
  await received(40_000)
  const ms = performance.now() - started
  test.ok(ms >= 350, `80 kB at 200 kB a second take ${ms.toFixed(0)} ms`)
})

t.test('a cut resets what is open and lets new connections in', async (test) => {
  const { proxy, client } = await behindProxy(test)
  const { socket, received } = await client()
  socket.write('x')
  await received(1)
  const reset = once(socket, 'error')
  proxy.cut()
  const [error] = await reset
  test.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  const again = await client()
  again.socket.write('y')
  test.equal((await again.received(1)).toString(), 'y')
})

t.test('who is refused gets in again once it is healed', async (test) => {
  const { proxy, client } = await behindProxy(test)
  const { socket } = await client()
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await proxy.refuse()
  await closed
  await test.rejects(client(), { code: 'ECONNREFUSED' })
  await proxy.heal()
  const again = await client()
  again.socket.write('y')
  test.equal((await again.received(1)).toString(), 'y')
})

t.test('a server that is gone is a connection that ends', async (test) => {
  const { echo, client } = await behindProxy(test)
  echo.close()
  const { socket } = await client()
  const error = await once(socket, 'error').then(([first]) => first as NodeJS.ErrnoException)
  test.equal(error.code, 'ECONNRESET')
})
