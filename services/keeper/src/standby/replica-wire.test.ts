/** The page that goes from a primary to its standby. */
import { KEY_BYTES } from '@tacit/keyring'
import fc from 'fast-check'
import t from 'tap'
import { decodePage, encodePage, MAX_SECRETS, type Page, PULL } from './replica-wire.js'

const number = fc.nat(2 ** 31)
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
const anyPage: fc.Arbitrary<Page> = fc.record({
  refused: fc.constantFrom(null, 'session' as const, 'diverged' as const),
  complete: fc.boolean(),
  handedOver: fc.boolean(),
  asOf: fc.nat(8.64e15),
  times: fc.record({ latenessMs: number, destroyKeyAfterMs: number, logKeyLifeMs: number }),
  session: bytes(16).map((buffer) => buffer.toString('hex')),
  number,
  entries: fc.string().map((text) => Buffer.from(text)),
  heads: fc.string().map((text) => Buffer.from(text)),
  secrets: fc.array(
    fc.record({
      name: fc.constantFrom(
        'day-2026-08-05.root',
        'month-2026-08.root',
        'hour-2026-08-05T10.key',
        'naming.key',
        `tenant-${'0f'.repeat(16)}.root`,
      ),
      bytes: bytes(KEY_BYTES),
    }),
    { maxLength: 5 },
  ),
})

t.test('a page is read as it was written, and refused where it is cut or goes on', async (t) => {
  let refused = 0
  fc.assert(
    fc.property(anyPage, fc.nat(), (page, cut) => {
      const encoded = encodePage(page)
      t.same(decodePage(encoded), page)
      for (const other of [
        encoded.subarray(0, cut % encoded.length),
        Buffer.concat([encoded, Buffer.of(0)]),
      ]) {
        t.throws(() => decodePage(other), { code: 'ERR_KEEPER_UNAVAILABLE' })
        refused++
      }
    }),
    { numRuns: 200, seed: 20_261_207 },
  )
  t.equal(refused, 400)
})

t.test('a page names no file but those of secrets, and not too many', async (t) => {
  const secret = (name: string) => ({ name, bytes: Buffer.alloc(KEY_BYTES, 1) })
  const page = (secrets: Page['secrets']): Page => ({
    refused: null,
    complete: true,
    handedOver: false,
    asOf: 0,
    times: { latenessMs: 0, destroyKeyAfterMs: 0, logKeyLifeMs: 0 },
    session: '00'.repeat(16),
    number: 1,
    entries: Buffer.alloc(0),
    heads: Buffer.alloc(0),
    secrets,
  })
  for (const name of ['../master.key', 'master.key', 'term', 'wrapped-by', 'day-2026-08-05.root/x', '']) {
    t.throws(() => decodePage(encodePage(page([secret(name)]))), { code: 'ERR_KEEPER_UNAVAILABLE' }, name)
    const begin = { entriesEnd: '', headsEnd: '', have: [name] }
    t.notOk(PULL.safeParse({ session: null, number: 0, entries: 0, heads: 0, begin }).success, name)
  }
  const many = Array.from({ length: MAX_SECRETS + 1 }, () => secret('naming.key'))
  t.throws(() => decodePage(encodePage(page(many))), { code: 'ERR_KEEPER_UNAVAILABLE' })
})
