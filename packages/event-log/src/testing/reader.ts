/**
 * A member of a consumer group to be killed or stopped: `reader OPTIONS TOPIC GROUP INSERT_MS`. Steps through its parts as
 * the aggregator does, an insert taking INSERT_MS, and writes what happened to standard output, a line each:
 * `holds 0,2` when what it reads changes, `began PART FIRST LAST` when a boundary was committed, `done PART FIRST LAST`
 * when the step was, `refused PART CODE` when a commit was rejected.
 */
import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { KafkaOptions } from '../kafka/connection.js'
import { createConsumer } from '../kafka/consumer.js'
import type { LogPart } from '../port.js'

const [options = '{}', topic = '', group = '', insertMs = '0'] = process.argv.slice(2)
const consumer = createConsumer(JSON.parse(options) as KafkaOptions, {
  topic,
  group,
  alarm: (message) => say(`alarm ${message}`),
})
let held = ''

function say(line: string): void {
  writeSync(1, `${line}\n`)
}

async function step(part: LogPart): Promise<boolean> {
  const { boundary, position } = part.cursor()
  const until = boundary === null ? null : Number(boundary)
  const { last } = part.read(position, until === null ? 50 : until - position, 1024 * 1024)
  if (last === position || (until !== null && last < until)) return false
  try {
    if (boundary === null) await part.commit({ position, boundary: String(last) })
    say(`began ${part.part} ${position + 1} ${last}`)
    await delay(Number(insertMs))
    await part.commit({ position: last, boundary: null })
    say(`done ${part.part} ${position + 1} ${last}`)
    return true
  } catch (error) {
    say(`refused ${part.part} ${error instanceof TacitError ? error.code : 'UNKNOWN'}`)
    return false
  }
}

for (;;) {
  const parts = consumer.parts()
  const holds = parts.map(({ part }) => part).join(',')
  if (holds !== held) say(`holds ${holds}`)
  held = holds
  const stepped = await Promise.all(parts.map(step))
  if (!stepped.includes(true)) await delay(20)
}
