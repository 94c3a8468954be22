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
