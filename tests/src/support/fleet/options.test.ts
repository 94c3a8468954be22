/** The command line of `npm run test:faults`, and its exit code. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { seededChance, testSeed } from '../crash/setting.js'
import { optionsOf, type Outcome, shortcomingsOf } from './options.js'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))
const KILLS = { kills: 50 }
const GOOD: Outcome = { kills: 50, acknowledged: 500, lost: 0, doubled: 0, invented: 0, findings: [] }

t.test('every seed that is printed can be given again', async (t) => {
  for (const seed of [0, testSeed(), 2 ** 31 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER])
    t.equal(optionsOf(['--seed', String(seed)])?.seed, seed)
  for (const text of ['', '-1', '1.5', '1e3', '0x7', 'seven', String(2 ** 53), '9'.repeat(17)])
    t.throws(() => optionsOf([`--seed=${text}`]), { message: /--seed must be a whole number/ }, text)
})

t.test('TACIT_TEST_SEED takes the same seeds, and nothing else', async (t) => {
  const { TACIT_TEST_SEED: before } = process.env
  t.teardown(() => {
    if (before === undefined) delete process.env['TACIT_TEST_SEED']
    else process.env['TACIT_TEST_SEED'] = before
  })
  process.env['TACIT_TEST_SEED'] = String(Number.MAX_SAFE_INTEGER)
  t.equal(testSeed(), Number.MAX_SAFE_INTEGER)
  process.env['TACIT_TEST_SEED'] = 'seven'
  t.throws(testSeed, /TACIT_TEST_SEED is a whole number/)
})

t.test('seeds beyond 32 bits give an order of their own, and the same one each time', async (t) => {
  const firstOf = (seed: number): number => seededChance(seed).next()
  const seeds = [7, 2 ** 32 + 7, 2 ** 33 + 7, Number.MAX_SAFE_INTEGER]
  t.equal(new Set(seeds.map(firstOf)).size, seeds.length)
  t.same(seeds.map(firstOf), seeds.map(firstOf))
})

t.test('a run of no kills, or of no time, is wrong use', async (t) => {
  t.throws(() => optionsOf(['--kills', '0']), /--kills must be a whole number from 1/)
  t.throws(() => optionsOf(['--minutes', '0']), /--minutes must be a whole number from 1/)
  t.throws(() => optionsOf(['--only', 'everything']), /--only is one of broker-kills/)
})

t.test('a run that had nothing to lose has shown nothing', async (t) => {
  t.same(shortcomingsOf('all-kills', GOOD, KILLS), [])
  t.match(shortcomingsOf('all-kills', { ...GOOD, acknowledged: 0 }, KILLS), [
    /only 0 events were acknowledged/,
  ])
  t.match(shortcomingsOf('all-kills', { ...GOOD, acknowledged: 499 }, KILLS), [/only 499 events .*, not 500/])
  t.match(shortcomingsOf('all-kills', { ...GOOD, kills: 49 }, KILLS), [/only 49 of 50 kills/])
  t.match(shortcomingsOf('soak', { ...GOOD, kills: 0, acknowledged: 0 }, KILLS), [/only 0 events/])
  t.same(shortcomingsOf('soak', { ...GOOD, kills: 0 }, KILLS), [])
})

t.test('what is lost, there twice or made up fails the run, whatever else was found', async (t) => {
  for (const what of ['lost', 'doubled', 'invented'] as const)
    t.same(shortcomingsOf('all-kills', { ...GOOD, [what]: 2 }, KILLS), [`2 events are ${what}`])
  t.same(shortcomingsOf('all-kills', { ...GOOD, findings: ['torn apart'] }, KILLS), ['torn apart'])
})

t.test('help ends with 0, wrong use with 2 and a word about it', async (t) => {
  const main = (...args: readonly string[]) =>
    spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  const help = main('--help')
  t.equal(help.status, 0)
  t.match(help.stdout, /--seed S/)
  const wrong = main('--seed', 'seven')
  t.equal(wrong.status, 2)
  t.match(wrong.stderr, /--seed must be a whole number from 0/)
  t.equal(wrong.stdout, '')
})
