import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { type BatchHeader, batchKey, openBatch, readBatchHeader, sealBatch } from './sealed-batch.js'

const LOG_KEY = Buffer.from(Array.from({ length: 32 }, (_none, i) => i))
const ROWS = Buffer.from('["0123456789abcdef",7,0,1796205600]\n["0123456789abcdef",7,1,1796205600]\n')
const HEADER: BatchHeader = {
  v: 1,
  hour: Date.UTC(2026, 11, 2, 10),
  producer: '0123456789abcdef',
  batch: 7,
  rulebook: 'ab'.repeat(32),
  sections: [{ stream: 'day', bytes: ROWS.length, rows: { 'day:2026-12-02': 2 } }],
  counts: { '2026-12-02T10:00:00Z': { received: 3, accepted: 2, dropped: { late: 1 } } },
  removedProps: 0,
}
const KEY = batchKey(LOG_KEY, HEADER.producer)
const SEALED = sealBatch(HEADER, ROWS, KEY)

/** The code of the TacitError that `action` ends with; '' where it ends well. */
function codeOf(action: () => unknown): string {
  try {
    action()
    return ''
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

t.test('version 1 is these very bytes, for good: a log on disk outlives a release', async (t) => {
  t.equal(KEY.toString('hex'), '76ec3e754fb6a9b5b48e0457592c7f53e1b050e66c0028b7ef4871b73960bf45')
  t.equal(SEALED.subarray(0, 4).toString('latin1'), 'TCB1')
  t.equal(SEALED.readUInt32BE(4), Buffer.byteLength(JSON.stringify(HEADER)))
  t.equal(SEALED.subarray(-16).toString('hex'), 'cd53263be0203201e8a7c02730137261')
  t.equal(
    createHash('sha256').update(SEALED).digest('hex'),
    '4ed70834060e7b3801a0f9ec70fbf978b33b0f3b1b6f2c08b96117998a805d5d',
  )
})

t.test('a batch opens to what was sealed', async (t) => {
  const opened = openBatch(SEALED, KEY)
  t.same(opened.header, HEADER)
  t.equal(opened.sections.length, 1)
  t.ok(opened.sections[0]?.rows.equals(ROWS))
  t.same(readBatchHeader(SEALED), HEADER)
})

t.test('the rows are nowhere in the sealed bytes, the counts are', async (t) => {
  t.equal(SEALED.indexOf('1796205600]'), -1)
  t.not(SEALED.indexOf('"accepted":2'), -1)
})

t.test('sections are cut where the header says, in its order', async (t) => {
  const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 })
  fc.assert(
    fc.property(parts, fc.nat(2 ** 31), (list, batch) => {
      const header: BatchHeader = {
        ...HEADER,
        batch,
        sections: list.map((part, i) => ({
          stream: (['day', 'week', 'month'] as const)[i] ?? 'day',
          bytes: part.length,
          rows: {},
        })),
      }
      const { sections } = openBatch(sealBatch(header, Buffer.concat(list), KEY), KEY)
      t.same(
        sections.map(({ rows }) => [...rows]),
        list.map((part) => [...part]),
      )
    }),
  )
})

const REFUSALS: ReadonlySet<string> = new Set([
  'ERR_BATCH_FORMAT',
  'ERR_BATCH_VERSION',
  'ERR_BATCH_AUTHENTICATION',
])

t.test('any flipped bit is detected', async (t) => {
  const undetected: number[] = []
  for (let bit = 0; bit < SEALED.length * 8; bit++) {
    const damaged = Buffer.from(SEALED)
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
    const code = codeOf(() => openBatch(damaged, KEY))
    if (!REFUSALS.has(code)) undetected.push(bit)
  }
  t.same(undetected, [])
})

t.test('any cut and any byte added is detected', async (t) => {
  const codes = new Set<string>()
  for (let length = 0; length < SEALED.length; length++)
    codes.add(codeOf(() => openBatch(SEALED.subarray(0, length), KEY)))
  t.same([...codes].sort(), ['ERR_BATCH_AUTHENTICATION', 'ERR_BATCH_FORMAT'])
  t.equal(
    codeOf(() => openBatch(Buffer.concat([SEALED, Buffer.alloc(1)]), KEY)),
    'ERR_BATCH_AUTHENTICATION',
  )
})

t.test('another key, producer, hour key or number does not open it', async (t) => {
  const other = Buffer.from(LOG_KEY)
  other[0] = 1
  t.equal(
    codeOf(() => openBatch(SEALED, batchKey(other, HEADER.producer))),
    'ERR_BATCH_AUTHENTICATION',
  )
  t.equal(
    codeOf(() => openBatch(SEALED, batchKey(LOG_KEY, 'fedcba9876543210'))),
    'ERR_BATCH_AUTHENTICATION',
  )
  t.equal(
    codeOf(() => openBatch(SEALED, LOG_KEY)),
    'ERR_BATCH_AUTHENTICATION',
  )
})

