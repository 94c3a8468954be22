import t from 'tap'
import { classifyLine, detectFormat } from './classify.js'

const view = { method: 'GET', status: 200, target: '/a' }

t.test('GET and POST below status 400 are page views', async (t) => {
  t.equal(classifyLine(view, 'count'), null)
  t.equal(classifyLine({ ...view, method: 'POST', status: 399 }, 'drop'), null)
})

t.test('any other method or status has its reason, the method first', async (t) => {
  for (const method of ['HEAD', 'PUT', 'get', '-', ''])
    t.equal(classifyLine({ ...view, method }, 'count'), 'line.method')
  for (const status of [400, 404, 503]) t.equal(classifyLine({ ...view, status }, 'count'), 'line.status')
  t.equal(classifyLine({ method: 'HEAD', status: 404, target: '/a.css' }, 'drop'), 'line.method')
})

t.test('static files are dropped only where the rulebook says so', async (t) => {
  const asset = { ...view, target: '/app.css?v=3' }
  t.equal(classifyLine(asset, 'drop'), 'line.asset')
  t.equal(classifyLine(asset, 'count'), null)
  t.equal(classifyLine({ ...asset, status: 404 }, 'drop'), 'line.status')
  t.equal(classifyLine({ ...view, target: '/page?file=app.css' }, 'drop'), null)
})

const COMMON = '203.0.113.77 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5'

t.test('the format is told by the first line that tells', async (t) => {
  t.equal(detectFormat([`${COMMON} "-" "Mozilla/5.0"`]), 'combined')
  t.equal(detectFormat([COMMON]), 'common')
  t.equal(detectFormat(['', 'noise', COMMON]), 'common')
  t.equal(detectFormat(['noise', '', `${COMMON} "-" "-"`, COMMON]), 'combined')
  t.equal(detectFormat(['{"time":"2026-01-01T00:00:00Z"}']), 'beacons')
  t.equal(detectFormat(['', '  {']), 'beacons')
  t.equal(detectFormat(['noise']), 'combined')
  t.equal(detectFormat([]), 'combined')
})
