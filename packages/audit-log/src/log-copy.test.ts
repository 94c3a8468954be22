import fc from 'fast-check'
import t from 'tap'
import { readLogCopy } from './log-copy.js'
import { verifyConsistency, verifyInclusion } from './proof.js'
import { logId, type SignedHead, signHead } from './signed-head.js'
import { bytesOf, headBytes, newSigner, writeLog } from './testing/sample-log.js'

const signer = newSigner()
const SIZES = [1, 7, 1_024, 1_500, 2_100]
const log = writeLog(2_100, SIZES, signer)
const { publicKey } = signer
const copy = { entries: bytesOf(log.lines), heads: headBytes(log.heads), publicKey }

t.test('a copy gives its entries from any number on, and its heads', async (t) => {
  const reading = readLogCopy(copy)
  t.same(
    [...reading.entries()].map(({ seq }) => seq),
    Array.from({ length: 2_100 }, (_, at) => at + 1),
  )
  t.same(
    [...reading.entries(2_099)].map(({ seq }) => seq),
    [2_099, 2_100],
  )
  t.same([...reading.entries(2_101)], [])
  t.same(reading.heads(), log.heads)
})

t.test('bytes after the last line feed do not count: somebody is writing them', async (t) => {
  const reading = readLogCopy({
    ...copy,
    entries: copy.entries.subarray(0, copy.entries.length - 9),
    heads: copy.heads.subarray(0, copy.heads.length - 9),
  })
  t.equal([...reading.entries()].length, 2_099)
  t.equal(reading.heads().length, SIZES.length - 1)
  const empty = readLogCopy({ entries: Buffer.from('{"entry"'), heads: Buffer.alloc(0), publicKey })
  t.same([[...empty.entries()], empty.heads()], [[], []])
})

t.test('a head that the key did not sign is none', async (t) => {
  const newest = log.heads.at(-1) as SignedHead
  const other = newSigner()
  const bogus = [
    { ...newest, size: 2_200 },
    signHead(newest, other),
    signHead({ ...newest, log: logId(other.publicKey) }, other),
  ]
  for (const head of bogus) {
    const heads = headBytes([...log.heads, head])
    const reading = readLogCopy({ ...copy, heads })
    t.same([reading.heads(), reading.newestHead()], [log.heads, newest])
    t.equal(reading.soundHead(), reading.newestHead())
    const keyless = readLogCopy({ ...copy, heads, publicKey: null })
    t.same(keyless.newestHead(), head, 'without a key nobody can say')
    t.same(keyless.soundHead(), head.size > newest.size ? newest : head, 'but of a root anybody')
  }
  const headless = readLogCopy({ ...copy, heads: Buffer.alloc(0) })
  t.same([headless.newestHead(), headless.soundHead()], [null, null])
})

t.test('a head is sound where the entries bear it out', async (t) => {
  const cut = readLogCopy({ ...copy, entries: bytesOf(log.lines.slice(0, 1_600)) })
  t.same([cut.newestHead()?.size, cut.soundHead()?.size], [2_100, 1_500])
  const changed = [...log.lines]
  changed[1_200] = log.lines[1_200]?.replace('"actor":"', '"actor":"x') ?? ''
  t.not(changed[1_200], log.lines[1_200])
  const other = readLogCopy({ ...copy, entries: bytesOf(changed) })
  t.same([other.newestHead()?.size, other.soundHead()?.size], [2_100, 1_024])
  const none = readLogCopy({ ...copy, entries: Buffer.from('{"entry"') })
  t.same([none.newestHead()?.size, none.soundHead()], [2_100, null])
})

t.test('proofs from a copy hold against the heads of the log', async (t) => {
  const reading = readLogCopy(copy)
  const headAt = fc.constantFrom(...log.heads)
  fc.assert(
    fc.property(headAt, headAt, fc.nat(), (first, second, at) => {
      const [small, large] = [first, second].sort((a, b) => a.size - b.size) as [SignedHead, SignedHead]
      const seq = (at % large.size) + 1
      const inclusion = reading.inclusionProof(seq, large.size)
      const consistency = reading.consistencyProof(small.size, large.size)
      return (
        inclusion.entry.seq === seq &&
        verifyInclusion(inclusion, large, signer.publicKey) &&
        verifyConsistency(consistency, small, large, signer.publicKey)
      )
    }),
    { numRuns: 40 },
  )
  t.pass('for any two heads and any entry')
})

t.test('what the copy does not have is refused, and so is a line that is no entry', async (t) => {
  const reading = readLogCopy(copy)
  const range = { code: 'ERR_AUDIT_RANGE' }
  for (const [seq, size] of [
    [0, 7],
    [8, 7],
    [1, 2_101],
    [1.5, 7],
  ] as const) {
    t.throws(() => reading.inclusionProof(seq, size), range)
  }
  t.throws(() => reading.consistencyProof(7, 1), range)
  t.throws(() => reading.consistencyProof(0, 7), range)
  const cut = [...log.lines.slice(0, 4), ...log.lines.slice(5)]
  const damaged = readLogCopy({ ...copy, entries: bytesOf(cut) })
  t.throws(() => [...damaged.entries()], { code: 'ERR_AUDIT_DAMAGED', message: /Line 5 / })
  t.throws(() => damaged.inclusionProof(1, 2), { code: 'ERR_AUDIT_DAMAGED' })
})
