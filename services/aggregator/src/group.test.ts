import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { HOUR, TacitError } from '@tacit/contracts'
import type { Reports } from '@tacit/event-log'
import t, { type Test } from 'tap'
import { groupMember } from './group.js'
import type { Membership } from './membership.js'
import { AggregatorState } from './state.js'
import { type MemoryTopic, memoryTopic } from './testing/memory-journal.js'

/** The terms of a database, as the warehouse keeps them. */
class Terms {
  readonly all: number[] = []
  /** called before a term is looked up, and before it is given */
  before: (what: 'look' | 'give') => Promise<void> = async () => {}

  async latestTerm(): Promise<number> {
    await this.before('look')
    return Math.max(0, ...this.all)
  }

  async takeOver(term: number): Promise<void> {
    await this.before('give')
    if (Math.max(0, ...this.all) > term) throw new TacitError('ERR_LOG_FENCED')
    this.all.push(term)
  }
}

interface Process {
  readonly member: Membership
  readonly state: AggregatorState
  readonly alarms: string[]
}

const noReports: Reports = {
  append: async () => {},
  read: async (after) => ({ records: [], last: after, topic: null }),
  close: async () => {},
}

let processes = 0

async function start(
  t: Test,
  topic: MemoryTopic,
  terms: Terms,
  reports: Reports = noReports,
): Promise<Process> {
  const dir = join(t.testdir(), String(processes++))
  const { journal, state } = await AggregatorState.share(dir, (apply) => topic.open(apply))
  t.teardown(() => state.close())
  const alarms: string[] = []
  const first = { part: 0 } as ReturnType<Parameters<typeof groupMember>[0]['log']['parts']>[number]
  const log = { parts: () => [first] } as unknown as Parameters<typeof groupMember>[0]['log']
  const alarm = (message: string): void => void alarms.push(message)
  const member = groupMember({ log, reports, journal, warehouse: terms, state, alarm })
  return { member, state, alarms }
}

const newTopic = /its topic was made anew/

t.test('an owner by a new shared state is above all that owned the database by a former one', async (t) => {
  const terms = new Terms()
  const former = memoryTopic()
  t.ok(await (await start(t, former, terms)).member.own())
  t.ok(await (await start(t, former, terms)).member.own())
  t.same(terms.all, [1, 2])

  const topic = memoryTopic()
  const { alarms, member } = await start(t, topic, terms)
  t.ok(await member.own())
  t.ok(member.isOwner)
  t.ok((terms.all[2] ?? 0) > 2, `term ${String(terms.all[2])} is above 2`)
  t.equal(alarms.filter((alarm) => newTopic.test(alarm)).length, 1)

  const next = await start(t, topic, terms)
  t.ok(await next.member.own())
  t.equal(terms.all[3], (terms.all[2] ?? 0) + 1, 'the next one counts on from there')
  t.notOk(next.alarms.some((alarm) => newTopic.test(alarm)))
})

t.test('a former owner that goes on with its taking over late is not above the newer one', async (t) => {
  for (const stopsAt of ['look', 'give'] as const) {
    const terms = new Terms()
    // those of a former journal
    terms.all.push(7)
    const topic = memoryTopic()
    const late = await start(t, topic, terms)
    const newer = await start(t, topic, terms)
    terms.before = async (what) => {
      if (what !== stopsAt) return
      terms.before = async () => {}
      t.ok(await newer.member.own(), 'another takes over meanwhile')
    }
    await t.rejects(late.member.own(), { code: 'ERR_LOG_FENCED' })
    t.notOk(late.member.isOwner)
    t.ok(newer.member.isOwner)
    t.equal(terms.all.length, 2, `stopped before it could ${stopsAt}, it gave no term`)
  }
})

t.test('a taking over that failed half-way goes on in its own term, without an alarm', async (t) => {
  const terms = new Terms()
  const { alarms, member } = await start(t, memoryTopic(), terms)
  const takeOver = terms.takeOver.bind(terms)
  terms.takeOver = async (term) => {
    await takeOver(term)
    terms.takeOver = takeOver
    throw new Error('the answer was lost')
  }
  await t.rejects(member.own(), /lost/)
  t.notOk(member.isOwner)
  t.ok(await member.own())
  t.same(terms.all, [1, 1])
  t.notOk(alarms.some((alarm) => newTopic.test(alarm)))
})

