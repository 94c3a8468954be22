/** What a process of a distributed deployment will not start with, or waits for: it says which setting to correct, and never a secret. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKafkaLog } from '@tacit/event-log'
import { type Access, brokersSkip, freePorts, startBrokers } from '@tacit/event-log/testing'
import { withoutOpenssl } from '@tacit/keeper/testing'
import { startEmbeddedServer } from '@tacit/warehouse'
import t from 'tap'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { type Ran, rulebookPath, tacit } from '../support/tacit.js'

/** Longer than any of them needs; one that waits instead of refusing is ended. */
const LIMIT_MS = 45_000
const SECRET = 'correct horse battery staple'
const skip = withoutOpenssl
const skipBrokers = skip === false ? await brokersSkip() : skip

// The runner has a limit for the file.
t.setTimeout(0)

const dir = mkdtempSync(join(tmpdir(), 'tacit-distributed-refusals-'))
const [nobody = 0, alsoNobody = 0] = await freePorts(2)
let runs = 0

function file(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** Settings that would do, but for Kafka, ClickHouse and keeper, which are all away. */
function settings(role: string): Record<string, string> {
  const names = [`URI:tacit://${role}/one`]
  return {
    ...createKeeperCertificates(join(dir, `tls-${role}`)).settings(role, { names, usage: 'clientAuth' }),
    KAFKA_BROKERS: `127.0.0.1:${String(nobody)}`,
    TACIT_KAFKA_REPLICATION: '1',
    CLICKHOUSE_URL: `http://127.0.0.1:${String(alsoNobody)}`,
    TACIT_CLICKHOUSE_PASSWORD_FILE: file('clickhouse.password', SECRET),
    TACIT_KEEPER_URL: `https://127.0.0.1:${String(nobody)}`,
  }
}

function argumentsOf(verb: string): string[] {
  const data = join(dir, `${verb}-${String(++runs)}`)
  const port = verb === 'aggregator' ? '--health-port' : '--port'
  return [verb, '--data', data, '--rulebook', rulebookPath('website'), port, '0']
}

/** Runs a verb that will not come to be ready. */
function refused(verb: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  return tacit(argumentsOf(verb), { env, limitMs: LIMIT_MS })
}

/** Settings of brokers that want TLS and a password. */
function accessTo({ brokers, sasl, tls }: Access): Record<string, string> {
  return {
    KAFKA_BROKERS: brokers.join(','),
    TACIT_KAFKA_TLS: 'on',
    TACIT_KAFKA_CA_FILE: file('kafka-ca.pem', tls?.ca ?? ''),
    TACIT_KAFKA_USERNAME: sasl?.username ?? '',
    TACIT_KAFKA_PASSWORD_FILE: file('kafka.password', sasl?.password ?? ''),
  }
}

t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

t.test('plaintext beyond this machine is refused before what else is missing', async (t) => {
  const ran = await refused('collector', { KAFKA_BROKERS: '10.0.0.1:9092' })
  t.equal(ran.code, 2)
  t.match(ran.stderr, /not encrypted: set TACIT_KAFKA_TLS=on.*ERR_CONFIG_INVALID/)
})

t.test('`tacit up` says that it does not use brokers that are named', async (t) => {
  const env = { KAFKA_BROKERS: '127.0.0.1:9092' }
  const [named, bare] = await Promise.all([env, {}].map((of) => tacit(['up', '--port', 'none'], { env: of })))
  t.match(named?.stderr, /`tacit up` does not use KAFKA_BROKERS: its log/)
  t.notMatch(bare?.stderr, /KAFKA_BROKERS/)
})

t.test('an aggregator does not wait for a ClickHouse that refuses its password', { skip }, async (t) => {
  // The embedded server answers nobody but its own; one of a deployment says that the password is wrong.
  const template = (name: string): string =>
    readFileSync(new URL(`../../../infra/clickhouse/${name}`, import.meta.url), 'utf8')
  const config = template('config.xml').replace(/<headers>.*<\/headers>/, '<methods>POST</methods>')
  const configDir = t.testdir({ 'config.xml': config, 'users.xml': template('users.xml') })
  const server = await startEmbeddedServer({ dir: join(dir, 'clickhouse'), configDir })
  t.teardown(() => server.stop())
  const { url, username } = server.address
  const ran = await refused('aggregator', {
    ...settings('aggregator'),
    CLICKHOUSE_URL: url,
    CLICKHOUSE_USERNAME: username,
  })
  t.equal(ran.code, 2)
  t.match(ran.stderr, /CLICKHOUSE_USERNAME and TACIT_CLICKHOUSE_PASSWORD_FILE.*ERR_CONFIG_INVALID/)
  t.notMatch(ran.stderr, SECRET)
})

t.test('a Kafka that is there and refuses', { skip: skipBrokers }, async (t) => {
  const brokers = await startBrokers({ security: 'sasl_ssl' })
  t.teardown(() => brokers.stop())
  const access = accessTo(brokers.access())

  await t.test('a dashboard does not wait where its password or its authority is wrong', async (t) => {
    const env = { ...settings('dashboard'), ...access }
    const password = await refused('dashboard', { ...env, TACIT_KAFKA_PASSWORD_FILE: file('wrong', SECRET) })
    t.equal(password.code, 2)
    t.match(password.stderr, /TACIT_KAFKA_USERNAME and TACIT_KAFKA_PASSWORD_FILE.*ERR_CONFIG_INVALID/)
    t.notMatch(password.stderr, SECRET)
    const authority = await refused('dashboard', {
      ...env,
      TACIT_KAFKA_CA_FILE: createKeeperCertificates(join(dir, 'stranger')).ca.certificate,
    })
    t.equal(authority.code, 2)
    t.match(authority.stderr, /TACIT_KAFKA_CA_FILE.*ERR_CONFIG_INVALID/)
  })

  await t.test('an aggregator refuses a wrong topic while ClickHouse is away', async (t) => {
    const own = { prefix: 'one-copy', partitions: 1, replication: 1 }
    const log = await openKafkaLog({
      kafka: { ...brokers.access(), ...own },
      clock: { now: () => Date.now() },
      alarm: (message) => t.fail(message),
    })
    await log.close()
    const ran = await refused('aggregator', {
      ...settings('aggregator'),
      ...access,
      TACIT_KAFKA_TOPIC_PREFIX: own.prefix,
      TACIT_KAFKA_REPLICATION: '3',
    })
    t.equal(ran.code, 3)
    t.match(ran.stderr, /replication factor 1; it must be at least 3 .*ERR_LOG_TOPIC/)
  })
})
