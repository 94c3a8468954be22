/**
 * A process of idle clients: `idle-clients.js PORT COUNT`, a request on standard input. Opens so many connections, sends
 * the request over each tenth and awaits its answer, says how many are open, and keeps them open until it is ended.
 * A process of its own, because both ends of ten thousand connections are more descriptors than one may have.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

const AT_ONCE = 100
const USED_ONE_IN = 10

const [port = 0, count = 0] = process.argv.slice(2).map(Number)
const request = await buffer(process.stdin)
const sockets: Socket[] = []
while (sockets.length < count) {
  const opening = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, async () => {
    const socket = connect({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    return socket
  })
  sockets.push(...(await Promise.all(opening)))
}
for (const socket of sockets.filter((_, at) => at % USED_ONE_IN === 0)) {
  socket.write(request)
  await once(socket, 'data')
}
process.stdout.write(`${String(sockets.filter(({ destroyed }) => !destroyed).length)}\n`)
// Sockets keep the process alive; whoever started it ends it.
