/** `npm run stores`, as its users run it: the keeper and ClickHouse end with it, however it ends. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '@tacit/event-log/testing'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { areGone, runScript, untilUp } from '../support/script.js'

const SCRIPT = fileURLToPath(new URL('../../../scripts/stores.mjs', import.meta.url))
/** Nobody asks them here. */
const BROKERS = '127.0.0.1:9092'

t.test(
  'what it started goes when it or npm is killed, and starts again',
  { skip: withoutOpenssl },
  async (t) => {
    const data = mkdtempSync(join(tmpdir(), 'tacit-stores-'))
    t.teardown(() => rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
    const [port = 0] = await freePorts(1)
    const script = [SCRIPT, '--brokers', BROKERS, '--data', data, '--port', String(port)]

    const first = runScript(t, process.execPath, script)
    await untilUp(first)
    t.ok(existsSync(join(data, 'collector-1.env')))
    first.child.kill('SIGKILL')
    t.ok(await areGone([port]), 'the keeper went with the script')

    // Stands in for npm: a parent that starts the script and waits.
    const env = { ...process.env, npm_lifecycle_event: 'stores' }
    const npm = runScript(t, '/bin/sh', ['-c', '"$@" & wait', 'sh', process.execPath, ...script], env)
    await untilUp(npm)
    npm.child.kill('SIGKILL')
    t.ok(await areGone([port]), 'the keeper went with npm')

    const last = runScript(t, process.execPath, script)
    await untilUp(last)
    last.child.kill('SIGTERM')
    t.equal(await last.ended, 0, 'nobody holds its folders any more, and it ends well')
    t.ok(await areGone([port]))
  },
)

t.test('a keeper that does not start says why', { skip: withoutOpenssl }, async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'tacit-stores-'))
  t.teardown(() => rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  const { ended, stderr } = runScript(t, process.execPath, [
    SCRIPT,
    '--brokers',
    BROKERS,
    '--data',
    data,
    '--port',
    '99999',
  ])
  t.equal(await ended, 1)
  t.match(stderr(), /port/)
})
