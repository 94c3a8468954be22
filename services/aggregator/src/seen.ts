/** Which batches of a producer were counted, as runs of their numbers: a log that is written anew holds some twice. Pure. */

/** First and last number of each run, in order; runs neither overlap nor touch. */
export type Runs = readonly (readonly [number, number])[]

/** The runs with a number more; null where it is in them. Numbers that rise cost nothing, whatever came before. */
export function withNumber(runs: Runs, number: number): Runs | null {
  let at = runs.length
  while (at > 0 && (runs[at - 1] as readonly [number, number])[0] > number) at--
  const before = runs[at - 1]
  const after = runs[at]
  if (before !== undefined && number <= before[1]) return null
  const joinsBefore = before !== undefined && before[1] === number - 1
  const joinsAfter = after !== undefined && after[0] === number + 1
  const from = joinsBefore ? before[0] : number
  const to = joinsAfter ? after[1] : number
  return [...runs.slice(0, joinsBefore ? at - 1 : at), [from, to], ...runs.slice(joinsAfter ? at + 1 : at)]
}

/** Numbers as runs, in any order, each once. */
export function runsOf(numbers: Iterable<number>): Runs {
  let runs: Runs = []
  for (const number of [...numbers].sort((a, b) => a - b)) runs = withNumber(runs, number) ?? runs
  return runs
}
