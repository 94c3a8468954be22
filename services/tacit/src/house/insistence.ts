/**
 * Something that must be done and cannot be waited for: it is tried at once, again every ten seconds until it is done,
 * and said when it fails first and once an hour while it lasts.
 */
import { HOUR } from '@tacit/contracts'

const AGAIN_MS = 10_000

/** Says something that goes on when it begins, and once an hour while it lasts. */
export class LastingAlarm {
  readonly #alarm: (message: string) => void
  #saidAt = Number.NEGATIVE_INFINITY

  constructor(alarm: (message: string) => void) {
    this.#alarm = alarm
  }

  raise(message: string): void {
    // By time that passes: the clock may be what is wrong.
    const now = performance.now()
    if (now < this.#saidAt + HOUR) return
    this.#saidAt = now
    this.#alarm(message)
  }

  /** It is over: should it begin again, that is said at once. */
  end(): void {
    this.#saidAt = Number.NEGATIVE_INFINITY
  }
}

export interface InsistenceOptions {
  /** resolves when nothing is left to do; a call at a time */
  readonly task: () => Promise<void>
  readonly alarm: (message: string) => void
  /** what is said while it fails */
  readonly text: string
  /** ms between two attempts; default ten seconds */
  readonly againMs?: number
}

export class Insistence {
  readonly #options: InsistenceOptions
  readonly #alarm: LastingAlarm
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #isWanted = false
  #isStopped = false

  constructor(options: InsistenceOptions) {
    this.#options = options
    this.#alarm = new LastingAlarm(options.alarm)
  }

  /** Begins, or begins anew after the attempt that runs. Never throws. */
  start(): void {
    this.#isWanted = true
    clearTimeout(this.#timer)
    if (this.#isStopped) return
    this.#running ??= this.#attempt().finally(() => {
      this.#running = null
    })
  }

  /** Ends after the attempt that runs. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #attempt(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false
      try {
        await this.#options.task()
        this.#alarm.end()
      } catch {
        this.#alarm.raise(this.#options.text)
        if (this.#isStopped) return
        this.#timer = setTimeout(() => this.start(), this.#options.againMs ?? AGAIN_MS)
        // A process that has nothing else to do may end.
        this.#timer.unref()
        return
      }
    }
  }
}
