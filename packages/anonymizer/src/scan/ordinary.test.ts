/** Ordinary texts of an ERP that look a little like identifiers, and identifiers in other separators than a form's own. */
import { createHash } from 'node:crypto'
import { DETECTORS } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { createScanner } from './index.js'

const scanner = createScanner(DETECTORS)

t.test('a number is found whatever stands between its groups', async (t) => {
  const between = [
    '\t',
    '\n',
    '\r\n',
    '   ',
    ' - ',
    ' – ',
    '--',
    ' . ',
    ', ',
    ' / ',
    '\u00a0',
    '\u2028',
    '\u0085',
    ' | ',
  ]
  for (const separator of between) {
    const expected = (detector: string) => (separator === ' | ' ? null : detector)
    t.equal(scanner.scan(['98765', '43210'].join(separator)), expected('phone_in'), separator)
    t.equal(scanner.scan(['2341', '2341', '2346'].join(separator)), expected('aadhaar'), separator)
    t.equal(scanner.scan(['4111', '1111', '1111', '1111'].join(separator)), expected('card'), separator)
  }
  for (const text of ['98765,43210', '987/654/3210', '+91,98765,43210', '+91 (98765) - 43210']) {
    t.equal(scanner.scan(text), 'phone_in', text)
  }
  for (const text of ['2341,2341,2346', '2341/2341/2346']) t.equal(scanner.scan(text), 'aadhaar', text)
  t.equal(scanner.scan('ABCPK\t1234\tF'), 'pan')
})

t.test('ordinary texts of an ERP pass', async (t) => {
  const texts = [
    '1,234,567.00',
    'Rs. 98,765,432.10',
    '₹ 9,87,65,432.00',
    '98765432.10',
    '234,567,890,124',
    '2026-11-29',
    '2026-11-22 - 2026-11-29',
    '2026-11-22/2026-11-29',
    '22/11/2026 - 29/11/2026',
    '01/04/2026-31/03/2027',
    '2026/11/29/00123',
    '20261129103000',
    '2026-11-29T10:30:00.000+05:30',
    '1000 - 2000',
    'page 3 of 12',
    'code 0 - failed',
    'rows 100,200,300,400',
    '67, 89, 12, 34, 56',
    '1,2,3,4,5,6,7,8,9,10,11,12',
    '8.2.1',
    '141.0.7390.108',
    '8471.30.10, 8473.30.20',
    '8471/8473/8504',
    'INV-2026-00123',
    'SI/26-27/00123',
    'GST/MH/123456',
    '28.613939, 77.209021',
    '72.87765591',
    '/orders/98765/43210',
    '/reports/2026/11/29/1234',
    'https://erp.example.in/orders/98765/43210',
  ]
  for (const text of texts) t.equal(scanner.scan(text), null, text)
})

const day = fc.date({ min: new Date('2000-01-01'), max: new Date('2059-12-31'), noInvalidDate: true })
const iso = day.map((date) => date.toISOString().slice(0, 10))
const amount = fc.integer({ min: 0, max: 99_999_999_999 }).map((paise) => paise / 100)
const grouped = (locale: string) =>
  amount.map((value) => value.toLocaleString(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }))

t.test('no date, range of dates, time, amount or coordinate costs an event', async (t) => {
  const texts = fc.oneof(
    iso,
    fc.tuple(iso, iso).map((dates) => dates.join(' - ')),
    fc.tuple(iso, iso).map((dates) => dates.join(' ')),
    fc.tuple(iso, iso).map((dates) => dates.join('/')),
    day.map((date) => date.toISOString()),
    day.map((date) => date.toISOString().replaceAll(/\D/g, '').slice(0, 14)),
    grouped('en-IN'),
    grouped('en-US'),
    amount.map((value) => value.toFixed(2)),
    fc
      .tuple(fc.double({ min: 8, max: 36, noNaN: true }), fc.double({ min: 68, max: 98, noNaN: true }))
      .map((place) => place.map((degrees) => degrees.toFixed(6)).join(', ')),
  )
  fc.assert(
    fc.property(texts, (text) => scanner.scan(text) === null),
    { seed: 5, numRuns: 20_000 },
  )
  fc.assert(
    fc.property(iso, iso, (from, to) => scanner.scanSplit([from, to]) === null),
    { seed: 5, numRuns: 5_000 },
  )
  t.pass('in 25,000 texts')
})

t.test('a UUID passes, and what stands around one is searched', async (t) => {
  fc.assert(
    fc.property(
      fc.uuid(),
      (uuid) => /[a-f]/.test(uuid) === false || scanner.scan(`/invoices/${uuid}/lines`) === null,
    ),
    { seed: 5, numRuns: 20_000 },
  )
  const uuid = '550e8400-e29b-41d4-a716-446655440000'
  t.equal(scanner.scan(`9876543210 ${uuid}`), 'phone_in')
  t.equal(scanner.scan(`${uuid}/ABCPK1234F`), 'pan')
  t.equal(scanner.scan(`${uuid}@okhdfcbank`), 'upi')
  t.equal(scanner.scan(`${uuid.toUpperCase()} 98765-43210`), 'phone_in')
  t.equal(scanner.scan('98765432-1098-4654-8210-9876543210ab'), null)
  t.equal(scanner.scan('98765432-1098-4654-8210-9876543210abc'), 'phone_in', 'one digit more is no UUID')
  t.equal(scanner.scan('98765432-1098-7654-3210-987654321098'), 'card', 'digits alone are no UUID')
})

t.test('hashes are long random tokens, whatever some of their bytes look like', async (t) => {
  for (let at = 0; at < 20_000; at++) {
    const hash = createHash('sha256').update(String(at)).digest('hex')
    if (scanner.scan(hash) !== 'random_token') t.fail(`${hash}: ${String(scanner.scan(hash))}`)
  }
  t.pass('20,000 of 64 hexadecimal digits')
})
