import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'
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
  read: async (after) => ({ records: [], last: after }),
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
