/** A served keeper on loopback, certificates for everybody who may ask it, and raw ways to ask. */
import { readFileSync } from 'node:fs'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import type { Test } from 'tap'
import { connectKeeper, type KeeperConnectionOptions, type RemoteKeeper } from '../remote/client.js'
import { type KeeperServer, type KeeperServerOptions, serveKeeper } from '../remote/server.js'
import type { TlsPaths } from '../remote/tls-files.js'
import { createTestCa, type TestCa } from './certificates.js'
import { MemoryKeeper } from './memory-keeper.js'

export const SERVER_NAMES = ['DNS:localhost', 'URI:tacit://keeper/one']

export interface Ids {
  readonly ca: TestCa
  readonly server: TlsPaths
  /** a certificate for one role, made once */
  of(role: string): TlsPaths
}

/** An authority, a server certificate for `localhost`, and certificates named `tacit://<role>/a`. */
export function createIds(dir: string): Ids {
  const ca = createTestCa(join(dir, 'ca'))
  const made = new Map<string, TlsPaths>()
  return {
    ca,
    server: ca.issue('server', { names: SERVER_NAMES }),
    of(role) {
      const paths = made.get(role) ?? ca.issue(role, { names: [`URI:tacit://${role}/a`] })
      made.set(role, paths)
      return paths
    },
  }
}

export interface Served {
  readonly keeper: MemoryKeeper
  readonly server: KeeperServer
  readonly port: number
  readonly url: string
  /** reasons for which connections were turned away */
  readonly turnedAway: string[]
  /** terms that the server heard and that are above its own */
  readonly fencedBy: number[]
}

/** A served keeper in memory, closed with the test. */
export async function serve(
  t: Test,
  tls: TlsPaths,
  options: Partial<KeeperServerOptions> & { readonly at?: number } = {},
): Promise<Served> {
  const keeper = new MemoryKeeper()
  const turnedAway: string[] = []
  const fencedBy: number[] = []
  const { at = 0, ...more } = options
  const server = serveKeeper({
    keeper,
    tls,
    fenced: (term) => fencedBy.push(term),
    turnedAway: (reason) => turnedAway.push(reason),
    ...more,
  })
  const port = await server.listen({ host: 'localhost', port: at })
  t.teardown(() => server.close())
  return { keeper, server, port, url: `https://localhost:${port}`, turnedAway, fencedBy }
}

/** A client, closed with the test. */
export function connect(
  t: Test,
  urls: string | readonly string[],
  tls: KeeperConnectionOptions['tls'],
  more: Partial<KeeperConnectionOptions> = {},
): RemoteKeeper {
  const client = connectKeeper({ urls: typeof urls === 'string' ? [urls] : urls, tls, ...more })
  t.teardown(() => client.close())
  return client
}

export interface RawAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** One request on a connection of its own, made by Node's client; rejects with Node's error. */
export function ask(
  port: number,
  tls: TlsPaths | null,
  path: string,
  body: string | Buffer | null,
  more: RequestOptions = {},
): Promise<RawAnswer> {
  const own =
    tls === null ? {} : { cert: readFileSync(tls.cert), key: readFileSync(tls.key), ca: readFileSync(tls.ca) }
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { 'content-type': 'application/json' }
    const method = body === null ? 'GET' : 'POST'
    const request = httpsRequest(
      { host: 'localhost', port, path, method, headers, agent: false, ...own, ...more },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces).toString('latin1'),
          }),
        )
      },
    )
    request.on('error', reject)
    request.end(body ?? undefined)
  })
}

/** The code that a call fails with; `answered` where it does not. */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'answered',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
