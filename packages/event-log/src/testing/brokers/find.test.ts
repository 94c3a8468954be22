import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { dockerAnswers } from './docker.js'
import { brokersSkip } from './find.js'
import { findJava } from './java.js'

function folder(test: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-find-'))
  test.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** An environment with an empty cache and those programs only. */
function machine(test: Test, programs: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const dir = folder(test)
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  }
  return { PATH: dir, XDG_CACHE_HOME: join(dir, 'cache'), DOCKER_HOST: `unix://${join(dir, 'none.sock')}` }
}

const JAVA_17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`
const JAVA_11 = `echo 'openjdk version "11.0.2" 2019-01-15' >&2`

t.test('without Java the reason says what to install', async (test) => {
  const env = machine(test, {})
  test.equal(
    await brokersSkip('control', env),
    'Java is missing. Install Java 17 or newer, or set JAVA_HOME to it.',
  )
  test.match(await brokersSkip('use', env), /Java is missing.*Docker engine.*KAFKA_BROKERS/)
})

t.test('a Java that is too old, or does not run, is named', async (test) => {
  test.match(await brokersSkip('control', machine(test, { java: JAVA_11 })), /Java 11\.0\.2 is too old/)
  test.match(await brokersSkip('control', machine(test, { java: 'exit 1' })), /Java does not run/)
})

t.test('without Maven, or where it cannot fetch, the reason says so', async (test) => {
  test.match(await brokersSkip('control', machine(test, { java: JAVA_17 })), /Maven \(mvn\) is missing/)
  const offline = machine(test, { java: JAVA_17, mvn: 'exit 1' })
  test.match(await brokersSkip('control', offline), /Maven cannot resolve Apache Kafka \d/)
})

t.test('JAVA_HOME goes before PATH', async (test) => {
  const env = machine(test, { java: JAVA_11 })
  const home = folder(test)
  const { PATH: other = '' } = machine(test, { java: JAVA_17 })
  symlinkSync(other, join(home, 'bin'))
  test.equal((await findJava({ ...env, JAVA_HOME: home })).version, '17.0.15')
})

t.test('brokers that are named are used, and are not ours to end', async (test) => {
  const env = { ...machine(test, {}), KAFKA_BROKERS: '127.0.0.1:9092' }
  test.equal(await brokersSkip('use', env), false)
  test.match(await brokersSkip('control', env), /^Java is missing/, 'a test that ends brokers starts its own')
  const withJars = { ...process.env, KAFKA_BROKERS: '127.0.0.1:9092' }
  const { KAFKA_BROKERS: _, ...unnamed } = withJars
  test.equal(await brokersSkip('control', withJars), await brokersSkip('control', unnamed))
})

t.test('a Docker engine counts only where it answers, and soon', async (test) => {
  const env = machine(test, {})
  const socket = join(folder(test), 'engine.sock')
  const DOCKER_HOST = `unix://${socket}`
  test.equal(await dockerAnswers({ DOCKER_HOST }), false, 'no socket')

  const silent = createTcpServer((connection) => connection.on('error', () => undefined).resume())
  silent.listen(socket)
  await once(silent, 'listening')
  const started = performance.now()
  test.equal(await dockerAnswers({ DOCKER_HOST }), false, 'a socket that says nothing')
  test.ok(performance.now() - started < 5_000)
  await new Promise((resolve) => silent.close(resolve))

  const engine = createServer((request, response) => {
    response.statusCode = request.url === '/_ping' ? 200 : 404
    response.end('OK')
  })
  engine.listen(socket)
  await once(engine, 'listening')
  test.equal(await dockerAnswers({ DOCKER_HOST }), true)
  test.equal(await brokersSkip('use', { ...env, DOCKER_HOST }), false)
  test.match(await brokersSkip('control', { ...env, DOCKER_HOST }), /Java is missing/)
  await new Promise((resolve) => engine.close(resolve))
})
