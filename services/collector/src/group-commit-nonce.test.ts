/** No batch key ever meets a nonce twice (NIST SP 800-38D, 8.2.1): over whole lives of producers, failures included. */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { type BatchHeader, HOUR, readBatchHeader, TacitError } from '@tacit/contracts'
import { createLogKeys, type LogKeys } from '@tacit/keyring'
import fc from 'fast-check'
import t from 'tap'
import { GroupCommit } from './group-commit.js'
import { DAY, START, tail } from './testing/group.js'
import { MemoryKeeper, MemoryLog, TestClock } from './testing/memory.js'

/** What happens in a producer's life. `fail` and `recover` are the log's, `deaf` and `hear` the keeper's. */
const ACTIONS = [
  'beacon',
  'burst',
  'turn',
  'hour',
  'fail',
  'recover',
  'deaf',
  'hear',
  'rules',
  'watermark',
] as const
type Action = (typeof ACTIONS)[number]

interface World {
  readonly clock: TestClock
  readonly keeper: MemoryKeeper
  readonly log: MemoryLog
  /** of every batch that was sealed, on disk or not */
  readonly sealed: BatchHeader[]
}

/** Log keys of which a test sees what they sealed. */
function recording({ keeper, sealed }: World): LogKeys {
  const keys = createLogKeys(keeper)
  return {
    async seal(header, rows) {
      const bytes = await keys.seal(header, rows)
      if (bytes !== null) sealed.push(readBatchHeader(bytes))
      return bytes
    },
    open: (bytes) => keys.open(bytes),
    prefetch: (now, producer) => keys.prefetch(now, producer),
    forget: (hour) => keys.forget(hour),
    retire: (now, lifeMs) => keys.retire(now, lifeMs),
    close: () => keys.close(),
  }
}

async function live(world: World, actions: readonly Action[]): Promise<void> {
  const { clock, keeper, log } = world
  const commit = new GroupCommit({ log, logKeys: recording(world), clock, rulebook: 'hash' })
  const outcomes: Promise<unknown>[] = []
  const beacon = (): void => {
    commit.open(clock.now())
    commit.row('day', DAY, tail('x'))
    commit.accepted(START - (START % HOUR))
    outcomes.push(commit.durable())
  }
  const acts: Record<Action, () => void | Promise<void>> = {
    beacon,
    burst: () => {
      for (let at = 0; at < 20; at++) beacon()
    },
    turn: async () => {
      await turn()
    },
    hour: () => {
      clock.time += HOUR
    },
    fail: () => {
      log.failure = new TacitError('ERR_LOG_FULL')
    },
    recover: () => {
      log.failure = null
    },
    deaf: () => {
      keeper.noLogKeys = true
    },
    hear: () => {
      keeper.noLogKeys = false
    },
    rules: () => commit.ruleBy(randomBytes(4).toString('hex')),
    watermark: () => {
      outcomes.push(commit.watermark(clock.now()))
    },
  }
  for (const action of actions) {
    await acts[action]()
    // Whatever is refused is refused: what counts here is what was sealed.
    for (const outcome of outcomes) outcome.catch(() => {})
  }
  await Promise.allSettled(outcomes)
  log.failure = new TacitError('ERR_LOG_CLOSED')
  await commit.drain().catch(() => {})
  log.failure = null
  keeper.noLogKeys = false
}

t.test('over any life of a producer, and over its next one in the same hours', async (t) => {
  let failed = 0
  let sealedInAll = 0
  const life = fc.array(fc.constantFrom(...ACTIONS), { maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(life, life, async (first, second) => {
      const world: World = {
        clock: new TestClock(START),
        keeper: new MemoryKeeper(),
        log: new MemoryLog(),
        sealed: [],
      }
      await live(world, first)
      world.clock.time = START
      await live(world, second)
      const uses = await Promise.all(
        world.sealed.map(async ({ batch, hour, producer }) => {
          const key = (await world.keeper.batchKey(hour, producer)) ?? Buffer.alloc(0)
          return `${key.toString('hex')} ${batch}`
        }),
      )
      failed += world.log.begun - world.log.appended.length
      sealedInAll += uses.length
      return new Set(uses).size === uses.length
    }),
    { numRuns: 200 },
  )
  t.ok(
    failed > 20,
    `${failed} of ${sealedInAll} sealed batches never came on disk, and their numbers came no more`,
  )
})

t.test('the number of a batch that failed before it was sealed is not used again, either', async (t) => {
  const world: World = {
    clock: new TestClock(START),
    keeper: new MemoryKeeper(),
    log: new MemoryLog(),
    sealed: [],
  }
  const { clock, keeper, log } = world
  const commit = new GroupCommit({ log, logKeys: recording(world), clock, rulebook: 'hash' })
  await commit.watermark(clock.now())
  keeper.noLogKeys = true
  clock.time += HOUR
  await t.rejects(commit.watermark(clock.now()), { code: 'ERR_LOG_UNAVAILABLE' })
  keeper.noLogKeys = false
  await commit.watermark(clock.now())
  t.same(
    world.sealed.map(({ batch }) => batch),
    [0, 2],
  )
})
