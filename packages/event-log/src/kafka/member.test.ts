/** Members that die, stop, and lose their coordinator or their way to it. */
import { TacitError } from '@tacit/contracts'
import t, { type Test } from 'tap'
import { brokersSkip, type Brokers, startBrokers } from '../testing/brokers/index.js'
import { type Child, runChild } from '../testing/children.js'
import { makeTopic, type TestTopic } from '../testing/topics.js'
import { until } from '../testing/until.js'
import { createConsumer } from './consumer.js'
import { Link } from './link.js'
import { SESSION_MS } from './member.js'

const skip = await brokersSkip()
/** the bound for a hand-over */
const HAND_OVER_MS = 30_000
const READER = new URL('../testing/reader.js', import.meta.url)
const GROUP = 'readers'
t.jobs = 4
t.setTimeout(120_000)

interface Step {
  readonly part: number
  readonly first: number
  readonly last: number
}

function member(t: Test, { options, topic }: TestTopic, insertMs = 0): Child {
  const child = runChild(READER, [JSON.stringify(options), topic, GROUP, String(insertMs)])
  t.teardown(() => child.kill())
  return child
}

function stepsOf(children: readonly Child[]): Step[] {
  return children
    .flatMap(({ lines }) => lines)
    .flatMap((line) => {
      const [, part, first, last] = /^done (\d+) (\d+) (\d+)$/.exec(line) ?? []
      return part === undefined ? [] : [{ part: Number(part), first: Number(first), last: Number(last) }]
    })
}

/** Each position of a part was done by at most one step, and all but those whose end nobody lived to say are said. */
function overlaps(steps: readonly Step[]): Step[] {
  const sorted = [...steps].sort((a, b) => a.part - b.part || a.first - b.first)
  return sorted.filter((step, index) => {
    const before = sorted[index - 1]
    return before !== undefined && before.part === step.part && before.last >= step.first
  })
}

async function committed({ admin, options, topic }: TestTopic): Promise<Map<number, string>> {
  const groups = await admin.fetchOffsets({ groupId: `${options.prefix}.${GROUP}`, topics: [topic] })
  return new Map(
    groups.flatMap(({ partitions }) => partitions.map(({ offset, partition }) => [partition, offset])),
  )
}

async function allDone(topic: TestTopic, counts: readonly number[]): Promise<boolean> {
  const offsets = await committed(topic)
  return counts.every((count, part) => offsets.get(part) === String(count))
}

async function start(t: Test, options: Parameters<typeof startBrokers>[0]): Promise<Brokers> {
  const brokers = await startBrokers(options)
  t.teardown(() => brokers.stop())
  return brokers
}

t.test('what dead and stopped members read is read by others', { skip }, async (t) => {
  const brokers = await start(t, { nodes: 1 })
  t.jobs = 4
  t.setTimeout(120_000)

  t.test('a member that is killed is replaced within 30 s, and one that leaves at once', async (t) => {
    const topic = await makeTopic(brokers.access(), 2)
    t.teardown(() => topic.close())
    const first = member(t, topic)
    const second = member(t, topic)
    await Promise.all([first.line(/^holds \d$/), second.line(/^holds \d$/)])
    await Promise.all([topic.fill(0, 200), topic.fill(1, 200)])
    await until(() => allDone(topic, [200, 200]))
    const seen = first.lines.length
    await second.kill()
    await Promise.all([topic.fill(0, 200, 201), topic.fill(1, 200, 201)])
    const took = await until(() => allDone(topic, [400, 400]))
    t.comment(`hand-over after SIGKILL: ${Math.round(took)} ms`)
    t.ok(took < HAND_OVER_MS)
    t.ok(first.lines.slice(seen).includes('holds 0,1'))
    t.same(overlaps(stepsOf([first, second])), [])
  })

  t.test('K12 a member that is stopped beyond its session commits nothing when it comes back', async (t) => {
    const topic = await makeTopic(brokers.access(), 2)
    t.teardown(() => topic.close())
    const first = member(t, topic, 200)
    const second = member(t, topic, 200)
    await Promise.all([first.line(/^holds \d$/), second.line(/^holds \d$/)])
    await Promise.all([topic.fill(0, 1_000), topic.fill(1, 1_000)])
    await second.line(/^began/)
    const own = Number(/^holds (\d)$/.exec(await second.line(/^holds \d$/))?.[1])
    second.process.kill('SIGSTOP')
    const stopped = second.lines.length
    await first.line(new RegExp(`^began ${own} `))
    t.ok(first.lines.includes('holds 0,1'), 'the other took over')
    second.process.kill('SIGCONT')
    await second.line(/^refused/, stopped)
    t.match(
      second.lines.slice(stopped).find((line) => /^(done|refused)/.test(line)),
      `refused ${own} ERR_LOG_FENCED`,
    )
    await until(() => allDone(topic, [1_000, 1_000]), 60_000)
    t.same(overlaps(stepsOf([first, second])), [], 'no position was done twice')
    const done = (): number =>
      stepsOf([first, second]).reduce((sum, { first: from, last }) => sum + last - from + 1, 0)
    await until(() => done() >= 2_000)
    t.equal(done(), 2_000, 'and each was done')
  })

  t.test('a member that leaves is replaced without waiting for its session', async (t) => {
    const topic = await makeTopic(brokers.access(), 2)
    t.teardown(() => topic.close())
    const options = { topic: topic.topic, group: GROUP, alarm: () => undefined }
    const first = createConsumer(topic.options, options)
    const second = createConsumer(topic.options, options)
    t.teardown(() => second.close())
    await until(() => first.parts().length === 1 && second.parts().length === 1)
    await first.close()
    const took = await until(() => second.parts().length === 2)
    t.ok(took < SESSION_MS / 2, `${Math.round(took)} ms`)
  })
})

