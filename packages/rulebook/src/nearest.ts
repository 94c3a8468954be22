/** "Did you mean": the nearest right name to a mistyped one. */

/** Longer names are not compared: nobody mistypes 64 characters into another name. */
const MAX_LENGTH = 64

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, before[j - 2]! + 1)
      }
      row.push(best)
    }
    before = above
    above = row
  }
  return above[b.length]!
}

/** The candidate nearest to `name`, if it is near enough to be a typing mistake; ties go to the first. */
export function nearest(name: string, candidates: readonly string[]): string | null {
  if (name.length > MAX_LENGTH) return null
  let best: string | null = null
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of candidates) {
    if (candidate.length > MAX_LENGTH || candidate === name) continue
    const far = editDistance(name, candidate)
    if (far < least) {
      least = far
      best = candidate
    }
  }
  return best
}
