/** What an aggregator says of itself to who looks whether it lives and is ready. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip, freePorts } from '@tacit/event-log/testing'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { startFleet } from '../support/fleet/fleet.js'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { environment, rulebookPath, TACIT } from '../support/tacit.js'

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const WITHIN_MS = 60_000

// The runner has a limit for the file.
t.setTimeout(0)

const dir = mkdtempSync(join(tmpdir(), 'tacit-aggregator-health-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))

/** 0 where nobody answers. */
async function statusOf(origin: string, path: string): Promise<number> {
  return fetch(`${origin}${path}`).then(
    (answer) => answer.status,
    () => 0,
  )
}

async function until(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const limit = performance.now() + WITHIN_MS
  while (!(await holds())) {
    if (performance.now() > limit) return false
    await sleep(100)
  }
  return true
}

t.test(
  'while Kafka, ClickHouse and keeper are away an aggregator lives and is not ready',
  { skip: withoutOpenssl },
  async (t) => {
    const [health = 0, kafka = 0, clickHouse = 0] = await freePorts(3)
    const password = join(dir, 'password')
    writeFileSync(password, 'any', { mode: 0o600 })
    const names = { names: ['URI:tacit://aggregator/one'], usage: 'clientAuth' } as const
    const args = ['--data', join(dir, 'a'), '--rulebook', rulebookPath('website')]
    const child = spawn(
      process.execPath,
      [TACIT, 'aggregator', ...args, '--health-port', String(health), '--json'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: environment({
          ...createKeeperCertificates(join(dir, 'tls')).settings('one', names),
          KAFKA_BROKERS: `127.0.0.1:${String(kafka)}`,
          CLICKHOUSE_URL: `http://127.0.0.1:${String(clickHouse)}`,
          TACIT_CLICKHOUSE_PASSWORD_FILE: password,
          TACIT_KEEPER_URL: `https://127.0.0.1:${String(kafka)}`,
        }),
      },
    )
    t.teardown(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const origin = `http://127.0.0.1:${String(health)}`
    t.ok(await until(() => said.includes('ClickHouse does not answer yet')), 'it waits')
    t.equal(await statusOf(origin, '/healthz'), 200)
    t.equal(await statusOf(origin, '/readyz'), 503)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    t.same(await ended, [0, null], 'a stop is obeyed meanwhile')
  },
)

t.test(
  'an aggregator that its group lost is not ready until it is back',
  { skip: FULL ? withoutOpenssl || (await brokersSkip()) : 'it takes a minute: npm run test:full' },
  async (t) => {
    const fleet = await startFleet({
      dir: join(dir, 'fleet'),
      nodes: 1,
      collectors: 1,
      aggregators: 2,
      startsAggregators: false,
    })
    t.teardown(() => fleet.stop())
    const started = await Promise.all(fleet.aggregators.map((aggregator) => aggregator.start()))
    const [one, two] = started.map(({ health }) => String(health))
    if (one === undefined || two === undefined) throw new Error('two were started')
    const both = (status: number) => async (): Promise<boolean> =>
      (await statusOf(one, '/readyz')) === status && (await statusOf(two, '/readyz')) === status
    t.ok(await until(both(200)), 'both take part')
    const [broker] = fleet.brokers.nodes
    broker?.pause()
    t.ok(await until(both(503)), 'nobody knows what is in the log')
    t.equal(await statusOf(one, '/healthz'), 200, 'to be started again would not help')
    broker?.resume()
    t.ok(await until(both(200)), 'it comes back by itself')
  },
)
