/**
 * `npm run stores`: what collectors, aggregators and a dashboard of a distributed deployment need beside brokers, for
 * trying things by hand: a ClickHouse server, a keeper, and certificates of an authority of its own. It writes one file of
 * settings for each process. Both servers end with it, however it ends.
 *
 * Exit code 0 after Ctrl-C or SIGTERM, 1 when a server failed, 2 for wrong use, 3 when this machine lacks something.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { spawnGuarded } from '../packages/event-log/dist/testing/index.js'
import { createTestCa, withoutOpenssl } from '../services/keeper/dist/testing/index.js'
import { startEmbeddedServer } from '../packages/warehouse/dist/index.js'
import { endWithNpm } from './lib/end-with-npm.mjs'

const HELP = `npm run stores -- --brokers HOST:PORT,… [OPTIONS]

Starts a ClickHouse server and a keeper on loopback, and writes the settings of two collectors, two aggregators and a
dashboard, each with a certificate of its own, for trying a distributed deployment on this machine.

  --brokers LIST   what \`npm run kafka\` printed as KAFKA_BROKERS
  --rulebook FILE  the rulebook of all of them (rulebooks/website/rulebook.yaml)
  --data DIR       where data, certificates and settings go (.tacit-distributed)
  --port PORT      of the keeper (8443)
  --help           this text

  $ npm run stores -- --brokers 127.0.0.1:9092
`

const TACIT = fileURLToPath(new URL('../services/tacit/bin/tacit.mjs', import.meta.url))
const WEBSITE = fileURLToPath(new URL('../rulebooks/website/rulebook.yaml', import.meta.url))
const KEEPER_NAMES = ['IP:127.0.0.1', 'DNS:localhost', 'URI:tacit://keeper/one']
const LOOK_EVERY_MS = 50
const PROCESSES = /** @type {const} */ ([
  ['collector-1', 'collector', '--port 8080'],
  ['collector-2', 'collector', '--port 8090'],
  ['aggregator-1', 'aggregator', '--health-port 8082'],
  ['aggregator-2', 'aggregator', '--health-port 8092'],
  // A dashboard reads what operators may.
  ['dashboard-1', 'operator', '--port 8081'],
])

/** Wrong use: the message says what is right. */
class Usage extends Error {}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      brokers: { type: 'string' },
      rulebook: { type: 'string', default: WEBSITE },
      data: { type: 'string', default: '.tacit-distributed' },
      port: { type: 'string', default: '8443' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const brokers = values.brokers ?? process.env['KAFKA_BROKERS']
  if (brokers === undefined || !/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/.test(brokers))
    throw new Usage('--brokers names the brokers, HOST:PORT,…: npm run kafka prints them.')
  if (!/^\d{1,5}$/.test(values.port)) throw new Usage('--port is a number.')
  if (!existsSync(values.rulebook)) throw new Usage(`There is no file ${values.rulebook}.`)
  return {
    brokers,
    rulebook: resolve(values.rulebook),
    data: resolve(values.data),
    given: values.data,
    port: values.port,
  }
}

/** @param {{ cert: string, key: string }} pair @param {string} ca */
const tlsSettings = ({ cert, key }, ca) => ({
  TACIT_TLS_CERT_FILE: cert,
  TACIT_TLS_KEY_FILE: key,
  TACIT_TLS_CA_FILE: ca,
})

/** @param {string} file @param {Readonly<Record<string, string>>} settings */
function writeSettings(file, settings) {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, lines.join(''), { mode: 0o600 })
}

/**
 * Starts a keeper. What it prints before it is up is told where it does not come up; from then on all of it.
 * @param {readonly string[]} args of `tacit keeper`
 * @param {Readonly<Record<string, string>>} settings
 * @returns null where it ended before it was up
 */
async function startKeeper(args, settings) {
  let said = ''
  let isUp = false
  const keeper = spawnGuarded(process.execPath, [TACIT, 'keeper', ...args, '--json'], {
    cwd: process.cwd(),
    env: { ...process.env, ...settings },
    said(text) {
      if (isUp) process.stderr.write(text)
      else said += text
    },
  })
  // The line of JSON that it prints when it is up.
  while (keeper.isAlive && !/^\{.*\}$/m.test(said)) await Promise.race([keeper.gone, sleep(LOOK_EVERY_MS)])
  isUp = keeper.isAlive
  if (isUp) return keeper
  process.stderr.write(said)
  return null
}

/** @param {NonNullable<ReturnType<typeof parseOptions>>} options */
async function run(options) {
  const { brokers, data, given, port, rulebook } = options
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const ca = createTestCa(join(data, 'tls'))
  const server = await startEmbeddedServer({ dir: join(data, 'clickhouse') })
  const password = join(data, 'clickhouse.password')
  writeFileSync(password, server.address.password, { mode: 0o600 })
  const keeperTls = ca.issue('keeper', { names: KEEPER_NAMES, usage: 'serverAuth' })
  const keeper = await startKeeper(
    ['--data', join(data, 'keeper'), '--rulebook', rulebook, '--port', port],
    tlsSettings(keeperTls, ca.certificate),
  )
  if (keeper === null) {
    await server.stop()
    return 1
  }
  const commands = PROCESSES.map(([name, role, flags]) => {
    const file = join(data, `${name}.env`)
    writeSettings(file, {
      KAFKA_BROKERS: brokers,
      TACIT_KAFKA_REPLICATION: brokers.split(',').length >= 3 ? '3' : '1',
      CLICKHOUSE_URL: server.address.url,
      CLICKHOUSE_USERNAME: server.address.username,
      TACIT_CLICKHOUSE_PASSWORD_FILE: password,
      TACIT_KEEPER_URL: `https://127.0.0.1:${port}`,
      ...tlsSettings(
        ca.issue(name, { names: [`URI:tacit://${role}/${name}`], usage: 'clientAuth' }),
        ca.certificate,
      ),
    })
    const verb = name.slice(0, name.indexOf('-'))
    return `  env $(cat ${given}/${name}.env) npx tacit ${verb} --data ${given}/${name} --rulebook ${rulebook === WEBSITE ? 'rulebooks/website/rulebook.yaml' : rulebook} ${flags}`
  })
  process.stdout.write(
    `\nClickHouse and the keeper run. Each of these in a terminal of its own:\n\n${commands.join('\n')}\n\nThen go on with docs/distributed.md. Ctrl-C ends both.\n`,
  )
  const stopped = new Promise((resolveStopped) => {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
      process.once(signal, () => resolveStopped(0))
  })
  const code = await Promise.race([stopped, keeper.gone.then(() => 1), server.exited.then(() => 1)])
  keeper.signal('SIGTERM')
  await keeper.gone
  await server.stop()
  return code
}

endWithNpm('stores')

try {
  const options = parseOptions()
  if (options === null) process.stdout.write(HELP)
  else if (withoutOpenssl !== false) {
    process.stderr.write(
      'Certificates are made by the openssl command, which is missing here: install openssl.\n',
    )
    process.exitCode = 3
  } else process.exitCode = await run(options)
} catch (error) {
  const isUsage =
    error instanceof Usage || String(Reflect.get(Object(error), 'code')).startsWith('ERR_PARSE_ARGS')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = isUsage ? 2 : 3
}
