/**
 * A ClickHouse for the tests of server mode: the one that CLICKHOUSE_URL names (CLICKHOUSE_USERNAME, and the password in the
 * file of TACIT_CLICKHOUSE_PASSWORD_FILE; TACIT_CLICKHOUSE_CLUSTER where it is a cluster); else one in a container, where a
 * Docker engine answers: a cluster of one host with a Keeper of its own, so that Replicated engines and ON CLUSTER are real;
 * else the embedded one, which has neither those nor users by SQL.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dockerAnswers } from '@tacit/event-log/testing'
import { type ServerAddress, startEmbeddedServer } from '@tacit/warehouse'
import type { Test } from 'tap'

/** As docker-compose.yml has it. */
const IMAGE = 'clickhouse/clickhouse-server:26.7.2'
const HTTP = 8123
const USER = 'admin'
const CLUSTER = 'tacit'
const START_WITHIN_MS = 120_000

export interface FoundServer {
  readonly way: 'named' | 'docker' | 'embedded'
  /** its user may do everything */
  readonly address: ServerAddress
  /** why there are no users and grants by SQL; false where there are */
  readonly withoutUsers: string | false
  /** why there are no Replicated engines and no ON CLUSTER; false where there are */
  readonly withoutCluster: string | false
}

/** One host that is its own Keeper, shard and replica. */
const CLUSTER_XML = `<clickhouse>
  <keeper_server>
    <tcp_port>9181</tcp_port><server_id>1</server_id>
    <log_storage_path>/var/lib/clickhouse/coordination/log</log_storage_path>
    <snapshot_storage_path>/var/lib/clickhouse/coordination/snapshots</snapshot_storage_path>
    <raft_configuration><server><id>1</id><hostname>localhost</hostname><port>9234</port></server></raft_configuration>
  </keeper_server>
  <zookeeper><node><host>localhost</host><port>9181</port></node></zookeeper>
  <macros><shard>1</shard><replica>a</replica></macros>
  <interserver_http_host>localhost</interserver_http_host>
  <remote_servers replace="replace">
    <${CLUSTER}><secret>between hosts</secret><shard><internal_replication>true</internal_replication>
      <replica><host>localhost</host><port>9000</port></replica></shard></${CLUSTER}>
  </remote_servers>
  <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
</clickhouse>`

async function inDocker(t: Test): Promise<FoundServer> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const password = randomBytes(16).toString('hex')
  const container = await new GenericContainer(IMAGE)
    .withExposedPorts(HTTP)
    .withEnvironment({
      CLICKHOUSE_USER: USER,
      CLICKHOUSE_PASSWORD: password,
      CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT: '1',
    })
    .withCopyContentToContainer([
      { content: CLUSTER_XML, target: '/etc/clickhouse-server/config.d/cluster.xml' },
    ])
    .withWaitStrategy(Wait.forHttp('/ping', HTTP))
    .withStartupTimeout(START_WITHIN_MS)
    .start()
  t.teardown(() => container.stop())
  const url = `http://${container.getHost()}:${String(container.getMappedPort(HTTP))}`
  const cluster = { name: CLUSTER, coordinated: true }
  return {
    way: 'docker',
    address: { url, username: USER, password, cluster },
    withoutUsers: false,
    withoutCluster: false,
  }
}

function named(urls: readonly string[], env: NodeJS.ProcessEnv): FoundServer {
  const [url = '', ...otherUrls] = urls
  const file = env['TACIT_CLICKHOUSE_PASSWORD_FILE']
  const password = file === undefined ? '' : readFileSync(file, 'utf8').trimEnd()
  const address = { url, otherUrls, username: env['CLICKHOUSE_USERNAME'] ?? 'default', password }
  const name = env['TACIT_CLICKHOUSE_CLUSTER']
  return {
    way: 'named',
    address: name === undefined ? address : { ...address, cluster: { name, coordinated: true } },
    withoutUsers: false,
    withoutCluster: name === undefined && 'set TACIT_CLICKHOUSE_CLUSTER to the name of its cluster',
  }
}

async function embedded(t: Test): Promise<FoundServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tacit-server-mode-'))
  const server = await startEmbeddedServer({ dir })
  t.teardown(async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  })
  const advice = 'set CLICKHOUSE_URL, or start a Docker engine'
  return {
    way: 'embedded',
    address: server.address,
    withoutUsers: `the embedded server has no users by SQL (error 514): ${advice}`,
    withoutCluster: `the embedded server has no Keeper and no queue of DDL: ${advice}`,
  }
}

/** @param t ends with it what was started */
export async function findServer(t: Test, env = process.env): Promise<FoundServer> {
  const urls = (env['CLICKHOUSE_URL'] ?? '').split(',').flatMap((url) => url.trim() || [])
  if (urls.length > 0) return named(urls, env)
  return (await dockerAnswers(env)) ? inDocker(t) : embedded(t)
}
