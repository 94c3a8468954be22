/** Requests to the broker that coordinates a consumer group, wherever that is now. */
import { TacitError } from '@tacit/contracts'
import { answered, type Broker, nameOf } from './cluster.js'
import type { Link } from './link.js'

const REQUEST_MS = 4_000

/** what a member that was replaced is told */
export const FENCED: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
])

export class Coordinator {
  readonly #link: Link
  readonly #group: string
  /** the node, as far as is known */
  #nodeId: Broker['nodeId'] | null = null
  #interrupts = new Set<() => void>()

  constructor(link: Link, group: string) {
    this.#link = link
    this.#group = group
  }

  /** One attempt; after one that failed the coordinator is looked up anew. */
  async ask<T>(request: (coordinator: Broker) => Promise<T>, ms = REQUEST_MS): Promise<T> {
    try {
      const answer = await answered(ms, this.#interruptible(this.#find().then(request)))
      this.#link.went(true)
      return answer
    } catch (error) {
      const name = nameOf(error)
      const spoke = name === 'REBALANCE_IN_PROGRESS' || FENCED.has(name)
      if (!spoke) this.#nodeId = null
      this.#link.went(spoke)
      throw error
    }
  }

  /** Ends the requests under way: joining may take as long as the other members need, closing may not. */
  interrupt(): void {
    for (const interrupt of this.#interrupts) interrupt()
  }

  async #interruptible<T>(answer: Promise<T>): Promise<T> {
    let interrupt: (() => void) | undefined
    const interrupted = new Promise<never>((_, reject) => {
      interrupt = () => {
        reject(new TacitError('ERR_LOG_CLOSED'))
      }
    })
    if (interrupt) this.#interrupts.add(interrupt)
    try {
      return await Promise.race([answer, interrupted])
    } finally {
      if (interrupt) this.#interrupts.delete(interrupt)
    }
  }

  async #find(): Promise<Broker> {
    this.#nodeId ??= (await this.#link.coordinator(this.#group, 0)).nodeId
    return await this.#link.broker(this.#nodeId)
  }
}
