import t from 'tap'
import { withSample } from './sample.js'
import { FILE, load, loaded, places, shipped } from './testing/shipped.js'

const options = {
  origins: ['http://127.0.0.1:8081', 'http://localhost:8081'],
  effective: '2026-10-20',
  expires: '2027-11-20',
}

t.test('the sample obeys the rules of the ERP, under its own site and dates', async (t) => {
  const texts = withSample(loaded(shipped('erp')).sources, options)
  t.same(places(load(texts).findings), [])
  const erp = loaded(shipped('erp'))
  const sample = loaded(texts)
  t.equal(sample.name, 'erp-sample')
  t.same(Object.keys(sample.sites), ['sample'])
  t.same(sample.sites['sample']?.origins, options.origins)
  t.equal(sample.effective, Date.UTC(2026, 9, 20))
  t.equal(sample.expires, Date.UTC(2027, 10, 20))
  t.ok(sample.noticeAt !== null && sample.noticeAt < sample.effective)
  t.same(sample.fields, erp.fields)
  t.same(sample.release, erp.release)
  t.same(
    sample.statistics,
    erp.statistics.map((statistic) => ({ ...statistic, site: 'sample' })),
  )
  t.not(sample.hash, erp.hash)
})

t.test('the comments of the rulebook stay in the sample', async (t) => {
  const text = withSample(shipped('erp'), options)[FILE] ?? ''
  t.match(text, 'A statistic that is not\n# declared below can never be asked for.')
})

t.test('only the signed site becomes the sample', async (t) => {
  const texts = shipped('erp')
  const both = {
    ...texts,
    [FILE]: (texts[FILE] ?? '').replace(
      'sites:\n',
      'sites:\n  www: { origins: ["https://www.example.in"], identity: network, lawful_basis: exempt-measurement, region: in }\n',
    ),
  }
  t.same(Object.keys(loaded(withSample(both, options)).sites), ['sample'])
})

t.test('what is no rulebook with a signed site gives no sample', async (t) => {
  for (const texts of [{}, { [FILE]: '[' }, { [FILE]: 'sites: {}' }, shipped('website')]) {
    t.throws(() => withSample(texts, options), { code: 'ERR_RULEBOOK_INVALID' })
  }
  t.throws(() => withSample(shipped('erp'), { ...options, effective: 'soon' }), {
    code: 'ERR_RULEBOOK_INVALID',
  })
})
