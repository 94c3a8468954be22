/**
 * One of several aggregators on one log and one warehouse. Each stages the parts that it reads and reports what became of
 * their batches; one of them, the owner, counts the reports, settles hours and releases windows.
 *
 * Invariants
 * - A report is durable before the cursor of its part moves past what it tells of, so none is missing; one that comes twice
 *   counts once (state.ts).
 * - The owner is who reads the first part, once it has fenced whoever was before: what a former owner still writes is
 *   refused by the journal, and not applied by anybody.
 * - In the warehouse each owner's term is higher than any before it, also where the journal is another one by now and
 *   counts from 1 again: what that has to be above (`termsAbove`) is in the journal before it is in the warehouse, so a
 *   former owner, which can no longer write the journal, does not get above a newer one however late it wakes up.
 * Recovery: the next member to read the first part goes on from the journal; reports after `counted` are counted then. Of a
 * topic of reports that was made anew all are: batches that were counted are known. Where Kafka gives topics no ids (before
 * 2.8) that is seen only as long as the new topic is the shorter one; its first reports are not counted otherwise.
 */
import { type BatchHeader, TacitError } from '@tacit/contracts'
import type { EventLog, Journal, Reports } from '@tacit/event-log'
import { CONSUMER_GROUP, type Membership, type Report } from './membership.js'
import type { Warehouse } from '@tacit/warehouse'
import type { AppliedBatch } from './records.js'
import type { AggregatorState } from './state.js'

/** Characters of one report, so that it fits a record of the log. */
const MAX_REPORT_CHARS = 512 * 1024
/** Reports that are counted in one transaction. */
const COLLECTED_AT_ONCE = 200
/** Terms that an owner by a former journal, in the middle of its taking over, may still get to. */
const FORMER_TERMS = 1_000

export interface GroupOptions {
  readonly log: EventLog
  readonly reports: Reports
  readonly journal: Journal
  readonly warehouse: Pick<Warehouse, 'latestTerm' | 'takeOver'>
  readonly state: AggregatorState
  readonly alarm: (message: string) => void
}

type Written = Pick<Report, 'batches' | 'corrupt'>

/** A report as it is written, in pieces. */
function* piecesOf({ batches, corrupt }: Report): Generator<Buffer> {
  let texts: string[] = []
  let chars = 0
  let left = corrupt
  const piece = (): Buffer => {
    const text = `{"corrupt":${String(left)},"batches":[${texts.join(',')}]}`
    texts = []
    chars = 0
    left = 0
    return Buffer.from(text)
  }
  for (const batch of batches) {
    const text = JSON.stringify(batch)
    if (chars + text.length > MAX_REPORT_CHARS && texts.length > 0) yield piece()
    texts.push(text)
    chars += text.length
  }
  if (texts.length > 0 || left > 0) yield piece()
}

/** A member of a group. */
export function groupMember(options: GroupOptions): Membership {
  const { alarm, journal, log, reports, state, warehouse } = options
  /** term of the journal in which this process took over the warehouse, too */
  let term = 0
  /** term that it last gave the warehouse */
  let given = 0
  /** What a term of the journal, which is this process's, is in the warehouse: above all that are there. */
  const termThere = async (own: number): Promise<number> => {
    const latest = await warehouse.latestTerm()
    if (latest < state.termsAbove + own || latest === given) return state.termsAbove + own
    await state.putTermsAbove(latest + FORMER_TERMS)
    alarm(
      'the shared state does not know who owned the database before: its topic was made anew, or two deployments use one database. What it held (the ledger, hours on their way, releases not yet done) is not known here any more',
    )
    return state.termsAbove + own
  }
  /** K14: the positions that were counted are of a topic of the same name that is gone. */
  const isAnother = (topic: string | null): boolean =>
    topic !== null && state.countedOf !== null && topic !== state.countedOf
  const isFirst = (): boolean => log.parts(CONSUMER_GROUP).some(({ part }) => part === 0)
  return {
    isAlone: false,
    get isOwner() {
      return isFirst() && journal.isOwner && term === journal.term
    },
    async own() {
      if (!isFirst()) return false
      if (!journal.isOwner) await journal.own()
      if (term === journal.term) return true
      const { term: own } = journal
      given = await termThere(own)
      await warehouse.takeOver(given)
      if (!journal.isOwner || journal.term !== own) throw new TacitError('ERR_LOG_FENCED')
      term = own
      alarm('this aggregator is the owner now: it settles and releases')
      return true
    },
    async report(report) {
      for (const piece of piecesOf(report)) await reports.append(piece)
    },
    async collect() {
      for (;;) {
        const { last, records, topic } = await reports.read(state.counted, COLLECTED_AT_ONCE, 0)
        if (last < state.counted || isAnother(topic)) {
          await state.countAnew(isAnother(topic) ? 0 : last, topic)
          alarm(
            'the topic of the reports is another one now: it is counted from its beginning. What it held and was not counted yet is lost: those rows are in no ledger, and hours of which nothing was counted go with them',
          )
          continue
        }
        if (last === state.counted) return
        const batches: AppliedBatch[] = []
        let corrupt = 0
        for (const { bytes } of records) {
          const written = JSON.parse(bytes.toString('utf8')) as Written
          batches.push(...written.batches)
          corrupt += written.corrupt
        }
        await state.apply(batches, last, corrupt, topic)
      }
    },
    // What is in the log is counted within a second or two of its coming; until then nobody here has all of it.
    uncounted: (): Iterable<BatchHeader> => [],
  }
}
