import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import { HOUR, rfc3339, type Reason } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { DAY, setUp, START, tail, TEN } from './testing/group.js'

const nameOf = (row: readonly unknown[]) => row[3]
const namesOf = (rows: readonly (readonly unknown[])[]) => rows.map(nameOf)

t.test('beacons that arrive together share one batch and one append', async (t) => {
  const { beacon, log, opened } = setUp()
  await Promise.all(Array.from({ length: 200 }, (_, at) => beacon(at)))
  t.equal(log.begun, 1)
  const { headers, rows } = await opened()
  t.match(headers, [
    { v: 1, hour: TEN, batch: 0, rulebook: 'hash', sections: [{ stream: 'day', rows: { [DAY]: 200 } }] },
  ])
  t.equal(new Set(namesOf(rows)).size, 200)
})
t.test('beacons of a few turns of the event loop share batches', async (t) => {
  const { beacon, log } = setUp()
  await beacon(0)
  const before = log.begun
  const waiting: Promise<void>[] = []
  for (let at = 0; at < 5; at++) {
    waiting.push(beacon(at))
    await turn()
  }
  await Promise.all(waiting)
  t.ok(log.begun - before <= 2, `5 beacons in ${log.begun - before} batches`)
})
t.test('a watermark comes through while beacons keep coming', async (t) => {
  const { beacon, commit, log, opened } = setUp()
  let streaming = true
  let ended = false
  const waiting: Promise<void>[] = []
  const stream = (async () => {
    for (let sent = 0; streaming && sent < 20_000; sent++) {
      waiting.push(beacon(sent))
      await turn()
    }
    ended = true
  })()
  await turn()
  await commit.watermark(START)
  t.notOk(ended, 'before the stream ended')
  const before = log.begun
  streaming = false
  await stream
  await Promise.all(waiting)
  t.ok(log.begun >= before)
  t.equal((await opened()).headers.filter(({ watermark }) => watermark === true).length, 1)
})

t.test('no beacon waits longer than 5 ms for company, however many keep coming', async (t) => {
  const { beacon, log } = setUp()
  await beacon('first')
  /** Beacons in every turn of the event loop for a while: when each was sent, and the longest turn. */
  const stream = async (forMs: number): Promise<{ sent: number[]; longestTurn: number }> => {
    const sent: number[] = []
    const waiting: Promise<void>[] = []
    let longestTurn = 0
    const end = performance.now() + forMs
    for (let last = performance.now(); last < end; ) {
      sent.push(last)
      waiting.push(beacon(sent.length))
      await turn()
      longestTurn = Math.max(longestTurn, performance.now() - last)
      last = performance.now()
    }
    await Promise.all(waiting)
    return { sent, longestTurn }
  }
  // Once for the compiler, whose pauses would be taken for waiting.
  await stream(300)
  const before = log.appended.length
  const { longestTurn, sent } = await stream(150)
  const times = log.appended.slice(before).map(({ at }) => at)
  t.ok(times.length > 3, 'the stream was cut into batches')
  const longest = Math.max(
    ...times.map((at, batch) => at - (sent.find((when) => when > (times[batch - 1] ?? 0)) ?? at)),
  )
  t.ok(
    longest <= 5 + 2 * longestTurn + 1,
    `waited ${longest.toFixed(1)} ms, longest turn ${longestTurn.toFixed(1)} ms`,
  )
})
t.test('a lone beacon does not wait for company', async (t) => {
  const { beacon, log } = setUp()
  await beacon('first')
  const waits: number[] = []
  for (let at = 1; at <= 9; at++) {
    const start = performance.now()
    await beacon(at)
    waits.push(performance.now() - start)
    t.equal(log.begun, 1 + at)
  }
  const median = waits.toSorted((a, b) => a - b)[4] ?? Number.NaN
  t.ok(median < 5, `the median of nine waited ${median} ms`)
})

