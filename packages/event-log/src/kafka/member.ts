/**
 * One process's membership of a consumer group, request by request (cluster.ts says why kafkajs's own does not do).
 *
 * Invariants
 * - The heart beats on its own clock, whatever the readers of the parts do and however long (facts.md, Kafka).
 * - What was assigned is held until the group rebalances, the coordinator forgets the member, or no heartbeat was
 *   answered for the length of a session: then nobody here reads it any more, before anybody else does.
 * - A commit names the generation it belongs to, so Kafka refuses it once the group has moved on.
 * - A commit that was not answered may be taken much later, over a newer one. So its generation is given up: Kafka refuses
 *   it then, and what it did is read anew with the cursors.
 * - A coordinator that moves or is away costs nothing within a session: it is looked for, and the generation goes on.
 */
import { performance } from 'node:perf_hooks'
import { TacitError } from '@tacit/contracts'
import type { Cursor } from '../port.js'
import {
  assign,
  decodeAssignment,
  decodeMember,
  encodeAssignment,
  encodeMember,
  type Held,
} from './assignment.js'
import { nameOf } from './cluster.js'
import { Coordinator, FENCED } from './coordinator.js'
import type { Link } from './link.js'
import { Wakeable } from './wakeable.js'

/** A member that is not heard of for this long is replaced. */
export const SESSION_MS = 10_000
const HEARTBEAT_MS = 2_000
/** What runs may end within this before the member rejoins; less than a session, in which nothing else is heard. */
const GRACE_MS = 8_000
/** How long the group waits for members to rejoin: their grace, and some. */
const REBALANCE_MS = 15_000
const JOIN_MS = REBALANCE_MS + 5_000
const LEAVE_MS = 2_000
/** Who is in no generation for longer is not on its way from one to the next. */
const OUTSIDE_MS = SESSION_MS + REBALANCE_MS
/** How long a commit is tried. */
const COMMIT_MS = 15_000
const COMMIT_ANSWER_MS = 8_000
const BACK_OFF_MIN_MS = 50
const BACK_OFF_MAX_MS = 2_000
/** How often the leader of the group looks how many partitions there are. */
const WIDTH_MS = 10_000

const PROTOCOL = 'tacit'
/** A request that was not answered may be taken yet. */
const LATE = new Set(['KafkaTimeout', 'KafkaJSRequestTimeoutError'])

export interface MemberOptions {
  /** of the topic that the group reads */
  readonly link: Link
  readonly group: string
  readonly alarm: (message: string) => void
  /** Partitions and the group's cursors of them; from here on they may be read and committed. */
  readonly assigned: (cursors: ReadonlyMap<number, Cursor>, generation: number) => void
  /** The group rebalances: resolves when no step runs. Whether or not it did, `revoked` follows in the end. */
  readonly settle: () => Promise<void>
  /** Nothing may be read or committed any more. */
  readonly revoked: () => void
}

interface Generation {
  readonly id: number
  readonly memberId: string
  readonly leads: boolean
  readonly partitions: readonly number[]
  /** partitions of the topic when they were assigned */
  readonly width: number
}

export class Member {
  readonly #options: MemberOptions
  readonly #running: Promise<void>
  readonly #coordinator: Coordinator
  readonly #pulse = new Wakeable()
  #memberId = ''
  #held: Held = { generation: -1, partitions: [] }
  #generation: Generation | null = null
  /** when the last heartbeat was sent that was answered well, of a monotonic clock */
  #heard = Number.NEGATIVE_INFINITY
  #closing = false
  /** since when this process is in no generation, and whether that was said */
  #outside = { since: performance.now(), said: false }
  #wasIn = false

  constructor(options: MemberOptions) {
    this.#options = options
    this.#coordinator = new Coordinator(options.link, options.group)
    this.#running = this.#run()
  }

  /** Whether the coordinator can still take this process for the reader of what it holds. */
  get alive(): boolean {
    return this.#generation !== null && performance.now() - this.#heard < SESSION_MS
  }

  /** Whether it never was in the group, or has been in no generation for longer than a session and a rebalance last. */
  get isOutside(): boolean {
    if (this.alive) return false
    return !this.#wasIn || performance.now() - this.#outside.since > OUTSIDE_MS
  }

