import t, { type Test } from 'tap'
import { type Brokers, brokersSkip, startBrokers } from '../testing/brokers/index.js'
import { runChild } from '../testing/children.js'
import { ownOptions } from '../testing/topics.js'
import { until } from '../testing/until.js'
import { ensureTopic, topicName } from './admin.js'
import { type KafkaOptions, kafkaClient } from './connection.js'
import { fetchFrom } from './fetch.js'
import type { JournalChange } from '../port.js'
import { openJournal, type TopicJournal } from './journal.js'
import { Link } from './link.js'

const OWNER = new URL('../testing/owner.js', import.meta.url)
const FULL = process.env['TACIT_TEST_FULL'] === '1'
const WRITES = FULL ? 2_000 : 150
const KILLS = FULL ? 20 : 3
const skip = await brokersSkip()
// the cleaner is looked at often, so that a test can wait for it
const properties = { 'log.cleaner.backoff.ms': '100', 'log.cleaner.min.cleanable.ratio': '0.01' }
const brokers = skip ? null : await startBrokers({ nodes: 1, properties })
t.teardown(() => brokers?.stop())
t.jobs = 6
t.setTimeout(240_000)

interface Copy {
  readonly journal: TopicJournal
  readonly state: Map<string, string>
  /** the transactions, as they were applied */
  readonly applied: (readonly JournalChange[])[]
  readonly alarms: string[]
}

function options(own: Brokers | null = brokers): KafkaOptions {
  return ownOptions({ brokers: own?.brokers ?? [], tls: null, sasl: null }, 1, 1)
}

async function open(t: Test, kafka: KafkaOptions): Promise<Copy> {
  const state = new Map<string, string>()
  const applied: (readonly JournalChange[])[] = []
  const alarms: string[] = []
  const journal = await openJournal({
    kafka,
    alarm: (message) => alarms.push(message),
    apply(changes) {
      applied.push(changes)
      for (const { key, value } of changes) {
        if (value === null) state.delete(key)
        else state.set(key, value)
      }
    },
  })
  t.teardown(() => journal.close())
  return { journal, state, applied, alarms }
}

const sorted = (state: ReadonlyMap<string, string>): [string, string][] =>
  [...state].sort(([a], [b]) => (a < b ? -1 : 1))

