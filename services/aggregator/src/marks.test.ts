import { HOUR } from '@tacit/contracts'
import t from 'tap'
import { doneUntil, lastHeard, withMark, type WriterMarks } from './marks.js'

const writer = 'aaaaaaaaaaaaaaaa'
const hour = (n: number): number => n * HOUR

/** Marks of boots (letters), their batch numbers, hours and parts, one after the other. */
function after(
  ...marks: readonly { boot?: string; batch: number; hour: number; part: number; of?: number; last?: true }[]
): WriterMarks {
  let known: WriterMarks | undefined
  for (const { batch, boot = 'a', hour: at, last, of = 2, part } of marks) {
    const header = { producer: boot.repeat(16), batch, hour: hour(at) }
    known = withMark(known, header, { writer, parts: of, ...(last ? { last } : {}) }, part)
  }
  return known as WriterMarks
}

t.test('a mark holds when it was read in each part, and not before', async (t) => {
  t.equal(doneUntil(after({ batch: 1, hour: 5, part: 0 })), 0)
  t.equal(doneUntil(after({ batch: 1, hour: 5, part: 0 }, { batch: 1, hour: 5, part: 1 })), hour(5))
  const ahead = after(
    { batch: 1, hour: 5, part: 0 },
    { batch: 1, hour: 5, part: 1 },
    { batch: 9, hour: 6, part: 1 },
  )
  t.equal(doneUntil(ahead), hour(5), 'the part that is behind counts')
  t.equal(lastHeard(ahead), hour(6))
})

t.test('a writer that stopped is done for good, until it marks again', async (t) => {
  const stopped = [
    { batch: 3, hour: 5, part: 0, last: true },
    { batch: 3, hour: 5, part: 1, last: true },
  ] as const
  t.equal(doneUntil(after(...stopped)), Number.POSITIVE_INFINITY)
  const back = [
    { boot: 'b', batch: 0, hour: 7, part: 0 },
    { boot: 'b', batch: 0, hour: 7, part: 1 },
  ]
  t.equal(doneUntil(after(...stopped, ...back)), hour(7))
})

t.test('a mark that is read again changes nothing, whichever boot it was of', async (t) => {
  const known = after(
    { batch: 3, hour: 5, part: 0, last: true },
    { boot: 'b', batch: 0, hour: 5, part: 0 },
    { boot: 'b', batch: 4, hour: 6, part: 0 },
  )
  const again = (boot: string, batch: number, at: number) =>
    withMark(known, { producer: boot.repeat(16), batch, hour: hour(at) }, { writer, parts: 2, last: true }, 0)
  t.equal(again('a', 3, 5), known)
  t.equal(again('b', 0, 5), known)
  t.equal(again('b', 4, 6), known)
})

t.test('parts that were added later are waited for once a mark speaks of them', async (t) => {
  const two = [
    { batch: 1, hour: 5, part: 0 },
    { batch: 1, hour: 5, part: 1 },
  ]
  const three = [0, 1, 2].map((part) => ({ batch: 2, hour: 6, part, of: 3 }))
  t.equal(doneUntil(after(...two, ...three.slice(0, 2))), 0)
  t.equal(doneUntil(after(...two, ...three)), hour(6))
})
