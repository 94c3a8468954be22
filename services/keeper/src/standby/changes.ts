/** Wakes everybody who waits for something new. */
export class Changes {
  count = 0
  readonly #waiting = new Set<() => void>()

  tell(): void {
    this.count += 1
    for (const wake of this.#waiting) wake()
  }

  /** @param ms at most */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#waiting.add(wake)
    })
  }
}
