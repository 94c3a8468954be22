import { GENERALISED_VALUES } from '@tacit/rulebook'
import fc from 'fast-check'
import t from 'tap'
import { compileFamilies, compileModelClass } from './families.js'
import type { UserAgent } from './user-agent.js'

const ALL = ['browser', 'os', 'device']
const agents: readonly UserAgent[] = GENERALISED_VALUES.browser.flatMap((browser) =>
  GENERALISED_VALUES.os.flatMap((os) =>
    GENERALISED_VALUES.device.map((device) => ({ browser, os, device, bot: false })),
  ),
)
const agent = (browser: string, os: string, device: string): UserAgent =>
  ({ browser, os, device, bot: false }) as UserAgent

t.test('a budget of b bits lets at most 2^b rows leave', async (t) => {
  for (const to of [ALL, ['browser', 'os'], ['device'], ['os', 'device']]) {
    for (const bits of [0, 1, 2, 3, 3.5, 4, 6]) {
      const families = compileFamilies(to, bits)
      const rows = new Set(agents.map((one) => JSON.stringify(families(one))))
      t.ok(rows.size <= 2 ** bits, `${to.join()} within ${String(bits)} bits: ${String(rows.size)}`)
    }
  }
  const free = new Set(agents.map((one) => JSON.stringify(compileFamilies(ALL)(one))))
  t.equal(free.size, agents.length, 'and without a budget every combination')
})

t.test('whatever the population, the entropy of its rows is within the budget', (t) => {
  const families = compileFamilies(ALL, 4)
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1000 }), { minLength: 120, maxLength: 120 }), (weights) => {
      const counts = new Map<string, number>()
      let total = 0
      for (const [at, one] of agents.entries()) {
        const key = JSON.stringify(families(one))
        counts.set(key, (counts.get(key) ?? 0) + (weights[at] ?? 0))
        total += weights[at] ?? 0
      }
      let entropy = 0
      for (const count of counts.values())
        if (count > 0) entropy -= (count / total) * Math.log2(count / total)
      return total === 0 || entropy <= 4 + 1e-9
    }),
    { seed: 2, numRuns: 200 },
  )
  t.pass('held in every run')
  t.end()
})

t.test('four bits keep what people on an ERP use, and the rest is other throughout', async (t) => {
  const families = compileFamilies(ALL, 4)
  t.same(families(agent('chrome', 'windows', 'desktop')), {
    browser: 'chrome',
    os: 'windows',
    device: 'desktop',
  })
  t.same(families(agent('safari', 'ios', 'mobile')), { browser: 'safari', os: 'ios', device: 'mobile' })
  t.same(families(agent('firefox', 'linux', 'desktop')), {
    browser: 'firefox',
    os: 'linux',
    device: 'desktop',
  })
  t.same(families(agent('firefox', 'ios', 'tablet')), { browser: 'other', os: 'other', device: 'other' })
})

t.test('a class of models is kept while the budget has room for it', async (t) => {
  const classes = (bits?: number) =>
    [...new Set(GENERALISED_VALUES.model_class.map(compileModelClass(bits)))].sort()
  t.same(classes(), ['desktop', 'other', 'phone', 'tablet'])
  t.same(classes(2), ['desktop', 'other', 'phone', 'tablet'])
  t.same(classes(1), ['other', 'phone'])
  t.same(classes(0), ['other'])
})
