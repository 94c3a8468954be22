/**
 * A process to be killed, or to be run under faults: `appender DIR FIRST WRITERS COUNT`. Writers append numbered
 * records from FIRST on, and each acknowledged number is written to standard output, a line each; refused ones as
 * `!CODE`, after a pause. Ends after COUNT numbers.
 */
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import { openLmdbLog } from '../lmdb/log.js'
import { numbered } from './lines.js'

const [dir = '', first = '1', writers = '8', count = 'Infinity'] = process.argv.slice(2)
const log = await openLmdbLog({ dir })
let next = Number(first)
const end = next + Number(count)

async function write(): Promise<void> {
  while (next < end) {
    const number = next++
    const size = 100 + ((number * 7919) % 9000)
    try {
      await log.append(numbered(number, size), 3_600_000)
      writeSync(1, `${number}\n`)
    } catch (error) {
      writeSync(1, `!${error instanceof TacitError ? error.code : 'UNKNOWN'}\n`)
      await delay(50)
    }
  }
}

await Promise.all(Array.from({ length: Number(writers) }, write))
await log.close()
