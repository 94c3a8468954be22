import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { readLines, requireFiles, totalBytes } from './lines.js'

const dir = t.testdir()
let files = 0

function file(content: Buffer | string): string {
  const path = join(dir, `file-${String(files++)}`)
  writeFileSync(path, content)
  return path
}

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(path, () => {})) lines.push(line)
  return lines
}

t.test('lines end at a line feed, with or without a carriage return; empty ones are none', async (t) => {
  t.same(await linesOf(file('a\nb\r\n\n\r\n c \r\nd')), ['a', 'b', ' c ', 'd'])
  t.same(await linesOf(file('')), [])
  t.same(await linesOf(file('\n')), [])
  t.same(await linesOf(file('a\n')), ['a'])
})

t.test('gzip is known by its first bytes, whatever the file is called, in several members too', async (t) => {
  t.same(await linesOf(file(gzipSync('a\nb\n'))), ['a', 'b'])
  t.same(await linesOf(file(Buffer.concat([gzipSync('a\nb'), gzipSync('c\nd\n')]))), ['a', 'bc', 'd'])
  t.same(await linesOf(file(Buffer.from([0x1f]))), ['\u001f'])
})

t.test('any text comes out line by line as it went in, plain or compressed, across chunks', async (t) => {
  const line = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 300 })
    .filter((text) => !/[\r\n]/.test(text))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 50 }), fc.boolean(), async (lines, compressed) => {
      const text = lines.join('\n')
      t.same(await linesOf(file(compressed ? gzipSync(text) : text)), lines)
    }),
    { numRuns: 30 },
  )
  const long = Array.from({ length: 9_000 }, (_none, i) => `${String(i)} ग्राहक ${'x'.repeat(i % 97)}`)
  t.same(await linesOf(file(long.join('\r\n'))), long)
})

t.test('bytes that are no UTF-8 stay to be seen, at the very end of a file too', async (t) => {
  t.same(await linesOf(file(Buffer.from([0x61, 0xff, 0x0a, 0x62, 0xe0, 0xa4]))), ['a\uFFFD', 'b\uFFFD'])
})

t.test('a line without an end is bounded', async (t) => {
  const lines = await linesOf(file(`${'x'.repeat(12_000_000)}\nnext\n`))
  t.equal(lines.length, 2)
  t.ok((lines[0] ?? '').length < 5_000_000)
  t.ok((lines[0] ?? '').length > 4_194_304, 'and longer than what any format takes')
  t.equal(lines[1], 'next')
})

t.test('a file that is not there, or is cut, is said by its name', async (t) => {
  const wanted = { code: 'ERR_INPUT_FILE' }
  await t.rejects(requireFiles([join(dir, 'absent')]), wanted)
  await t.rejects(linesOf(join(dir, 'absent')), wanted)
  const whole = gzipSync('line\n'.repeat(10_000))
  const cut = file(whole.subarray(0, whole.length / 2))
  await t.rejects(linesOf(cut), wanted)
  await t.rejects(requireFiles([cut]), wanted, 'before a single line of it is taken')
  await requireFiles([file('a'), '-'])
  t.equal(totalBytes([file('12345'), file('123')]), 8)
  t.equal(totalBytes(['-', file('123')]), 0)
})