/** Numerical Recipes' linear congruential generator: the same changes on every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomChanges(random: (below: number) => number, number: number): JournalChange[] {
  return Array.from({ length: 1 + random(4) }, (_, index) => {
    const key = `key${random(30)}`
    return {
      key,
      value: random(4) === 0 ? null : JSON.stringify({ number, index, pad: 'x'.repeat(random(3_000)) }),
    }
  })
}

t.test('a write is applied at once and in order, here and by all who follow', { skip }, async (t) => {
  const kafka = options()
  const [owner, other] = [await open(t, kafka), await open(t, kafka)]
  await Promise.all([owner.journal.current, other.journal.current])
  await t.rejects(owner.journal.write([{ key: 'a', value: '1' }]), { code: 'ERR_LOG_FENCED' })
  t.equal(owner.journal.isOwner, false)
  await owner.journal.own()
  t.match(owner.journal, { isOwner: true, term: 1 })
  const first = [
    { key: 'a', value: '1' },
    { key: 'b', value: '{"ä":2}' },
  ]
  const second = [
    { key: 'a', value: null },
    { key: 'c', value: '3' },
  ]
  const writes = [owner.journal.write(first), owner.journal.write(second)]
  await writes[0]
  t.same(owner.applied[0], first, 'applied when it resolves, by one call')
  await writes[1]
  t.same(sorted(owner.state), [
    ['b', '{"ä":2}'],
    ['c', '3'],
  ])
  await until(() => other.applied.length === 2)
  t.same(other.applied, [first, second])
  t.equal(other.journal.term, 1, 'claims are seen by all and applied by none')
  await t.rejects(owner.journal.write([{ key: '~owner', value: '' }]), RangeError)
  t.same([...owner.alarms, ...other.alarms], [])
})

t.test('a topic that is another one now ends the following, and that is known', { skip }, async (t) => {
  const kafka = options()
  const { alarms, journal } = await open(t, kafka)
  await journal.own()
  await journal.write([{ key: 'a', value: '1' }])
  t.equal(journal.hasEnded, false)
  const admin = kafkaClient(kafka).admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topicName(kafka, 'state')] })
  await admin.disconnect()
  await until(() =>
    ensureTopic(kafkaClient(kafka), kafka, 'state').then(
      () => true,
      () => false,
    ),
  )
  await until(() => journal.hasEnded)
  t.match(alarms.at(-1), /start again/)
})

t.test('large changes go through, and one that is too large is refused without harm', { skip }, async (t) => {
  const { journal, state } = await open(t, options())
  await journal.own()
  const random = seeded(7)
  const noise = (length: number): string =>
    Array.from({ length }, () => String.fromCharCode(48 + random(64))).join('')
  const manifest = noise(3 * 1024 * 1024)
  await journal.write([
    { key: 'small', value: '1' },
    { key: 'large', value: manifest },
    { key: 'also', value: manifest },
  ])
  t.ok(state.get('large') === manifest && state.get('also') === manifest && state.has('small'))
  const tooLarge = [
    { key: 'none', value: '1' },
    { key: 'of', value: noise(7 * 1024 * 1024) },
  ]
  await t.rejects(journal.write(tooLarge), RangeError)
  t.equal(journal.isOwner, true)
  await journal.write([{ key: 'after', value: '2' }])
  t.same([state.has('none'), state.get('after')], [false, '2'], 'all or none')
})

t.test('what follows from the beginning is what the owner has, after compaction too', { skip }, async (t) => {
  const kafka = options()
  const owner = await open(t, kafka)
  await owner.journal.own()
  const admin = kafkaClient(kafka).admin()
  await admin.connect()
  t.teardown(() => admin.disconnect())
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: 2, name: topicName(kafka, 'state') }],
  })
  const kept = ['cleanup.policy', 'delete.retention.ms', 'max.message.bytes', 'min.insync.replicas']
  const entries = (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => ({
    name: configName,
    value: configValue,
  }))
  const configEntries = [
    // alterConfigs sets back what is not named
    ...entries.filter(({ name }) =>
      [...kept, 'unclean.leader.election.enable', 'message.timestamp.type'].includes(name),
    ),
    { name: 'segment.ms', value: '300' },
    { name: 'min.cleanable.dirty.ratio', value: '0.01' },
  ]
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: 2, name: topicName(kafka, 'state'), configEntries }],
  })
  const random = seeded(20_261_130)
  const model = new Map<string, string>()
  let written = 0
  for (let number = 0; number < WRITES; number++) {
    const changes = randomChanges(random, number)
    await owner.journal.write(changes)
    written += changes.length
    for (const { key, value } of changes) {
      if (value === null) model.delete(key)
      else model.set(key, value)
    }
  }
  t.same(sorted(owner.state), sorted(model))
  const link = new Link(kafka, topicName(kafka, 'state'))
  await link.refresh()
  t.teardown(() => link.close())
  const messages = async (): Promise<number> => {
    const limits = { maxBytes: 64 * 1024 * 1024, waitMs: 10 }
    const [all] = await fetchFrom(
      link,
      link.leaderOf(0) ?? -1,
      [{ partition: 0, offset: 0, maxBytes: limits.maxBytes }],
      limits,
    )
    return (all?.messages ?? []).filter(({ isControlRecord }) => !isControlRecord).length
  }
  await until(async () => {
    // a new segment makes the one before it cleanable
    await owner.journal.write([{ key: 'tick', value: null }])
    return (await messages()) < written / 2
  }, 60_000)
  t.comment(`${written} changes were compacted to ${await messages()}`)
  const late = await open(t, kafka)
  await late.journal.current
  t.same(sorted(late.state), sorted(model))
  await late.journal.own()
  await late.journal.write([{ key: 'last', value: '1' }])
  await until(() => owner.state.has('last'))
  t.same(sorted(owner.state), sorted(late.state))
  t.equal(owner.journal.isOwner, false)
})

t.test('K12 a stopped owner that comes back writes nothing any more', { skip }, async (t) => {
  const kafka = options()
  const child = runChild(OWNER, [JSON.stringify(kafka), 'former'])
  t.teardown(() => child.kill())
  await child.line(/^wrote 5$/)
  child.process.kill('SIGSTOP')
  const next = await open(t, kafka)
  const begun = performance.now()
  await next.journal.own()
  t.comment(`taking over from a stopped owner: ${Math.round(performance.now() - begun)} ms`)
  t.equal(next.journal.term, 2)
  const seen = sorted(next.state)
  await next.journal.write([{ key: 'now', value: '1' }])
  child.process.kill('SIGCONT')
  t.equal(await child.line(/^refused/), 'refused ERR_LOG_FENCED false')
  await next.journal.write([{ key: 'now', value: '2' }])
  t.same(sorted(next.state), [...seen, ['now', '2']].sort(), 'nothing of it was applied')
  t.equal(next.state.get('left'), next.state.get('right'), 'a transaction is seen whole')
})

t.test('an owner that is killed at any moment loses nothing that was acknowledged', { skip }, async (t) => {
  const kafka = options()
  const random = seeded(9)
  const watcher = await open(t, kafka)
  for (let round = 0; round < KILLS; round++) {
    const name = `round${round}`
    const child = runChild(OWNER, [JSON.stringify(kafka), name])
    await child.line(new RegExp(`^wrote ${3 + random(20)}$`))
    await child.kill()
    const wrote = child.lines.flatMap((line) => /^wrote (\d+)$/.exec(line)?.[1] ?? [])
    await watcher.journal.own()
    const missing = wrote.filter((number) => !watcher.state.has(`${name}/${number}`))
    t.same(missing, [], `round ${round}: ${wrote.length} acknowledged writes are there`)
    t.equal(watcher.state.get('left'), watcher.state.get('right'))
  }
  for (const changes of watcher.applied) t.same(changes.length, 3, 'each transaction came whole')
})

t.test(
  'while Kafka is away a write is refused in time, and taking over anew tells what became of it',
  { skip },
  async (t) => {
    const proxied = await startBrokers({ nodes: 1, proxied: true })
    t.teardown(() => proxied.stop())
    const kafka = options(proxied)
    const [owner, other] = [await open(t, kafka), await open(t, kafka)]
    await owner.journal.own()
    await owner.journal.write([{ key: 'before', value: '1' }])
    const proxy = proxied.nodes[0]?.proxy
    proxy?.hang()
    const begun = performance.now()
    await t.rejects(owner.journal.write([{ key: 'away', value: '1' }]), {
      code: 'ERR_LOG_WRITE',
      retryable: true,
    })
    t.ok(performance.now() - begun < 60_000)
    t.equal(owner.journal.isOwner, false, 'who does not know what became of it owns nothing')
    await t.rejects(owner.journal.write([{ key: 'more', value: '1' }]), { code: 'ERR_LOG_FENCED' })
    proxy?.heal()
    await owner.journal.own()
    const known = owner.state.get('away')
    await owner.journal.write([{ key: 'after', value: '1' }])
    await until(() => other.state.has('after'))
    t.equal(owner.state.get('away'), known, 'it does not come later')
    t.same(sorted(other.state), sorted(owner.state))
  },
)
