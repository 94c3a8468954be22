import fc from 'fast-check'
import t from 'tap'
import { decodeCursor, encodeCursor } from './topic-cursor.js'

const topics = fc.option(fc.stringMatching(/^[0-9a-f]{32}$/))
// boundaries are not empty
const boundaries = fc.option(fc.oneof(fc.string({ minLength: 1 }), fc.json(), fc.constant(' \n ')))

t.test('a cursor is read as it was written', async (t) => {
  fc.assert(
    fc.property(fc.nat(), topics, boundaries, (position, topic, boundary) => {
      const cursor = { position, topic, boundary }
      t.same(decodeCursor(encodeCursor(cursor)), cursor)
    }),
  )
})

t.test('a cursor of an earlier version is of no topic that is known', async (t) => {
  t.same(decodeCursor({ position: 3, boundary: '{"last":5}' }), {
    position: 3,
    topic: null,
    boundary: '{"last":5}',
  })
  t.same(decodeCursor({ position: 3, boundary: null }), { position: 3, topic: null, boundary: null })
})