t.test('K9 a coordinator that dies costs the members nothing', { skip }, async (t) => {
  const brokers = await start(t, { nodes: 3 })
  const topic = await makeTopic(brokers.access(), 6, 3)
  t.teardown(() => topic.close())
  const alarms: string[] = []
  const group = createConsumer(topic.options, {
    topic: topic.topic,
    group: GROUP,
    alarm: (message) => alarms.push(message),
  })
  t.teardown(() => group.close())
  await until(() => group.parts().length === 6)
  await topic.fill(0, 10)
  const before = group.parts()
  const [part] = before
  await until(() => part?.read(0, 10, 1024).last === 10)
  await part?.commit({ position: 0, boundary: '10' })
  const link = new Link(topic.options, topic.topic)
  const { nodeId } = await link.coordinator(`${topic.options.prefix}.${GROUP}`, 0)
  await link.close()
  await brokers.nodes.find(({ id }) => id === Number(nodeId))?.kill()
  await part?.commit({ position: 10, boundary: null })
  t.same(
    part?.cursor(),
    { position: 10, boundary: null },
    'a commit is tried until the next coordinator takes it',
  )
  t.same(group.parts(), before, 'and no part was lost')
  await until(() =>
    topic.fill(0, 10, 11).then(
      () => true,
      () => false,
    ),
  )
  await until(() => part?.read(10, 10, 1024).last === 20)
  t.same(alarms, [])
})

const minute = process.env['TACIT_TEST_FULL'] === '1' ? skip : 'it takes a minute: npm run test:full'

t.test(
  'who is out of its group for long is outside, and who has no part is not',
  { skip: minute },
  async (t) => {
    const brokers = await start(t, { nodes: 1, proxied: true })
    const topic = await makeTopic(brokers.access(), 1)
    await topic.close()
    const join = () => {
      const group = createConsumer(topic.options, {
        topic: topic.topic,
        group: GROUP,
        alarm: () => undefined,
      })
      t.teardown(() => group.close())
      return group
    }
    const first = join()
    t.equal(first.isOutside, true, 'nobody took it in yet')
    await until(() => !first.isOutside)
    const second = join()
    await until(() => !second.isOutside)
    await until(() => first.parts().length + second.parts().length === 1)
    t.same([first.isOutside, second.isOutside], [false, false], 'one of them has nothing to read')
    brokers.nodes[0]?.proxy?.hang()
    await until(() => first.parts().length + second.parts().length === 0)
    t.same([first.isOutside, second.isOutside], [false, false], 'it may come back at once')
    const took = await until(() => first.isOutside && second.isOutside, 60_000)
    t.comment(`outside after ${Math.round(took)} ms more`)
    brokers.nodes[0]?.proxy?.heal()
    await until(() => !first.isOutside && !second.isOutside)
    t.equal(first.parts().length + second.parts().length, 1)
  },
)

t.test(
  'K20 a commit that fails after the insert is tried, then refused, and the step begins again',
  { skip },
  async (t) => {
    const brokers = await start(t, { nodes: 1, proxied: true })
    const topic = await makeTopic(brokers.access(), 1)
    await topic.fill(0, 10)
    await topic.close()
    const alarms: string[] = []
    const group = createConsumer(topic.options, {
      topic: topic.topic,
      group: GROUP,
      alarm: (message) => alarms.push(message),
    })
    t.teardown(() => group.close())
    await until(() => group.parts().length === 1)
    const [part] = group.parts()
    await until(() => part?.read(0, 10, 1024).last === 10)
    await part?.commit({ position: 0, boundary: '{"last":10}' })
    brokers.nodes[0]?.proxy?.hang()
    const begun = performance.now()
    const refused = part?.commit({ position: 10, boundary: null }).catch((reason: unknown) => reason)
    await until(() => group.parts().length === 0)
    const hidden = performance.now() - begun
    t.ok(hidden < SESSION_MS + 2_500, `a part is not listed beyond its session: ${Math.round(hidden)} ms`)
    const error = await refused
    t.ok(error instanceof TacitError && error.retryable, 'a commit that cannot be made is refused')
    t.ok(performance.now() - begun < 25_000, 'and its commit is refused in time')
    await until(() => alarms.length > 0)
    brokers.nodes[0]?.proxy?.heal()
    await until(() => group.parts().length === 1)
    const [again] = group.parts()
    t.same(again?.cursor(), { position: 0, boundary: '{"last":10}' }, 'the boundary is there for who goes on')
    await until(() => again?.read(0, 10, 1024).last === 10)
    await again?.commit({ position: 10, boundary: null })
    t.match(alarms, [/the log is not read here/], 'it was said')
  },
)
