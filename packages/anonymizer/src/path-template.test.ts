import fc from 'fast-check'
import t from 'tap'
import { compileGeneric, compileRoutes } from './path-template.js'

const ROUTES = [
  '/',
  '/customers',
  '/customers/new',
  '/customers/:id',
  '/customers/:id/invoice/:no',
  '/customers/new/import',
  '/reports/:year/summary',
  '/reports/today/:part',
  '/माल/:id',
]
const template = compileRoutes(ROUTES, '/other')

t.test('a path becomes the route that it matches', async (t) => {
  const cases: Record<string, string> = {
    '/': '/',
    '/customers': '/customers',
    '/customers/12345': '/customers/:id',
    '/customers/12345/invoice/INV-9': '/customers/:id/invoice/:no',
    '/customers/new': '/customers/new',
    '/customers/new/import': '/customers/new/import',
    '/customers/new/invoice/7': '/customers/:id/invoice/:no',
    '/reports/today/summary': '/reports/today/:part',
    '/reports/2026/summary': '/reports/:year/summary',
    '/माल/7': '/माल/:id',
    '/%E0%A4%AE%E0%A4%BE%E0%A4%B2/7': '/माल/:id',
  }
  for (const [path, route] of Object.entries(cases)) t.equal(template(path), route, path)
})

t.test('one trailing slash does not count, a second one does', async (t) => {
  t.equal(template('/customers/'), '/customers')
  t.equal(template('/customers/1/'), '/customers/:id')
  t.equal(template('/customers//'), '/other')
  t.equal(template('//'), '/other')
})

t.test('query, fragment and matrix parameters are cut, encoded ones too', async (t) => {
  const paths = [
    '/customers?q=1',
    '/customers#top',
    '/customers?a=100%',
    '/customers;v=1',
    '/customers/;v=1?x',
    '/customers%3Fq=1',
    '/customers%2523top',
    '/customers%3Bv=1',
    '/customers？q=1',
  ]
  for (const path of paths) {
    t.equal(template(path), path === '/customers/;v=1?x' ? '/other' : '/customers', path)
  }
})

t.test('up to three layers of encoding and full-width forms are seen through', async (t) => {
  t.equal(template('/%63ustomers'), '/customers')
  t.equal(template('/%2563ustomers'), '/customers')
  t.equal(template('/%252563ustomers'), '/customers')
  t.equal(template('/%25252563ustomers'), '/other')
  t.equal(template('/ｃｕｓｔｏｍｅｒｓ'), '/customers')
  t.equal(template('/customers%2F12345'), '/customers/:id')
})

t.test('what matches no route is other', async (t) => {
  const paths = [
    '',
    'customers',
    'http://erp.example/customers',
    '/Customers',
    '/customer',
    '/customers/1/2',
    '/customers/1/invoice',
    '/customers/1/invoice/',
    '/customers//invoice/9',
    '/customers/..',
    '/customers/%2e%2e',
    '/customers/.',
    '/customers/%',
    '/customers/%ff',
    '/customers/%E0%A4%A',
    '/__proto__',
    '/constructor',
    '/reports/today',
  ]
  for (const path of paths) t.equal(template(path), '/other', path)
})

t.test('of two routes with other parameter names the first is answered', async (t) => {
  t.equal(compileRoutes(['/a/:x', '/a/:y'], '/other')('/a/1'), '/a/:x')
})

t.test('a route that does not start with a slash is refused', async (t) => {
  t.throws(() => compileRoutes(['customers'], '/other'), { code: 'ERR_RULEBOOK_INVALID' })
})

t.test('the answer is a route of the catalogue or other, whatever the path', async (t) => {
  const answers = new Set([...ROUTES, '/other'])
  const segment = fc.oneof(
    fc.constantFrom('customers', 'new', 'invoice', 'reports', '..', '%2f', ';x', '?'),
    fc.string(),
  )
  const path = fc.array(segment, { maxLength: 8 }).map((segments) => `/${segments.join('/')}`)
  fc.assert(fc.property(fc.oneof(path, fc.string({ unit: 'binary' })), (text) => answers.has(template(text))))
  t.pass('held in every run')
})

t.test('matching is that of a regular expression a route, literals first', async (t) => {
  const name = fc.constantFrom('a', 'b', ':x', ':y')
  const route = fc.array(name, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`)
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`)
  /** For equal lengths `:` sorts after a literal when it is written as `~`. */
  const rank = (text: string) => text.replaceAll(/:\w/g, '~')
  fc.assert(
    fc.property(fc.uniqueArray(route, { selector: rank, maxLength: 12 }), path, (routes, text) => {
      const matching = routes
        .filter((candidate) => new RegExp(`^${candidate.replaceAll(/:\w/g, '[^/]+')}$`).test(text))
        .sort((one, other) => (rank(one) < rank(other) ? -1 : 1))
      return compileRoutes(routes, 'none')(text) === (matching[0] ?? 'none')
    }),
    { numRuns: 1_000 },
  )
  t.pass('held in every run')
})

