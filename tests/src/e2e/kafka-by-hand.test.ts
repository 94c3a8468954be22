/** `npm run kafka`, as its users run it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brokersSkip, freePorts, isFree } from '@tacit/event-log/testing'
import t, { type Test } from 'tap'
import { areGone, runScript, type Script, untilUp } from '../support/script.js'

const SCRIPT = fileURLToPath(new URL('../../../scripts/kafka.mjs', import.meta.url))

const kafka = (test: Test, args: readonly string[], env = process.env): Script =>
  runScript(test, process.execPath, [SCRIPT, ...args], env)

/** The ports that it says its brokers are at. */
async function ready(script: Script): Promise<number[]> {
  await untilUp(script)
  const list = /^KAFKA_BROKERS=(\S+)$/m.exec(script.stdout())?.[1] ?? ''
  return list.split(',').map((address) => Number(address.split(':')[1]))
}

const skip = await brokersSkip()

t.test('three brokers on the ports asked for go when it is killed with SIGKILL', { skip }, async (test) => {
  const [port = 0] = await freePorts(1)
  const script = kafka(test, ['--nodes', '3', '--port', String(port)])
  const ports = await ready(script)
  test.strictSame(ports, [port, port + 1, port + 2])
  test.match(script.stdout(), /docs\/distributed\.md/)
  test.strictSame(await Promise.all(ports.map(isFree)), [false, false, false], 'they listen')

  const second = kafka(test, ['--port', String(port)])
  test.equal(await second.ended, 2, 'a taken port is wrong use')
  test.match(second.stderr(), /in use: choose another with --port/)

  script.child.kill('SIGKILL')
  test.ok(await areGone(ports))
})

t.test('Ctrl-C ends it well, a named folder is kept and started from again', { skip }, async (test) => {
  const data = mkdtempSync(join(tmpdir(), 'tacit-kafka-by-hand-'))
  test.teardown(() => rmSync(data, { recursive: true, force: true }))
  const first = kafka(test, ['--port', '0', '--data', data])
  const ports = await ready(first)
  test.match(first.stdout(), /^TACIT_KAFKA_REPLICATION=1$/m, 'one broker cannot keep three copies')
  first.child.kill('SIGINT')
  test.equal(await first.ended, 0)
  test.ok(await areGone(ports))

  const other = kafka(test, ['--port', '0', '--nodes', '3', '--data', data])
  test.equal(await other.ended, 1)
  test.match(other.stderr(), /holds the data of 1 node/)

  const again = kafka(test, ['--port', '0', '--data', data])
  await ready(again)
  again.child.kill('SIGTERM')
  test.equal(await again.ended, 0)
})

t.test('brokers go when npm, which started it, is killed', { skip }, async (test) => {
  const env = { ...process.env, npm_lifecycle_event: 'kafka' }
  // Stands in for npm: a parent that starts the script and waits.
  const npm = runScript(
    test,
    '/bin/sh',
    ['-c', '"$@" & wait', 'sh', process.execPath, SCRIPT, '--port', '0'],
    env,
  )
  const ports = await ready(npm)
  npm.child.kill('SIGKILL')
  test.ok(await areGone(ports))
})

t.test('wrong use and missing programs say what to do', async (test) => {
  for (const args of [['--nodes', '2'], ['--port', 'x'], ['--nods', '3'], ['three']]) {
    const wrong = kafka(test, args)
    test.equal(await wrong.ended, 2, args.join(' '))
    test.match(wrong.stderr(), /npm run kafka \[-- OPTIONS\]/)
  }
  const help = kafka(test, ['--help'])
  test.equal(await help.ended, 0)
  test.match(help.stdout(), /--nodes 1\|3/)
  const { JAVA_HOME: _, ...env } = process.env
  const bare = kafka(test, ['--port', '0'], { ...env, PATH: '/nonexistent' })
  test.equal(await bare.ended, 3)
  test.match(bare.stderr(), /Java is missing\. Install Java 17/)
})
