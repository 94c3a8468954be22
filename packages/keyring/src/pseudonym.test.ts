import { createHmac, randomBytes } from 'node:crypto'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { createPseudonymizer } from './pseudonym.js'

const reference = (key: Uint8Array, bytes: number, ...parts: string[]): string =>
  createHmac('sha256', key)
    .update(lengthPrefixed(...parts))
    .digest()
    .subarray(0, bytes)
    .toString('base64url')

const anyKey = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  // Lone surrogates, and texts about as long as the fast way's work block.
  fc.array(fc.integer({ min: 0xd700, max: 0xe000 })).map((units) => String.fromCharCode(...units)),
  fc
    .tuple(fc.constantFrom('a', 'é', 'e\u0301', '\u{1F98A}'), fc.integer({ min: 0, max: 4_200 }))
    .map(([unit, count]) => unit.repeat(count)),
)

t.test('a pseudonym is the first 16 bytes of HMAC-SHA256 over the length-prefixed parts', async (t) => {
  fc.assert(
    fc.property(anyKey, anyText, fc.array(anyText, { maxLength: 4 }), (key, kind, parts) => {
      return createPseudonymizer(key).pseudonym(kind, ...parts) === reference(key, 16, kind, ...parts)
    }),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})

t.test('an event id is the first 8 bytes of HMAC-SHA256 over "eid" and the id', async (t) => {
  fc.assert(
    fc.property(
      anyKey,
      anyText,
      (key, id) => createPseudonymizer(key).eventId(id) === reference(key, 8, 'eid', id),
    ),
    { numRuns: 1_000 },
  )
  t.pass('held in every run')
})

t.test('pseudonyms of different keys do not disturb each other in the shared work blocks', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyKey, anyText), { minLength: 2, maxLength: 5 }), (cases) => {
      const made = cases.map(([key]) => createPseudonymizer(key))
      const interleaved = [...cases.keys(), ...[...cases.keys()].toReversed()]
      return interleaved.every((index) => {
        const [key, id] = cases[index] ?? [new Uint8Array(32), '']
        return made[index]?.pseudonym('uid', id) === reference(key, 16, 'uid', id)
      })
    }),
    { numRuns: 200 },
  )
  t.pass('held in every run')
})

t.test('more kinds than are prepared are still right', async (t) => {
  const key = randomBytes(32)
  const pseudonymizer = createPseudonymizer(key)
  for (let index = 0; index < 40; index += 1) {
    t.equal(pseudonymizer.pseudonym(`kind-${index}`, 'x'), reference(key, 16, `kind-${index}`, 'x'))
  }
})

t.test('composed and decomposed spellings of an id are one person', async (t) => {
  const pseudonymizer = createPseudonymizer(randomBytes(32))
  t.equal(pseudonymizer.pseudonym('uid', 'Ame\u0301lie'), pseudonymizer.pseudonym('uid', 'Amélie'))
  t.not(pseudonymizer.pseudonym('uid', 'ab', 'c'), pseudonymizer.pseudonym('uid', 'a', 'bc'))
})

t.test('a key that is not 32 bytes is refused', async (t) => {
  t.throws(() => createPseudonymizer(randomBytes(31)), new TacitError('ERR_KEY_STORE'))
})

t.test('a destroyed pseudonymizer answers no more, and every buffer it allocated is zeroed', async (t) => {
  const allocated: Buffer[] = []
  const original = Buffer.allocUnsafeSlow
  Buffer.allocUnsafeSlow = (size) => {
    const buffer = original(size)
    allocated.push(buffer)
    return buffer
  }
  t.teardown(() => {
    Buffer.allocUnsafeSlow = original
  })
  const pseudonymizer = createPseudonymizer(randomBytes(32))
  pseudonymizer.pseudonym('uid', '12345')
  pseudonymizer.eventId('8c1f0a52b3d94e77')
  t.equal(allocated.length, 1)
  t.ok(allocated.every((buffer) => buffer.some((byte) => byte !== 0)))
  pseudonymizer.destroy()
  t.ok(allocated.every((buffer) => buffer.every((byte) => byte === 0)))
  t.throws(() => pseudonymizer.pseudonym('uid', '12345'), new TacitError('ERR_KEY_DESTROYED'))
  t.throws(() => pseudonymizer.eventId('8c1f0a52b3d94e77'), new TacitError('ERR_KEY_DESTROYED'))
})

t.test('a pseudonym costs less than one by createHmac', async (t) => {
  const key = randomBytes(32)
  const pseudonymizer = createPseudonymizer(key)
  const ids = Array.from({ length: 500 }, () =>
    randomBytes(24)
      .toString('hex')
      .slice(0, 16 + Math.floor(Math.random() * 25)),
  )
  const ours = (): void => ids.forEach((id) => void pseudonymizer.pseudonym('uid', id))
  const theirs = (): void => ids.forEach((id) => void reference(key, 16, 'uid', id))
  const best = { ours: Number.POSITIVE_INFINITY, theirs: Number.POSITIVE_INFINITY }
  // Interleaved, and the best of many short rounds: the machine is shared.
  for (let round = 0; round < 60; round += 1) {
    best.ours = Math.min(best.ours, microsecondsOf(ours))
    best.theirs = Math.min(best.theirs, microsecondsOf(theirs))
  }
  t.comment(
    `pseudonym ${(best.ours / ids.length).toFixed(2)} µs, createHmac ${(best.theirs / ids.length).toFixed(2)} µs`,
  )
  t.ok(best.ours < best.theirs * 0.8)
})

function microsecondsOf(run: () => void): number {
  const start = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - start) / 1_000
}
