import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs, { type Admin } from 'kafkajs'
import t from 'tap'
import { startBrokers } from './cluster.js'
import { ask, membersSeenBy, until } from './control.js'
import { brokersSkip, openBrokers } from './find.js'
import type { Access } from './shapes.js'

const skip = await brokersSkip()

/** Whether these brokers answer, soon. */
const answer = (access: Access): Promise<boolean> =>
  until(async () => (await membersSeenBy(access)) !== null, 30_000, 50)

const makeTopic = (topic: string, copies: number) => (admin: Admin) =>
  admin.createTopics({
    topics: [{ topic, numPartitions: 3, replicationFactor: copies }],
    waitForLeaders: false,
  })

t.test(
  'one broker is usable, keeps its data when killed, and hangs behind its proxy',
  { skip },
  async (test) => {
    const brokers = await startBrokers({ proxied: true, properties: { 'message.max.bytes': '2000000' } })
    test.teardown(() => brokers.stop())
    const [node] = brokers.nodes
    if (!node?.proxy) throw new Error('no proxy')
    await ask(brokers.access(), makeTopic('kept', 1))
    await brokers.whole()

    node.proxy.hang()
    test.equal(await membersSeenBy(brokers.access()), null, 'no answer through a proxy that hangs')
    await node.proxy.heal()
    test.ok(await answer(brokers.access()), 'an answer once it is healed')

    const { pid } = node
    await node.kill()
    test.notOk(node.isAlive)
    test.equal(node.pid, null)
    test.equal(await membersSeenBy(brokers.access()), null, 'no answer of a dead broker')
    await node.start()
    test.not(node.pid, pid)
    test.strictSame(await ask(brokers.access(), (admin) => admin.listTopics()), ['kept'])
    await test.rejects(node.start(), /runs already/)
  },
)

const long =
  process.env['TACIT_TEST_FULL'] === '1' ? skip : 'the tests of the adapter do all of it: npm run test:full'

t.test(
  'of three brokers one may be killed, paused or stopped, and comes back',
  { skip: long },
  async (test) => {
    const brokers = await startBrokers({ nodes: 3 })
    test.teardown(() => brokers.stop())
    const [first, second, third] = brokers.nodes
    if (first === undefined || second === undefined || third === undefined) throw new Error('not three')
    await ask(brokers.access(), makeTopic('copied', 3))
    await brokers.whole()

    await first.kill()
    const rest = { ...brokers.access(), brokers: [second.address, third.address] }
    test.ok(await answer(rest), 'the others answer')
    await first.start()
    await brokers.whole()
    const { brokers: members } = await ask(brokers.access(), (admin) => admin.describeCluster())
    test.strictSame(members.map(({ nodeId }) => nodeId).toSorted(), [1, 2, 3], 'it is in again')

    second.pause()
    test.ok(second.isAlive)
    test.equal(await membersSeenBy({ ...rest, brokers: [second.address] }), null, 'paused: no answer')
    second.resume()
    test.ok(await answer({ ...rest, brokers: [second.address] }), 'resumed: an answer')

    await third.stop()
    test.notOk(third.isAlive)
  },
)

t.test('with TLS and passwords only users come in, and may do what ACLs say', { skip }, async (test) => {
  const brokers = await startBrokers({ security: 'sasl_ssl', users: ['app'], acls: true })
  test.teardown(() => brokers.stop())
  const admin = brokers.access()
  const app = brokers.access('app')
  await ask(admin, makeTopic('guarded', 1))
  test.strictSame(await ask(app, (client) => client.listTopics()), [], 'no right, no topic')
  await ask(admin, (client) =>
    client.createAcls({
      acl: [
        {
          principal: 'User:app',
          host: '*',
          resourceType: kafkajs.AclResourceTypes.TOPIC,
          resourceName: 'guarded',
          resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
          operation: kafkajs.AclOperationTypes.DESCRIBE,
          permissionType: kafkajs.AclPermissionTypes.ALLOW,
        },
      ],
    }),
  )
  test.strictSame(await ask(app, (client) => client.listTopics()), ['guarded'])

  const wrong = { ...app, sasl: { username: 'app', password: 'wrong' } }
  await test.rejects(
    ask(wrong, (client) => client.listTopics()),
    { name: 'KafkaJSSASLAuthenticationError' },
  )
  await test.rejects(
    ask({ ...app, tls: null }, (client) => client.listTopics()),
    'plaintext',
  )
  const { tls: strangers } = { tls: { ca: '' } }
  await test.rejects(
    ask({ ...app, tls: strangers }, (client) => client.listTopics()),
    'another authority',
  )
  test.throws(() => brokers.access('nobody'), /no user nobody/)
})

t.test(
  'a named folder is started from again, a setting that Kafka refuses is said',
  { skip },
  async (test) => {
    const data = mkdtempSync(join(tmpdir(), 'tacit-brokers-data-'))
    test.teardown(() => rmSync(data, { recursive: true, force: true }))
    const before = await startBrokers({ data })
    test.teardown(() => before.stop())
    await ask(before.access(), makeTopic('kept', 1))
    await before.stop()
    await before.stop()
    test.ok(existsSync(data))
    const again = await startBrokers({ data })
    test.teardown(() => again.stop())
    test.equal(again.clusterId, before.clusterId)
    test.strictSame(await ask(again.access(), (admin) => admin.listTopics()), ['kept'])
    await again.stop()
    await test.rejects(startBrokers({ data, nodes: 3 }), /holds the data of 1 node\(s\), not of 3/)
    await test.rejects(
      startBrokers({ properties: { 'num.io.threads': 'many' } }),
      /broker 1 ended while it started:[^]*num\.io\.threads/,
    )
  },
)

const use = await brokersSkip('use')
t.test('a test that only uses brokers gets some', { skip: use }, async (test) => {
  const { brokers, replication, stop } = await openBrokers()
  test.teardown(stop)
  const seen = await ask({ brokers, tls: null, sasl: null }, (admin) => admin.describeCluster())
  test.ok(seen.brokers.length >= replication)
})
