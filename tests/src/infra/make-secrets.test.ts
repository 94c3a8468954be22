import { spawnSync } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { compose } from './compose.js'
import { ROOT } from './files.js'

const SCRIPT = join(ROOT, 'infra/make-secrets.sh')
const skip = withoutOpenssl
const folder = join(t.testdir({}), 'secrets')

/** Runs the script, as any user. @returns exit code and what was said on standard error */
function make(...args: readonly string[]): { code: number | null; said: string } {
  const { status, stderr } = spawnSync(SCRIPT, args, { encoding: 'utf8' })
  return { code: status, said: stderr }
}

const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const certificate = (name: string): X509Certificate => new X509Certificate(read(name))
const allBytes = (): string =>
  createHash('sha256')
    .update(
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(folder, name)).isFile())
        .sort()
        .map((name) => `${name}\n${read(name)}`)
        .join('\n'),
    )
    .digest('hex')

/** Who each certificate is, who may have asked for it, and what it is good for (OIDs of RFC 5280, 4.2.1.12). */
const SERVER = '1.3.6.1.5.5.7.3.1'
const CLIENT = '1.3.6.1.5.5.7.3.2'
const SUBJECTS = {
  'keeper.pem': ['keys-ca', 'DNS:localhost, DNS:keeper, URI:tacit://keeper/main', [SERVER]],
  'probe.pem': ['keys-ca', 'URI:tacit://probe/health', [CLIENT]],
  'dashboard.pem': ['keys-ca', 'URI:tacit://operator/dashboard', [CLIENT]],
  'collector-1.pem': ['keys-ca', 'URI:tacit://collector/c1', [CLIENT]],
  'collector-2.pem': ['keys-ca', 'URI:tacit://collector/c2', [CLIENT]],
  'aggregator-1.pem': ['keys-ca', 'URI:tacit://aggregator/a1', [CLIENT]],
  'aggregator-2.pem': ['keys-ca', 'URI:tacit://aggregator/a2', [CLIENT]],
  'clickhouse.pem': ['transport-ca', 'DNS:localhost, DNS:clickhouse', [SERVER]],
} as const

t.test(
  'the script makes what docker-compose.yml names, and nothing that it does not',
  { skip },
  async (t) => {
    t.equal(make(folder).code, 0)
    t.same(readdirSync(folder).toSorted(), ['authority', ...Object.keys(compose.secrets)].toSorted())
    t.same(
      readdirSync(join(folder, 'authority')).toSorted(),
      ['clickhouse-privacy-password', 'keys-ca.key', 'keys-ca.pem', 'transport-ca.key', 'transport-ca.pem'],
      'the keys of the authorities are mounted nowhere',
    )
  },
)

t.test('keys and passwords are their owner’s alone', { skip }, async (t) => {
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(statSync(join(folder, 'authority')).mode & 0o777, 0o700)
  const open = readdirSync(folder).filter((name) => (statSync(join(folder, name)).mode & 0o077) !== 0)
  t.ok(open.every((name) => name.endsWith('.pem') && !read(name).includes('PRIVATE KEY')))
  for (const name of ['keys-ca.key', 'transport-ca.key']) {
    t.equal(statSync(join(folder, 'authority', name)).mode & 0o777, 0o600)
  }
  if (process.getuid?.() !== 0) return
  // A file that is mounted has the owner that it has here: those of the images.
  t.equal(statSync(join(folder, 'collector-1.key')).uid, 1000)
  t.equal(statSync(join(folder, 'clickhouse.key')).uid, 101)
})

t.test('each certificate says who it is for, by the authority that may say so', { skip }, async (t) => {
  for (const [name, [authority, names, usage]] of Object.entries(SUBJECTS)) {
    const own = certificate(name)
    t.equal(own.subjectAltName, names, name)
    t.same(own.keyUsage, usage, name)
    t.equal(own.ca, false)
    for (const other of ['keys-ca', 'transport-ca']) {
      const key = certificate(`${other}.pem`).publicKey
      t.equal(own.verify(key), other === authority, `${name} by ${other}`)
    }
    t.ok(own.checkPrivateKey(createPrivateKey(read(name.replace('.pem', '.key')))), name)
  }
  const kafka = certificate('kafka-keystore.pem')
  t.equal(kafka.subject, 'CN=kafka', 'as infra/kafka/server.properties knows it')
  for (const host of ['kafka-1', 'kafka-3', 'kafka-2.kafka']) t.equal(kafka.checkHost(host), host)
  t.equal(kafka.verify(certificate('transport-ca.pem').publicKey), true)
})

t.test('passwords are long, each its own, and the servers have what opens to them', { skip }, async (t) => {
  const [kafka, clickhouse] = [read('kafka-password').trim(), read('clickhouse-password').trim()]
  for (const password of [kafka, clickhouse]) t.match(password, /^[0-9a-f]{64}$/)
  t.not(kafka, clickhouse)
  t.equal(read('kafka-scram'), `--add-scram\nSCRAM-SHA-512=[name=tacit,password=${kafka}]\n`)
  const users = {
    tacit: 'clickhouse-password',
    tacit_dashboards: 'clickhouse-dashboards-password',
    tacit_privacy: 'authority/clickhouse-privacy-password',
  }
  for (const [user, name] of Object.entries(users)) {
    const hash = createHash('sha256').update(read(name).trim()).digest('hex')
    t.match(read('clickhouse-password.xml'), `<${user}_password>${hash}</${user}_password>`)
  }
  t.equal(new Set(Object.values(users).map(read)).size, 3)
  t.equal(Buffer.from(read('kafka-cluster-id').trim(), 'base64url').length, 16)
})

t.test('what is there is not overwritten', { skip }, async (t) => {
  const before = allBytes()
  const { code, said } = make(folder)
  t.equal(code, 1)
  t.match(said, /is there and stays as it is/)
  t.equal(allBytes(), before)
})

t.test(
  'certificates are renewed into the same files, passwords stay, collectors are added',
  { skip },
  async (t) => {
    const password = read('kafka-password')
    const [keeper, authority] = [certificate('keeper.pem'), read('keys-ca.pem')]
    const { ino } = statSync(join(folder, 'keeper.pem'))
    t.equal(make('--renew', '--collectors', '3', '--days', '30', folder).code, 0)
    t.equal(statSync(join(folder, 'keeper.pem')).ino, ino, 'a container sees the new one')
    t.not(certificate('keeper.pem').serialNumber, keeper.serialNumber)
    t.equal(read('keys-ca.pem'), authority)
    t.equal(read('kafka-password'), password)
    t.equal(certificate('collector-3.pem').subjectAltName, 'URI:tacit://collector/c3')
    t.equal(statSync(join(folder, 'collector-3.key')).mode & 0o777, 0o600)
  },
)

t.test('a wrong word makes nothing', { skip }, async (t) => {
  const other = join(t.testdir({}), 'secrets')
  for (const args of [['--collectors', '0'], ['--collector', '2'], ['--renew']]) {
    t.equal(make(...args, other).code, 2, args.join(' '))
  }
  t.notOk(existsSync(other))
})
