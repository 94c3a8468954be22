/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once (nothing acknowledged is lost). */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(3)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}

/**
 * What a start comes to, unless it is stopped before: then the process ends at once. Nothing was taken yet that could be lost.
 * @param stopped of {@link stopSignal}
 */
export async function unlessStopped<T>(stopped: Promise<void>, starting: Promise<T>): Promise<T> {
  const ended = await Promise.race([starting.then((value) => ({ value })), stopped.then(() => null)])
  return ended === null ? process.exit(0) : ended.value
}
