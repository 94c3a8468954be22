import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { formsOfSecret } from './leaks/forms.js'
import { createSearch } from './leaks/search.js'
import { createStridedSearch } from './leaks/strided-search.js'
import { scanMemory, WITHOUT_MEMORY_SCAN } from './memory.js'

const SECRET_BYTES = 32

/** Holds a file's bytes at the end of a large buffer, then zeroes them when told. */
const HOLDER = `
const { closeSync, openSync, readSync } = require('node:fs')
const [file, at, size, total] = process.argv.slice(2).map((text, i) => (i === 0 ? text : Number(text)))
const held = Buffer.alloc(total, 0x55)
const descriptor = openSync(file, 'r')
readSync(descriptor, held, at, size, 0)
closeSync(descriptor)
process.on('message', () => {
  held.fill(0)
  process.send('zeroed')
})
process.send('held')`

/** A process that holds `bytes` at an offset of a buffer. */
async function hold(t: Test, bytes: Buffer, at: number, total: number) {
  const dir = t.testdir({ 'holder.cjs': HOLDER })
  writeFileSync(join(dir, 'bytes'), bytes)
  const args = [join(dir, 'bytes'), String(at), String(bytes.length), String(total)]
  const child = fork(join(dir, 'holder.cjs'), args)
  t.teardown(() => child.kill('SIGKILL'))
  await once(child, 'message')
  return {
    pid: child.pid ?? 0,
    async zero(): Promise<void> {
      child.send('zero')
      await once(child, 'message')
    },
  }
}

t.test(
  'a secret in a buffer of a process is found, and once zeroed it is not',
  { skip: WITHOUT_MEMORY_SCAN },
  async (t) => {
    const secret = randomBytes(SECRET_BYTES)
    const needles = formsOfSecret('a root', secret)
    const holder = await hold(t, secret, 12_345, 100_000)
    const before = scanMemory(holder.pid, needles)
    t.match(before.hits, [{ needle: 'a root', form: 'raw', copies: 2 }], 'both halves, once')
    await holder.zero()
    const after = scanMemory(holder.pid, needles)
    t.same(after.hits, [])
    t.same(after.unread, [])
  },
)

t.test('every form is found in memory', { skip: WITHOUT_MEMORY_SCAN }, async (t) => {
  const needles = formsOfSecret('a root', randomBytes(SECRET_BYTES))
  const forms = [...new Set(needles.map(({ form }) => form))]
  const holder = await hold(t, Buffer.concat(needles.map(({ bytes }) => bytes)), 0, 100_000)
  const { hits } = scanMemory(holder.pid, needles)
  t.same([...new Set(hits.map(({ form }) => form))].sort(), forms.sort())
})

t.test(
  'a secret is found at every place of what is read at once',
  { skip: WITHOUT_MEMORY_SCAN },
  async (t) => {
    const total = 40_000_000
    const copies = 3_000
    const secret = randomBytes(SECRET_BYTES)
    const [first] = formsOfSecret('a root', secret)
    if (first === undefined) throw new Error('no needle')
    // A step that is odd puts copies at all offsets from a page, across the chunks' ends too.
    const step = Math.floor(total / copies) | 1
    const bytes = Buffer.alloc((copies - 1) * step + SECRET_BYTES, 0x55)
    for (let i = 0; i < copies; i++) secret.copy(bytes, i * step)
    const holder = await hold(t, bytes, 0, total)
    const { hits } = scanMemory(holder.pid, [first])
    t.equal(
      hits.reduce((sum, hit) => sum + hit.copies, 0),
      copies,
    )
  },
)

t.test('the speed of a scan is enough for processes of 2 GB', { skip: WITHOUT_MEMORY_SCAN }, async (t) => {
  const holder = await hold(t, randomBytes(1_000_000), 0, 200_000_000)
  const started = performance.now()
  const { bytes } = scanMemory(holder.pid, formsOfSecret('a root', randomBytes(SECRET_BYTES)))
  const perSecond = bytes / ((performance.now() - started) / 1_000)
  t.comment(`${(perSecond / 1e6).toFixed(0)} MB/s, ${(bytes / 1e6).toFixed(0)} MB`)
  t.ok(bytes > 200_000_000)
  t.ok(perSecond > 2e9 / 60, 'a minute for 2 GB at the very most')
})

t.test(
  'all forms of a secret are found wherever it lies, also where its beginning is overwritten',
  async (t) => {
    const secret = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => new Set(bytes).size > 16)
    const around = fc.uint8Array({ maxLength: 20 })
    fc.assert(
      fc.property(secret, around, around, fc.nat({ max: 16 }), (key, before, after, lost) => {
        const search = createSearch(formsOfSecret('it', Buffer.from(key)))
        const found = (content: Buffer) => search(content).length > 0
        const damaged = Buffer.from(key).fill(0, 0, lost)
        const whole = Buffer.concat([before, key, after])
        return (
          found(Buffer.concat([before, damaged, after])) &&
          found(Buffer.from(whole.toString('hex'))) &&
          found(Buffer.from(whole.toString('base64'))) &&
          found(Buffer.from(whole.toString('base64url'))) &&
          found(Buffer.from(whole.toString('base64'), 'utf16le')) &&
          found(Buffer.from(JSON.stringify(whole)))
        )
      }),
    )
    t.pass('held in every run')
  },
)

t.test('the search in strides finds what the search of every byte finds', async (t) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 15, maxLength: 24 })
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 2_000 })
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { minLength: 1, maxLength: 20 }),
      text,
      fc.nat(),
      (words, around, at) => {
        const needles = words.map((one) => ({ what: one, form: 'raw', bytes: Buffer.from(one) }))
        const place = at % (around.length + 1)
        const bytes = Buffer.from(around.slice(0, place) + (words[0] ?? '') + around.slice(place))
        const names = (found: readonly { readonly what: string }[]) => found.map(({ what }) => what).sort()
        const strided = names(createStridedSearch(needles)(bytes))
        return strided.length > 0 && strided.join() === names(createSearch(needles)(bytes)).join()
      },
    ),
  )
  t.pass('held in every run')
})

t.test('what is too short to be looked for is refused', async (t) => {
  t.throws(() => formsOfSecret('it', Buffer.alloc(15)), RangeError)
})
