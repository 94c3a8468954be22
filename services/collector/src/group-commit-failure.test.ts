import { setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import t from 'tap'
import { setUp } from './testing/group.js'

const nameOf = (row: readonly unknown[]) => row[3]
const namesOf = (rows: readonly (readonly unknown[])[]) => rows.map(nameOf)

t.test(
  'what gathers is bounded: beyond it nothing durable is promised, and it goes on when the disk does',
  async (t) => {
    const { beacon, log } = setUp()
    const large = 'x'.repeat(1_000_000)
    for (let round = 0; round < 2; round++) {
      log.hold()
      const waiting: Promise<void>[] = []
      let refused: unknown = null
      for (let at = 0; at < 100 && refused === null; at++) {
        try {
          waiting.push(beacon(large))
        } catch (error) {
          refused = error
        }
      }
      t.match(refused, { code: 'ERR_LOG_UNAVAILABLE', status: 503 })
      t.ok(waiting.length >= 60, `what the bound allows is taken: ${waiting.length}`)
      log.release()
      await Promise.all(waiting)
      await beacon('small')
    }
  },
)

t.test(
  'a failed append fails all its beacons, readiness says so, and comes back without a request',
  async (t) => {
    const { beacon, commit, log, opened } = setUp()
    await beacon('before')
    t.ok(commit.ready())
    log.failure = new TacitError('ERR_LOG_FULL')
    const outcomes = await Promise.allSettled([beacon('x'), beacon('y'), beacon('z')])
    for (const outcome of outcomes)
      t.match(outcome, { status: 'rejected', reason: { code: 'ERR_LOG_FULL', status: 503 } })
    const failedSince = performance.now()
    const begunThen = log.begun
    while (log.begun < begunThen + 2) {
      t.notOk(commit.ready(), 'not ready as long as it fails')
      await delay(50)
    }
    const waited = performance.now() - failedSince
    t.ok(waited >= 250, `it tries again by itself, and not in a hurry: twice in ${waited} ms`)
    log.failure = null
    for (let at = 0; at < 100 && !commit.ready(); at++) await delay(10)
    t.ok(commit.ready())
    await beacon('after')
    const { accepted, headers, received, rows } = await opened()
    t.strictSame(namesOf(rows), ['before', 'after'])
    t.strictSame([received, accepted], [2, 2], 'what was refused is not counted')
    const numbers = headers.map(({ batch }) => batch)
    t.equal(new Set(numbers).size, numbers.length)
    t.ok((numbers.at(-1) ?? 0) >= 3, 'the number of a refused batch is not used again')
  },
)
t.test('an error that is none of ours becomes one of ours, and says nothing of it', async (t) => {
  const { beacon, log } = setUp()
  log.failure = new Error('secret')
  await t.rejects(beacon('x'), { code: 'ERR_LOG_UNAVAILABLE', status: 503, message: /^((?!secret).)*$/ })
})
t.test('without a key of the hour nothing is promised', async (t) => {
  for (const lack of ['failing', 'noLogKeys'] as const) {
    const { beacon, commit, keeper, log } = setUp()
    keeper[lack] = true
    await t.rejects(beacon('x'), TacitError)
    t.notOk(commit.ready())
    t.equal(log.begun, 0)
    keeper[lack] = false
    for (let at = 0; at < 100 && !commit.ready(); at++) await delay(10)
    await beacon('y')
  }
})
t.test('a closed log is not tried again', async (t) => {
  const { beacon, log } = setUp()
  log.failure = new TacitError('ERR_LOG_CLOSED')
  await t.rejects(beacon('x'), { code: 'ERR_LOG_CLOSED' })
  await delay(400)
  t.equal(log.begun, 1)
})
t.test('a watermark that cannot be written is refused', async (t) => {
  const { clock, commit, log } = setUp()
  log.failure = new TacitError('ERR_LOG_FULL')
  await t.rejects(commit.watermark(clock.now()), { code: 'ERR_LOG_FULL' })
})
