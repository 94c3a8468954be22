/** Where there is no Docker engine: the processes of docker-compose.yml, started one by one with what they are given there. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokersSkip } from '@tacit/event-log/testing'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { query } from '../support/server-query.js'
import { type ByHand, startByHand } from './by-hand.js'
import { ofTacit } from './compose.js'

const ARRIVES_WITHIN_MS = 60_000
const skip = withoutOpenssl || (await brokersSkip())

// The runner has a limit for the file.
t.setTimeout(0)

async function send(port: number | undefined, id: string): Promise<number> {
  const { status } = await fetch(`http://127.0.0.1:${String(port)}/v1/beacon`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://www.example.in' },
    body: JSON.stringify({
      v: 1,
      site: 'website',
      consent: { analytics: 'granted' },
      events: [{ id, name: 'page_view', age: 0, path: '/pricing' }],
    }),
  })
  return status
}

/** Rows that the aggregators inserted, once there are so many, or what there is at last. */
async function landed({ server }: ByHand, rows: number): Promise<number> {
  const until = performance.now() + ARRIVES_WITHIN_MS
  for (;;) {
    const count = Number(await query({ server }, 'SELECT count() FROM tacit.landing_day').catch(() => '0'))
    if (count >= rows || performance.now() > until) return count
    await sleep(100)
  }
}

t.test('every process of docker-compose.yml becomes healthy, and a beacon arrives', { skip }, async (t) => {
  // Not tap's own: that goes before the processes are stopped.
  const dir = await mkdtemp(join(tmpdir(), 'tacit-by-hand-'))
  t.teardown(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))
  const byHand = await startByHand(dir)
  t.teardown(() => byHand.stop())
  const { healthy, output, ports } = byHand
  for (const [name] of ofTacit) {
    await healthy(name)
    t.pass(`${name} is healthy by its own check`)
  }
  t.equal(await send(ports.get('collector-1'), '8c1f0a52b3d94e77'), 204)
  t.equal(await send(ports.get('collector-2'), '8c1f0a52b3d94e78'), 204)
  t.equal(await landed(byHand, 2), 2, 'both are in ClickHouse')
  const said = ofTacit.map(([name]) => output(name)).join('\n')
  t.notMatch(said, /#token=/, 'no token is written to a log')
})
