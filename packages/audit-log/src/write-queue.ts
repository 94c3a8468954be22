/**
 * Runs writes one after the other, in the order they came. Those that may share a write and stand beside each other in
 * the queue are given to one call; a failure of that call fails all of them, and nobody after them.
 */
import { TacitError } from '@tacit/contracts'

/** Calls that wait at most; a caller that gets further ahead of the disk is refused. */
const MAX_WAITING = 10_000
/** Calls that share a write at most. */
const MAX_SHARED = 1_000

interface Shared<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

type Job<T, R> = Shared<T, R> | (() => Promise<void>)

export class WriteQueue<T, R> {
  readonly #write: (items: readonly T[]) => Promise<readonly (R | Error)[]>
  #jobs: Job<T, R>[] = []
  #isRunning = false

  /** @param write answers each item, in their order, with its result or its own error */
  constructor(write: (items: readonly T[]) => Promise<readonly (R | Error)[]>) {
    this.#write = write
  }

  /** @throws TacitError ERR_AUDIT_WRITE where too much waits */
  share(item: T): Promise<R> {
    return new Promise((resolve, reject) => this.#add({ item, resolve, reject }))
  }

  /** Runs `task` with no write beside it. @throws TacitError ERR_AUDIT_WRITE where too much waits */
  alone<A>(task: () => Promise<A>): Promise<A> {
    return new Promise((resolve, reject) => this.#add(() => task().then(resolve, reject)))
  }

  #add(job: Job<T, R>): void {
    if (this.#jobs.length >= MAX_WAITING) {
      throw new TacitError(
        'ERR_AUDIT_WRITE',
        'Too much waits to be written to the audit log: look at its disk',
      )
    }
    this.#jobs.push(job)
    if (!this.#isRunning) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // Calls of this very turn still share the first write.
    await Promise.resolve()
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      if (typeof job === 'function') {
        this.#jobs.shift()
        await job()
      } else {
        await this.#runShared(this.#takeShared())
      }
    }
    this.#isRunning = false
  }

  #takeShared(): Shared<T, R>[] {
    const taken: Shared<T, R>[] = []
    for (const job of this.#jobs) {
      if (typeof job === 'function' || taken.length === MAX_SHARED) break
      taken.push(job)
    }
    this.#jobs = this.#jobs.slice(taken.length)
    return taken
  }

  async #runShared(jobs: readonly Shared<T, R>[]): Promise<void> {
    try {
      const results = await this.#write(jobs.map(({ item }) => item))
      jobs.forEach(({ resolve, reject }, at) => {
        const result = results[at]
        if (result === undefined || result instanceof Error) reject(result)
        else resolve(result)
      })
    } catch (error) {
      for (const { reject } of jobs) reject(error)
    }
  }
}