t.test('rows of a batch are shuffled before they are numbered', async (t) => {
  const { beacon, opened } = setUp()
  const batches = 150
  for (let batch = 0; batch < batches; batch++)
    await Promise.all(Array.from({ length: 40 }, (_, at) => beacon(at)))
  const { rows } = await opened()
  for (const name of ['0', '39']) {
    const places = rows.filter((row) => nameOf(row) === name).map((row) => Number(row[2]))
    const mean = places.reduce((sum, place) => sum + place, 0) / batches
    // uniform on 0..39: mean 19.5, standard deviation 11.5, of the mean of 150 0.94; six of those
    t.ok(Math.abs(mean - 19.5) < 5.7, `number ${name} stood at ${mean.toFixed(1)} on average`)
    t.ok(new Set(places).size > 30, 'everywhere')
  }
})

const HOURS = [TEN - HOUR, TEN, TEN - 20 * HOUR]
const event = fc.oneof(
  fc.record({
    hour: fc.constantFrom(...HOURS),
    epoch: fc.constantFrom(DAY, 'day:2026-11-17'),
    row: fc.boolean(),
  }),
  fc.record({
    hour: fc.constantFrom(...HOURS),
    reason: fc.constantFrom<Reason>('consent.denied', 'rate', 'late', 'pii.email'),
  }),
)
const traffic = fc.array(
  fc.record({
    events: fc.array(event, { minLength: 1, maxLength: 8 }),
    removed: fc.nat(3),
    pause: fc.nat(2),
  }),
  { maxLength: 25 },
)
t.test('headers count exactly what was sent, and (producer, batch, row) names each row once', async (t) => {
  await fc.assert(
    fc.asyncProperty(traffic, async (beacons) => {
      const { clock, commit, durable, opened } = setUp()
      const sent = { rows: [] as string[], counts: {} as Record<string, number>, removed: 0 }
      const waiting: Promise<void>[] = []
      for (const [at, { events, pause, removed }] of beacons.entries()) {
        commit.open(clock.now())
        for (const one of events) {
          const key = `${rfc3339(one.hour)} ${'reason' in one ? one.reason : 'accepted'}`
          sent.counts[key] = (sent.counts[key] ?? 0) + 1
          if ('reason' in one) commit.dropped(one.hour, one.reason)
          else {
            const name = `${at} ${sent.rows.length}`
            if (one.row) commit.row('day', one.epoch, tail(name))
            if (one.row) sent.rows.push(name)
            commit.accepted(one.hour)
          }
        }
        commit.removedProps(removed)
        sent.removed += removed
        waiting.push(durable())
        for (let left = pause; left > 0; left--) await turn()
      }
      await Promise.all(waiting)
      const { batches, headers, rows } = await opened()
      const counts: Record<string, number> = {}
      for (const [hour, { accepted, dropped, received }] of headers.flatMap((header) =>
        Object.entries(header.counts),
      )) {
        const all = { ...(accepted > 0 ? { accepted } : {}), ...dropped }
        if (received !== Object.values(all).reduce((sum, count) => sum + count, 0))
          throw new Error('received is not the sum')
        for (const [name, count] of Object.entries(all))
          counts[`${hour} ${name}`] = (counts[`${hour} ${name}`] ?? 0) + count
      }
      t.strictSame(counts, sent.counts)
      t.strictSame(namesOf(rows).sort(), sent.rows.sort())
      t.equal(new Set(rows.map((row) => row.slice(0, 3).join(' '))).size, rows.length)
      t.equal(
        headers.reduce((sum, header) => sum + header.removedProps, 0),
        sent.removed,
      )
      t.strictSame(
        headers.map(({ batch }) => batch),
        headers.map((_, at) => at),
        'batch numbers rise by one',
      )
      for (const { header, sections } of batches) {
        for (const { rows: bytes, section } of sections) {
          const lines = bytes
            .toString()
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line) as unknown[])
          t.equal(
            lines.length,
            Object.values(section.rows).reduce((sum, count) => sum + count, 0),
          )
          lines.forEach((row, at) => t.strictSame(row.slice(0, 3), [header.producer, header.batch, at]))
        }
      }
    }),
    { numRuns: 60 },
  )
})

