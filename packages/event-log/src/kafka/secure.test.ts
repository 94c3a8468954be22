import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import t from 'tap'
import { brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { Caller } from '../testing/caller.js'
import { becomeKnown, drained, endAll, openTestLog, thisHour } from '../testing/kafka-log.js'
import { numbered } from '../testing/lines.js'
import { kafkaClient } from './connection.js'
import { openJournal } from './journal.js'
import { openReports } from './reports.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const skip = await brokersSkip()
const PARTS = 2
const SESSION_MS = 4_500

/** Of nobody: its key was never kept. */
const OTHER_AUTHORITY = `-----BEGIN CERTIFICATE-----
MIIBkDCCATWgAwIBAgIUC1O8mcaq7RzixQWcE8D5lWNG6F0wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRQW5vdGhlciBhdXRob3JpdHkwIBcNMjYxMTMwMDQzMDU3WhgP
MjEyNjExMDYwNDMwNTdaMBwxGjAYBgNVBAMMEUFub3RoZXIgYXV0aG9yaXR5MFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvZ3mmh8mSpI2YIsSE3xt6tAXQ3WJSXGg
fQPgD+GudjrMTT9ONHNHxg/yV6aCvxllNVJNhLgqXC2/HJ+8HqjFUaNTMFEwHQYD
VR0OBBYEFFYSaXN+TTQt8iUPAFbuNoL7ycbYMB8GA1UdIwQYMBaAFFYSaXN+TTQt
8iUPAFbuNoL7ycbYMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
AIkgq01JWyXOaoRENi2n+hwa1t09v5wt4SJv5YljQwTDAiEAlZbObHVihbcW6iFE
spbdLu4PkhkKREFhY0/p/H4ylww=
-----END CERTIFICATE-----
`

t.test('a Kafka with certificates, passwords and ACLs', { skip, timeout: 200_000 }, async (t) => {
  const brokers = await startBrokers({
    security: 'sasl_ssl',
    users: ['app'],
    acls: true,
    properties: { 'listener.name.clients.scram-sha-512.connections.max.reauth.ms': String(SESSION_MS) },
  })
  t.teardown(() => endAll(brokers))
  const use = (user?: string) => ownOptions(brokers.access(user), PARTS, 1)

  await t.test('K19: sessions end and are renewed, in use and idle', async (t) => {
    const kafka = use()
    const { alarms, log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    const caller = new Caller()
    const started = performance.now()
    while (performance.now() - started < 1.3 * SESSION_MS) {
      await caller.append(log, 1)
      await delay(100)
    }
    // nothing asks for longer than a session lasts
    await delay(1.1 * SESSION_MS)
    await caller.append(log, 10)
    await drained(log)
    await log.close()
    t.ok(performance.now() - started > 2.3 * SESSION_MS, 'more than two sessions')
    t.ok(caller.slowest < 10_000)
    t.equal(await caller.faults(kafka), null)
    t.ok(alarms.every((text) => !text.includes('127.0.0.1')))
  })

  await t.test('a wrong password does not open the log, and is not repeated', async (t) => {
    const kafka = use()
    const wrong = { ...kafka, sasl: { username: 'admin', password: 'not this one' } }
    await t.rejects(openTestLog(wrong, t.testdir()), {
      code: 'ERR_CONFIG_INVALID',
      message: /^(?!.*not this one).*TACIT_KAFKA_PASSWORD_FILE/,
    })
  })

  await t.test(
    'a certificate of another authority is not believed: nothing is sent, and the alarm says why',
    async (t) => {
      const kafka = use()
      const other = { ...kafka, tls: { ca: OTHER_AUTHORITY } }
      const { alarms, log } = await openTestLog(other, t.testdir())
      await until(() => alarms.length > 0)
      t.match(alarms[0], /TACIT_KAFKA_CA_FILE/)
      t.match(log.facts(), { topicReady: false })
      await t.rejects(log.append(numbered(1), thisHour(), 'all'), { code: 'ERR_LOG_UNAVAILABLE' })
      await log.close()
    },
  )

  await t.test(
    'what has nothing to do without Kafka does not open with a wrong password or authority',
    async (t) => {
      const kafka = use()
      const sasl = { username: 'admin', password: 'not this one' }
      for (const [wrong, name] of [
        [{ ...kafka, sasl }, 'TACIT_KAFKA_PASSWORD_FILE'],
        [{ ...kafka, tls: { ca: OTHER_AUTHORITY } }, 'TACIT_KAFKA_CA_FILE'],
      ] as const) {
        const refused = { code: 'ERR_CONFIG_INVALID', message: new RegExp(`^(?!.*not this one).*${name}`) }
        const never = (): void => void t.fail('nothing is said')
        await t.rejects(openJournal({ kafka: wrong, alarm: never, apply: never }), refused)
        await t.rejects(openReports({ kafka: wrong, alarm: never }), refused)
      }
    },
  )

  await t.test('plaintext to a broker that wants TLS gets nowhere, and promises nothing', async (t) => {
    const { log } = await openTestLog({ ...use(), tls: null, sasl: null }, t.testdir())
    await t.rejects(log.append(numbered(1), thisHour(), 'all'), { code: 'ERR_LOG_UNAVAILABLE' })
    await log.close()
  })

  await t.test('a user whom the ACLs do not let is told what to allow; then it works', async (t) => {
    const kafka = use('app')
    await t.rejects(openTestLog(kafka, t.testdir()), {
      code: 'ERR_LOG_TOPIC',
      message: /DescribeConfigs and Create/,
    })
    const admin = kafkaClient(use()).admin()
    await admin.connect()
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
    const { CREATE, DESCRIBE, DESCRIBE_CONFIGS, WRITE } = AclOperationTypes
    await admin.createAcls({
      acl: [CREATE, DESCRIBE, DESCRIBE_CONFIGS, WRITE].map((operation) => ({
        resourceType: AclResourceTypes.TOPIC,
        resourceName: kafka.prefix,
        resourcePatternType: ResourcePatternTypes.PREFIXED,
        principal: 'User:app',
        host: '*',
        operation,
        permissionType: AclPermissionTypes.ALLOW,
      })),
    })
    await admin.disconnect()
    const { log } = await openTestLog(kafka, t.testdir())
    await becomeKnown(log)
    await log.append(numbered(1), thisHour())
    t.equal(log.facts().spooledRecords, 0)
    await log.close()
  })
})
