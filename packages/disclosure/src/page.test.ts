import { readFileSync } from 'node:fs'
import t from 'tap'
import { workedExample } from './testing/worked-example.js'

const read = (file: string): string =>
  readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n')

t.test('the tables of docs/disclosure.md are what the engine makes of its example', async (t) => {
  const page = read('disclosure.md')
  for (const [name, expected] of Object.entries(workedExample().figures)) {
    const [, found] = page.split(`<!-- figures: ${name} -->\n\n`)
    t.equal(found?.split('\n\n', 1)[0]?.trimEnd(), expected, name)
  }
})

t.test('the sentences around them say the same numbers', async (t) => {
  const page = read('disclosure.md').replaceAll(/\s+/g, ' ')
  const { cells, checked, events, nodes } = workedExample()
  const cellOf = (...dims: string[]) =>
    cells.find((cell) => JSON.stringify(cell.dims) === JSON.stringify(dims))
  const nodeOf = (...dims: string[]) =>
    nodes.find((node) => JSON.stringify(node.dims) === JSON.stringify(dims))
  const blocks = [
    cellOf('/invoices', 'desktop'),
    cellOf('/invoices', '(other)'),
    cellOf('/customers'),
    cellOf('(other)'),
  ].map((cell) => cell?.events ?? Number.NaN)
  t.ok(checked)
  t.equal(events.published, events.counted)
  t.equal(
    blocks.reduce((sum, one) => sum + one, 0),
    events.counted,
  )
  const sum = `${blocks.join(' + ')} = ${String(events.counted)}`
  t.match(page, sum)
  t.match(
    page,
    `${String(nodeOf('/payroll')?.largestTenantUsers)} of its ${String(nodeOf('/payroll')?.users)} people`,
  )
  t.match(page, `the ${String(nodeOf('/invoices', 'tablet')?.users)} people on tablets`)

  const picture = read('images/one-event-one-block.svg')
  t.match(picture, sum)
  for (const [dims, words] of [
    [['/invoices', 'desktop'], '40 people, 147 events'],
    [['/invoices', '(other)'], '20, 32'],
    [['/customers'], '20, 57'],
    [['(other)'], '20, 70'],
  ] as const) {
    const cell = cellOf(...dims)
    t.match(words, new RegExp(`^${String(cell?.users)}\\D+${String(cell?.events)}\\b`))
    t.match(picture, `>${words}<`)
  }
  for (const node of nodes.filter(({ dims }) => dims[0] === '/invoices' || dims.length === 1))
    t.match(picture, new RegExp(`>${String(node.users)}\\b`), node.dims.join(' '))
})
