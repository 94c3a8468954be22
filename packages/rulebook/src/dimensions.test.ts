import fc from 'fast-check'
import t from 'tap'
import { bucketLabels, bucketSeconds, declaredValues, GENERALISED_VALUES } from './dimensions.js'
import { loaded, shipped } from './testing/shipped.js'

t.test('buckets are labelled by their bounds', async (t) => {
  t.same(bucketLabels([100, 300]), ['<100', '100-299', '>=300'])
  t.same(bucketLabels([10]), ['<10', '>=10'])
  t.same(bucketLabels([]), [])
})

t.test('seconds of a bucket are its lower edge', async (t) => {
  t.same(bucketSeconds({ edges: [10, 30, 1800] }), { '<10': 0, '10-29': 10, '30-1799': 30, '>=1800': 1800 })
  t.same(bucketSeconds({ edges: [] }), {})
})

t.test('rising edges give one more label than edges, all different', async (t) => {
  const edges = fc.uniqueArray(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(edges, (list) => {
      const labels = bucketLabels(list.sort((a, b) => a - b))
      return labels.length === list.length + 1 && new Set(labels).size === labels.length
    }),
  )
  t.pass('held in every run')
})

t.test('declared values are those of the closed domains, with what others become', async (t) => {
  const erp = loaded(shipped('erp'))
  t.same(declaredValues(erp, 'browser'), GENERALISED_VALUES.browser)
  t.same(declaredValues(erp, 'model_class'), ['desktop', 'phone', 'tablet', 'other'])
  t.same(declaredValues(erp, 'role'), ['admin', 'accounts', 'sales', 'operations', 'other'])
  t.same(declaredValues(erp, 'app_version'), ['8.1.0', '8.2.0', '8.2.1', '8.3.0', 'other'])
  t.same(declaredValues(erp, 'load_ms')?.[1], '100-299')
  t.same(declaredValues(erp, 'visit_start'), ['true'])
  const paths = declaredValues(erp, 'path')
  t.equal(paths?.length, 37)
  t.equal(paths?.at(-1), '/other')
})

t.test('event names are declared by kind', async (t) => {
  const erp = loaded(shipped('erp'))
  t.equal(declaredValues(erp, 'event_name')?.length, 17)
  t.equal(declaredValues(erp, 'event_name', 'feature')?.length, 13)
  t.same(declaredValues(erp, 'event_name', 'device'), ['app_start'])
})

t.test('open domains, dropped fields and unknown names have no declared values', async (t) => {
  const erp = loaded(shipped('erp'))
  for (const name of [
    'cohort',
    'utc_offset',
    'client_ip',
    'user_id',
    'timestamp',
    'search_text',
    'constructor',
    'nothing',
  ]) {
    t.equal(declaredValues(erp, name), null, name)
  }
  t.equal(declaredValues(loaded(shipped('website')), 'path'), null)
})
