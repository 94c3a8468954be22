/** Everything that the language can say is read, and means what it says. */
import t from 'tap'
import { streamPlans } from './plan.js'
import { changed, load, loaded, placeOf, places } from './testing/shipped.js'
import { whole } from './testing/whole.js'

t.test('a rulebook that says everything has no error, and says what is not published yet', async (t) => {
  const { findings, rulebook } = load(whole())
  t.ok(rulebook)
  t.same([...new Set(findings.map(({ code }) => code))], ['RULE_NOT_RELEASED'])
  t.same(
    findings.map(({ message }) => message.split(':')[0]),
    ['live', 'pages', 'features', 'apps', 'speed', 'invoice', 'retention', 'visitors'].map(
      (id) => `statistics.${id}`,
    ),
  )
})

t.test('each statistic has its shape', async (t) => {
  const { statistics } = loaded(whole())
  const shapes = Object.fromEntries(statistics.map(({ id, shape }) => [id, shape]))
  t.same(shapes, {
    live: { type: 'live' },
    pages: { type: 'counts' },
    features: { type: 'counts' },
    navigation: { type: 'counts' },
    apps: { type: 'counts' },
    devices: { type: 'counts' },
    speed: { type: 'histogram', field: 'load_ms' },
    invoice: {
      type: 'funnel',
      steps: [
        { of: 'page', value: '/invoices/new' },
        { of: 'event', value: 'invoice.save' },
        { of: 'event', value: 'invoice.send' },
      ],
    },
    retention: { type: 'retention', cohort: 'cohort' },
    visitors: { type: 'counts' },
  })
})

t.test('rules of fields, sites and the scan are read whole', async (t) => {
  const { fields, scan, sites } = loaded(whole())
  t.same(fields['client_ip'], { do: 'truncate', ipv4: 16, ipv6: 32, keeps: 'country' })
  t.same(fields['user_agent'], { do: 'generalise', to: ['browser', 'os', 'device'], maxBits: 4 })
  t.same(fields['device_model'], { do: 'generalise', to: ['model_class'], maxBits: 2 })
  t.same(scan, {
    detectors: ['email', 'phone_in', 'pan', 'aadhaar', 'gstin', 'upi', 'ifsc', 'iban', 'card'],
    onHit: 'drop_event',
  })
  t.same(
    Object.values(sites).map(({ identity, lawfulBasis }) => [identity, lawfulBasis]),
    [
      ['signed', 'consent'],
      ['network', 'exempt-measurement'],
    ],
  )
})

t.test('each stream has the dimensions that its statistics need, and no more', async (t) => {
  t.same(streamPlans(loaded(whole())), [
    {
      stream: 'day',
      dimensions: [
        'browser',
        'country',
        'device',
        'event_name',
        'from_path',
        'load_ms',
        'os',
        'path',
        'role',
      ],
    },
    { stream: 'week', dimensions: ['app_version', 'cohort', 'event_name', 'model_class', 'role'] },
    { stream: 'month', dimensions: ['country'] },
  ])
})

t.test('a stream that is needed and not listed is an error, wherever the window stands', async (t) => {
  const texts = changed(whole(), 'streams: [day, week, month]', 'streams: [day]')
  const { findings, rulebook } = load(texts)
  t.equal(rulebook, null)
  const where = `RULE_STREAM_MISSING ${placeOf(texts, '[day], lateness')}`
  t.same(
    places(findings).filter((place) => place.startsWith('RULE_STREAM_MISSING')),
    [where, where],
    'for the week and for the month',
  )
})

t.test('a scan that cannot be read is told as what it is, not as missing', async (t) => {
  const { findings } = load(changed(whole(), 'on_hit: drop_event', 'on_hit: mask'))
  const codes = new Set(findings.map(({ code }) => code))
  t.ok(codes.has('RULE_VALUE'))
  t.notOk(codes.has('RULE_SCAN_MISSING'))
  t.match(load(changed(whole(), 'upi, ifsc', 'upi, ifcs')).findings[0]?.message, 'Did you mean `ifsc`?')
})
