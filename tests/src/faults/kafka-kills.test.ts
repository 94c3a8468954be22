/** A slice of `npm run test:faults`: collectors, aggregators and brokers of three die under load, in random order, overlapping. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokersSkip } from '@tacit/event-log/testing'
import t from 'tap'
import { testSeed } from '../support/crash/setting.js'
import { runKills } from '../support/fleet/kills.js'

const KILLS = process.env['TACIT_TEST_FULL'] === '1' ? 100 : 6

// The runner has a limit for the file.
t.setTimeout(0)

t.test(
  'after kills of everything every answered event is there once',
  { skip: await brokersSkip() },
  async (t) => {
    const seed = testSeed()
    t.comment(`TACIT_TEST_SEED=${String(seed)}`)
    const dir = await mkdtemp(join(tmpdir(), 'tacit-kills-'))
    t.teardown(() => rm(dir, { recursive: true, force: true }))
    const result = await runKills({ kind: 'all-kills', kills: KILLS, seed, dir })
    t.same(result.findings, [])
    t.match(result, { kills: KILLS, lost: 0, doubled: 0, invented: 0 })
    t.ok(result.acknowledged > KILLS * 20, 'there was something to lose')
    t.comment(`${String(result.acknowledged)} events acknowledged, answers ${JSON.stringify(result.answers)}`)
  },
)
