/**
 * Loaded by `--import` into a `tacit` process: its system time is wrong by what a file says, which is read again and
 * again, so that a test can turn the clock of a process that runs. Its monotonic clock is as it was.
 */
import { readFileSync } from 'node:fs'

const FILE = process.env['TACIT_TEST_CLOCK_FILE']
const READ_EVERY_MS = 50

if (FILE !== undefined) {
  const real = Date.now
  let shift = 0
  const read = (): void => {
    const text = readFileSync(FILE, 'utf8')
    const ms = Number(text)
    // Empty in the moment in which it is written.
    if (text !== '' && Number.isSafeInteger(ms)) shift = ms
  }
  read()
  setInterval(read, READ_EVERY_MS).unref()
  Date.now = () => real() + shift
}
