import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { checkProof } from './check-proof.js'
import { keyProof } from './key-proof.js'
import { readLogCopy } from './log-copy.js'
import type { SignedHead } from './signed-head.js'
import { DAY_KEY, writeLife } from './testing/sample-lives.js'
import { bytesOf, headBytes, newSigner } from './testing/sample-log.js'

const signer = newSigner()
const { publicKey } = signer
const { heads, lines } = writeLife(signer, [
  ['created', '2026-08-05T00:00:00Z'],
  ['destroying', '2026-08-08T00:00:00Z'],
  ['destroyed', '2026-08-08T00:00:00Z'],
])
const [head] = heads as [SignedHead]
const reading = readLogCopy({ entries: bytesOf(lines), heads: headBytes(heads), publicKey })
const PROOFS: readonly unknown[] = [
  keyProof(DAY_KEY, reading.inclusionProof(1, 3), reading.inclusionProof(3, 3)),
  reading.inclusionProof(2, 3),
  reading.consistencyProof(3, 3),
]

/** A JSON value with another in the place of one of its parts, chosen by `picks`. */
function changed(value: unknown, picks: readonly number[], other: unknown): unknown {
  const [pick, ...rest] = picks
  if (pick === undefined || typeof value !== 'object' || value === null) return other
  const names = Object.keys(value)
  const name = names[pick % names.length]
  if (name === undefined) return other
  const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...value }
  return Object.assign(copy, { [name]: changed((value as Record<string, unknown>)[name], rest, other) })
}

t.test('whatever stands in a proof, it is judged: only what was handed out holds', async (t) => {
  for (const proof of PROOFS) {
    t.equal(checkProof(proof, [head, head], publicKey).ok, true)
    const other = fc.oneof(fc.jsonValue(), fc.constantFrom(null, [], {}, { key: DAY_KEY }, '', -1))
    const picks = fc.array(fc.nat(9), { maxLength: 4 })
    fc.assert(
      fc.property(picks, other, (places, value) => {
        const forged = changed(proof, places, value)
        return checkProof(forged, [head, head], publicKey).ok === isDeepStrictEqual(forged, proof)
      }),
      { numRuns: 2_000, examples: [[[3, 4, 2], null]] },
    )
  }
})
