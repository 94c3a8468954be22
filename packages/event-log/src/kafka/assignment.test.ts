import fc from 'fast-check'
import t from 'tap'
import { assign, decodeAssignment, decodeMember, encodeAssignment, encodeMember } from './assignment.js'

const held = fc.record({
  generation: fc.integer({ min: -1, max: 5 }),
  partitions: fc.uniqueArray(fc.nat(20), { maxLength: 8 }),
})
const candidates = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 })
  .chain((ids) => fc.tuple(...ids.map((memberId) => fc.record({ memberId: fc.constant(memberId), held }))))

t.test('every partition is read by one member, and evenly', async (t) => {
  fc.assert(
    fc.property(candidates, fc.nat(20), (members, count) => {
      const assigned = assign(members, count)
      const all = [...assigned.values()].flat().sort((a, b) => a - b)
      const sizes = [...assigned.values()].map(({ length }) => length)
      return (
        assigned.size === members.length &&
        all.length === count &&
        all.every((partition, index) => partition === index) &&
        Math.max(...sizes) - Math.min(...sizes) <= 1
      )
    }),
  )
  t.pass('held in every run')
})

t.test('the order in which members are named does not matter', async (t) => {
  const members = ['c', 'a', 'b'].map((memberId) => ({ memberId, held: { generation: -1, partitions: [] } }))
  t.same([...assign(members, 7)].sort(), [...assign(members.toReversed(), 7)].sort())
})

t.test('a partition stays where it was, as far as evenness allows', async (t) => {
  const stay = { memberId: 'z', held: { generation: 4, partitions: [0, 2, 5] } }
  const other = { memberId: 'b', held: { generation: 4, partitions: [1, 3, 4] } }
  const fresh = { memberId: 'a', held: { generation: -1, partitions: [] } }
  const three = assign([stay, other, fresh], 6)
  t.same(three.get('z'), [0, 2], 'the first of its own stay')
  t.same(three.get('b'), [1, 3])
  t.same(three.get('a'), [4, 5])
  t.same(assign([stay], 6).get('z'), [0, 1, 2, 3, 4, 5])
  const late = { memberId: 'a', held: { generation: 2, partitions: [0, 1, 2, 3, 4, 5] } }
  t.same(assign([late, stay], 6).get('z'), [0, 2, 5], 'who held it last is right about it')
})

t.test('what members say survives the wire, and what cannot be read is nothing', async (t) => {
  const said = { generation: 3, partitions: [1, 4] }
  t.same(decodeMember(encodeMember('tacit.log', said)), said)
  t.same(decodeMember(Buffer.from('nonsense')), { generation: -1, partitions: [] })
  t.same(decodeAssignment('tacit.log', encodeAssignment('tacit.log', [0, 3])), [0, 3])
  t.same(decodeAssignment('tacit.log', Buffer.alloc(0)), [])
})
