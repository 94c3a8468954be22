/** The brokers and the ClickHouse server of a distributed deployment, as the settings name them. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { TacitError } from '@tacit/contracts'
import {
  checkKafkaOptions,
  isLoopback,
  type JournalChange,
  type KafkaOptions,
  openJournal,
  type TopicJournal,
} from '@tacit/event-log'
import type { ServerAddress } from '@tacit/warehouse'
import type { Environment } from './environment.js'
import { untilAvailable } from './patience.js'

/** @throws TacitError ERR_CONFIG_INVALID naming the variable */
function fileOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new TacitError('ERR_CONFIG_INVALID', `The file of ${name} cannot be read`, { cause })
  }
}

/** Who is neither owner nor of the group may do nothing with a secret; a volume of Kubernetes is a group's. */
const OTHERS_MAY = 0o007

/** What a file holds that is not for everybody. */
function hiddenFileOf(name: string, path: string): string {
  const text = fileOf(name, path)
  if ((statSync(path).mode & OTHERS_MAY) === 0) return text
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    `The file of ${name} is open to everybody on this machine: chmod 600, and think of what is in it as known`,
  )
}

/** What a file of one secret holds, without the end of its line. */
function secretOf(name: string, path: string): string {
  const secret = hiddenFileOf(name, path).replace(/\r?\n$/, '')
  if (secret === '') throw new TacitError('ERR_CONFIG_INVALID', `The file of ${name} is empty`)
  return secret
}

/** What can be said of the settings before anybody is asked. @throws TacitError ERR_CONFIG_INVALID saying what to set */
export function kafkaOptionsOf(environment: Environment): KafkaOptions {
  const {
    KAFKA_BROKERS: brokers,
    TACIT_KAFKA_PARTITIONS: partitions,
    TACIT_KAFKA_REPLICATION: replication,
    TACIT_KAFKA_TOPIC_PREFIX: prefix,
  } = environment
  if (brokers.length === 0) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'No broker is named: set KAFKA_BROKERS=host:port,… (to try it: npm run kafka, docs/distributed.md)',
    )
  }
  const connection = { brokers, tls: tlsOf(environment), sasl: saslOf(environment) }
  const options = { ...connection, prefix, partitions, replication }
  checkKafkaOptions(options)
  return options
}

function tlsOf(environment: Environment): KafkaOptions['tls'] {
  const {
    TACIT_KAFKA_CA_FILE: ca,
    TACIT_KAFKA_CERT_FILE: cert,
    TACIT_KAFKA_KEY_FILE: key,
    TACIT_KAFKA_TLS: tls,
  } = environment
  if (tls === 'off') {
    const set = Object.entries({
      TACIT_KAFKA_CA_FILE: ca,
      TACIT_KAFKA_CERT_FILE: cert,
      TACIT_KAFKA_KEY_FILE: key,
    })
    const name = set.find(([, path]) => path !== undefined)?.[0]
    if (name === undefined) return null
    throw new TacitError('ERR_CONFIG_INVALID', `${name} is for TLS: set TACIT_KAFKA_TLS=on, too`)
  }
  if (ca === undefined) {
    throw new TacitError('ERR_CONFIG_INVALID', 'TACIT_KAFKA_TLS=on needs TACIT_KAFKA_CA_FILE')
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new TacitError('ERR_CONFIG_INVALID', 'TACIT_KAFKA_CERT_FILE and TACIT_KAFKA_KEY_FILE go together')
  }
  const authorities = { ca: fileOf('TACIT_KAFKA_CA_FILE', ca) }
  // one that holds nothing would mean all that Node trusts
  checked('TACIT_KAFKA_CA_FILE holds no PEM certificate', () => new X509Certificate(authorities.ca))
  if (cert === undefined || key === undefined) return authorities
  const own = {
    cert: fileOf('TACIT_KAFKA_CERT_FILE', cert),
    key: hiddenFileOf('TACIT_KAFKA_KEY_FILE', key),
  }
  checked('TACIT_KAFKA_CERT_FILE and TACIT_KAFKA_KEY_FILE hold no PEM certificate and its key', () =>
    createSecureContext(own),
  )
  return { ...authorities, ...own }
}

/** @throws TacitError ERR_CONFIG_INVALID with `wrong` */
function checked(wrong: string, check: () => unknown): void {
  try {
    check()
  } catch (cause) {
    throw new TacitError('ERR_CONFIG_INVALID', wrong, { cause })
  }
}

function saslOf({
  TACIT_KAFKA_PASSWORD_FILE: file,
  TACIT_KAFKA_USERNAME: username,
}: Environment): KafkaOptions['sasl'] {
  if (username === undefined && file === undefined) return null
  if (username === undefined || file === undefined) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'TACIT_KAFKA_USERNAME and TACIT_KAFKA_PASSWORD_FILE go together',
    )
  }
  return { username, password: secretOf('TACIT_KAFKA_PASSWORD_FILE', file) }
}

/** @throws TacitError ERR_CONFIG_INVALID saying what to set */
export function clickHouseOf(environment: Environment): ServerAddress {
  const {
    CLICKHOUSE_URL: urls,
    CLICKHOUSE_USERNAME: username,
    TACIT_CLICKHOUSE_CLUSTER: cluster,
    TACIT_CLICKHOUSE_PASSWORD_FILE: file,
  } = environment
  const [url, ...otherUrls] = urls
  if (url === undefined || file === undefined) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'No ClickHouse server is named: set CLICKHOUSE_URL and TACIT_CLICKHOUSE_PASSWORD_FILE (to try it: npm run stores, docs/distributed.md)',
    )
  }
  if (urls.some(isOpenAddress)) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'ClickHouse is not on this machine, and its connection is not encrypted: CLICKHOUSE_URL must begin with https:// (an authority of your own goes into NODE_EXTRA_CA_CERTS)',
    )
  }
  if (cluster === undefined && otherUrls.length > 0) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'CLICKHOUSE_URL names several hosts: set TACIT_CLICKHOUSE_CLUSTER to the name of their cluster',
    )
  }
  const password = secretOf('TACIT_CLICKHOUSE_PASSWORD_FILE', file)
  const server = { url, username, password }
  return cluster === undefined
    ? server
    : { ...server, otherUrls, cluster: { name: cluster, coordinated: true } }
}

function isOpenAddress(url: string): boolean {
  const { hostname, protocol } = new URL(url)
  return protocol !== 'https:' && !isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))
}

/** The journal of what aggregators share, once all that is in it is applied here. @throws TacitError ERR_LOG_TOPIC */
export async function openSharedJournal(
  kafka: KafkaOptions,
  alarm: (message: string) => void,
  apply: (changes: readonly JournalChange[]) => Promise<void>,
): Promise<TopicJournal> {
  const journal = await untilAvailable('Kafka', () => openJournal({ kafka, alarm, apply }), alarm)
  try {
    await journal.current
    return journal
  } catch (error) {
    await journal.close()
    throw error
  }
}
