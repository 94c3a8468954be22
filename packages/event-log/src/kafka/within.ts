/** Bounds: of a wait, and of how often the same words are said. */

/**
 * The outcome of a promise, or a rejection with `late()` after `ms` or when `signal` aborts; the promise itself goes on,
 * unheard.
 */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let end: (() => void) | undefined
  const over = new Promise<never>((_, reject) => {
    end = () => reject(late())
    timer = setTimeout(end, ms)
    if (signal?.aborted) end()
    else signal?.addEventListener('abort', end)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
    if (end) signal?.removeEventListener('abort', end)
  }
}

const REPEAT_MS = 60_000
const MAX_REMEMBERED = 100

/** Says each text at most once a minute. The texts are few and fixed, but for the numbers in them. */
export function seldom(alarm: (message: string) => void): (message: string) => void {
  const said = new Map<string, number>()
  return (message) => {
    const now = performance.now()
    if (now - (said.get(message) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    if (said.size >= MAX_REMEMBERED) said.clear()
    said.set(message, now)
    alarm(message)
  }
}