t.test('a segment that looks like an id becomes :id, every other stays as it is', async (t) => {
  const any = compileGeneric('any')
  const ids = [
    '7',
    '12345',
    '0123',
    '8c1f0a52b3d94e77',
    'DEADBEEF1',
    '1234567a',
    '123e4567-e89b-12d3-a456-426614174000',
    'ABCDEFAB-CDEF-ABCD-EFAB-CDEFABCDEFAB',
    'abcdefghijklmnopqrs1',
    'A1b2C3d4E5f6G7h8I9j0K1',
    'x@y.in',
    '@',
    '100%25',
    'a%20b',
  ]
  for (const segment of ids) t.equal(any(`/a/${segment}/b`), '/a/:id/b', segment)
  const words = [
    '',
    'invoices',
    'INV-9',
    '123456a',
    'deadbeef',
    'FY24-25',
    'abcdefghijklmnopqrstuvwxyz',
    'abcdefghijklmnopqr1',
    'logstash-monitorama-2013',
    'reset.css',
    'मूल्य',
    '१२३',
    '123e4567-e89b-12d3-a456-42661417400',
    '123e4567-e89b-12d3-a456-4266141740000',
    '123e4567-e89b-12d3a-456-426614174000',
    'abcdefghij_klmnopqrs1',
    'g23e4567-e89b-12d3-a456-426614174000',
  ]
  for (const segment of words) t.equal(any(`/a/${segment}/b`), `/a/${segment}/b`, segment)
})

t.test('the generic path is cut at the first ? or #, and its slashes stay', async (t) => {
  const any = compileGeneric('any')
  t.equal(any('/blog/geekery/?flav=rss20#top'), '/blog/geekery/')
  t.equal(any('/a#b?c'), '/a')
  t.equal(any('/?x@y.in'), '/')
  t.equal(any('/'), '/')
  t.equal(any('//a//'), '//a//')
  t.equal(any('/12345/'), '/:id/')
})

t.test('with a list of words only these stay', async (t) => {
  const listed = compileGeneric(new Set(['customers', 'invoices', '12345']))
  t.equal(listed('/customers/acme-traders/invoices/?q'), '/customers/:id/invoices/')
  t.equal(listed('/customers/12345'), '/customers/:id', 'an approved word that looks like an id is one')
  t.equal(listed('/Customers'), '/:id')
})

t.test('the generic template is that of a few regular expressions', async (t) => {
  const any = compileGeneric('any')
  const looksLikeId = (segment: string) =>
    /^[0-9]+$/.test(segment) ||
    /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(segment) ||
    (/^[0-9a-f]{8,}$/i.test(segment) && /[0-9]/.test(segment)) ||
    (/^[0-9a-z]{20,}$/i.test(segment) && /[0-9]/.test(segment) && /[a-z]/i.test(segment)) ||
    /[@%]/.test(segment)
  const segment = fc.oneof(
    fc.stringMatching(/^[0-9a-fA-F]{0,12}$/),
    fc.stringMatching(/^[0-9a-zA-Z]{17,23}$/),
    fc.uuid(),
    fc.stringMatching(/^[a-f0-9g-]{34,37}$/),
    fc.string({ unit: 'grapheme' }).filter((text) => !/[/?#]/.test(text)),
  )
  fc.assert(
    fc.property(fc.array(segment), (segments) => {
      const expected = segments.map((text) => (looksLikeId(text) ? ':id' : text)).join('/')
      return any(`/${segments.join('/')}`) === `/${expected}`
    }),
    { numRuns: 2_000 },
  )
  t.pass('held in every run')
})

t.test('long hostile paths cost time in proportion to their length', { timeout: 20_000 }, async (t) => {
  const wide = compileRoutes(
    Array.from(
      { length: 512 },
      (_, bits) =>
        `/${[...bits.toString(2).padStart(9, '0')].map((bit) => (bit === '1' ? 'a' : ':x')).join('/')}/end`,
    ),
    '/other',
  )
  const start = performance.now()
  for (let round = 0; round < 200; round += 1) t.equal(wide('/a/a/a/a/a/a/a/a/a/none'), '/other')
  compileGeneric('any')(`/${'%41/'.repeat(50_000)}`)
  template(`/${'%2541'.repeat(50_000)}`)
  t.ok(performance.now() - start < 2_000)
})
