import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { DAY, HOUR } from '@tacit/contracts'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { wholeDays } from './landing.js'
import { BY, DAY_START, failureOf, line, PLAN, PRODUCER, testServer } from './testing/rows.js'
import { openWarehouse, type Warehouse } from './warehouse.js'

const server = await testServer(t)

async function warehouse(t: Test, database: string): Promise<Warehouse> {
  const opened = openWarehouse(server.address, database)
  t.teardown(() => opened.close())
  await opened.migrate([PLAN])
  return opened
}

function batch(number: number, rows: number, received = DAY_START): Buffer {
  return Buffer.concat(
    Array.from({ length: rows }, (_none, row) => line({ batch: number, row, received, hour: received })),
  )
}

t.test('rows land as they are and are read back by range', async (t) => {
  const w = await warehouse(t, 'land_ranges')
  await w.land('day', [batch(0, 3), batch(1, 4)], 'day:0-1', BY)
  await w.land('day', [batch(5, 2)], 'day:5', BY)
  await w.land('day', [], 'day:nothing', BY)
  const range = (from: number, to: number, producer = PRODUCER) => ({ producer, from, to })
  t.same(await w.landed('day', [range(0, 1)]), { rows: 7, distinct: 7 })
  t.same(await w.landed('day', [range(1, 1), range(5, 9)]), { rows: 6, distinct: 6 })
  t.same(await w.landed('day', [range(2, 4), range(0, 9, 'ffffffffffffffff')]), { rows: 0, distinct: 0 })
  t.same(await w.landed('day', []), { rows: 0, distinct: 0 })
})

t.test('the same token lands once, another token lands again and is seen', async (t) => {
  const w = await warehouse(t, 'land_tokens')
  await w.land('day', [batch(0, 5)], 'a', BY)
  await w.land('day', [batch(0, 5)], 'a', BY)
  t.same(await w.landed('day', [{ producer: PRODUCER, from: 0, to: 0 }]), { rows: 5, distinct: 5 })
  await w.land('day', [batch(0, 5)], 'b', BY)
  t.same(await w.landed('day', [{ producer: PRODUCER, from: 0, to: 0 }]), { rows: 10, distinct: 5 })
  t.same(await w.landingHours('day'), [{ hour: DAY_START, rows: 10, distinct: null }])
  t.same(await w.landingHours('day', { distinctOf: [DAY_START] }), [
    { hour: DAY_START, rows: 10, distinct: 5 },
  ])
  t.same(await w.landingHours('day', { distinctOf: [DAY_START + HOUR] }), [], 'other hours are not counted')
})

t.test('C7: rows that can never be taken are named so, and not quoted', async (t) => {
  const w = await warehouse(t, 'land_data')
  const good = line({})
  const bad = [
    Buffer.from('["0123456789abcdef", "alice@example.in"]\n'),
    Buffer.from('not json, alice@example.in\n'),
    Buffer.from(good.toString('utf8').replace('"erp"', 'null')),
    Buffer.from(good.toString('utf8').replace('"2026-11-01"', '"alice@example.in"')),
  ]
  for (const rows of bad) {
    const failure = await failureOf(w.land('day', [good, rows], 'bad', BY))
    t.equal(failure.kind, 'data')
    t.equal(failure.code, 'ERR_WAREHOUSE_DATA')
    t.notMatch(`${failure.message} ${failure.stack ?? ''}`, /alice/)
  }
  t.same(await w.landingHours('day'), [], 'nothing of a refused insert is there')
})

t.test('C13: a missing table is refused', async (t) => {
  const w = await warehouse(t, 'land_missing')
  const bare = openWarehouse(server.address, 'land_missing')
  t.teardown(() => bare.close())
  await t.rejects(bare.land('day', [line({})], 'x', BY), { code: 'ERR_INTERNAL' })
  const failure = await failureOf(w.landed('week', [{ producer: PRODUCER, from: 0, to: 0 }]))
  t.equal(failure.kind, 'refused')
})

t.test('hours are dropped and no other hour is touched', async (t) => {
  const w = await warehouse(t, 'land_drop')
  const day = Array.from({ length: 24 }, (_none, at) => DAY_START + at * HOUR)
  for (const [number, hour] of [...day, DAY_START + DAY].entries()) {
    await w.land('day', [batch(number, 1, hour)], String(number), BY)
  }
  await w.dropLanding('day', day.slice(3, 5))
  const left = (await w.landingHours('day')).map(({ hour }) => hour)
  t.same(left, [...day.slice(0, 3), ...day.slice(5), DAY_START + DAY])
  const next = [{ hour: DAY_START + DAY, rows: 1, distinct: null }]
  await w.dropLanding('day', day)
  t.same(await w.landingHours('day'), next)
  await w.dropLanding('day', day)
  await w.dropLanding('day', [])
})

