import fc from 'fast-check'
import t from 'tap'
import { coarsen, compileAllow, compileBucket, compileMonth, compileUtcOffset, DROP_EVENT } from './values.js'

t.test('a number becomes the label of its bucket', async (t) => {
  const bucket = compileBucket([100, 300, 1000])
  const cases: readonly (readonly [number, string])[] = [
    [-5, '<100'],
    [0, '<100'],
    [99.9, '<100'],
    [100, '100-299'],
    [299.9, '100-299'],
    [300, '300-999'],
    [1000, '>=1000'],
    [1e300, '>=1000'],
  ]
  for (const [value, label] of cases) t.equal(bucket(value), label, String(value))
})

t.test('what is no finite number has no bucket', async (t) => {
  const bucket = compileBucket([100, 300])
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    '150',
    true,
    null,
    undefined,
    {},
    [150],
  ]) {
    t.equal(bucket(value), null)
  }
})

t.test(
  'a larger number never falls into a lower bucket, and each label is one of the declared',
  async (t) => {
    const edges = fc
      .uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 8 })
      .map((list) => list.sort((a, b) => a - b))
    const number = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(edges, number, (list, value) => {
        const label = compileBucket(list)(value)
        const first = list[0] ?? 0
        if (value < first) return label === `<${first}`
        const low = list.findLast((edge) => edge <= value)
        const high = list.find((edge) => edge > value)
        return label === (high === undefined ? `>=${low}` : `${low}-${high - 1}`)
      }),
    )
    t.pass('held in every run')
  },
)

t.test('an allowed value passes with its type, another becomes otherwise or goes', async (t) => {
  const roles = compileAllow({ do: 'allow', values: ['admin', 'sales'], otherwise: 'other' })
  t.equal(roles('admin'), 'admin')
  t.equal(roles('Admin'), 'other')
  t.equal(roles(['admin']), 'other')
  t.equal(roles(undefined), null)
  t.equal(roles(null), null)
  const visit = compileAllow({ do: 'allow', values: [true] })
  t.equal(visit(true), 'true')
  t.equal(visit('true'), null)
  t.equal(visit(1), null)
  t.equal(visit(false), null)
  t.equal(compileAllow({ do: 'allow', values: [3] })('3'), null)
})

t.test('an event whose value is not in the catalogue is dropped whole', async (t) => {
  const names = compileAllow({ do: 'allow', values: ['page_view'], otherwise: 'drop_event' })
  t.equal(names('page_view'), 'page_view')
  t.equal(names('__proto__'), DROP_EVENT)
  t.equal(names('page_view '), DROP_EVENT)
})

t.test('an allow-list without values allows nothing', async (t) => {
  t.equal(compileAllow({ do: 'allow' })('anything'), null)
})

t.test('only an allowed value ever leaves an allow-list', async (t) => {
  const allow = compileAllow({ do: 'allow', values: ['a', 1, true], otherwise: 'other' })
  const out = new Set<unknown>(['a', '1', 'true', 'other', null])
  fc.assert(fc.property(fc.anything(), (value) => out.has(allow(value))))
  t.pass('held in every run')
})

t.test('an offset is a quarter hour between UTC−12 and UTC+14', async (t) => {
  const offset = compileUtcOffset()
  const cases: readonly (readonly [unknown, string | null])[] = [
    [0, '0'],
    [-0, '0'],
    [330, '330'],
    [345, '345'],
    [-720, '-720'],
    [840, '840'],
    [-735, null],
    [855, null],
    [331, null],
    [7.5, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    ['330', null],
  ]
  for (const [value, expected] of cases) t.equal(offset(value), expected, String(value))
  t.equal(compileAllow({ do: 'allow', pattern: 'quarter_hours' })(330), '330')
})

t.test('a month is YYYY-MM and nothing else', async (t) => {
  const month = compileMonth()
  for (const value of ['2026-01', '2025-12']) t.equal(month(value), value)
  for (const value of [
    '2026-00',
    '2026-13',
    '2026-1',
    '2026-01-01',
    '2026-01\n',
    ' 2026-01',
    '２０２６-01',
    202601,
    null,
  ]) {
    t.equal(month(value), null, JSON.stringify(value))
  }
  t.equal(compileAllow({ do: 'allow', pattern: 'month', otherwise: 'other' })('May'), 'other')
})

t.test('a coarse time is the last whole step, before 1970 too', async (t) => {
  const time = fc.integer({ min: -1e13, max: 1e13 })
  fc.assert(
    fc.property(time, fc.constantFrom(900_000, 3_600_000, 86_400_000), (at, step) => {
      const start = coarsen(at, step)
      return Math.abs(start % step) === 0 && start <= at && at - start < step
    }),
  )
  t.pass('held in every run')
})
