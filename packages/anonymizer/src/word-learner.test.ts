import { DAY, DrivenClock } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { parseAddress } from './ip.js'
import { shippedRulebook } from '@tacit/rulebook/testing'
import { CLAIMS, createTrial, NOW, pageView } from './testing/trial.js'
import { createWordLearner, type WordUse } from './word-learner.js'

const RELEASE = { minUsers: 10, minTenants: 3, minNetworks: 5 }
const TODAY = Math.floor(NOW / DAY)

function learner(more: { segments?: number } = {}) {
  const told: string[] = []
  const clock = new DrivenClock(NOW)
  const words = createWordLearner({ release: RELEASE, clock, found: (word) => told.push(word), ...more })
  const saw = (segment: string, person: number, use: Partial<WordUse> = {}) =>
    words.saw({
      day: TODAY,
      site: 'erp',
      identity: 'signed',
      segment,
      person: `person-${person}`,
      group: `tenant-${person % 4}`,
      ...use,
    })
  const crowd = (segment: string, people: number, use: Partial<WordUse> = {}) => {
    for (let person = 0; person < people; person++) saw(segment, person, use)
  }
  return { clock, crowd, saw, told, words }
}

t.test('the tenth person of a day makes a segment wait, once', async (t) => {
  const { crowd, saw, told } = learner()
  crowd('reports', 9)
  crowd('reports', 9)
  t.same(told, [])
  saw('reports', 9)
  t.same(told, ['reports'])
  crowd('reports', 30)
  t.same(told, ['reports'])
})

t.test('people of too few tenants or networks are not enough', async (t) => {
  const signed = learner()
  signed.crowd('reports', 30, { group: 'one' })
  signed.saw('reports', 1, { group: 'two' })
  t.same(signed.told, [])
  signed.saw('reports', 1, { group: 'three' })
  t.same(signed.told, ['reports'])
  const network = learner()
  network.crowd('reports', 30, { identity: 'network' })
  t.same(network.told, [], 'four networks, where five are asked for')
  network.saw('reports', 1, { identity: 'network', group: 'a fifth' })
  t.same(network.told, ['reports'])
})

t.test('two sites do not count for one another, nor two days', async (t) => {
  const { clock, crowd, saw, told, words } = learner()
  crowd('reports', 9)
  crowd('reports', 9, { site: 'website' })
  saw('reports', 9, { day: TODAY + 1 })
  t.same(told, [])
  crowd('reports', 9, { day: TODAY })
  crowd('reports', 8, { day: TODAY + 1 })
  t.same(told, [], 'a day that is over is forgotten')
  clock.advanceTo(NOW + 2 * DAY)
  words.expire()
  saw('reports', 8, { day: TODAY + 1 })
  t.same(told, [])
})

t.test('a key that dies takes all that was counted with it', async (t) => {
  const { crowd, saw, told, words } = learner()
  crowd('reports', 9)
  words.clear()
  saw('reports', 9)
  t.same(told, [])
})

t.test('ids, identifiers and unprintable text never wait, however many use them', async (t) => {
  const { crowd, told } = learner()
  for (const segment of [
    '12345',
    '8c1f0a52b3d94e77',
    'asha@example.in',
    'asha%40example.in',
    'ABCPK1234L',
    '98765-43210',
    '27AAPFU0939F1ZV',
    'x'.repeat(65),
    'a\u001b[31mb',
    'a b',
    'a\u202eb',
    '',
  ]) {
    crowd(segment, 40)
  }
  t.same(told, [])
  crowd('रिपोर्ट', 40)
  t.same(told, ['रिपोर्ट'], 'a word of any script does')
})

t.test('beyond its bound a day learns no more segments', async (t) => {
  const { crowd, told } = learner({ segments: 2 })
  crowd('one', 5)
  crowd('two', 5)
  crowd('three', 40)
  t.same(told, [])
  crowd('one', 40)
  t.same(told, ['one'])
})

t.test('no segment of fewer than k people of a day ever waits, in whatever order they come', async (t) => {
  const use = fc.record({
    segment: fc.constantFrom('reports', 'acme-traders', 'ravi', 'stock'),
    person: fc.integer({ min: 0, max: 14 }),
    day: fc.integer({ min: TODAY, max: TODAY + 1 }),
    clears: fc.integer({ min: 0, max: 60 }).map((drawn) => drawn === 0),
  })
  let waited = 0
  fc.assert(
    fc.property(fc.array(use, { maxLength: 200, size: 'max' }), (uses) => {
      const { saw, told, words } = learner()
      const everBy = new Map<string, Set<number>>()
      for (const { clears, day, person, segment } of uses) {
        if (clears) words.clear()
        const people = everBy.get(`${day} ${segment}`) ?? new Set()
        everBy.set(`${day} ${segment}`, people.add(person))
        const before = told.length
        saw(segment, person, { day })
        if (told.length > before && (told.at(-1) !== segment || people.size < RELEASE.minUsers)) return false
      }
      waited += told.length
      return true
    }),
    { seed: 10, numRuns: process.env['TACIT_TEST_FULL'] === '1' ? 5_000 : 300 },
  )
  t.ok(waited > 0, 'some did wait')
})

t.test(
  'segments of accepted events reach the learner, with people of established tenants only',
  async (t) => {
    const erp = shippedRulebook('erp')
    const rulebook = {
      ...erp,
      fields: { ...erp.fields, path: { do: 'template', generic: { words: ['invoices'] } } as const },
    }
    const told: string[] = []
    const clock = new DrivenClock(NOW)
    const words = createWordLearner({ release: RELEASE, clock, found: (word) => told.push(word) })
    const trial = createTrial(rulebook, { words })
    const visit = (person: number, standing: 'established' | 'trial', path: string) =>
      trial.run([pageView({ path })], {
        address: parseAddress('203.0.113.77'),
        token: {
          state: 'valid',
          claims: {
            ...CLAIMS,
            standing,
            tenant: `t-${person % 3}`,
            sub: `person-${person}`,
          },
        },
      })
    for (let person = 0; person < 12; person++) visit(person, 'trial', '/invoices/trials')
    for (let person = 0; person < 9; person++) visit(person, 'established', '/invoices/few')
    for (let person = 0; person < 12; person++) visit(person, 'established', '/invoices/stock/77?q=secret')
    t.same(told, ['stock'])
    const [row] = visit(1, 'established', '/invoices/stock').rows
    t.equal(row?.record['path'], '/invoices/:id', 'and it stays :id until it is approved')
  },
)