  /**
   * Commits a cursor for a generation.
   * @throws TacitError ERR_LOG_FENCED where the generation is over, ERR_LOG_WRITE where Kafka took it not within 15 s: it
   * may have all the same
   */
  async commit(generation: number, partition: number, { boundary, position }: Cursor): Promise<void> {
    const {
      group: groupId,
      link: { topic },
    } = this.#options
    const until = performance.now() + COMMIT_MS
    for (let wait = BACK_OFF_MIN_MS; ; wait = Math.min(wait * 2, BACK_OFF_MAX_MS)) {
      const current = this.#generation
      if (current === null || current.id !== generation) throw new TacitError('ERR_LOG_FENCED')
      const partitions = [{ partition, offset: String(position), metadata: boundary }]
      try {
        await this.#coordinator.ask(
          (coordinator) =>
            coordinator.offsetCommit({
              groupId,
              memberId: current.memberId,
              groupGenerationId: generation,
              topics: [{ topic, partitions }],
            }),
          COMMIT_ANSWER_MS,
        )
        return
      } catch (error) {
        const name = nameOf(error)
        if (FENCED.has(name) || name === 'REBALANCE_IN_PROGRESS') {
          // the heartbeat finds out too, and rejoins
          this.#pulse.wake()
          throw new TacitError('ERR_LOG_FENCED', undefined, { cause: error })
        }
        if (LATE.has(name)) {
          this.#over()
          this.#pulse.wake()
          throw new TacitError('ERR_LOG_FENCED', undefined, { cause: error })
        }
        if (this.#closing || performance.now() + wait > until) {
          throw new TacitError('ERR_LOG_WRITE', undefined, { cause: error })
        }
        await new Wakeable().sleep(wait)
      }
    }
  }

  /** Leaves the group, so that the others take over at once. */
  async close(): Promise<void> {
    this.#closing = true
    this.#pulse.wake()
    this.#coordinator.interrupt()
    await this.#running
  }

  async #run(): Promise<void> {
    let wait = BACK_OFF_MIN_MS
    while (!this.#closing) {
      try {
        await this.#join()
        wait = BACK_OFF_MIN_MS
        await this.#hold()
        this.#over()
      } catch (error) {
        this.#over()
        if (nameOf(error) === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
        this.#complain(nameOf(error))
        await this.#pulse.sleep(wait)
        wait = Math.min(wait * 2, BACK_OFF_MAX_MS)
      }
    }
    await this.#leave()
  }

  async #join(): Promise<void> {
    const { group: groupId, link } = this.#options
    const { topic } = link
    // A join may wait for long, so one asks first whether the coordinator answers at all.
    await this.#coordinator.ask((coordinator) => coordinator.offsetFetch({ groupId, topics: [] }))
    const joined = await this.#coordinator.ask(
      (coordinator) =>
        coordinator.joinGroup({
          groupId,
          memberId: this.#memberId,
          sessionTimeout: SESSION_MS,
          rebalanceTimeout: REBALANCE_MS,
          groupProtocols: [{ name: PROTOCOL, metadata: encodeMember(topic, this.#held) }],
        }),
      JOIN_MS,
    )
    const { generationId, leaderId, memberId, members } = joined
    this.#memberId = memberId
    const leads = leaderId === memberId
    if (leads) await link.refresh()
    const { width } = link
    const candidates = members.map((member) => ({
      memberId: member.memberId,
      held: decodeMember(member.memberMetadata),
    }))
    const assignment = leads ? [...assign(candidates, width)] : []
    const { memberAssignment } = await this.#coordinator.ask(
      (coordinator) =>
        coordinator.syncGroup({
          groupId,
          generationId,
          memberId,
          groupAssignment: assignment.map(([id, own]) => ({
            memberId: id,
            memberAssignment: encodeAssignment(topic, own),
          })),
        }),
      JOIN_MS,
    )
    const partitions = decodeAssignment(topic, memberAssignment)
    const cursors = await this.#cursorsOf(partitions)
    if (partitions.some((partition) => partition >= width)) await link.refresh()
    // Where this process was stopped meanwhile, it hears so now.
    await this.#heartbeat(memberId, generationId)
    if (this.#closing) return
    this.#held = { generation: generationId, partitions }
    this.#generation = { id: generationId, memberId, leads, partitions, width }
    this.#wasIn = true
    this.#options.assigned(cursors, generationId)
  }

  async #cursorsOf(partitions: readonly number[]): Promise<Map<number, Cursor>> {
    if (partitions.length === 0) return new Map()
    const {
      group: groupId,
      link: { topic },
    } = this.#options
    const { responses } = await this.#coordinator.ask((coordinator) =>
      coordinator.offsetFetch({
        groupId,
        topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
      }),
    )
    const committed = new Map(
      responses.flatMap((response) => response.partitions.map((of) => [of.partition, of] as const)),
    )
    return new Map(
      partitions.map((partition) => {
        const found = committed.get(partition)
        // Kafka answers -1 for what was never committed
        const cursor =
          found === undefined || Number(found.offset) < 0
            ? { position: 0, boundary: null }
            : { position: Number(found.offset), boundary: found.metadata || null }
        return [partition, cursor]
      }),
    )
  }

  /** Beats until the generation is over. */
  async #hold(): Promise<void> {
    let looked = performance.now()
    while (!this.#closing && this.#generation !== null) {
      await this.#pulse.sleep(HEARTBEAT_MS)
      if (this.#closing) return
      const verdict = await this.#beat()
      if (verdict === 'over') return
      const look = this.#generation.leads && performance.now() - looked > WIDTH_MS
      if (look) looked = performance.now()
      if (verdict === 'rebalance' || (look && (await this.#hasChanged(this.#generation)))) {
        await this.#settle()
        return
      }
    }
  }

  async #heartbeat(memberId: string, groupGenerationId: number): Promise<void> {
    const { group: groupId } = this.#options
    const sent = performance.now()
    await this.#coordinator.ask((coordinator) =>
      coordinator.heartbeat({ groupId, memberId, groupGenerationId }),
    )
    this.#heard = sent
  }

  async #beat(): Promise<'well' | 'rebalance' | 'over'> {
    const generation = this.#generation
    if (generation === null) return 'over'
    try {
      await this.#heartbeat(generation.memberId, generation.id)
      return 'well'
    } catch (error) {
      const name = nameOf(error)
      if (name === 'REBALANCE_IN_PROGRESS') return 'rebalance'
      if (name === 'UNKNOWN_MEMBER_ID') this.#memberId = ''
      if (FENCED.has(name)) return 'over'
      if (this.alive) {
        // not answered: the next beat comes soon
        setTimeout(() => this.#pulse.wake(), BACK_OFF_MIN_MS * 5).unref()
        return 'well'
      }
      return 'over'
    }
  }

  /** Lets steps under way end, and says meanwhile that the member lives. */
  async #settle(): Promise<void> {
    const until = performance.now() + GRACE_MS
    let settled = false
    const wait = async (): Promise<void> => {
      await this.#options.settle()
      settled = true
      this.#pulse.wake()
    }
    void wait()
    while (!settled && performance.now() < until) {
      await this.#pulse.sleep(Math.min(HEARTBEAT_MS, until - performance.now()))
      if (!settled && (await this.#beat()) === 'over') break
    }
  }

  async #hasChanged({ width }: Generation): Promise<boolean> {
    try {
      const { link } = this.#options
      await link.refresh()
      return link.width !== width
    } catch {
      return false
    }
  }

  #over(): void {
    if (this.#generation === null) return
    this.#generation = null
    this.#outside = { since: performance.now(), said: false }
    this.#options.revoked()
  }

  async #leave(): Promise<void> {
    if (this.#memberId === '') return
    const member = { groupId: this.#options.group, memberId: this.#memberId }
    const leave = this.#coordinator.ask((coordinator) => coordinator.leaveGroup(member), LEAVE_MS)
    // Where that fails, the session ends by itself.
    await leave.catch(() => undefined)
  }

  /** Said once, where this process is in no generation for longer than a session. */
  #complain(name: string): void {
    const { said, since } = this.#outside
    if (said || this.#closing || performance.now() - since < SESSION_MS) return
    this.#outside.said = true
    this.#options.alarm(`the log is not read here: Kafka takes this process into no group (${name})`)
  }
}
