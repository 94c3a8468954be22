import fc from 'fast-check'
import t from 'tap'
import { forEachLine } from './lines.js'

const MAX = 12

function linesOf(chunks: readonly Buffer[]): { lines: string[]; isUnfinished: boolean } {
  const lines: string[] = []
  const isUnfinished = forEachLine(chunks, MAX, (bytes, start, end) =>
    lines.push(bytes.toString('latin1', start, end)),
  )
  return { lines, isUnfinished }
}

t.test('the lines are the same whatever the chunks, and what is too long is an empty one', async (t) => {
  const anyText = fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'cccccc'), maxLength: 60 })
  fc.assert(
    fc.property(anyText, fc.array(fc.nat(200), { maxLength: 6 }), (text, cuts) => {
      const bytes = Buffer.from(text, 'latin1')
      const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b)
      const chunks = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end))
      const parts = text.split('\n')
      const rest = parts.pop()
      const wanted = parts.map((line) => (line.length > MAX ? '' : line))
      const { lines, isUnfinished } = linesOf(chunks)
      return (
        lines.join('|') === wanted.join('|') &&
        lines.length === wanted.length &&
        isUnfinished === (rest !== '')
      )
    }),
    { seed: 1, numRuns: 2_000 },
  )
  t.pass('2,000 files')
})

t.test('a file without any line feed is not kept in memory', async (t) => {
  const chunk = Buffer.alloc(1_048_576, 0x61)
  function* endless(): Generator<Buffer> {
    for (let at = 0; at < 256; at += 1) yield chunk
  }
  const before = process.memoryUsage().arrayBuffers
  const isUnfinished = forEachLine(endless(), MAX, () => t.fail('a line'))
  t.equal(isUnfinished, true)
  t.ok(process.memoryUsage().arrayBuffers - before < 64 * chunk.length, 'of 256 MiB')
})
