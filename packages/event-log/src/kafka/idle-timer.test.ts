import { createHook } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import t from 'tap'
import { brokersSkip, openBrokers } from '../testing/brokers/index.js'
import { ensureTopic } from './admin.js'
import { kafkaClient } from './connection.js'
import { defuseIdleTimer } from './idle-timer.js'
import { ownOptions } from '../testing/topics.js'

const WATCH_MS = 1_000
const skip = await brokersSkip('use')

/** How many timers are made while nothing is asked of a client. */
async function timersWhileIdle(kafka: Kafka): Promise<number> {
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: () => () => 0 })
  const admin = kafka.admin()
  await Promise.all([producer.connect(), admin.connect()])
  await admin.listTopics()
  let timers = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'Timeout') timers++
    },
  })
  hook.enable()
  await delay(WATCH_MS)
  hook.disable()
  await Promise.all([producer.disconnect(), admin.disconnect()])
  return timers
}

t.test(
  'idle connections make no timers, which without the patch they do all the time',
  { skip },
  async (t) => {
    const brokers = await openBrokers()
    t.teardown(() => brokers.stop())
    const naive = new Kafka({ brokers: [...brokers.brokers], logLevel: logLevel.NOTHING })
    const before = await timersWhileIdle(naive)
    t.ok(before > 200, `the client still has the defect: ${before} timers in a second`)

    const options = ownOptions({ ...brokers, tls: null, sasl: null }, 1, 1)
    const kafka = kafkaClient(options)
    // the hook sees the test's own wait, too
    const after = await timersWhileIdle(kafka)
    t.ok(after <= 5, `${after} timers in a second`)
    t.equal(
      await ensureTopic(kafka, { ...options, replication: brokers.replication }, 'log'),
      1,
      'and it works',
    )
  },
)

t.test('a kafkajs whose queue is another one is refused', (t) => {
  const require = createRequire(import.meta.url)
  const queue = require('kafkajs/src/network/requestQueue/index.js') as {
    prototype: { scheduleCheckPendingRequests: () => void }
  }
  defuseIdleTimer()
  const patched = queue.prototype.scheduleCheckPendingRequests
  t.teardown(() => {
    queue.prototype.scheduleCheckPendingRequests = patched
  })
  defuseIdleTimer()
  t.equal(queue.prototype.scheduleCheckPendingRequests, patched, 'patched once')
  queue.prototype.scheduleCheckPendingRequests = () => undefined
  t.throws(defuseIdleTimer, /idle timer/)
  Reflect.deleteProperty(queue.prototype, 'scheduleCheckPendingRequests')
  t.throws(defuseIdleTimer, /idle timer/)
  t.end()
})
