/** Ports that `up` and `keeper` listen on: read, chosen and taken. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { TacitError } from '@tacit/contracts'
import type { FastifyInstance } from 'fastify'
import { UsageError } from '../output.js'

/** @param name of the option, for the message @throws UsageError */
export function portOf(text: string, name: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new UsageError(`${name} must be a port, 0 to 65535`)
  return port
}

/**
 * The sample's rulebook names the origin of its page before anything listens: where the system is to choose the port
 * (0), it chooses now. Where the address cannot be listened on, that is said when it is tried in earnest.
 */
export async function settledPort(port: number, host: string): Promise<number> {
  return port === 0 ? probed(port, host).catch(() => 0) : port
}

/** Listens for a moment. @returns the port, which the system chose for 0 */
async function probed(port: number, host: string): Promise<number> {
  const probe = createServer()
  try {
    await once(probe.listen(port, host), 'listening')
    return (probe.address() as AddressInfo).port
  } finally {
    probe.close()
  }
}

function listenError(cause: unknown, port: number, flag: string): TacitError {
  const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
  return new TacitError(
    'ERR_LISTEN',
    taken
      ? `Port ${port} is taken by another program; name another one with ${flag}`
      : `Cannot listen on port ${port}`,
    { cause },
  )
}

/** Tries a port before work that takes long. @throws TacitError ERR_LISTEN naming the option `flag` */
export async function requireFree(host: string, port: number, flag: string): Promise<void> {
  try {
    await probed(port, host)
  } catch (cause) {
    throw listenError(cause, port, flag)
  }
}

/** @returns where it listens @throws TacitError ERR_LISTEN naming the option `flag` */
export async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  flag: string,
): Promise<string> {
  try {
    const address = await app.listen({ host, port })
    return address.replace('0.0.0.0', '127.0.0.1')
  } catch (cause) {
    await app.close()
    throw listenError(cause, port, flag)
  }
}
