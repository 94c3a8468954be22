import { DrivenClock } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { openAccessTokens } from './access-tokens.js'
import { someEntries } from './audit-entries.js'
import { createDashboard } from './dashboard.js'
import { keyRows } from './keys-answer.js'
import type { KeyRecord, RealmAudit } from './realm.js'
import { realm, rulebook } from './rulebook.fixture.js'

const DAY = 86_400_000
const clock = new DrivenClock(Date.parse('2026-11-03T12:00:00Z'))
const access = openAccessTokens(new Uint8Array(32).fill(1), clock)

const key = (id: string, stream: KeyRecord['stream'], destroyed: string | null = null): KeyRecord => ({
  id,
  stream,
  epoch: stream === 'tenant' || stream === 'site' ? null : id,
  created: '2026-11-01T00:00:00Z',
  destroyed,
  handedTo: ['collector/eu-1'],
  entries: { created: 1, destroyed: destroyed === null ? null : 9 },
  reconciled: null,
})
const line = (seq: number): string =>
  `{"entry":{"action":"clock.confirmed","actor":"operator","object":{},"rulebook":null,"seq":${String(seq)},"time":"2026-11-01T00:00:00Z"},"salt":"AAAAAAAAAAAAAAAAAAAAAA"}\n`

/** A log of `size` entries that gives few whole lines at a time. */
function log(size: number, linesAtOnce = 3): RealmAudit {
  const lines = Array.from({ length: size }, (_, at) => line(at + 1))
  const bytes = Buffer.from(lines.join(''))
  return {
    head: async () => null,
    publicKey: async () => 'PEM',
    async read(file, offset) {
      if (file === 'heads') return Buffer.alloc(0)
      let end = offset
      for (let left = linesAtOnce; left > 0 && end < bytes.length; left -= 1) end = bytes.indexOf(10, end) + 1
      return bytes.subarray(offset, end)
    },
  }
}

async function get(url: string, realms: readonly ReturnType<typeof realm>[]) {
  const app = createDashboard({ realms, access, clock })
  const authorization = `Bearer ${await access.issue('privacy', 60_000)}`
  const answer = await app.inject({ url, headers: { authorization } })
  await app.close()
  return answer
}

const withKeys = (name: 'main' | 'sample', keys: readonly KeyRecord[]) =>
  realm(name, [], [], rulebook, { keys, audit: log(7) })

t.test('keys are said with when they die at the latest, as the rulebook has it', async (t) => {
  const rows = keyRows(
    [
      key('day:2026-11-01', 'day', '2026-11-04T00:00:00Z'),
      key('week:2026-10-26', 'week'),
      key('month:2026-11', 'month'),
      key('hour:2026-11-01T10', 'hour'),
      key('tenant:' + 'ab'.repeat(16), 'tenant'),
    ],
    { destroyKeyAfterMs: 2 * DAY, logMs: DAY },
    9,
  )
  t.same(
    rows.map(({ due }) => due),
    ['2026-11-04T00:00:00Z', '2026-11-04T00:00:00Z', '2026-12-03T00:00:00Z', '2026-11-02T10:00:00Z', null],
  )
  t.same(keyRows([key('day:2026-11-01', 'day')], null, 0)[0]?.due, null, 'without a rulebook nobody knows')
  t.same(rows[0], {
    id: 'day:2026-11-01',
    stream: 'day',
    epoch: 'day:2026-11-01',
    created: '2026-11-01T00:00:00Z',
    destroyed: '2026-11-04T00:00:00Z',
    due: '2026-11-04T00:00:00Z',
    handed_to: ['collector/eu-1'],
    entries: { created: 1, destroyed: 9 },
    reconciled: null,
    unsigned: false,
  })
})

t.test('a key that rests on entries after the newest head is marked, and so are those entries', async (t) => {
  const dead = key('day:2026-11-01', 'day', '2026-11-04T00:00:00Z')
  const living = key('day:2026-11-02', 'day')
  const marks = (signed: number): boolean[] =>
    keyRows([dead, living], null, signed).map(({ unsigned }) => unsigned)
  t.same([9, 8, 1, 0].map(marks), [
    [false, false],
    [true, false],
    [true, false],
    [true, true],
  ])
  const realms = [realm('main', [], [], rulebook, { keys: [dead], audit: log(7) })]
  t.match((await get('/api/v1/keys', realms)).json(), { keys: [{ unsigned: true }] })
  t.match((await get('/api/v1/audit/entries', realms)).json(), { signed: 0 })
})

t.test('the sample is meant where nothing real ever came, and log hours alone are nothing', async (t) => {
  const sample = withKeys('sample', [key('day:2026-10-01', 'day')])
  const realmOf = async (main: readonly KeyRecord[], query = '') =>
    (await get(`/api/v1/keys${query}`, [withKeys('main', main), sample])).json<{ realm: string }>().realm
  t.equal(await realmOf([key('hour:2026-11-01T10', 'hour')]), 'sample')
  t.equal(await realmOf([key('hour:2026-11-01T10', 'hour'), key('day:2026-11-01', 'day')]), 'main')
  t.equal(await realmOf([], '?realm=main'), 'main')
})

t.test(
  'some entries: the last ones, or those from a number on, whatever pieces the log comes in',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        fc.option(fc.integer({ min: 1, max: 45 })),
        fc.integer({ min: 1, max: 45 }),
        async (size, linesAtOnce, from, limit) => {
          const all = Array.from({ length: size }, (_, at) => at + 1)
          const expected = from === null ? all.slice(-limit) : all.slice(from - 1).slice(0, limit)
          const found = await someEntries(log(size, linesAtOnce), from, limit)
          t.same(
            found.map(({ seq }) => seq),
            expected,
          )
        },
      ),
      { numRuns: 200 },
    )
  },
)

t.test('a copy comes in pieces of whole lines, and ends with an empty one', async (t) => {
  const realms = [withKeys('main', [])]
  let copy = ''
  for (;;) {
    const piece = await get(`/api/v1/audit/copy?file=entries&offset=${String(copy.length)}`, realms)
    t.equal(piece.headers['content-type'], 'application/x-ndjson')
    if (piece.body === '') break
    copy += piece.body
  }
  t.equal(copy, Array.from({ length: 7 }, (_, at) => line(at + 1)).join(''))
  t.equal((await get('/api/v1/audit/copy?file=heads', realms)).body, '')
})

t.test('a number that is none is refused, and so is another file', async (t) => {
  const realms = [withKeys('main', [])]
  for (const query of [
    'entries?from=0',
    'entries?limit=501',
    'entries?from=x',
    'copy?offset=-1',
    'copy?file=../x',
  ]) {
    t.equal((await get(`/api/v1/audit/${query}`, realms)).statusCode, 400, query)
  }
  t.match((await get('/api/v1/audit/head', realms)).json(), { head: null, public_key: 'PEM', realm: 'main' })
})
