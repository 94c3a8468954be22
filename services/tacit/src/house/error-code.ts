import { type ProblemCode, TacitError } from '@tacit/contracts'

/** What may be said of an error: its code, never its message's values. */
export function errorCode(error: unknown): ProblemCode {
  return error instanceof TacitError ? error.code : 'ERR_INTERNAL'
}
