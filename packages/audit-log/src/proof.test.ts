import t from 'tap'
import { canonicalJson } from './canonical-json.js'
import { type AuditEntry, entryOf, leafHash, MAX_ENTRY_BYTES } from './entry-line.js'
import { checkConsistency, consistencyPath, inclusionPath } from './merkle-proof.js'
import { nodeHash } from './merkle-tree.js'
import {
  consistencyProof,
  type InclusionProof,
  inclusionProof,
  verifyConsistency,
  verifyInclusion,
} from './proof.js'
import { logId, type SignedHead, signHead } from './signed-head.js'
import { eventOf, newSigner, START } from './testing/sample-log.js'

const signer = newSigner()
const log = logId(signer.publicKey)
const head = (size: number, root: Buffer): SignedHead =>
  signHead({ v: 1, log, size, root: root.toString('hex'), time: '2026-08-05T01:00:00Z' }, signer)

const SALT = 'AAECAwQFBgcICQoLDA0ODw'
const entries = [1, 2].map((seq) => entryOf(eventOf(seq), seq, START))
const [one, two] = entries.map((entry) => leafHash(canonicalJson(entry), SALT)) as [Buffer, Buffer]
const small = head(1, one)
const large = head(2, nodeHash(one, two))

t.test('a proof is a document of at most 2 KB at a million entries, whatever the entry', async (t) => {
  const size = 1_000_000
  const noRoot = (): Buffer => Buffer.alloc(32, 0xff)
  const entry = entryOf(eventOf(9), size, START)
  const room = MAX_ENTRY_BYTES - canonicalJson(entry).length
  const largest = { ...entry, actor: 'a'.repeat(entry.actor.length + room) } as AuditEntry
  t.equal(canonicalJson(largest).length, MAX_ENTRY_BYTES)
  let longest = 0
  for (const index of [0, 1, 524_287, 524_288, 777_777, size - 1]) {
    const proof = inclusionProof(
      { seq: size, size, entry: largest, salt: SALT },
      inclusionPath(noRoot, index, size),
    )
    longest = Math.max(longest, JSON.stringify(proof).length)
  }
  t.ok(longest > 1_900 && longest <= 2_048, `${String(longest)} bytes`)
  for (const from of [1, 3, 524_287, 524_288, 777_777, 999_999]) {
    const proof = JSON.stringify(consistencyProof(from, size, consistencyPath(noRoot, from, size)))
    t.ok(proof.length <= 2_048, `${String(proof.length)} bytes`)
  }
})

t.test('a proof of inclusion holds for its entry, its head and the key of both, as JSON', async (t) => {
  const [entry] = entries as [AuditEntry]
  const proof = inclusionProof({ seq: 1, size: 2, entry, salt: SALT }, [two])
  const sent = JSON.parse(JSON.stringify(proof)) as InclusionProof
  t.same(proof.path, [two.toString('base64')])
  t.equal(verifyInclusion(sent, large, signer.publicKey), true)
  t.equal(verifyInclusion(sent, small, signer.publicKey), false, 'a head of another size')
  t.equal(verifyInclusion(sent, large, newSigner().publicKey), false, 'another key')
  t.equal(verifyInclusion(sent, { ...large, time: '2026-08-05T02:00:00Z' }, signer.publicKey), false)
  for (const forged of [
    null,
    'proof',
    { ...sent, v: 2 },
    { ...sent, kind: 'consistency' },
    { ...sent, seq: 2 },
    { ...sent, seq: 0, entry: { ...entry, seq: 0 } },
    { ...sent, seq: 3, entry: { ...entry, seq: 3 } },
    { ...sent, salt: 'BAECAwQFBgcICQoLDA0ODw' },
    { ...sent, entry: { ...entry, actor: 'operator' } },
    { ...sent, entry: { ...entry, actor: '\ud800' } },
    { ...sent, path: [] },
    { ...sent, path: [one.toString('base64')] },
    { ...sent, path: [two.toString('hex')] },
    { ...sent, path: new Array(1_000).fill(two.toString('base64')) },
    { ...sent, note: '' },
  ]) {
    t.equal(verifyInclusion(forged, large, signer.publicKey), false, JSON.stringify(forged).slice(0, 60))
  }
})

t.test('a proof of consistency holds for its two heads and their key', async (t) => {
  const proof: unknown = JSON.parse(JSON.stringify(consistencyProof(1, 2, [two])))
  t.equal(verifyConsistency(proof, small, large, signer.publicKey), true)
  t.equal(verifyConsistency(proof, small, large, newSigner().publicKey), false)
  t.equal(verifyConsistency(proof, large, small, signer.publicKey), false)
  t.equal(verifyConsistency(proof, { ...small, root: two.toString('hex') }, large, signer.publicKey), false)
  t.equal(verifyConsistency(proof, head(1, two), large, signer.publicKey), false, 'a signed fork')
  t.equal(verifyConsistency(proof, small, head(2, nodeHash(two, one)), signer.publicKey), false)
  t.equal(verifyConsistency({}, small, large, signer.publicKey), false)
  t.equal(verifyConsistency(consistencyProof(2, 2, []), large, large, signer.publicKey), true)
  t.equal(checkConsistency(1, 2, [one], one, nodeHash(one, two)), false)
})
