/**
 * Bounds of CPU time are those of the machine of BENCHMARKS.md. On a slower one, or one that others use, what takes longer
 * is measured beside a piece of work whose time there is known.
 */

/** ms of CPU time of {@link countWords} on the machine of BENCHMARKS.md */
export const REFERENCE_MS = 5

/** ms of this process's CPU time that some work takes. */
export function cpuMs(work: () => void): number {
  const start = process.cpuUsage()
  work()
  const { system, user } = process.cpuUsage(start)
  return (system + user) / 1_000
}

const PLAIN_TEXT = 'the quick brown fox 12345 jumps, over-the lazy dog. '.repeat(1_260)

/** The words of 64 KiB are counted ten times, character by character as scanners read. */
export function countWords(): void {
  for (let pass = 0; pass < 10; pass++) {
    const counts = new Map<string, number>()
    let start = 0
    for (let at = 0; at <= PLAIN_TEXT.length; at++) {
      const code = at < PLAIN_TEXT.length ? PLAIN_TEXT.charCodeAt(at) : 0
      if ((code >= 0x30 && code < 0x3a) || (code >= 0x61 && code < 0x7b)) continue
      const found = PLAIN_TEXT.slice(start, at)
      counts.set(found, (counts.get(found) ?? 0) + 1)
      start = at + 1
    }
  }
}

const LOOKS = 10

/** How many times slower than the machine of BENCHMARKS.md this one is now; 1 where it is not. */
export function slowness(): number {
  const best = Math.min(...Array.from({ length: LOOKS }, () => cpuMs(countWords)))
  return Math.max(1, best / REFERENCE_MS)
}
