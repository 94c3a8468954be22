/** Verbs that only read, on a data directory in which nothing runs: no key dies of being looked at. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ranOk, Workplace, website } from '../support/import.js'
import { logText, sampleLog } from '../support/sample-log.js'
import { rulebookPath, tacit } from '../support/tacit.js'

const work = new Workplace('reading')
t.teardown(() => work.remove())
t.setTimeout(0)

/** Every file of a folder with its bytes and the time at which it was written. */
function filesOf(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => [name, join(folder, name)] as const)
      .filter(([, path]) => statSync(path).isFile())
      .map(([name, path]) => [name, `${String(statSync(path).mtimeMs)} ${readFileSync(path, 'hex')}`]),
  )
}

t.test('statistics, ledger and a measured check change no byte of keys and audit log', async (t) => {
  const data = work.data()
  const log = work.file(logText(sampleLog(Date.UTC(2024, 1, 28))))
  ranOk(await tacit(website(data, log, '--keep-open')))
  const keys = join(data, 'main', 'keys')
  const audit = join(data, 'main', 'audit')
  const root = readdirSync(keys).find((name) => name.endsWith('.root'))
  t.ok(root, 'a root lives')
  // A keeper that is opened now declares this root lost and destroyed.
  rmSync(join(keys, root ?? ''))
  const before = { keys: filesOf(keys), audit: filesOf(audit) }
  for (const verb of [
    ['statistics'],
    ['statistics', 'pages'],
    ['ledger'],
    ['ledger', '--detections'],
    ['rules', 'check', rulebookPath('website')],
  ]) {
    const ran = ranOk(await tacit([...verb, '--data', data, '--json']))
    t.ok(ran.stdout.length > 2, `${verb.join(' ')} answers`)
    t.same({ keys: filesOf(keys), audit: filesOf(audit) }, before, verb.join(' '))
  }
})
