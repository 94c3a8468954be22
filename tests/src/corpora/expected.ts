/** Holds what came of a corpus against what its generator knew. */
import type { Test } from 'tap'
import type { ExpectedCase } from './parts.js'
import type { TryAnswer } from './run.js'

/** The part of an answer that a generator speaks of. */
function told(answer: TryAnswer | undefined): Readonly<Record<string, unknown>> {
  if (answer?.status !== 204) return { status: answer?.status, code: answer?.code }
  return { status: 204, reason: answer.reason ?? null }
}

/** Asserts the outcome of each case, and that a case that is not accepted has no record. */
export function assertExpected(t: Test, cases: readonly ExpectedCase[], answers: readonly TryAnswer[]): void {
  const apart = cases.flatMap(({ expected, name }, at) => {
    const answer = answers[at]
    const wanted = { ...expected }
    const same = JSON.stringify(told(answer)) === JSON.stringify(wanted)
    const sound = expected.reason === null || answer?.records.length === 0
    return same && sound ? [] : [{ name, wanted, got: told(answer) }]
  })
  t.same(apart.slice(0, 5), [], `${String(cases.length)} cases came out as they must`)
  const outcomes = new Map<string, number>()
  for (const { expected } of cases) {
    const outcome = expected.code ?? expected.reason ?? 'accepted'
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  t.comment([...outcomes].map(([outcome, count]) => `${outcome} ${String(count)}`).join(', '))
  t.ok((outcomes.get('accepted') ?? 0) > 0 && outcomes.size > 2, 'there are cases of several outcomes')
}
