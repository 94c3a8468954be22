/**
 * The aggregator's rows/s, from sealed batches in a log to rows in landing, against a plain client insert of the same
 * rows into the same kind of table, interleaved in one run: on its embedded log, or on brokers.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parseAddress } from '@tacit/anonymizer'
import type { GroupCommit, Intake } from '@tacit/collector'
import { DAY, systemClock, TacitError } from '@tacit/contracts'
import { streamPlans } from '@tacit/rulebook'
import { openWarehouse } from '@tacit/warehouse'
import { openHouse } from '../house/house.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import type { Realm } from '../house/realm.js'
import { readRulebook, requireRulebook } from '../house/rulebook-files.js'
import { sampleRulebook } from '../house/sample.js'
import { sampleTraffic } from '../sample/traffic.js'

const ROUNDS = 5
const ROWS_PER_INSERT = 50_000

export interface AggregatorBench {
  /** rows/s of the aggregator to those of a plain insert, median of the rounds */
  readonly ratio: number
  readonly rows_per_second: number
  readonly plain_rows_per_second: number
  readonly rows_per_round: number
}

interface Rows {
  readonly lines: Buffer[]
  readonly rows: number
}

/** What is measured: who fills the log, and who empties it. */
export interface Measured {
  readonly intake: Intake
  readonly commit: GroupCommit
  readonly beaconsPerBatch: number
  /** Before each round of staging: begins to read, where nothing may have been read while it was filled. */
  startReading?(): Promise<void>
  /** Stages what was filled in. */
  stage(): Promise<unknown>
  stopReading?(): Promise<void>
  close(): Promise<void>
}

/** Puts about `rows` rows into the log, as group commits would, and keeps the same lines for the plain insert. */
async function fillLog(
  { beaconsPerBatch, commit, intake }: Measured,
  rows: number,
  seed: number,
): Promise<Rows> {
  const now = Date.now()
  const lines: string[] = []
  const keep = commit.row.bind(commit)
  commit.row = (stream, epoch, tail) => {
    lines.push(`["bench${seed}",0,${lines.length},${tail}\n`)
    keep(stream, epoch, tail)
  }
  let beacons = 0
  const options = {
    seed,
    tenants: 40,
    users: 2_000,
    days: 30,
    end: now - (now % DAY),
    site: 'sample',
    origin: 'http://127.0.0.1:8081',
    policy: intake.rulebook.policy.version,
  }
  for (const sample of sampleTraffic(options)) {
    if (lines.length >= rows) break
    const taken = intake.take(sample.body, {
      source: 'beacon',
      address: parseAddress(sample.ip),
      userAgent: sample.headers['user-agent'] ?? '',
      origin: sample.headers['origin'] ?? null,
      gpc: false,
      dnt: false,
      claims: { ...sample.claims, adult: true },
    })
    if (taken instanceof Promise) await taken
    if (++beacons % beaconsPerBatch === 0) await commit.drain()
  }
  await commit.drain()
  commit.row = keep
  return { lines: inserts(lines), rows: lines.length }
}

function inserts(lines: readonly string[]): Buffer[] {
  const buffers: Buffer[] = []
  for (let at = 0; at < lines.length; at += ROWS_PER_INSERT) {
    buffers.push(Buffer.from(lines.slice(at, at + ROWS_PER_INSERT).join('')))
  }
  return buffers
}

setFlagsFromString('--expose-gc')
/** Before each timed piece of work, so that nobody pays for what filled the log. */
const collectGarbage = runInNewContext('gc') as () => void

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  collectGarbage()
  const started = performance.now()
  await work()
  return (performance.now() - started) / 1000
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** The realm's own, on its embedded log. */
async function embedded({ aggregator, commit, intake }: Realm): Promise<Measured> {
  return { intake, commit, beaconsPerBatch: 20, stage: () => aggregator.stage(), close: async () => {} }
}

/** @param rows of each round @param onRound told before each @param open what is measured; default: on the embedded log */
export async function benchAggregator(
  rows: number,
  onRound: (kind: string, round: number) => void,
  open: (realm: Realm) => Promise<Measured> = embedded,
): Promise<AggregatorBench> {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-bench-'))
  const house = await openHouse(dir)
  try {
    const erp = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
    const rulebook = sampleRulebook(erp, ['http://127.0.0.1:8081'], Date.now(), 30)
    const layout = house.layout.realm('sample')
    const realm = await house.openRealm({
      layout,
      rulebook,
      clock: systemClock,
      ratePerToken: Number.MAX_SAFE_INTEGER,
    })
    const plain = openWarehouse(house.server.address, 'plain')
    await plain.migrate(streamPlans(rulebook))
    const measured = await open(realm)
    const ours: number[] = []
    const bare: number[] = []
    let counted = 0
    for (let round = 0; round <= ROUNDS; round++) {
      onRound('filling the log', round)
      const filled = await fillLog(measured, rows, round + 1)
      onRound('aggregator', round)
      await measured.startReading?.()
      const staged = await secondsOf(() => measured.stage())
      await measured.stopReading?.()
      onRound('plain insert', round)
      const inserted = await secondsOf(async () => {
        for (const [i, buffer] of filled.lines.entries())
          await plain.land('day', [buffer], `bench:${round}:${i}`, { rulebook: rulebook.hash })
      })
      // The first round warms both.
      if (round === 0) continue
      counted = filled.rows
      ours.push(filled.rows / staged)
      bare.push(filled.rows / inserted)
    }
    await measured.close()
    await plain.close()
    if (counted === 0) throw new TacitError('ERR_INTERNAL', 'No rows were measured')
    return {
      ratio: Math.round(median(ours.map((rate, i) => rate / (bare[i] ?? Number.NaN))) * 100) / 100,
      rows_per_second: Math.round(median(ours)),
      plain_rows_per_second: Math.round(median(bare)),
      rows_per_round: counted,
    }
  } finally {
    await house.close()
    rmSync(dir, { recursive: true, force: true })
  }
}
