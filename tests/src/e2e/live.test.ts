/** The people of the last five minutes on the real program: beacons in, one floored number a statistic, and nothing else. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openHouse } from '@tacit/cli'
import t from 'tap'
import { type Instance, startUp } from '../support/crash/instance.js'
import { createSetting } from '../support/crash/setting.js'
import { LIVE_ROWS, type LiveRow, liveRowsOf, sendMoment } from '../support/minutes.js'
import { query } from '../support/server-query.js'
import { TurnedClock } from '../support/turned-clock.js'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const WINDOW = 5 * MINUTE
const HOUR = 60 * MINUTE
const SHIFT = new URL('../support/shifted-clock.js', import.meta.url).href
/** The beginning of a window near now, whose next four are of the same hour. */
const START = Math.floor(Date.now() / HOUR) * HOUR + 20 * MINUTE

t.setTimeout(0)

/** What the table holds when nothing runs. */
async function rowsAtRest(dir: string): Promise<readonly LiveRow[]> {
  const house = await openHouse(dir)
  try {
    return liveRowsOf(await query(house, LIVE_ROWS))
  } finally {
    await house.close()
  }
}

t.test(
  'people of five minutes are told in their window alone, and after a restart from the next whole one on',
  async (t) => {
    const root = t.testdir()
    const dir = join(root, 'data')
    const file = join(root, 'shift')
    const clock = new TurnedClock(file, START - MINUTE)
    const setting = createSetting(join(root, 'setting'), { now: clock.now })
    const env = { ...setting.env, NODE_OPTIONS: `--import=${SHIFT}`, TACIT_TEST_CLOCK_FILE: file }
    let instance: Instance
    let origin = ''
    const start = async (): Promise<void> => {
      instance = startUp({ dir, rulebook: setting.rulebook, env })
      t.teardown(() => instance.kill('SIGKILL'))
      origin = (await instance.ready)?.origin ?? ''
      if (origin === '') throw new Error(`not ready: ${instance.output()}`)
      while (
        (await fetch(`${origin}/readyz`).then(
          ({ status }) => status,
          () => 0,
        )) !== 200
      )
        await sleep(20)
    }
    const stop = async (): Promise<void> => {
      instance.kill('SIGTERM')
      t.equal((await instance.exited).code, 0, 'it ends cleanly', { output: instance.output() })
    }
    /** Until a time has come on the instance's clock, of which only the end passes. */
    const reach = async (time: number): Promise<void> => {
      if (clock.now() < time - 2 * SECOND) clock.turn(time - 2 * SECOND)
      while (clock.now() < time + SECOND) await sleep(20)
    }
    const send = async (name: string, people: readonly number[], devices: number): Promise<void> => {
      const answers = await sendMoment({ setting, origins: [origin], people, devices, name })
      t.same(Object.keys(answers), ['204'])
    }

    await start()
    await send('before', [9, 9, 9, 9, 9], 30)
    await reach(START)
    await send('first', [8, 8, 8, 8, 9], 23)
    await reach(START + WINDOW)
    await send('second', [5, 5, 5, 5, 5], 9)
    await reach(START + 2 * WINDOW)
    await stop()
    const second = (START + WINDOW) / SECOND
    t.same(await rowsAtRest(dir), [
      ['now_pages', second, null],
      ['now_screens', second, 20],
    ])

    // Long after the window began: within seconds its beginning would have been seen.
    clock.turn(START + 2 * WINDOW + MINUTE)
    await start()
    await send('third', [9, 9, 9, 9, 9], 30)
    await reach(START + 3 * WINDOW)
    await send('fourth', [6, 6, 6, 6, 6], 12)
    await stop()
    const third = (START + 2 * WINDOW) / SECOND
    t.same(
      await rowsAtRest(dir),
      [
        ['now_pages', third, null],
        ['now_screens', third, null],
      ],
      'a window whose beginning nobody saw',
    )

    await start()
    await reach(START + 4 * WINDOW)
    await send('fifth', [8, 8, 8, 8, 9], 23)
    await reach(START + 5 * WINDOW)
    await stop()
    const fifth = (START + 4 * WINDOW) / SECOND
    t.same(await rowsAtRest(dir), [
      ['now_pages', fifth, 20],
      ['now_screens', fifth, 40],
    ])
  },
)
