import fc from 'fast-check'
import t from 'tap'
import { isPlainBeacon } from './beacon-guard.js'
import { beacon } from './beacon.js'

const text = fc.oneof(
  { weight: 20, arbitrary: fc.string({ minLength: 1, maxLength: 20 }) },
  fc.string({ maxLength: 300 }),
)
const odd = fc.oneof(
  fc.constantFrom(
    null,
    undefined,
    true,
    -0,
    0,
    1,
    -1,
    1.5,
    86_400_000,
    86_400_001,
    Number.NaN,
    Infinity,
    '',
    [],
    {},
  ),
  fc.double(),
  text,
)
const props = fc.oneof(
  { weight: 1, arbitrary: odd },
  {
    weight: 8,
    arbitrary: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), {
      maxKeys: 34,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(
      fc.oneof(text, fc.constantFrom('constructor', 'prototype', 'load_ms')),
      fc.oneof(odd, fc.constant([1]), fc.constant({ a: 1 })),
      { maxKeys: 40 },
    ),
  },
)
const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 40, arbitrary: value }, { weight: 1, arbitrary: odd })
const event = fc.record(
  {
    id: maybe(text),
    name: maybe(text),
    age: maybe(fc.integer({ min: 0, max: 86_400_000 })),
    path: maybe(text),
    from_path: maybe(text),
    props,
    extra: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, odd),
  },
  { requiredKeys: ['id', 'name', 'age'] },
)
const body = fc.record(
  {
    v: maybe(fc.constant(1)),
    site: maybe(text),
    token: maybe(text),
    consent: maybe(
      fc.record(
        { analytics: maybe(text), other: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, odd) },
        { requiredKeys: ['analytics'] },
      ),
    ),
    client: maybe(
      fc.record(
        {
          utc_offset: maybe(fc.integer()),
          language: maybe(text),
          x: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, odd),
        },
        { requiredKeys: [] },
      ),
    ),
    events: maybe(fc.array(event, { maxLength: 4 })),
    unknown: fc.oneof({ weight: 40, arbitrary: fc.constant(undefined) }, odd),
  },
  { requiredKeys: ['v', 'site', 'events'] },
)
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null')

t.test('what the guard takes, the schema takes unchanged', async (t) => {
  let taken = 0
  fc.assert(
    fc.property(body, (value) => {
      const json = asJson(value)
      if (!isPlainBeacon(json)) return
      taken++
      const parsed = beacon.safeParse(json)
      t.ok(parsed.success, 'the schema agrees')
      t.same(parsed.data, json)
    }),
    { numRuns: 3000 },
  )
  t.ok(taken > 20, `the property was reached (${taken} beacons)`)
})

t.test('what the schema takes, the guard takes, but for names that reach a prototype', async (t) => {
  fc.assert(
    fc.property(body, (value) => {
      const json = asJson(value)
      const parsed = beacon.safeParse(json)
      if (!parsed.success) return
      // Of the JSON, not of what the schema made of it: the schema leaves `__proto__` out without a word.
      const { events } = json as { events: { props?: object }[] }
      const names = events.flatMap(({ props: found }) => Object.keys(found ?? {}))
      const many = events.some(({ props: found }) => Object.keys(found ?? {}).length > 32)
      const poisoned = names.some((name) => ['constructor', 'prototype', '__proto__'].includes(name))
      t.equal(isPlainBeacon(json), !many && !poisoned)
    }),
    { numRuns: 3000 },
  )
  t.ok(true, 'no disagreement')
})
