/** The configuration of one node, and the first contents of its data folder. */
import { randomBytes } from 'node:crypto'

/** Ports of one node, all on loopback. */
export interface NodePorts {
  /** where the broker listens for clients */
  readonly clients: number
  /** where clients are told to go: the same, or a proxy before it */
  readonly advertised: number
  /** between brokers, and for our own questions: never through a proxy */
  readonly internal: number
  readonly controller: number
}

/** A broker's own credentials and files, where clients and brokers come with TLS and a password. */
export interface NodeSecurity {
  /** file with a PKCS#8 key and its certificate */
  readonly keystore: string
  /** file with the authority's certificate */
  readonly truststore: string
  /** whom the brokers are among themselves; every right */
  readonly admin: { readonly username: string; readonly password: string }
  /** whether the rights of everybody else are those that ACLs give */
  readonly hasAcls: boolean
}

export interface NodeConfig {
  readonly id: number
  readonly dataDir: string
  readonly ports: ReadonlyMap<number, NodePorts>
  readonly security: NodeSecurity | null
  /** more settings, or others */
  readonly extra: Readonly<Record<string, string>>
}

const HOST = '127.0.0.1'
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required'

function listeners({ id, ports, security }: NodeConfig): Record<string, string> {
  const own = ports.get(id)
  if (own === undefined) throw new Error(`node ${id} has no ports`)
  const protocol = security === null ? 'PLAINTEXT' : 'SASL_SSL'
  return {
    listeners: `CLIENTS://${HOST}:${own.clients},INTERNAL://${HOST}:${own.internal},CONTROLLER://${HOST}:${own.controller}`,
    'advertised.listeners': `CLIENTS://${HOST}:${own.advertised},INTERNAL://${HOST}:${own.internal}`,
    'listener.security.protocol.map': `CLIENTS:${protocol},INTERNAL:${protocol},CONTROLLER:PLAINTEXT`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.quorum.voters': [...ports]
      .map(([node, { controller }]) => `${node}@${HOST}:${controller}`)
      .join(','),
  }
}

/** Three nodes keep three copies and want two of them, as in production; a single one cannot. */
function replication(nodes: number): Record<string, string> {
  const copies = String(nodes)
  const enough = nodes === 1 ? '1' : '2'
  return {
    'default.replication.factor': copies,
    'min.insync.replicas': enough,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': enough,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': enough,
  }
}

function securitySettings({ keystore, truststore, admin, hasAcls }: NodeSecurity): Record<string, string> {
  return {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.clients.scram-sha-512.sasl.jaas.config': `${SCRAM};`,
    'listener.name.internal.scram-sha-512.sasl.jaas.config': `${SCRAM} username="${admin.username}" password="${admin.password}";`,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststore,
    ...(hasAcls
      ? {
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          // Nobody is anonymous but a broker at the controller's port, which only loopback reaches.
          'super.users': `User:${admin.username};User:ANONYMOUS`,
        }
      : {}),
  }
}

/** The text of server.properties. Numbers: quick hand-over and little memory, since tests wait for both. */
export function serverProperties(config: NodeConfig): string {
  const { id, dataDir, ports, security, extra } = config
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'log.dirs': dataDir,
    ...listeners(config),
    ...replication(ports.size),
    // The 50 partitions of each by default make a take-over ten times longer and show nothing more.
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.num.partitions': '5',
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...(security === null ? {} : securitySettings(security)),
    ...extra,
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')
}

/** 128 random bits as Kafka writes them; its tools take a leading `-` for an option. */
export function randomId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url')
    if (!id.startsWith('-')) return id
  }
}

/** The text of meta.properties (org.apache.kafka.metadata.properties.MetaProperties, version 1). */
export function metaProperties(id: number, clusterId: string): string {
  return `version=1\nnode.id=${id}\ncluster.id=${clusterId}\ndirectory.id=${randomId()}\n`
}
