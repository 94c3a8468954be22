import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type NoiseBudget, noisePlan } from './plan.js'
import { UniformIntegers } from './random.js'
import { rationalToNumber } from './rational.js'
import { discreteGaussian, discreteLaplace } from './samplers.js'
import { chiSquareLimit, fitTogether } from './testing/goodness.js'
import { seededRandom } from './testing/seeded.js'
import { site } from './testing/sites.js'

const OPENDP = 'opendp==0.16.0'
const DRAWS = 100_000
/** Their draws are of the system's random source: a false alarm is to be rarer than one run in a hundred million. */
const HARDLY_EVER = 5.7

/** Draws of vectors of zeros, and what a vector that differs by `moved` may tell. */
const PYTHON = `
import sys, json
import opendp.prelude as dp
dp.enable_features('contrib')
answers = []
for case in json.load(sys.stdin):
    vectors = dp.vector_domain(dp.atom_domain(T=int))
    if case['mechanism'] == 'laplace':
        noise = dp.m.make_laplace(vectors, dp.l1_distance(T=int), scale=case['scale'])
    else:
        noise = dp.m.make_gaussian(vectors, dp.l2_distance(T=float), scale=case['scale'])
    answers.append({'draws': noise([0] * case['draws']), 'cost': noise.map(case['moved'])})
print(json.dumps(answers))
`

interface Case {
  readonly mechanism: 'laplace' | 'gaussian'
  readonly scale: number
  readonly draws: number
  readonly moved: number
}

/** A Python that has OpenDP: this machine's, or in the full form one that is made for the test. */
function findPython(): { readonly python: string; readonly made: string | null } | null {
  const has = (python: string) => {
    try {
      execFileSync(python, ['-c', 'import opendp.prelude'], { stdio: 'ignore', timeout: 60_000 })
      return true
    } catch {
      return false
    }
  }
  if (has('python3')) return { python: 'python3', made: null }
  if (process.env['TACIT_TEST_FULL'] !== '1') return null
  const made = mkdtempSync(join(tmpdir(), 'tacit-opendp-'))
  const python = join(made, 'bin', 'python')
  try {
    execFileSync('python3', ['-m', 'venv', made], { stdio: 'ignore', timeout: 120_000 })
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', OPENDP], { stdio: 'ignore', timeout: 600_000 })
    if (has(python)) return { python, made }
  } catch {
    // No network, no Python, or no wheel for this machine: the skip says so.
  }
  rmSync(made, { recursive: true, force: true })
  return null
}

const found = findPython()
const skip =
  found !== null
    ? false
    : process.env['TACIT_TEST_FULL'] === '1'
      ? 'OpenDP cannot be installed here'
      : 'python3 has no package opendp; npm run test:full installs it'
t.teardown(() => {
  const made = found?.made ?? null
  if (made !== null) rmSync(made, { recursive: true, force: true })
})

function ask(cases: readonly Case[]): { readonly draws: readonly number[]; readonly cost: number }[] {
  return JSON.parse(
    execFileSync(found?.python ?? '', ['-c', PYTHON], {
      input: JSON.stringify(cases),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }),
  )
}

t.test('draws of OpenDP have the same distribution as ours', { skip }, async (t) => {
  const cases = (['laplace', 'gaussian'] as const).flatMap((mechanism) =>
    [0.5, 2, 10, 60, 200].map((scale) => ({ mechanism, scale, draws: DRAWS, moved: 1 })),
  )
  const theirs = ask(cases)
  const oursOf = ({ mechanism, scale }: Case, by = 1n): number[] => {
    const uniform = new UniformIntegers(seededRandom(`${mechanism} ${scale}`))
    // By tenths: every scale above is a whole number of them.
    const tenths = BigInt(scale * 10) * by
    const draw = () =>
      mechanism === 'laplace'
        ? discreteLaplace(uniform, { numerator: tenths, denominator: 10n })
        : discreteGaussian(uniform, { numerator: tenths * tenths, denominator: 100n })
    return Array.from({ length: DRAWS }, draw)
  }
  for (const [at, one] of cases.entries()) {
    const { degrees, statistic } = fitTogether(oursOf(one), theirs[at]?.draws ?? [])
    const limit = chiSquareLimit(degrees, HARDLY_EVER)
    t.ok(
      degrees >= 3 && statistic < limit,
      `${one.mechanism} ${one.scale}: ${statistic.toFixed(0)} < ${limit.toFixed(0)}`,
    )
  }
  const control = fitTogether(oursOf({ ...cases[2], scale: 11 } as Case), theirs[2]?.draws ?? [])
  t.ok(
    control.statistic > chiSquareLimit(control.degrees, HARDLY_EVER),
    'a scale of 11 is seen beside one of 10',
  )
})

t.test('OpenDP reckons the same cost of a user-day for every number of a plan', { skip }, async (t) => {
  const budgets: readonly NoiseBudget[] = [
    { mechanism: 'laplace', epsilon: 1, capPerYear: 365 },
    { mechanism: 'gaussian', rho: 0.1, delta: 1e-6, capPerYear: 36.5 },
  ]
  for (const noise of budgets) {
    const plan = noisePlan(site(noise))
    const numbers = plan.statistics.flatMap((planned) => planned.numbers)
    const answers = ask(
      numbers.map(({ mechanism, scale, sensitivity }) => ({
        mechanism,
        scale,
        draws: 1,
        moved: mechanism === 'laplace' ? sensitivity.l1 : Math.sqrt(Number(sensitivity.l2Squared)),
      })),
    )
    let together = 0
    for (const [at, { cost, depths, measure }] of numbers.entries()) {
      const theirs = (answers[at]?.cost ?? 0) * depths
      const ours = rationalToNumber(cost)
      t.ok(Math.abs(theirs - ours) < 1e-9 * ours, `${noise.mechanism} ${measure}: ${theirs} and ${ours}`)
      together += theirs
    }
    t.ok(Math.abs(together - rationalToNumber(plan.budget)) < 1e-9, `${together}`)
  }
})
