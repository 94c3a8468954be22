/**
 * A process to be killed: `kafka-appender OPTIONS DIR FIRST` opens the log on Kafka that OPTIONS (JSON) name with a spool in
 * DIR, appends numbered records from FIRST on, one after the other, every tenth of reach `all`, and writes each
 * acknowledged number to standard output, a line each.
 */
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaOptions } from '../kafka/connection.js'
import { openTestLog, thisHour } from './kafka-log.js'
import { numbered } from './lines.js'

const [options = '', dir = '', first = '1'] = process.argv.slice(2)
const { log } = await openTestLog(JSON.parse(options) as KafkaOptions, dir)
for (let number = Number(first); ; number++) {
  try {
    await log.append(numbered(number), thisHour(), number % 10 === 0 ? 'all' : 'one')
    writeSync(1, `${number}\n`)
  } catch {
    await delay(50)
  }
}
