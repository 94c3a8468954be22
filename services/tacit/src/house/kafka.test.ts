import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTestCa, withoutOpenssl } from '@tacit/keeper/testing'
import t, { type Test } from 'tap'
import { readEnvironment } from './environment.js'
import { clickHouseOf, kafkaOptionsOf } from './kafka.js'

/** A file with these words. @returns its path */
function file(t: Test, text: string, mode = 0o600): string {
  const path = join(t.testdir(), 'file')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const kafkaOf = (env: NodeJS.ProcessEnv) => kafkaOptionsOf(readEnvironment(env))
const refused = (message: RegExp) => ({ code: 'ERR_CONFIG_INVALID', message })

t.test(
  'brokers beyond this machine are refused in plaintext before anything else is looked at',
  async (t) => {
    t.throws(
      () => kafkaOf({ KAFKA_BROKERS: '127.0.0.1:9092,10.0.0.1:9092' }),
      refused(/not encrypted: set TACIT_KAFKA_TLS=on/),
    )
    t.match(kafkaOf({ KAFKA_BROKERS: '127.0.0.1:9092' }), { brokers: ['127.0.0.1:9092'], tls: null })
  },
)

t.test('authorities, certificate and key that are none are refused', { skip: withoutOpenssl }, async (t) => {
  const tls = { KAFKA_BROKERS: '10.0.0.1:9092', TACIT_KAFKA_TLS: 'on' }
  for (const text of ['', 'no certificate']) {
    t.throws(
      () => kafkaOf({ ...tls, TACIT_KAFKA_CA_FILE: file(t, text) }),
      refused(/TACIT_KAFKA_CA_FILE holds no/),
      'an empty file would mean all authorities of the world',
    )
  }
  const ca = createTestCa(join(t.testdir(), 'ca'))
  const [one, two] = ['one', 'two'].map((name) =>
    ca.issue(name, { names: [`DNS:${name}`], usage: 'clientAuth' }),
  )
  if (one === undefined || two === undefined) throw new Error('two were made')
  const trusted = { ...tls, TACIT_KAFKA_CA_FILE: ca.certificate }
  t.throws(
    () => kafkaOf({ ...trusted, TACIT_KAFKA_CERT_FILE: one.cert, TACIT_KAFKA_KEY_FILE: two.key }),
    refused(/TACIT_KAFKA_CERT_FILE and TACIT_KAFKA_KEY_FILE/),
  )
  const own = { ...trusted, TACIT_KAFKA_CERT_FILE: one.cert, TACIT_KAFKA_KEY_FILE: one.key }
  t.match(kafkaOf(own), { tls: { ca: /BEGIN CERT/, cert: /BEGIN CERT/, key: /BEGIN/ } })
  chmodSync(one.key, 0o604)
  t.throws(() => kafkaOf(own), refused(/TACIT_KAFKA_KEY_FILE is open to everybody.*chmod 600/))
})

t.test('a password that everybody may read is refused, and not repeated; a group may', async (t) => {
  const kafka = (path: string) => () =>
    kafkaOf({
      KAFKA_BROKERS: 'localhost:9092',
      TACIT_KAFKA_USERNAME: 'tacit',
      TACIT_KAFKA_PASSWORD_FILE: path,
    })
  const clickHouse = (path: string) => () =>
    clickHouseOf(
      readEnvironment({ CLICKHOUSE_URL: 'https://db.example:8443', TACIT_CLICKHOUSE_PASSWORD_FILE: path }),
    )
  for (const [name, read] of [
    ['TACIT_KAFKA_PASSWORD_FILE', kafka],
    ['TACIT_CLICKHOUSE_PASSWORD_FILE', clickHouse],
  ] as const) {
    for (const mode of [0o644, 0o604, 0o602]) {
      t.throws(read(file(t, 'hush', mode)), refused(new RegExp(`^(?!.*hush).*${name} is open to everybody`)))
    }
    for (const mode of [0o600, 0o400, 0o440, 0o640])
      t.match(JSON.stringify(read(file(t, 'hush\n', mode))()), '"hush"')
    t.throws(read(file(t, '\n')), refused(new RegExp(`${name} is empty`)))
  }
})

t.test('ClickHouse beyond this machine is refused without TLS', async (t) => {
  const path = file(t, 'hush')
  const of = (url: string) =>
    clickHouseOf(readEnvironment({ CLICKHOUSE_URL: url, TACIT_CLICKHOUSE_PASSWORD_FILE: path }))
  for (const url of [
    'http://10.0.0.1:8123',
    'http://clickhouse:8123',
    'http://127.0.0.1.example:8123',
    'http://[2001:db8::1]:8123',
    'http://localhost@10.0.0.1:8123',
  ]) {
    t.throws(() => of(url), refused(/CLICKHOUSE_URL must begin with https:/), url)
  }
  for (const url of [
    'http://127.0.0.1:8123',
    'http://localhost:8123',
    'http://[::1]:8123',
    'https://db.example:8443',
  ])
    t.equal(of(url).url, url)
})

t.test('the hosts of a cluster are told apart from servers that somebody listed', async (t) => {
  const path = file(t, 'hush')
  const of = (settings: Record<string, string>) =>
    clickHouseOf(readEnvironment({ TACIT_CLICKHOUSE_PASSWORD_FILE: path, ...settings }))
  const hosts = 'https://a.example:8443, https://b.example:8443'
  t.throws(() => of({ CLICKHOUSE_URL: hosts }), refused(/set TACIT_CLICKHOUSE_CLUSTER/))
  t.throws(
    () => of({ CLICKHOUSE_URL: `${hosts},http://c.example:8123`, TACIT_CLICKHOUSE_CLUSTER: 'tacit' }),
    refused(/must begin with https:/),
  )
  for (const name of ['', '1', "a'b", 'a b', 'x'.repeat(65)]) {
    t.throws(() => of({ CLICKHOUSE_URL: hosts, TACIT_CLICKHOUSE_CLUSTER: name }), {
      code: 'ERR_CONFIG_INVALID',
    })
  }
  t.match(of({ CLICKHOUSE_URL: hosts, TACIT_CLICKHOUSE_CLUSTER: 'tacit' }), {
    url: 'https://a.example:8443',
    otherUrls: ['https://b.example:8443'],
    cluster: { name: 'tacit', coordinated: true },
  })
  t.throws(() => of({ CLICKHOUSE_URL: 'ftp://a.example' }), refused(/CLICKHOUSE_URL is not right/))
})
