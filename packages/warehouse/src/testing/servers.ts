/**
 * Embedded servers with users of the test's own. Two of them are the shards of one cluster: real Distributed tables. They
 * have no Keeper, and clickhouse-local runs no queue of DDL: neither Replicated engines nor ON CLUSTER can be tried with them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { ServerAddress } from '../types.js'

const CHILD = fileURLToPath(new URL('../embedded/child.js', import.meta.url))
const CLUSTER = 'tacit'
const PASSWORD = 'between shards'
const UP_WITHIN_MS = 30_000

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

const USERS = `<clickhouse>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users>
    <default><no_password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>
    <tacit><password>${PASSWORD}</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></tacit>
  </users>
</clickhouse>`

function configOf(users: string, tcpPorts: readonly number[], more: string): string {
  const shards = tcpPorts.map(
    (port) =>
      `<shard><replica><host>127.0.0.1</host><port>${String(port)}</port><user>tacit</user><password>${PASSWORD}</password></replica></shard>`,
  )
  return `<clickhouse>
    <logger><level>none</level></logger><timezone>UTC</timezone><users_config>${users}</users_config>
    <max_server_memory_usage>1000000000</max_server_memory_usage>
    <remote_servers><${CLUSTER}>${shards.join('')}</${CLUSTER}></remote_servers>${more}
  </clickhouse>`
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/ping`).then(
    (answer) => answer.ok,
    () => false,
  )
}

/**
 * Starts servers that know each other; they end with the test.
 * @param users the users file @param more what else stands in their configuration @returns their URLs
 */
export async function startServers(
  t: Test,
  count: number,
  users: string,
  more = '',
): Promise<readonly string[]> {
  const dir = await mkdtemp(join(tmpdir(), 'tacit-servers-'))
  const http = await Promise.all(Array.from({ length: count }, freePort))
  const tcp = await Promise.all(Array.from({ length: count }, freePort))
  await writeFile(join(dir, 'users.xml'), users)
  await writeFile(join(dir, 'config.xml'), configOf(join(dir, 'users.xml'), tcp, more))
  const children = http.map((port, at) =>
    spawn(
      process.execPath,
      [CHILD, join(dir, `server-${String(at)}`), String(port), join(dir, 'config.xml'), String(tcp[at])],
      { cwd: dir, stdio: ['pipe', 'ignore', 'ignore'] },
    ),
  )
  t.teardown(async () => {
    // They live for as long as their pipe is held.
    const gone = children.map((child) => (child.exitCode === null ? once(child, 'exit') : null))
    for (const child of children) child.stdin.end()
    await Promise.all(gone)
    await rm(dir, { recursive: true, force: true })
  })
  const urls = http.map((port) => `http://127.0.0.1:${String(port)}`)
  const deadline = Date.now() + UP_WITHIN_MS
  for (const url of urls) {
    while (!(await answers(url))) {
      const hasEnded = children.some(({ exitCode }) => exitCode !== null)
      if (hasEnded || Date.now() > deadline) throw new Error('a server does not answer')
      await sleep(50)
    }
  }
  return urls
}

/** Starts two shards. @returns the cluster's address, whose first host is the first shard */
export async function startShards(t: Test): Promise<ServerAddress> {
  const [url = '', other = ''] = await startServers(t, 2, USERS)
  const cluster = { name: CLUSTER, coordinated: false }
  return { url, otherUrls: [other], username: 'tacit', password: PASSWORD, cluster }
}
