/** A broker in a container, by testcontainers, where a Docker engine answers. */
import { existsSync } from 'node:fs'
import { get, type RequestOptions } from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** An engine on this machine answers in milliseconds; a dead socket must not hold up every test. */
const ANSWER_WITHIN_MS = 1_000
const START_WITHIN_MS = 120_000
const CLIENTS = 9092

/** Where an engine would listen, as testcontainers looks for it. */
function engine(env: NodeJS.ProcessEnv): RequestOptions | null {
  const host = env['DOCKER_HOST']
  if (host?.startsWith('tcp://')) {
    const { hostname, port } = new URL(host)
    return { hostname, port: port || 2375 }
  }
  const sockets = host?.startsWith('unix://')
    ? [host.slice('unix://'.length)]
    : [
        '/var/run/docker.sock',
        join(env['XDG_RUNTIME_DIR'] ?? '/nonexistent', 'docker.sock'),
        join(homedir(), '.docker', 'run', 'docker.sock'),
      ]
  const socketPath = sockets.find((path) => existsSync(path))
  return socketPath === undefined ? null : { socketPath }
}

/** Whether a Docker engine answers here. */
export async function dockerAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  const where = engine(env)
  if (where === null) return false
  return new Promise((resolve) => {
    const request = get({ ...where, path: '/_ping', agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    const timer = setTimeout(() => request.destroy(), ANSWER_WITHIN_MS)
    request.on('error', () => resolve(false))
    request.on('close', () => {
      clearTimeout(timer)
      resolve(false)
    })
  })
}

/**
 * Starts one broker from the image of Kafka's own makers. Not with the Kafka module of testcontainers: that one starts
 * another maker's images only. The container goes with this process: testcontainers' own watcher sees to it.
 */
export async function startInDocker(
  version: string,
  port: number,
): Promise<{ brokers: string[]; stop(): Promise<void> }> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers')
  const { containerRuntime } = (await getContainerRuntimeClient()).info
  const address = `${containerRuntime.host}:${port}`
  const container = await new GenericContainer(`apache/kafka:${version}`)
    .withExposedPorts({ container: CLIENTS, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9094',
      KAFKA_LISTENERS: `CLIENTS://:${CLIENTS},INTERNAL://:9093,CONTROLLER://:9094`,
      KAFKA_ADVERTISED_LISTENERS: `CLIENTS://${address},INTERNAL://localhost:9093`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENTS:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '5',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '5',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(START_WITHIN_MS)
    .start()
  return {
    brokers: [address],
    stop: async () => {
      await container.stop()
    },
  }
}
