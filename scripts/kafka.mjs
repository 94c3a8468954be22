/**
 * `npm run kafka`: real Kafka brokers on this machine for trying things by hand, from the jars that Maven resolves.
 * They end with it, however it ends.
 *
 * Exit code 0 after Ctrl-C or SIGTERM, 1 when brokers failed, 2 for wrong use, 3 when this machine lacks something.
 */
import { parseArgs } from 'node:util'
import { BrokersUnavailable, isFree, startBrokers } from '../packages/event-log/dist/testing/index.js'
import { endWithNpm } from './lib/end-with-npm.mjs'

const HELP = `npm run kafka [-- OPTIONS]

Starts real Apache Kafka brokers on loopback, prints KAFKA_BROKERS=…, and ends them with itself.

  --nodes 1|3    how many brokers (1); three keep three copies and survive the death of one
  --port PORT    port of the first broker, the others follow (9092); 0: any that are free
  --data DIR     a folder to keep the data in and to start from again; without it the data goes with the brokers
  --help         this text

It needs Java 17 and, the first time, Maven, which fetches about 45 MB into the cache folder of this user.
`
const BROKERS_EVERY_MS = 1_000

/** Wrong use: the message says what is right. */
class Usage extends Error {}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1' },
      port: { type: 'string', default: '9092' },
      data: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : -1
  if (values.nodes !== '1' && values.nodes !== '3') throw new Usage('--nodes is 1 or 3.')
  const nodes = /** @type {1 | 3} */ (Number(values.nodes))
  if (port < 0 || port + nodes > 65_536) throw new Usage('--port is a number from 0 to 65533.')
  return { help: values.help, nodes, port, ...(values.data === undefined ? {} : { data: values.data }) }
}

/**
 * Says which brokers die, as they do when somebody tries that; ends when none is left.
 * @param {import('../packages/event-log/dist/testing/index.js').Brokers} brokers
 */
function watch({ nodes }) {
  const dead = new Set()
  setInterval(() => {
    for (const { id, isAlive } of nodes) {
      if (isAlive || dead.has(id)) continue
      dead.add(id)
      process.stderr.write(`Broker ${id} has ended.\n`)
    }
    if (dead.size === nodes.length) process.exit(1)
  }, BROKERS_EVERY_MS)
}

/** @param {import('../packages/event-log/dist/testing/index.js').Brokers} brokers */
function announce({ brokers, nodes }) {
  const list = nodes.map(({ id, address, pid }) => `  broker ${id}  ${address}  pid ${pid}`)
  const copies = nodes.length === 1 ? '\nTACIT_KAFKA_REPLICATION=1' : ''
  process.stdout.write(`KAFKA_BROKERS=${brokers.join(',')}${copies}

${list.join('\n')}

Next: docs/distributed.md, with the line${copies ? 's' : ''} above in the environment. Ctrl-C ends the brokers.
`)
}

async function main() {
  const { help, nodes, port, data } = parseOptions()
  if (help) {
    process.stdout.write(HELP)
    return
  }
  for (let own = port; port > 0 && own < port + nodes; own++) {
    if (await isFree(own)) continue
    throw new Usage(`Port ${own} is in use: choose another with --port, or --port 0 for any that is free.`)
  }
  const brokers = await startBrokers({
    nodes,
    progress: (text) => process.stderr.write(`${text} …\n`),
    ...(port === 0 ? {} : { port }),
    ...(data === undefined ? {} : { data }),
  })
  const end = () => void brokers.stop().then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, endEarly).on(signal, end)
  announce(brokers)
  watch(brokers)
}

/** Before there is anything to tidy up: what was started goes when we do. */
const endEarly = () => process.exit(0)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, endEarly)
endWithNpm('kafka')

try {
  await main()
} catch (error) {
  const isWrongUse =
    error instanceof Usage ||
    (error instanceof TypeError && 'code' in error && `${error.code}`.startsWith('ERR_PARSE'))
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(isWrongUse ? `${message}\n\n${HELP}` : `${message}\n`)
  process.exit(isWrongUse ? 2 : error instanceof BrokersUnavailable ? 3 : 1)
}