t.test('whatever byte of any header becomes another one, the batch is refused', async (t) => {
  const epochs = fc.constantFrom('day:2026-12-01', 'day:2026-12-02', 'week:2026-11-30')
  const anyHeader: fc.Arbitrary<BatchHeader> = fc
    .record({
      hour: fc.nat(500_000).map((hours) => hours * 3_600_000),
      producer: fc.stringMatching(/^[0-9a-f]{16}$/),
      batch: fc.nat(2 ** 31),
      rulebook: fc.stringMatching(/^[0-9a-f]{64}$/),
      rows: fc.dictionary(epochs, fc.nat(1_000)),
      removedProps: fc.nat(9),
    })
    .map(({ rows, ...header }) => ({
      v: 1,
      ...header,
      sections: [{ stream: 'day', bytes: ROWS.length, rows }],
      counts: HEADER.counts,
    }))
  fc.assert(
    fc.property(
      anyHeader,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.integer({ min: 1, max: 255 }),
      (header, place, change) => {
        const key = batchKey(LOG_KEY, header.producer)
        const sealed = sealBatch(header, ROWS, key)
        const at = Math.floor(place * (8 + sealed.readUInt32BE(4)))
        sealed[at] = (sealed[at] as number) ^ change
        return REFUSALS.has(codeOf(() => openBatch(sealed, key)))
      },
    ),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})

t.test('a header that was changed is not believed, whatever it says', async (t) => {
  for (const [before, after] of [
    ['"accepted":2', '"accepted":9'],
    ['"batch":7', '"batch":8'],
    ['"removedProps":0', '"removedProps":1'],
    ['day:2026-12-02":2', 'day:2026-12-03":2'],
    ['abab', 'abac'],
  ] as const) {
    const changed = Buffer.from(SEALED.toString('latin1').replace(before, after), 'latin1')
    t.notOk(changed.equals(SEALED), before)
    t.equal(
      codeOf(() => openBatch(changed, KEY)),
      'ERR_BATCH_AUTHENTICATION',
      before,
    )
  }
})

t.test('bytes that are no batch are refused by their form, and never with what they held', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.equal(
        codeOf(() => readBatchHeader(Buffer.from(bytes))),
        'ERR_BATCH_FORMAT',
      )
    }),
  )
  const longHeader = Buffer.from(SEALED)
  longHeader.writeUInt32BE(0xffff_ffff, 4)
  t.equal(
    codeOf(() => readBatchHeader(longHeader)),
    'ERR_BATCH_FORMAT',
  )
  for (const header of [
    'null',
    '[]',
    '{"v":1}',
    '{"v":1,"hour":0,"batch":-1,"producer":"a","sections":[],"counts":{}}',
  ]) {
    const bytes = Buffer.concat([
      Buffer.from('TCB1'),
      Buffer.from([0, 0, 0, header.length]),
      Buffer.from(header),
      Buffer.alloc(16),
    ])
    t.equal(
      codeOf(() => openBatch(bytes, KEY)),
      'ERR_BATCH_FORMAT',
      header,
    )
  }
  const version2 = sealBatch({ ...HEADER, v: 2 } as unknown as BatchHeader, ROWS, KEY)
  t.equal(
    codeOf(() => openBatch(version2, KEY)),
    'ERR_BATCH_VERSION',
  )
  // A version is said in the refusal, so what is no version is not taken for one.
  for (const v of [0, -1, 1.5, 1e6, '2', 'alice@example.in', null]) {
    const odd = sealBatch({ ...HEADER, v } as unknown as BatchHeader, ROWS, KEY)
    t.equal(
      codeOf(() => openBatch(odd, KEY)),
      'ERR_BATCH_FORMAT',
      String(v),
    )
  }
  const lying = sealBatch({ ...HEADER, sections: [{ stream: 'day', bytes: 1, rows: {} }] }, ROWS, KEY)
  t.equal(
    codeOf(() => openBatch(lying, KEY)),
    'ERR_BATCH_FORMAT',
    'sections that do not add up',
  )
})

t.test('no two batches of a producer, and no two producers, share a keystream', async (t) => {
  const bodyOf = (batch: number, producer: string) => {
    const sealed = sealBatch({ ...HEADER, batch, producer }, ROWS, batchKey(LOG_KEY, producer))
    return sealed.subarray(8 + sealed.readUInt32BE(4), -16).toString('hex')
  }
  const bodies = [0, 1, 2 ** 32, 2 ** 32 + 1].flatMap((batch) =>
    ['0123456789abcdef', 'fedcba9876543210'].map((producer) => bodyOf(batch, producer)),
  )
  t.equal(new Set(bodies).size, bodies.length)
})
