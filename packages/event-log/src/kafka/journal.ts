/**
 * The state that the aggregators share: a compacted topic of one partition, written by one owner at a time, followed by
 * all.
 *
 * Invariants
 * - A change counts when Kafka committed its transaction, and then for everybody, in the same order, all of a transaction
 *   at once. What is applied here is the only truth, for the owner too.
 * - Owner is who fenced last. A former owner's transactions are refused from then on, however late it wakes up, and what
 *   it had open is ended before the new owner looks. The new one writes a claim with a higher term, by which a former one
 *   learns of it even if it writes nothing.
 * - A write whose outcome is not known ends the ownership: it may be applied later, until somebody took over anew, which
 *   commits or aborts it for good.
 */
import { randomBytes } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import type { Journal, JournalChange } from '../port.js'
import { ensureTopic, topicName } from './admin.js'
import { type FetchedMessage, answered } from './cluster.js'
import { type KafkaOptions, kafkaClient } from './connection.js'
import { Follower } from './follower.js'
import { Link } from './link.js'
import { orRefusal } from './refusals.js'
import { Transactor } from './transactor.js'

/** How long what Kafka took may take to come back here. */
const APPLIED_MS = 20_000
/** How long a taking over may wait for what former owners wrote. */
const CAUGHT_UP_MS = 60_000
/** of claims; no other key begins so */
const CLAIM_KEY = '~owner'
/** One value; compressed it has to be smaller than the topic's largest message, 4 MiB. */
const MAX_VALUE_LENGTH = 16 * 1024 * 1024

/** The journal on a topic. */
export interface TopicJournal extends Journal {
  /** resolves when what was there at the opening is applied */
  readonly current: Promise<void>
  /** whether nothing is applied any more, because the topic is no longer what it was: the process has to start again */
  readonly hasEnded: boolean
}

export interface JournalOptions {
  readonly kafka: KafkaOptions
  /** never with values */
  readonly alarm: (message: string) => void
  /**
   * Called with each committed transaction in order, from the beginning of the topic at every opening, own writes too.
   * Where it rejects it is called again with the same, so it has to be repeatable.
   */
  readonly apply: (changes: readonly JournalChange[]) => void | Promise<void>
}

interface Claim {
  readonly term: number
  readonly owner: string
}

/**
 * Opens the shared state; rejects where Kafka does not answer, with ERR_LOG_TOPIC for a topic set up otherwise, and with
 * ERR_CONFIG_INVALID for a user that Kafka refuses or a certificate of Kafka's that is not trusted.
 */
export async function openJournal(options: JournalOptions): Promise<TopicJournal> {
  const { kafka } = options
  await orRefusal(() => ensureTopic(kafkaClient(kafka), kafka, 'state'))
  const link = new Link(kafka, topicName(kafka, 'state'))
  try {
    const transactor = new Transactor(link, `${kafka.prefix}.owner`)
    await link.refresh()
    const journal = new CompactedJournal(link, transactor, options)
    await journal.open()
    return journal
  } catch (error) {
    await link.close()
    throw error
  }
}

class CompactedJournal implements TopicJournal {
  readonly #link: Link
  readonly #transactor: Transactor
  readonly #follower: Follower
  readonly #apply: JournalOptions['apply']
  /** this process, as its claims name it */
  readonly #self = randomBytes(8).toString('hex')
  #claim: Claim = { term: 0, owner: '' }
  #term = 0
  #current: Promise<void> = Promise.resolve()
  /** the write under way, and those behind it */
  #writes: Promise<unknown> = Promise.resolve()

  constructor(link: Link, transactor: Transactor, { alarm, apply }: JournalOptions) {
    this.#link = link
    this.#transactor = transactor
    this.#apply = apply
    this.#follower = new Follower({ link, alarm, committed: (messages) => this.#committed(messages) })
  }

  get isOwner(): boolean {
    return this.#transactor.usable && this.#claim.owner === this.#self && this.#claim.term === this.#term
  }

  get term(): number {
    return this.#claim.term
  }

  get hasEnded(): boolean {
    return this.#follower.hasEnded
  }

  get current(): Promise<void> {
    return this.#current
  }

  async open(): Promise<void> {
    try {
      const end = await this.#follower.end()
      this.#current = this.#follower.reached(end)
      // whoever does not wait for it need not hear that it never came
      this.#current.catch(() => undefined)
    } catch (error) {
      await this.#follower.close()
      throw error
    }
  }

  async own(): Promise<void> {
    await this.#inTurn(async () => {
      this.#term = Number.POSITIVE_INFINITY
      await this.#transactor.fence()
      const end = await this.#follower.end().catch((error: unknown) => {
        throw new TacitError('ERR_LOG_READ', undefined, { cause: error })
      })
      await this.#applied(end, CAUGHT_UP_MS, 'ERR_LOG_READ')
      const claim: Claim = { term: this.#claim.term + 1, owner: this.#self }
      this.#term = claim.term
      await this.#transact([{ key: CLAIM_KEY, value: JSON.stringify(claim) }])
      if (!this.isOwner) throw new TacitError('ERR_LOG_FENCED')
    })
  }

  async write(changes: readonly JournalChange[]): Promise<void> {
    for (const { key, value } of changes) {
      if (key === '' || key.startsWith('~')) throw new RangeError('not a key of the shared state')
      if ((value?.length ?? 0) > MAX_VALUE_LENGTH)
        throw new RangeError('a change of the shared state is too large')
    }
    await this.#inTurn(async () => {
      if (!this.isOwner) throw new TacitError('ERR_LOG_FENCED')
      if (changes.length > 0) await this.#transact(changes)
    })
  }

  async close(): Promise<void> {
    this.#transactor.close()
    await this.#follower.close()
    await this.#writes
    await this.#link.close()
  }

  async #transact(changes: readonly JournalChange[]): Promise<void> {
    const last = await this.#transactor.write(changes)
    // past the transaction's control record, which follows its last message
    await this.#applied(last + 2, APPLIED_MS, 'ERR_LOG_WRITE')
  }

  async #applied(offset: number, ms: number, code: 'ERR_LOG_READ' | 'ERR_LOG_WRITE'): Promise<void> {
    try {
      await answered(ms, this.#follower.reached(offset))
    } catch (error) {
      if (error instanceof TacitError) throw error
      // committed, and not known here: the caller must not go on from what is applied
      this.#term = Number.POSITIVE_INFINITY
      throw new TacitError(code, undefined, { cause: error })
    }
  }

  async #committed(messages: readonly FetchedMessage[]): Promise<void> {
    const changes = messages.map(({ key, value }): JournalChange => {
      return { key: key?.toString() ?? '', value: value?.toString() ?? null }
    })
    const rest = changes.filter(({ key }) => key !== CLAIM_KEY)
    if (rest.length > 0) await this.#apply(rest)
    for (const { key, value } of changes) {
      if (key === CLAIM_KEY && value !== null) this.#claim = JSON.parse(value) as Claim
    }
  }

  /** One after the other, whatever became of the one before. */
  async #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#writes.then(action)
    this.#writes = turn.catch(() => undefined)
    await turn
  }
}
