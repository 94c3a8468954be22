/** INV-02 and INV-03: what leaves is a function of the transformed fields, and holds no raw value. */
import type { Beacon } from '@tacit/contracts'
import type { Rulebook, Statistic } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from './ip.js'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { CLAIMS, createTrial, NOW, pageView } from './testing/trial.js'

const erp = shippedRulebook('erp')
const website = shippedRulebook('website')
/** The keys are fixed and so is the seed: a marker that a pseudonym happens to contain would be found each time. */
const SEED = 20_261_202

const word = fc.stringMatching(/^[A-Za-z0-9~!$*-]{5,24}$/)
const id = fc.oneof(
  word,
  fc.uuid(),
  fc.integer({ min: 10_000 }).map(String),
  fc.tuple(word, word).map(([name, domain]) => `${name}@${domain}.in`),
)
const chrome = fc
  .tuple(fc.integer({ min: 80, max: 160 }), fc.nat(9_999), fc.nat(999))
  .map(
    ([major, build, patch]) =>
      `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${String(major)}.0.${String(build)}.${String(patch)} Safari/537.36`,
  )
const address = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => parseAddress(text))

/** One input out of a class that the ERP's rules cannot tell apart, but for the event's id. */
const oneOfClass = fc.record({
  id,
  minutes: fc.integer({ min: 0, max: 29 }),
  customer: id,
  invoice: id,
  from: fc.oneof(
    id.map((unlisted) => `/unlisted/${unlisted}/x`),
    fc.constant('/nowhere/at/all'),
  ),
  query: word,
  loadMs: fc.integer({ min: 300, max: 999 }),
  version: word,
  role: word,
  userAgent: chrome,
  address,
  cohort: word,
  props: fc.dictionary(fc.stringMatching(/^x[a-z]{4,9}$/), fc.oneof(word, fc.double(), fc.boolean()), {
    maxKeys: 5,
  }),
  language: word,
  utcOffset: fc.option(fc.integer(), { nil: undefined }),
  consentAt: fc.integer({ min: 0, max: 86_400 }),
})
type Input = typeof oneOfClass extends fc.Arbitrary<infer T> ? T : never

function beaconOf(input: Input): Beacon {
  const utcOffset = input.utcOffset === undefined ? {} : { utc_offset: input.utcOffset }
  return {
    v: 1,
    site: 'erp',
    client: { language: input.language, ...utcOffset },
    events: [
      pageView({
        id: input.id,
        age: input.minutes * 60_000,
        path: `/customers/${encodeURIComponent(input.customer)}/invoice/${encodeURIComponent(input.invoice)}?q=${encodeURIComponent(input.query)}`,
        from_path: input.from,
        props: { load_ms: input.loadMs, app_version: input.version, ...input.props },
      }),
    ],
  }
}

/** All streams and the country besides what the shipped rulebook counts. */
const everything: Rulebook = {
  ...erp,
  statistics: [
    ...erp.statistics,
    { ...(erp.statistics[0] as Statistic), id: 'weekly', windows: ['week', 'month'], drill: [] },
    { ...(erp.statistics[0] as Statistic), id: 'countries', by: ['country'], drill: [] },
  ],
}
const trial = createTrial(everything, { countries: () => 'IN' })

/**
 * The rows of an input in every stream, without the keyed hash of its event's id; null where a detector dropped it,
 * which is a decision: what is asked is whether anything but decision and transformed fields shows.
 */
function rowOf(input: Input): string | null {
  const claims = {
    ...CLAIMS,
    role: `${input.role}!`,
    cohort: input.cohort,
    consent: {
      analytics: 'granted',
      policy: '2026-11-01',
      at: new Date(NOW - input.consentAt * 1000).toISOString(),
    },
  }
  const { detected, tails } = trial.run([], {
    beacon: beaconOf(input),
    address: input.address,
    userAgent: input.userAgent,
    token: { state: 'valid', claims },
    allowance: 1,
  })
  if (detected.length > 0) return null
  // of the day, of the week twice (this statistic, and who came back), of the month
  if (tails.length !== 4) throw new Error('the input is outside of its class')
  const values = (tails[0] as string).split(',')
  values.splice(9, 1)
  return [values.join(), ...tails.slice(1)].join('\n')
}

