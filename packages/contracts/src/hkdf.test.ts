import { spawn } from 'node:child_process'
import { hkdfSync } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { hkdf32 } from './hkdf.js'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const run = (first: number, last: number): Buffer =>
  Buffer.from(Array.from({ length: last - first + 1 }, (_none, i) => first + i))

t.test('the vectors of RFC 5869 hold, as far as one block goes', async (t) => {
  // Appendix A.1, A.2 and A.3: the first 32 bytes of their output.
  for (const [name, ikm, salt, info, okm] of [
    [
      'A.1',
      Buffer.alloc(22, 0x0b),
      run(0x00, 0x0c),
      run(0xf0, 0xf9),
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf',
    ],
    [
      'A.2',
      run(0x00, 0x4f),
      run(0x60, 0xaf),
      run(0xb0, 0xff),
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c',
    ],
    [
      'A.3',
      Buffer.alloc(22, 0x0b),
      Buffer.alloc(0),
      Buffer.alloc(0),
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d',
    ],
  ] as const)
    t.equal(hkdf32([ikm], salt, info).toString('hex'), okm, name)
})

t.test('it is what hkdfSync makes, for any inputs and wherever the secret is cut', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), bytes, bytes, (parts, salt, info) =>
      hkdf32(parts, salt, info).equals(Buffer.from(hkdfSync('sha256', Buffer.concat(parts), salt, info, 32))),
    ),
  )
  t.pass('held in every run')
})

t.test('what it makes is the caller’s alone, and what it was given is as it was', async (t) => {
  const ikm = run(0, 31)
  const key = hkdf32([ikm], hex('00'), hex('01'))
  t.equal(key.length, 32)
  t.equal(key.buffer.byteLength, 32, 'no pool holds a copy')
  t.ok(ikm.equals(run(0, 31)))
})

const SECRETS = 64

/** The i-th secret: computed, so that neither the child's program nor its arguments hold it. */
function secretOf(i: number): Buffer {
  return Buffer.from(Array.from({ length: 32 }, (_none, j) => (i * 37 + j * j * 11 + j * 101 + 17) & 255))
}

/** A process that derives from each secret, zeroes what is its own, says so, and stays until its input ends. */
const CHILD = `
const { hkdfSync } = require('node:crypto')
const [module, how] = process.argv.slice(1)
import(module).then(({ hkdf32 }) => {
  const salt = Buffer.from('salt'), info = Buffer.from('info')
  // Not allocUnsafeSlow: V8 keeps what is at most 64 bytes on its own heap, and moves it, leaving copies.
  const ikm = Buffer.from(new ArrayBuffer(32))
  for (let i = 0; i < ${SECRETS}; i++) {
    for (let j = 0; j < 32; j++) ikm[j] = (i * 37 + j * j * 11 + j * 101 + 17) & 255
    if (how === 'hkdf32') hkdf32([ikm.subarray(0, 16), ikm.subarray(16)], salt, info).fill(0)
    else Buffer.from(hkdfSync('sha256', ikm, salt, info, 32)).fill(0)
    ikm.fill(0)
  }
  process.stdout.write('done')
  process.stdin.resume()
})
`

/** How many of the secrets stand, but for their first bytes, in the writable memory of a process. */
function secretsIn(pid: number): number {
  const needles = Array.from({ length: SECRETS }, (_none, i) => secretOf(i).subarray(8))
  const found = new Set<number>()
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.allocUnsafeSlow(1 << 20)
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)
  for (const [, first = '', last = ''] of maps) {
    const end = Number.parseInt(last, 16)
    // Chunks overlap by a secret, so that none is cut in two.
    for (let at = Number.parseInt(first, 16); at < end; at += chunk.length - 32) {
      let got = 0
      try {
        got = readSync(memory, chunk, 0, Math.min(chunk.length, end - at), at)
      } catch {
        // A region that is reserved and not there.
        continue
      }
      for (const [i, needle] of needles.entries()) if (chunk.subarray(0, got).includes(needle)) found.add(i)
    }
  }
  closeSync(memory)
  return found.size
}

async function leftBy(how: 'hkdf32' | 'hkdfSync'): Promise<number> {
  const module = new URL('hkdf.js', import.meta.url).href
  const child = spawn(process.execPath, ['-e', CHILD, module, how], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    await once(child.stdout, 'data')
    return secretsIn(child.pid ?? 0)
  } finally {
    child.stdin.end()
    await once(child, 'exit')
  }
}

t.test(
  'the secret is nowhere in memory afterwards; hkdfSync leaves it there until its KeyObject is collected',
  { skip: process.platform === 'linux' ? false : 'reads /proc/PID/mem, which only Linux has' },
  async (t) => {
    t.ok((await leftBy('hkdfSync')) > SECRETS / 2, 'positive control: the scan finds what hkdfSync leaves')
    t.equal(await leftBy('hkdf32'), 0)
  },
)
