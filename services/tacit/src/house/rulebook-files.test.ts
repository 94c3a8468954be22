import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ERP_RULEBOOK, ROOT } from './layout.js'
import {
  readRulebook,
  requireEffective,
  requireRulebook,
  settleRulebook,
  storeRulebook,
  storedRulebook,
} from './rulebook-files.js'

const erp = requireRulebook(readRulebook(ERP_RULEBOOK), 'erp')
const website = requireRulebook(readRulebook(join(ROOT, 'rulebooks/website/rulebook.yaml')), 'website')
const never = () => {
  throw new Error('the fallback is not asked')
}

t.test('on empty stores the first rulebook is taken as it is, and kept', async (t) => {
  const dir = join(t.testdir(), 'rulebook')
  t.equal(storedRulebook(dir), null)
  t.equal(settleRulebook(dir, website, never).hash, website.hash)
  t.equal(storedRulebook(dir)?.hash, website.hash)
  t.same(
    readdirSync(dir).sort(),
    Object.keys(website.sources).sort(),
    'with its catalogues, and nothing else',
  )
  for (const file of readdirSync(dir)) t.equal(statSync(join(dir, file)).mode & 0o777, 0o600)
  t.notOk(existsSync(`${dir}.new`))
})

t.test('without one given the fallback is taken once, and what is kept ever after', async (t) => {
  const dir = join(t.testdir(), 'rulebook')
  t.equal(settleRulebook(dir, null, () => erp).hash, erp.hash)
  t.equal(settleRulebook(dir, null, never).hash, erp.hash)
  t.equal(settleRulebook(dir, erp, never).hash, erp.hash)
})

t.test('another rulebook is refused for stores that have one, with what to do', async (t) => {
  const dir = join(t.testdir(), 'rulebook')
  storeRulebook(dir, erp)
  t.throws(() => settleRulebook(dir, website, never), {
    code: 'ERR_DATA_RULEBOOK',
    message: /Leave --rulebook out/,
  })
  t.equal(storedRulebook(dir)?.hash, erp.hash)
})

t.test('a copy that a crash left unfinished is not in the way', async (t) => {
  const dir = join(t.testdir(), 'rulebook')
  mkdirSync(`${dir}.new`)
  writeFileSync(join(`${dir}.new`, 'half.yaml'), '')
  storeRulebook(dir, website)
  t.notOk(existsSync(join(dir, 'half.yaml')))
  t.equal(storedRulebook(dir)?.hash, website.hash)
})

t.test('a rulebook rules from its first day to the day before it expires', async (t) => {
  const at = (time: string) => () => requireEffective(erp, { now: () => Date.parse(time) })
  t.doesNotThrow(at('2026-11-01T00:00:00Z'))
  t.doesNotThrow(at('2027-11-29T23:59:59.999Z'))
  t.throws(at('2026-10-31T23:59:59.999Z'), {
    code: 'ERR_RULEBOOK_INVALID',
    message: /not in effect yet: it rules from 2026-11-01 \(UTC\) on/,
  })
  t.throws(at('2027-11-30T00:00:00Z'), {
    code: 'ERR_RULEBOOK_INVALID',
    message: /has expired: it ruled until the start of 2027-11-30 \(UTC\)/,
  })
})

t.test('a rulebook with errors says each with its place, reason and remedy', async (t) => {
  const file = join(t.testdir({ 'rulebook.yaml': 'rulebook: x\nrulebook: y\n' }), 'rulebook.yaml')
  t.throws(() => requireRulebook(readRulebook(file), 'mine'), {
    code: 'ERR_RULEBOOK_INVALID',
    message: /mine has \d+ errors?:\n(.*\n)*.*rulebook\.yaml:2:1 .*\n.*\n +why: .*\n +mend: /,
  })
  t.throws(() => readRulebook(`${file}.absent`), { code: 'ERR_INPUT_FILE', message: /is the path right/ })
})
