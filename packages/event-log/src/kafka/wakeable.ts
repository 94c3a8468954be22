/** A pause that can be ended early. A call to `wake` while nobody sleeps ends the next pause. */
export class Wakeable {
  #woken = false
  #resolve: (() => void) | null = null

  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms)
        this.#resolve = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#resolve = null
    this.#woken = false
  }

  wake(): void {
    this.#woken = true
    this.#resolve?.()
  }
}
