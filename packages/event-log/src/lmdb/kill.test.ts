import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { numberOf, readAll } from '../testing/lines.js'
import { openLmdbLog } from './log.js'

const APPENDER = fileURLToPath(new URL('../testing/appender.js', import.meta.url))
const ROUNDS = 20
const SEED = 20_261_105
const SPAN = 1_000_000

/** Numerical Recipes' linear congruential generator: the same kill times on every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Runs the appender until it has acknowledged something and `pause` ms more, kills it, and gives what it printed. */
async function appendAndKill(dir: string, first: number, pause: number): Promise<number[]> {
  const child = spawn(process.execPath, [APPENDER, dir, String(first), '8'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    output += text
  })
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  await delay(pause)
  child.kill('SIGKILL')
  await closed
  // a last line without its end is a number cut short
  return output.split('\n').slice(0, -1).map(Number)
}

t.test(
  'after SIGKILL at a random moment every acknowledged record is there once, and none was invented',
  async (t) => {
    const dir = t.testdir()
    const random = seeded(SEED)
    const acknowledged = new Set<number>()
    for (let round = 0; round < ROUNDS; round++) {
      const first = round * SPAN
      const numbers = await appendAndKill(dir, first, random() * 60)
      if (numbers.length === 0) t.fail(`round ${round} acknowledged nothing, so the kill proved nothing`)
      for (const number of numbers) acknowledged.add(number)
      const log = await openLmdbLog({ dir })
      const { records, corrupt } = readAll(log)
      await log.close()
      const found = records.map(numberOf)
      const unique = new Set(found)
      const missing = [...acknowledged].filter((number) => !unique.has(number))
      t.same(missing, [], `round ${round}: nothing acknowledged is missing`)
      t.equal(unique.size, found.length, 'nothing is there twice')
      t.notOk(found.some(Number.isNaN), 'nothing is there that was not sent')
      t.equal(corrupt, 0)
      t.same(
        records.map(({ position }) => position),
        records.map((_, at) => at + 1),
        'positions rise by one',
      )
    }
  },
)