t.test('a day that is complete goes with the hours that it has, and not while it has others', async (t) => {
  const w = await warehouse(t, 'land_quiet')
  for (const at of [1, 5, 9]) await w.land('day', [batch(at, 1, DAY_START + at * HOUR)], String(at), BY)
  const complete = { completeUntil: DAY_START + DAY }
  await w.dropLanding('day', [DAY_START + HOUR], complete)
  t.same(
    (await w.landingHours('day')).map(({ hour }) => (hour - DAY_START) / HOUR),
    [5, 9],
  )
  const started = performance.now()
  await w.dropLanding('day', [DAY_START + 5 * HOUR, DAY_START + 9 * HOUR], complete)
  t.comment(`${(performance.now() - started).toFixed(0)} ms`)
  t.same(await w.landingHours('day'), [])
})

t.test('only days of which every hour is given go as a whole', async (t) => {
  const hoursOf = (day: number): number[] => Array.from({ length: 24 }, (_none, at) => day * 24 + at)
  const single = fc.uniqueArray(fc.integer({ min: 0, max: 71 }), { maxLength: 40 })
  const property = fc.property(fc.subarray([0, 1, 2]), single, (full, others) => {
    const keys = [...new Set([...full.flatMap(hoursOf), ...others])]
    const { days, hours } = wholeDays(keys.map((key) => key * HOUR))
    const sorted = (list: readonly number[]): string => [...list].sort((a, b) => a - b).join()
    const covered = [...days.flatMap(hoursOf), ...hours]
    return sorted(covered) === sorted(keys) && full.every((day) => days.includes(day))
  })
  t.doesNotThrow(() => fc.assert(property))
})

/** A server that is not ClickHouse: it misbehaves as told. */
async function impostor(
  t: Test,
  act: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<Warehouse> {
  let isArmed = false
  const fake = createServer((req, res) => {
    req.resume()
    req.on('end', () => {
      if (isArmed) act(req, res)
      // To SELECTs: no rows.
      else res.end('{"meta": [], "data": []}')
    })
  })
  await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${String((fake.address() as AddressInfo).port)}`
  const w = openWarehouse({ url, username: 'u', password: 'p' }, 'd', {
    requestTimeoutMs: 300,
    retryWaitsMs: [],
  })
  t.teardown(async () => {
    await w.close()
    fake.closeAllConnections()
    fake.close()
  })
  await w.migrate([PLAN])
  isArmed = true
  return w
}

t.test('C3, C4, C5, C8: an insert without a clear answer has an unknown outcome', async (t) => {
  const faults: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
    'hangs after connect': () => undefined,
    'reset after the body': (req) => req.socket.destroy(),
    'a 503 of a proxy': (_req, res) => res.writeHead(503).end('alice@example.in'),
    'a 200 with an exception header': (_req, res) => {
      res.writeHead(200, { 'x-clickhouse-exception-code': '159' }).end()
    },
  }
  for (const [name, act] of Object.entries(faults)) {
    const w = await impostor(t, act)
    const failure = await failureOf(w.land('day', [line({})], 'x', BY))
    t.equal(failure.kind, 'unknown', name)
    t.notMatch(failure.message, /alice/)
  }
})

t.test('rows of finished inserts survive SIGKILL, and no range is half there', async (t) => {
  const w = await warehouse(t, 'land_kill')
  const rows = 2_000
  const outcomes = new Map<number, 'done' | 'open'>()
  let isOver = false
  const inserts = (async () => {
    for (let number = 0; !isOver; number += 1) {
      outcomes.set(number, 'open')
      try {
        await w.land('day', [batch(number, rows)], `kill:${String(number)}`, BY)
        outcomes.set(number, 'done')
      } catch {
        await sleep(20)
      }
    }
  })()
  for (let round = 0; round < 3; round += 1) {
    await sleep(150 + round * 70)
    const pid = server.pid()
    t.not(pid, null)
    if (pid !== null) process.kill(pid, 'SIGKILL')
    await w.landingHours('day')
  }
  isOver = true
  await inserts
  let open = 0
  for (const [number, outcome] of outcomes) {
    const { rows: found, distinct } = await w.landed('day', [
      { producer: PRODUCER, from: number, to: number },
    ])
    if (outcome === 'done') t.equal(found, rows, `batch ${String(number)} was finished`)
    else {
      open += 1
      t.ok(found === 0 || found === rows, `batch ${String(number)} is whole or absent`)
    }
    t.equal(distinct, found)
  }
  t.ok(open > 0, 'the fault was reached: an insert was cut off')
  t.ok(outcomes.size > open, 'some inserts finished')
})
