/**
 * Ports that a broker can come back to. They lie below the range from which Linux and macOS take ports for outgoing
 * connections: in that range a client that calls a dead broker now and then gets the broker's own port as its local
 * one, and then the broker cannot be started again (or the client is connected to itself).
 */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

const FIRST = 12_000
const LAST = 31_999
const ATTEMPTS = 200

/** Whether nobody listens there now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** Different free ports on loopback. Nothing holds them: who loses the race for one starts again with others. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>()
  for (let attempt = 0; found.size < count && attempt < ATTEMPTS; attempt++) {
    const port = randomInt(FIRST, LAST + 1)
    if (!found.has(port) && (await isFree(port))) found.add(port)
  }
  if (found.size < count) throw new Error(`no free ports between ${FIRST} and ${LAST}`)
  return [...found]
}