/** Reports as a topic holds them, which can be made anew. */
class TopicOfReports implements Reports {
  bytes: Buffer[] = []
  topic: string | null = 'first'

  async append(bytes: Uint8Array): Promise<void> {
    this.bytes.push(Buffer.from(bytes))
  }

  async read(after: number, maxRecords: number): ReturnType<Reports['read']> {
    // so that a reader who never ends can be ended
    await turn()
    const { topic } = this
    if (after > this.bytes.length) return { records: [], last: 0, topic }
    const found = this.bytes.slice(after, after + maxRecords)
    const records = found.map((bytes, at) => ({ position: after + at + 1, bytes }))
    return { records, last: after + records.length, topic }
  }

  async close(): Promise<void> {}
}

const HOUR_AT = Date.UTC(2026, 10, 2, 10)

/** A report of one batch of four events. */
function reportOf(batch: number): Parameters<Membership['report']>[0] {
  const header = {
    v: 1,
    hour: HOUR_AT,
    producer: '0123456789abcdef',
    batch,
    rulebook: 'hash',
    sections: [],
    counts: { '2026-11-02T10:00:00Z': { received: 4, accepted: 3, dropped: { late: 1 } } },
    removedProps: 0,
  } as const
  return { batches: [{ fate: 'landed', part: 0, header }], last: 1, corrupt: 0 }
}

const received = ({ state }: Process): number => state.ledger()[0]?.received ?? 0

/** @param topic of the new reports; null: Kafka gives none */
async function anew(t: Test, topic: string | null): Promise<{ owner: Process; reports: TopicOfReports }> {
  const reports = new TopicOfReports()
  if (topic === null) reports.topic = null
  const owner = await start(t, memoryTopic(), new Terms(), reports)
  await owner.member.own()
  for (const batch of [1, 2, 3]) await owner.member.report(reportOf(batch))
  await owner.member.collect()
  t.equal(owner.state.counted, 3)
  reports.bytes = []
  reports.topic = topic
  return { owner, reports }
}

const anewAlarm = /it is counted from its beginning/

for (const topic of ['second', null]) {
  const how = topic === null ? 'without ids' : 'with ids'
  const options = { timeout: 20_000 }
  t.test(
    `K14 reports of a topic that was made anew, and is shorter, are counted, ${how}`,
    options,
    async (t) => {
      const { owner, reports } = await anew(t, topic)
      for (const batch of [3, 4]) await owner.member.report(reportOf(batch))
      await owner.member.collect()
      t.equal(owner.state.counted, 2)
      t.equal(received(owner), 16, 'four batches, of which one was there twice')
      t.equal(owner.alarms.filter((alarm) => anewAlarm.test(alarm)).length, 1)
      await owner.member.collect()
      t.equal(reports.bytes.length, owner.state.counted)
      t.equal(owner.alarms.filter((alarm) => anewAlarm.test(alarm)).length, 1)
    },
  )
}

t.test('K14 a topic of reports that was made anew and is longer by now loses none', async (t) => {
  const { owner } = await anew(t, 'second')
  for (const batch of [2, 3, 4, 5, 6]) await owner.member.report(reportOf(batch))
  await owner.member.collect()
  t.equal(owner.state.counted, 5)
  t.equal(received(owner), 24, 'six batches')
  t.equal(owner.alarms.filter((alarm) => anewAlarm.test(alarm)).length, 1)
})

t.test('K14 as many reports as before are not taken for the same', async (t) => {
  const { owner } = await anew(t, 'second')
  for (const batch of [7, 8, 9]) await owner.member.report(reportOf(batch))
  await owner.member.collect()
  t.equal(received(owner), 24)
})

t.test('a batch of another hour that is reported in both topics counts once', async (t) => {
  const { owner } = await anew(t, 'second')
  await owner.state.settled([HOUR_AT + 2 * HOUR])
  for (const batch of [1, 2, 3]) await owner.member.report(reportOf(batch))
  await owner.member.collect()
  t.equal(received(owner), 12)
})
