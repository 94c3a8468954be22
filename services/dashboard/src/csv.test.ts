import fc from 'fast-check'
import t from 'tap'
import { toCsv } from './csv.js'

/** A plain RFC 4180 reader, for the round trip. */
function parse(text: string): string[][] {
  const records: string[][] = []
  let record: string[] = []
  let at = 0
  while (at < text.length) {
    let value = ''
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
        if (text[at] === '"') at += 1
        value += text[at]
      }
      at += 1
    } else {
      while (text[at] !== ',' && text[at] !== '\r') value += text[at++]
    }
    record.push(value)
    if (text[at] === ',') at += 1
    else {
      records.push(record)
      record = []
      at += 2
    }
  }
  return records
}

t.test('a header, a line for each row, empty fields where a value is missing', async (t) => {
  const rows = [{ path: '/a', users: 10, events: null }, { path: '/b, "c"' }]
  t.equal(toCsv(['path', 'users', 'events'], rows), 'path,users,events\r\n/a,10,\r\n"/b, ""c""",,\r\n')
})

t.test('no field that a spreadsheet would run begins a cell', async (t) => {
  for (const start of ['=', '+', '-', '@', '\t', '\r']) {
    const csv = toCsv(['path'], [{ path: `${start}HYPERLINK("http://x")` }])
    t.match(csv.split('\r\n')[1] ?? '', /^"?'/, JSON.stringify(start))
  }
  t.equal(toCsv(['n'], [{ n: -1 }]), 'n\r\n-1\r\n', 'numbers stay numbers')
})

t.test('any text comes back as it was, but for the quote before a formula', async (t) => {
  const value = fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', '=', '-', ' ', 'é', "'") })
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1 }), (rows) => {
      const csv = toCsv(
        ['x', 'y'],
        rows.map(([x, y]) => ({ x, y })),
      )
      const expected = rows.map((row) => row.map((text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text)))
      return JSON.stringify(parse(csv)) === JSON.stringify([['x', 'y'], ...expected])
    }),
  )
  t.pass('held in every run')
})
