/** What the running instance answers to a change of the rulebook: read off the register, which both write. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProblemCode } from '@tacit/contracts'
import type { RegisterEntry } from '@tacit/keeper'

/** How long a running instance may take to look and to obey, ms. */
const PATIENCE_MS = 15_000
const WATCH_EVERY_MS = 200

/** `silent`: it said nothing in time */
export type InstanceAnswer =
  | { readonly state: 'applied' | 'verified' | 'silent' }
  | { readonly state: 'refused'; readonly code: ProblemCode }

/** What the register says of a change. Pure. @param seq of the change */
export function answerTo(entries: readonly RegisterEntry[], seq: number): InstanceAnswer {
  if (entries.some((entry) => entry.action === 'applied' && entry.applies === seq))
    return { state: 'applied' }
  const checked = entries.findLast((entry) => entry.action === 'checked' && entry.checks === seq)
  if (checked?.action !== 'checked') return { state: 'silent' }
  return checked.code === null ? { state: 'verified' } : { state: 'refused', code: checked.code }
}

/** Waits for the answer. @param isDue then that it will obey is none yet: it obeys at once */
export async function awaitAnswer(
  register: { entries(): readonly RegisterEntry[] },
  seq: number,
  isDue: boolean,
): Promise<InstanceAnswer> {
  let answer = answerTo(register.entries(), seq)
  for (let waited = 0; waited < PATIENCE_MS; waited += WATCH_EVERY_MS) {
    if (answer.state === 'applied' || answer.state === 'refused') return answer
    if (answer.state === 'verified' && !isDue) return answer
    await sleep(WATCH_EVERY_MS)
    answer = answerTo(register.entries(), seq)
  }
  return answer
}