t.test('INV-03: inputs that the rules make equal leave the same bytes, but for the event id', async (t) => {
  let compared = 0
  fc.assert(
    fc.property(oneOfClass, oneOfClass, (one, other) => {
      const rows = [rowOf(one), rowOf(other)]
      if (rows.includes(null)) return
      compared += 1
      t.equal(rows[0], rows[1])
    }),
    { seed: SEED, numRuns: 500 },
  )
  t.ok(compared > 350, `${String(compared)} pairs were decided alike`)
})

t.test(
  'the class is not empty talk: another customer page, bucket or family leaves other bytes',
  async (t) => {
    const base: Input = {
      id: 'a',
      minutes: 0,
      customer: '1',
      invoice: '2',
      from: '/x',
      query: 'q',
      loadMs: 400,
      version: 'v',
      role: 'r',
      userAgent:
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
      address: parseAddress('203.0.113.7'),
      cohort: 'c',
      props: {},
      language: 'en',
      utcOffset: 0,
      consentAt: 0,
    }
    const row = rowOf(base)
    for (const change of [
      { from: '/customers' },
      { loadMs: 1000 },
      { minutes: 31 },
      { cohort: '2026-03' },
      { userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0' },
    ]) {
      t.not(rowOf({ ...base, ...change }), row)
    }
  },
)

t.test('INV-02: no raw value of four characters and more is in any row of a signed site', async (t) => {
  const marker = fc
    .stringMatching(/^[A-Za-z0-9~!$-]{4,20}$/)
    .filter((text) => /\d/.test(text) && /[A-Za-z]/.test(text))
  fc.assert(
    fc.property(fc.array(marker, { minLength: 16, maxLength: 16 }), address, (markers, ip) => {
      const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', ...more] = markers
      const [i = '', j = '', k = '', l = '', m = '', n = '', o = '', p = ''] = more
      const { detected, fates, tails } = trial.run([], {
        beacon: {
          v: 1,
          site: 'erp',
          client: { language: l },
          events: [
            pageView({ id: a, path: `/customers/${b}/invoice/${c}?${d}=${e}#${f}`, from_path: `/${g}/${h}` }),
            pageView({
              id: `${a}2`,
              path: `/${g}`,
              props: { app_version: i, [j]: k },
            }),
            pageView({
              id: `${a}3`,
              name: 'app_start',
              props: { load_ms: m, device_model: p },
            }),
          ],
        },
        address: ip,
        userAgent: `Mozilla/5.0 (${n}) ${o}`,
        token: {
          state: 'valid',
          claims: {
            ...CLAIMS,
            tenant: m,
            sub: n,
            role: o,
            cohort: p,
          },
        },
        allowance: 3,
      })
      t.equal(fates.length, 3)
      t.ok(tails.length >= 3 || detected.length > 0)
      const rows = tails.join('\n')
      const found = markers.filter((text) => rows.includes(text))
      t.same(found, [])
      if (ip !== null && ip.family === 4) t.notOk(rows.includes(ip.text))
    }),
    { seed: SEED, numRuns: 500 },
  )
})

t.test('INV-02: on a network site the path template is all that stays of what came in', async (t) => {
  const network = createTrial(website)
  const marker = fc
    .stringMatching(/^[A-Za-z0-9~!$-]{6,20}$/)
    .filter((text) => /\d/.test(text) && /[A-Za-z]/.test(text))
  fc.assert(
    fc.property(
      fc.array(marker, { minLength: 5, maxLength: 5 }),
      fc.uuid(),
      fc.ipV4(),
      (markers, uuid, ip) => {
        const [a = '', b = '', c = '', d = '', e = ''] = markers
        const { tails } = network.run([], {
          beacon: {
            v: 1,
            site: 'website',
            token: a,
            events: [
              pageView({
                id: b,
                path: `/orders/${uuid}/48211/x@y.in?${c}=${d}`,
                props: { [d]: e },
              }),
            ],
          },
          address: parseAddress(ip),
          userAgent: `Agent ${e}`,
          allowance: 1,
        })
        t.equal(tails.length, 1)
        const rows = tails.join('\n')
        t.same(
          [...markers, uuid, ip, '48211', 'x@y.in'].filter((text) => rows.includes(text)),
          [],
        )
        t.match(rows, '"/orders/:id/:id/:id"')
      },
    ),
    { seed: SEED, numRuns: 300 },
  )
})