t.test('drop counts go into the batch of the rows they came with', async (t) => {
  const { clock, commit, durable, opened } = setUp()
  commit.open(clock.now())
  commit.row('day', DAY, tail('kept'))
  commit.accepted(TEN)
  commit.dropped(TEN, 'rate')
  await durable()
  const { headers } = await opened()
  t.strictSame(
    headers.map(({ counts }) => counts),
    [{ '2026-11-18T10:00:00Z': { received: 2, accepted: 1, dropped: { rate: 1 } } }],
  )
})
t.test('a beacon of which nothing is kept waits for the disk like any other', async (t) => {
  const { clock, commit, durable, log } = setUp()
  log.hold()
  commit.open(clock.now())
  commit.dropped(TEN, 'consent.denied')
  let answered = false
  const wait = async () => {
    await durable()
    answered = true
  }
  const answer = wait()
  await delay(30)
  t.notOk(answered)
  log.release()
  await answer
  t.equal(log.appended.length, 1)
})
t.test('a batch that nothing came into is not written', async (t) => {
  const { clock, commit, durable, log } = setUp()
  commit.open(clock.now())
  await durable()
  await commit.drain()
  t.equal(log.begun, 0)
})

t.test('beacons on both sides of an hour go into two batches, each under its own hour', async (t) => {
  const { beacon, opened } = setUp()
  const end = TEN + HOUR
  await Promise.all([beacon('a', end - 2), beacon('b', end - 1), beacon('c', end), beacon('d', end + 1)])
  const { batches } = await opened()
  t.strictSame(
    batches.map(({ header }) => header.hour),
    [TEN, end],
  )
  const rows = batches.map(({ sections }) => sections.map((section) => section.rows.toString()).join(''))
  t.match(rows[0], /"a"[^]*"b"|"b"[^]*"a"/)
  t.notMatch(rows[0], /"[cd]"/)
  t.match(rows[1], /"c"[^]*"d"|"d"[^]*"c"/)
  t.notMatch(rows[1], /"[ab]"/)
})
t.test('a watermark follows everything of the hours before it, even while the disk is slow', async (t) => {
  const { beacon, clock, commit, log, opened } = setUp()
  log.hold()
  const waiting: Promise<void>[] = []
  for (let at = 0; at < 12; at++) {
    waiting.push(beacon(at))
    await turn()
    await turn()
  }
  clock.time = TEN + HOUR
  const marked = commit.watermark(clock.now())
  await delay(20)
  const begun = log.begun
  t.ok(log.appended.length === 0 && begun > 0)
  log.release()
  await Promise.all([...waiting, marked])
  const { headers } = await opened()
  t.match(headers.at(-1), { watermark: true, hour: TEN + HOUR, sections: [], counts: {} })
  const before = headers.slice(0, -1)
  t.ok(before.every(({ hour, watermark }) => hour === TEN && watermark === undefined))
  t.equal(
    before.reduce((sum, { counts }) => sum + (Object.values(counts)[0]?.received ?? 0), 0),
    12,
  )
})

t.test('while the disk is slow batches do not pile up: what arrives gathers in one', async (t) => {
  const { beacon, log } = setUp()
  log.hold()
  const waiting: Promise<void>[] = []
  for (let at = 0; at < 100; at++) {
    waiting.push(beacon(at))
    await turn()
    await turn()
    await turn()
  }
  await delay(10)
  t.ok(log.mostUnderWay <= 2, `${log.mostUnderWay} under way`)
  const begun = log.begun
  log.release()
  await Promise.all(waiting)
  t.ok(log.begun - begun <= 2, `what waited was written in ${log.begun - begun} batches`)
})
t.test('more rows than a record of the log holds are written in several batches', async (t) => {
  const { beacon, log, opened } = setUp()
  const large = 'x'.repeat(250_000)
  await Promise.all(Array.from({ length: 30 }, (_, at) => beacon(`${at} ${large}`)))
  t.ok(log.appended.length > 1)
  t.equal((await opened()).rows.length, 30)
})
