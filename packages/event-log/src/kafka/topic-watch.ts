/**
 * Whether the log's topic is there and right. Kafka may be down when a process starts: then it is asked again and again,
 * and nothing is sent before the answer. It is asked again, too, where sending fails for long.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { TacitError } from '@tacit/contracts'
import type { Kafka } from 'kafkajs'
import { ensureTopic } from './admin.js'
import type { KafkaOptions } from './connection.js'
import { asRefusal, causesOf } from './refusals.js'
import { within } from './within.js'

/** A process waits no longer than this for Kafka before it goes on without it. */
const OPEN_MS = 5_000
const CHECK_MS = 30_000
const MIN_PAUSE_MS = 500
const MAX_PAUSE_MS = 10_000

export class TopicWatch {
  readonly #kafka: Kafka
  readonly #options: KafkaOptions
  readonly #alarm: (message: string) => void
  readonly #changed: () => void
  readonly #closing = new AbortController()
  #checking = false
  #partitions = 0
  #wrong: TacitError | null = null

  /** @param changed called when a check came to an end */
  constructor(kafka: Kafka, options: KafkaOptions, alarm: (message: string) => void, changed: () => void) {
    this.#kafka = kafka
    this.#options = options
    this.#alarm = alarm
    this.#changed = changed
  }

  /** as the last check found them; 0 where there was none yet, or the topic is wrong */
  get partitions(): number {
    return this.#wrong === null ? this.#partitions : 0
  }

  /** what is wrong with the topic; null where nothing is known to be */
  get wrong(): TacitError | null {
    return this.#wrong
  }

  /**
   * The first check, waited for. Where Kafka does not answer, resolves and goes on in the background.
   * Rejects with ERR_LOG_TOPIC or ERR_CONFIG_INVALID where it answers and something is wrong.
   */
  async open(): Promise<void> {
    const first = this.#check()
    const answered = await within(first, OPEN_MS, () => new Error('no answer yet')).catch(() => false)
    if (this.#wrong !== null) throw this.#wrong
    if (!answered) this.again()
  }

  /** Checks in the background until Kafka answers and the topic is right. */
  again(): void {
    if (this.#checking) return
    this.#checking = true
    void this.#untilRight().finally(() => {
      this.#checking = false
    })
  }

  /** The number of partitions was looked up elsewhere. */
  found(partitions: number): void {
    this.#partitions = partitions
  }

  close(): void {
    this.#closing.abort()
  }

  async #untilRight(): Promise<void> {
    const { signal } = this.#closing
    for (let pause = MIN_PAUSE_MS; !signal.aborted; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      if ((await this.#check()) && this.#wrong === null) return
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined)
    }
  }

  /** @returns whether Kafka answered */
  async #check(): Promise<boolean> {
    try {
      const found = ensureTopic(this.#kafka, this.#options, 'log')
      const late = () => new Error('Kafka does not answer')
      this.#partitions = await within(found, CHECK_MS, late, this.#closing.signal)
      this.#wrong = null
    } catch (error) {
      if (this.#closing.signal.aborted) return false
      const refusal = asRefusal(error)
      if (refusal === null) {
        this.#alarm(reasonOf(error))
        return false
      }
      this.#wrong = refusal
      this.#alarm(refusal.message)
    }
    this.#changed()
    return true
  }
}

/** Fixed words: what kafkajs says carries addresses. */
function reasonOf(error: unknown): string {
  for (const at of causesOf(error)) {
    if ('errors' in at && Array.isArray(at.errors) && hasType(at.errors[0], 'INVALID_REPLICATION_FACTOR')) {
      return 'Kafka has fewer brokers than TACIT_KAFKA_REPLICATION now, so its topic cannot be made; it is tried again'
    }
    if ('code' in at && typeof at.code === 'string' && /CERT|SIGNATURE|TLS|SSL|EPROTO/.test(at.code)) {
      return 'Kafka’s certificate is not trusted: see TACIT_KAFKA_CA_FILE; it is tried again'
    }
  }
  return 'Kafka does not answer; it is tried again'
}

function hasType(error: unknown, type: string): boolean {
  return error instanceof Error && 'type' in error && error.type === type
}
