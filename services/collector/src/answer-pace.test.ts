import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createAnswerPace } from './answer-pace.js'

/** Some steps later. */
const later = (): Promise<void> => sleep(50)

t.test('an answer leaves with a step, in the order in which answers became ready', async (t) => {
  const pace = createAnswerPace()
  const left: string[] = []
  pace.begin()
  pace.begin()
  pace.end(() => left.push('second beacon'))
  pace.end(() => left.push('first beacon'))
  t.same(left, [], 'not at once')
  await later()
  t.same(left, ['second beacon', 'first beacon'])
})

t.test('a beacon that takes longer than a step leaves with one that follows', async (t) => {
  const pace = createAnswerPace()
  let left = 0
  pace.begin()
  await later()
  pace.end(() => left++)
  t.equal(left, 0, 'not at once')
  await later()
  t.equal(left, 1)
  pace.begin()
  pace.end(() => left++)
  await later()
  t.equal(left, 2, 'and it goes on')
})

t.test('in a crowd answers leave at once, and afterwards in steps again', async (t) => {
  const pace = createAnswerPace()
  let left = 0
  for (let at = 0; at < 8; at++) pace.begin()
  for (let at = 0; at < 8; at++) pace.end(() => left++)
  t.equal(left, 8)
  await later()
  pace.begin()
  pace.end(() => left++)
  t.equal(left, 8, 'alone again')
  await later()
  t.equal(left, 9)
})

t.test('an answer that waits when a crowd comes still leaves', async (t) => {
  const pace = createAnswerPace()
  let left = 0
  pace.begin()
  pace.end(() => left++)
  for (let at = 0; at < 9; at++) pace.begin()
  pace.end(() => left++)
  await later()
  t.equal(left, 2)
  for (let at = 0; at < 8; at++) pace.end(() => left++)
  t.ok(left >= 2)
  await later()
  t.equal(left, 10)
})
