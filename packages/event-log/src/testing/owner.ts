/**
 * An owner of the shared state to be killed or stopped: `owner OPTIONS NAME`. Takes over and writes one transaction after
 * another, each two keys that must be seen together. Standard output, a line each: `owns TERM`, `wrote NUMBER` when a write
 * resolved, `refused CODE OWNER` when one was rejected; then it ends.
 */
import { writeSync } from 'node:fs'
import { TacitError } from '@tacit/contracts'
import type { KafkaOptions } from '../kafka/connection.js'
import { openJournal } from '../kafka/journal.js'

const [options = '{}', name = ''] = process.argv.slice(2)
const say = (line: string): void => {
  writeSync(1, `${line}\n`)
}
const journal = await openJournal({
  kafka: JSON.parse(options) as KafkaOptions,
  alarm: (message) => say(`alarm ${message}`),
  apply: () => undefined,
})
await journal.own()
say(`owns ${journal.term}`)
try {
  for (let number = 1; ; number++) {
    const value = JSON.stringify({ name, number })
    await journal.write([
      { key: `${name}/${number}`, value },
      { key: 'left', value },
      { key: 'right', value },
    ])
    say(`wrote ${number}`)
  }
} catch (error) {
  say(`refused ${error instanceof TacitError ? error.code : 'UNKNOWN'} ${journal.isOwner}`)
}
await journal.close()
