/** A group commit over a log and a keeper in memory, at a fixed time. */
import { createLogKeys } from '@tacit/keyring'
import { GroupCommit } from '../group-commit.js'
import { MemoryKeeper, MemoryLog, openAll, TestClock } from './memory.js'

export const START = Date.parse('2026-11-18T10:20:30Z')
export const TEN = Date.parse('2026-11-18T10:00:00Z')
export const DAY = 'day:2026-11-18'
export const tail = (name: number | string): string => `${JSON.stringify(String(name))}]`

export function setUp() {
  const clock = new TestClock(START)
  const log = new MemoryLog()
  const keeper = new MemoryKeeper()
  const commit = new GroupCommit({ log, logKeys: createLogKeys(keeper), clock, rulebook: 'hash' })
  const durable = (): Promise<void> =>
    new Promise((resolve, reject) => {
      commit.whenDurable((error) => (error === null ? resolve() : reject(error)))
    })
  /** One beacon of one accepted event. */
  const beacon = (name: number | string, now = clock.now()): Promise<void> => {
    commit.open(now)
    commit.row('day', DAY, tail(name))
    commit.accepted(TEN)
    return durable()
  }
  return { clock, log, keeper, commit, durable, beacon, opened: () => openAll(log, keeper) }
}
