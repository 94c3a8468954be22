import { createHash } from 'node:crypto'
import { TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { buildManifest, type ManifestContent, readManifest } from './manifest.js'
import type { Cell } from './types.js'

const content: ManifestContent = {
  site: 'erp',
  statistic: 'pages',
  kind: 'page_view',
  window: 'day',
  windowStart: Date.UTC(2026, 10, 1),
  rulebook: 'a'.repeat(64),
  cells: [
    { dims: ['/b'], users: 20, events: null, floor: 10 },
    { dims: ['/a'], users: 10, events: 44, floor: 10 },
  ],
}

const cells: fc.Arbitrary<Cell[]> = fc.uniqueArray(
  fc.record({
    dims: fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 2 }),
    users: fc.option(fc.nat()),
    events: fc.option(fc.nat()),
    floor: fc.option(fc.constant(10)),
  }),
  { selector: (cell) => JSON.stringify(cell.dims) },
)

t.test('a manifest has a canonical text, its hash and the id of its window', async (t) => {
  const { id, text, hash } = buildManifest(content)
  t.equal(id, 'erp/pages/day/2026-11-01T00:00:00Z')
  t.equal(
    text,
    '{"cells":[{"dims":["/a"],"events":44,"floor":10,"users":10},{"dims":["/b"],"events":null,"floor":10,"users":20}],' +
      `"id":"${id}","kind":"page_view","rulebook":"${content.rulebook}","site":"erp","statistic":"pages","v":1,` +
      '"window":"day","window_start":"2026-11-01T00:00:00Z"}',
  )
  t.equal(hash, createHash('sha256').update(text).digest('hex'))
})

t.test('a manifest of former releases still reads, and has the same text and hash', async (t) => {
  // Committed by version 0.1, which knew people, events and floors of whole days alone.
  const text =
    '{"cells":[{"dims":["(other)"],"events":44,"floor":null,"users":null},{"dims":["/dashboard"],"events":null,' +
    '"floor":10,"users":30}],"id":"erp/pages/day/2026-11-02T00:00:00Z","kind":"page_view",' +
    `"rulebook":"${'b'.repeat(64)}","site":"erp","statistic":"pages","v":1,"window":"day",` +
    '"window_start":"2026-11-02T00:00:00Z"}'
  const hash = '4a6786a63f5c288ac810275cbde51b8711f52ba09d2af5a387697882a9ea1e89'
  const read = readManifest(text, hash)
  t.equal(buildManifest(read).text, text)
  t.equal(buildManifest(read).hash, hash)
  t.same(read.cells, [
    { dims: ['(other)'], users: null, events: 44, floor: null },
    { dims: ['/dashboard'], users: 30, events: null, floor: 10 },
  ])
})

t.test('every measure of a cell is in the text, and an hour is before its values', async (t) => {
  const cell = { dims: ['/a'], users: 10, floor: 10, events: null }
  const hours = { ...content, window: 'hour', cells: [9, 23, 8].map((hour) => ({ ...cell, hour })) }
  const { hash, id, text } = buildManifest(hours)
  t.equal(id, 'erp/pages/hour/2026-11-01T00:00:00Z', 'the hours of a day are one manifest')
  t.match(
    text,
    '{"dims":["/a"],"events":null,"floor":10,"hour":8,"users":10},{"dims":["/a"],"events":null,"floor":10,"hour":9',
  )
  t.same(
    readManifest(text, hash).cells.map(({ hour }) => hour),
    [8, 9, 23],
  )
  const whole: Required<Cell> = {
    dims: ['/a'],
    hour: 3,
    users: 10,
    users_error: 4,
    floor: 10,
    events: 44,
    events_error: 12,
    visits: 7,
    time_s: 600,
    share: 12,
  }
  const built = buildManifest({ ...content, cells: [whole] })
  t.same(readManifest(built.text, built.hash).cells, [whole])
  const cellText = JSON.stringify(JSON.parse(built.text).cells[0])
  const names = [...cellText.matchAll(/"([a-z_]+)":/g)].map(([, name]) => name)
  t.same(names, [...names].sort(), 'in sorted order')
  t.equal(names.length, Object.keys(whole).length)
  for (const [name, value] of Object.entries(whole)) {
    const without: Cell = { ...whole, [name]: Array.isArray(value) ? ['/b'] : 1 }
    t.not(buildManifest({ ...content, cells: [without] }).hash, built.hash, `${name} is in the hash`)
  }
})

t.test('the order of cells makes no difference to the text', async (t) => {
  fc.assert(
    fc.property(
      cells.chain((list) =>
        fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
      ),
      ([list, shuffled]) =>
        buildManifest({ ...content, cells: list }).hash ===
        buildManifest({ ...content, cells: shuffled }).hash,
    ),
  )
  t.pass('held in every run')
})

t.test('a manifest is read back as it was committed', async (t) => {
  fc.assert(
    fc.property(cells, (list) => {
      const built = buildManifest({ ...content, cells: list })
      const read = readManifest(built.text, built.hash)
      return buildManifest(read).text === built.text && read.cells.length === list.length
    }),
  )
  const built = buildManifest(content)
  t.same(readManifest(built.text, built.hash), { ...content, cells: [content.cells[1], content.cells[0]] })
})

t.test('a manifest that was altered, or cut short, is refused by its code', async (t) => {
  const { text, hash } = buildManifest(content)
  for (const damaged of [text.replace('44', '45'), text.slice(0, -1), '']) {
    try {
      readManifest(damaged, hash)
      t.fail('a damaged manifest was read')
    } catch (error) {
      t.ok(error instanceof TacitError && error.code === 'ERR_MANIFEST_DAMAGED')
    }
  }
})
