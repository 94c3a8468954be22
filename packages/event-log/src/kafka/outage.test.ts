import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { Caller } from '../testing/caller.js'
import { becomeKnown, drained, endAll, openTestLog, thisHour } from '../testing/kafka-log.js'
import { numbered } from '../testing/lines.js'
import { setOnLog } from '../testing/topic-setting.js'
import { numbersOf, readTopic, tally } from '../testing/topic.js'
import { topicName } from './admin.js'
import type { KafkaOptions } from './connection.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'

const skip = await brokersSkip()
const HOUR = 3_600_000
const PARTS = 3
const APPENDER = fileURLToPath(new URL('../testing/kafka-appender.js', import.meta.url))

const silent = (alarms: readonly string[]) =>
  alarms.every((text) => !/127\.0\.0\.1|localhost|:\d{4,5}/.test(text))

t.test('a log while Kafka is away', { skip, timeout: 280_000 }, async (t) => {
  const brokers = await startBrokers({ proxied: true })
  t.teardown(() => endAll(brokers))
  const [node] = brokers.nodes
  if (node === undefined || node.proxy === null) throw new Error('no broker')
  const { proxy } = node
  const use = () => ownOptions(brokers.access(), PARTS, 1)

  await t.test('K1: it opens while Kafka is down, promises nothing, and finds it by itself', async (t) => {
    const kafka = use()
    await proxy.refuse()
    const { alarms, log } = await openTestLog(kafka, t.testdir())
    t.match(log.facts(), { topicReady: false })
    t.equal(log.width(), PARTS)
    await t.rejects(log.append(numbered(1), thisHour()), { code: 'ERR_LOG_UNAVAILABLE' })
    await t.rejects(log.append(numbered(1), thisHour(), 'all'), { code: 'ERR_LOG_UNAVAILABLE' })
    t.equal(log.facts().spooledRecords, 0, 'nobody knows this writer: nothing of it waits')
    await proxy.heal()
    await becomeKnown(log)
    const caller = new Caller()
    await caller.append(log, 25)
    await log.close()
    t.equal(await caller.faults(kafka), null)
    t.ok(alarms.length > 0 && silent(alarms), 'it says so, without addresses')
  })

  for (const how of ['killed', 'paused'] as const) {
    await t.test(`K2: Kafka is ${how} in the middle, and everything is there later, in order`, async (t) => {
      const kafka = use()
      const { alarms, log } = await openTestLog(kafka, t.testdir())
      await becomeKnown(log)
      const caller = new Caller()
      await caller.append(log, 25)
      if (how === 'killed') await node.kill()
      else node.pause()
      const started = performance.now()
      await caller.append(log, 1)
      t.ok(performance.now() - started < 10_000, 'an answer is not waited for long')
      await caller.append(log, 60)
      t.equal(log.facts().spooledRecords, 61, 'the fault was reached')
      if (how === 'killed') await node.start()
      else node.resume()
      await caller.append(log, 25)
      await drained(log)
      await caller.append(log, 15)
      t.equal(log.facts().spooledRecords, 0, 'and it is direct again')
      await log.close()
      t.equal(await caller.faults(kafka), null)
      t.ok(alarms.length > 0 && silent(alarms))
    })
  }

  await t.test('P1: what a killed process left in its spool is sent before anything new', async (t) => {
    const kafka = use()
    const dir = t.testdir()
    const known = await openTestLog(kafka, dir)
    await becomeKnown(known.log)
    await known.log.close()
    await proxy.refuse()
    const acknowledged = await appendAndKill(kafka, dir, 60)
    const { log } = await openTestLog(kafka, dir)
    t.equal(log.writer, known.log.writer)
    t.ok(log.facts().spooledRecords >= acknowledged.length)
    const next = (acknowledged.at(-1) ?? 0) + 100
    await log.append(numbered(next), thisHour(), 'all')
    await proxy.heal()
    await drained(log)
    await log.close()
    const found = (await readTopic(kafka, topicName(kafka, 'log'))).filter(({ text }) => text !== 'mark')
    t.same(tally(acknowledged, next, numbersOf(found)).lost, [])
    for (let part = 0; part < PARTS; part++) {
      t.equal(numbersOf(found.filter((each) => each.part === part)).at(-1), next)
    }
  })

  await t.test('a full spool refuses, and takes records again when Kafka has taken those', async (t) => {
    const kafka = use()
    const spool = { dir: t.testdir(), maxBytes: 300_000, maxAgeMs: 24 * HOUR }
    const { log } = await openTestLog(kafka, spool.dir, { spool })
    await becomeKnown(log)
    await proxy.refuse()
    let count = 0
    const fill = async () => {
      for (; count < 1_000; count++) await log.append(numbered(count + 1, 10_000), thisHour())
    }
    await t.rejects(fill(), { code: 'ERR_LOG_FULL', retryable: true })
    t.equal(log.facts().spooledRecords, count)
    t.equal(count, 29)
    await proxy.heal()
    await drained(log)
    await log.append(numbered(count + 1, 10_000), thisHour())
    await log.close()
    const found = numbersOf(await readTopic(kafka, topicName(kafka, 'log'))).filter((number) => number > 0)
    t.same(
      tally(
        [...new Array(count + 1).keys()].map((at) => at + 1),
        count + 1,
        found,
      ).lost,
      [],
    )
  })

  await t.test('`last` may wait on disk: the next process is another writer, and sends it', async (t) => {
    const kafka = use()
    const dir = t.testdir()
    const first = await openTestLog(kafka, dir)
    await becomeKnown(first.log)
    await proxy.refuse()
    await first.log.append(numbered(1), thisHour())
    await first.log.append(numbered(2), thisHour(), 'last')
    await t.rejects(first.log.append(numbered(3), thisHour()), { code: 'ERR_LOG_CLOSED' })
    await first.log.close()
    const second = await openTestLog(kafka, dir)
    t.equal(second.log.facts().spooledRecords, 2)
    t.not(second.log.writer, first.log.writer)
    await t.rejects(second.log.append(numbered(4), thisHour(), 'all'), { code: 'ERR_LOG_UNAVAILABLE' })
    await proxy.heal()
    await drained(second.log)
    await t.rejects(
      second.log.append(numbered(5), thisHour()),
      { code: 'ERR_LOG_UNAVAILABLE' },
      'still unknown',
    )
    await second.log.append(numbered(6), thisHour(), 'all')
    await second.log.append(numbered(7), thisHour())
    await second.log.close()
    const found = numbersOf(await readTopic(kafka, topicName(kafka, 'log')))
    const counts = [1, 2, 6, 7].map((number) => found.filter((each) => each === number).length)
    t.same(counts, [1, PARTS, PARTS, 1])
  })

  await t.test(
    'K16: a waiting record that the topic does not take stays, with an alarm, until it does',
    async (t) => {
      const kafka = use()
      const { alarms, log } = await openTestLog(kafka, t.testdir())
      await becomeKnown(log)
      const restore = await setOnLog(kafka, 'max.message.bytes', '2000')
      await proxy.refuse()
      await log.append(numbered(1, 5_000), thisHour())
      await log.append(numbered(2), thisHour(), 'all')
      await proxy.heal()
      await until(() => alarms.some((text) => text.includes('max.message.bytes')))
      t.equal(log.facts().spooledRecords, 2)
      await restore()
      await drained(log)
      await log.close()
      const found = numbersOf(await readTopic(kafka, topicName(kafka, 'log'))).filter((number) => number > 0)
      t.same(
        found.sort((x, y) => x - y),
        [1, 2, 2, 2],
      )
    },
  )

  await t.test(
    'L9: records older than the bound are dropped and counted; a clock that goes back drops none',
    async (t) => {
      const kafka = use()
      let now = Date.now()
      const { alarms, log } = await openTestLog(kafka, t.testdir(), { clock: { now: () => now } })
      await becomeKnown(log)
      await proxy.refuse()
      const hour = thisHour()
      for (let number = 1; number <= 4; number++) await log.append(numbered(number), hour)
      now -= 48 * HOUR
      await log.append(numbered(5), hour + HOUR)
      await delay(1_000)
      t.equal(log.facts().spooledRecords, 5)
      now = hour + 24 * HOUR
      await until(() => log.facts().spooledRecords === 1)
      t.ok(alarms.some((text) => text.startsWith('4 records waited for Kafka longer than')))
      await proxy.heal()
      await drained(log)
      await log.close()
      const found = numbersOf(await readTopic(kafka, topicName(kafka, 'log')))
      t.ok(found.includes(5) && !found.slice(PARTS).some((number) => number === 4))
    },
  )

  await t.test(
    'a topic that turns out to be wrong refuses every record, until it is set right',
    async (t) => {
      const kafka = use()
      const made = await openTestLog(kafka, join(t.testdir(), 'made'))
      await made.log.close()
      const restore = await setOnLog(kafka, 'retention.ms', '1000000')
      await proxy.refuse()
      const { alarms, log } = await openTestLog(kafka, join(t.testdir(), 'late'))
      await proxy.heal()
      await until(() => alarms.some((text) => text.includes('retention.ms=1000000')))
      await t.rejects(log.append(numbered(1), thisHour(), 'all'), {
        code: 'ERR_LOG_TOPIC',
        message: /retention\.ms/,
      })
      await t.rejects(log.append(numbered(1), thisHour()), { code: 'ERR_LOG_TOPIC' })
      t.match(log.facts(), { topicReady: false })
      await restore()
      await becomeKnown(log)
      await log.close()
    },
  )
})

/** Runs the appender until it has acknowledged so many, and kills it. */
async function appendAndKill(kafka: KafkaOptions, dir: string, count: number): Promise<number[]> {
  const child: ChildProcess = spawn(process.execPath, [APPENDER, JSON.stringify(kafka), dir, '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout?.setEncoding('latin1').on('data', (text: string) => {
    output += text
  })
  const closed = once(child, 'close')
  await until(() => output.split('\n').length > count)
  child.kill('SIGKILL')
  await closed
  return output.split('\n').slice(0, -1).map(Number)
}
