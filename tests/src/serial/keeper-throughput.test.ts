/**
 * What it costs a collector that its keeper is another process: keys are fetched for each epoch, tenant and hour, and not
 * for each beacon, so it must cost nothing. Both kinds run at the same time and are measured in turns.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t, { type Test } from 'tap'
import type { Listening } from '../support/collector-process.js'
import { sendAll } from '../support/keep-alive.js'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { requestBytes } from '../support/raw-http.js'
import { startKeeper } from '../support/tacit.js'

const SCRIPT = fileURLToPath(new URL('../support/collector-process.js', import.meta.url))
const CONNECTIONS = 32
const ROUNDS = 11
/** Beacons of a round: each one several times. */
const TIMES = 3
const LEAST = 0.9

interface Collector {
  /** @returns beacons a second */
  round(): Promise<number>
  outcomes(): Promise<Readonly<Record<string, number>>>
}

const collector = async (t: Test, args: readonly string[]): Promise<Collector> => {
  const child: ChildProcess = fork(SCRIPT, [...args])
  t.teardown(async () => {
    const ended = once(child, 'exit')
    child.disconnect()
    await ended
  })
  const [{ beacons, port }] = (await once(child, 'message')) as [Listening]
  const requests = Array.from({ length: TIMES }, () => beacons.map((body) => requestBytes(body))).flat()
  return {
    async round() {
      const started = performance.now()
      const answers = await sendAll(port, requests, CONNECTIONS)
      const seconds = (performance.now() - started) / 1_000
      if (answers.some(({ status }) => status !== 204)) throw new Error('an answer was not 204')
      return requests.length / seconds
    },
    async outcomes() {
      const answer = once(child, 'message')
      child.send('outcomes')
      return ((await answer) as [Record<string, number>])[0]
    },
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

t.setTimeout(0)
t.test(
  'with the keeper in a process of its own a collector takes as many beacons',
  { skip: withoutOpenssl },
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'tacit-throughput-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const certificates = createKeeperCertificates(join(dir, 'ca'))
    const keeper = await startKeeper(join(dir, 'keeper'), certificates.keeper)
    t.teardown(() => keeper.end('SIGTERM'))
    const {
      TACIT_TLS_CERT_FILE: cert = '',
      TACIT_TLS_KEY_FILE: key = '',
      TACIT_TLS_CA_FILE: ca = '',
    } = certificates.up
    const inProcess = await collector(t, [])
    const apart = await collector(t, [keeper.url, cert, key, ca])
    for (const warm of [inProcess, apart, inProcess, apart]) await warm.round()
    const ratios: number[] = []
    const rates: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      // Whoever is first in one round is second in the next.
      const order = round % 2 === 0 ? [inProcess, apart] : [apart, inProcess]
      const measured = new Map<Collector, number>()
      for (const one of order) measured.set(one, await one.round())
      const rate = measured.get(apart) ?? 0
      ratios.push(rate / (measured.get(inProcess) ?? Number.NaN))
      rates.push(rate)
    }
    const ratio = median(ratios)
    t.comment(
      `${ratio.toFixed(2)} of the beacons a second with the keeper in process; ${median(rates).toFixed(0)} a second`,
    )
    t.ok(ratio >= LEAST, `${ratio.toFixed(2)} of ${ratios.map((one) => one.toFixed(2)).join(', ')}`)
    for (const one of [inProcess, apart]) {
      const outcomes = await one.outcomes()
      t.same(Object.keys(outcomes), ['accepted'], 'every event was accepted, so both did the same')
    }
  },
)
