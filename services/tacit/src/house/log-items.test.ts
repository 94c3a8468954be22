import t from 'tap'
import { createItemReader, headerOf, type LogItem } from './log-items.js'

const LINE = '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "x"'
const BEACON = JSON.stringify({ time: '2026-11-02T10:00:00Z', ip: '203.0.113.7', headers: {}, body: {} })

const kinds = (items: readonly (LogItem | null)[]) => items.map((item) => item?.from ?? null)

t.test('the format is told by the first lines, none of which is lost', async (t) => {
  for (const [text, from] of [
    [LINE, 'line'],
    [BEACON, 'beacon'],
  ] as const) {
    const reader = createItemReader(null)
    const early = Array.from({ length: 30 }, () => reader.push(text))
    t.same(
      kinds(early.flat()),
      Array.from({ length: 30 }, () => from),
    )
    t.same(reader.flush(), [])
    const short = createItemReader(null)
    t.same(short.push(text), [])
    t.same(kinds(short.flush()), [from])
  }
})

t.test('a format that is given is not told from the lines', async (t) => {
  t.same(createItemReader('beacons').push(LINE), [null])
  t.same(createItemReader('combined').push(BEACON), [null])
})

t.test('a header is found by any spelling; several lines are read as node:http reads them', async (t) => {
  t.equal(headerOf(['x', 'y', 'ORIGIN', 'a'], 'origin'), 'a')
  t.equal(headerOf(['Origin', 'a', 'ORIGIN', 'b'], 'origin'), 'a, b')
  t.equal(
    headerOf(['Content-Encoding', 'identity', 'content-encoding', 'gzip'], 'content-encoding'),
    'identity, gzip',
  )
  t.equal(headerOf(['User-Agent', 'a', 'user-agent', 'b'], 'user-agent'), 'a', 'a request has one')
  t.equal(headerOf(['Content-Type', 'a', 'content-type', 'b'], 'content-type'), 'a')
  t.equal(headerOf(['x', 'origin'], 'origin'), null)
})
