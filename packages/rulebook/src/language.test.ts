/** Everything that the language can say is read, and means what it says. */
import t from 'tap'
import { dimensionsOf, isReleased, storedPlans, streamPlans } from './plan.js'
import { changed, FILE, load, loaded, placeOf, places, shipped } from './testing/shipped.js'
import { whole } from './testing/whole.js'

t.test('a rulebook that says everything has nothing to be said about', async (t) => {
  const { findings, rulebook } = load(whole())
  t.ok(rulebook)
  t.same(places(findings), [])
})

t.test('every statistic of it is released, in every window that it declares', async (t) => {
  const { statistics } = loaded(whole())
  for (const statistic of statistics)
    for (const window of statistic.windows) t.ok(isReleased(statistic, window), `${statistic.id} ${window}`)
  const released = statistics.flatMap((statistic) =>
    (['5m', 'hour', 'day', 'week', 'month'] as const).filter((window) => isReleased(statistic, window)),
  )
  t.equal(released.length, statistics.flatMap(({ windows }) => windows).length, 'and in no other')
})

t.test('a step, noise, a rate and sensitive events are read as they are written', async (t) => {
  const { events, release, statistics } = loaded(whole())
  t.equal(release.step, 20)
  t.same(release.noise, { unit: 'user-day', mechanism: 'laplace', epsilon: 1, capPerYear: 400 })
  t.equal(statistics.find(({ id }) => id === 'errors')?.per, 'pages')
  t.same(events['payroll.run'], { kind: 'feature', sensitive: true })
  t.same(events['invoice.save'], { kind: 'feature' })
  t.same(Object.entries(events).filter(([, { sensitive }]) => sensitive === true).length, 1)
  const gaussian = changed(
    whole(),
    'mechanism: laplace, epsilon: 1, cap_per_year: 400',
    'mechanism: gaussian, rho: 0.015, delta: 1e-7, cap_per_year: 5.5',
  )
  t.same(loaded(gaussian).release.noise, {
    unit: 'user-day',
    mechanism: 'gaussian',
    rho: 0.015,
    delta: 1e-7,
    capPerYear: 5.5,
  })
  const off = /, step: 20, noise: \{[^}]*\}/
  for (const [text, step] of [
    [', noise: off', 10],
    [', step: 10', 10],
    [', step: 25, noise: off', 25],
  ] as const) {
    const texts = whole()
    const { release: said } = loaded({ ...texts, [FILE]: (texts[FILE] ?? '').replace(off, text) })
    t.match(said, { step, noise: null }, text)
  }
  const insensitive = changed(whole(), 'sensitive: true', 'sensitive: false', 'events.yaml')
  t.same(loaded(insensitive).events['payroll.run'], { kind: 'feature' })
})

t.test('what is measured is a column of the day, and of no week', async (t) => {
  const pages = loaded(
    changed(whole(), 'Pages,            window: [hour, day], ', 'Pages,            window: [day, week], '),
  )
  const statistic = pages.statistics.find(({ id }) => id === 'pages')
  if (statistic === undefined) throw new Error('no pages')
  t.same(dimensionsOf(statistic), ['path', 'device', 'visit_start', 'time_spent_s'])
  t.same(dimensionsOf(statistic, 'week'), ['path', 'device'])
  const week = streamPlans(pages).find(({ stream }) => stream === 'week')
  t.same(week?.dimensions, ['app_version', 'cohort', 'device', 'event_name', 'model_class', 'path', 'role'])
})

t.test(
  'records of every stream that a statistic needs are stored, or of fewer where that is asked for',
  async (t) => {
    const rulebook = loaded(whole())
    const streams = (plans: readonly { readonly stream: string }[]) => plans.map(({ stream }) => stream)
    t.same(storedPlans(rulebook), streamPlans(rulebook))
    t.same(streams(storedPlans(rulebook)), ['day', 'week', 'month'])
    t.same(streams(storedPlans({ ...rulebook, stored: ['day', 'month'] })), ['day', 'month'])
    const days = loaded(shipped('website'))
    t.same(streams(storedPlans(days)), ['day'])
  },
)

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
    errors: { type: 'counts' },
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
        'time_spent_s',
        'visit_start',
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
