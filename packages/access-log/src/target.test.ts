import fc from 'fast-check'
import t from 'tap'
import { isAsset, splitTarget } from './target.js'

t.test('a target is cut at the first ? or # and not decoded', async (t) => {
  const cases: Record<string, string> = {
    '/': '/',
    '/a/b': '/a/b',
    '/a?b#c': '/a',
    '/a#b?c': '/a',
    '/?x': '/',
    '/a%3Fb': '/a%3Fb',
    '//a': '//a',
    '*': '*',
    '': '',
  }
  for (const [target, path] of Object.entries(cases)) t.equal(splitTarget(target), path, target)
})

t.test('the absolute form stays another page than the path it names', async (t) => {
  t.equal(splitTarget('http://www.example.in/a/b?c'), 'http://www.example.in/a/b')
  t.equal(splitTarget('http://www.example.in?q=1'), 'http://www.example.in')
  t.equal(splitTarget('/http://www.example.in/a'), '/http://www.example.in/a')
})

t.test('no path holds a ? or #, and a target without them is its own path', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const path = splitTarget(`/${text}`)
      return !/[?#]/.test(path) && `/${text}`.startsWith(path) && (/[?#]/.test(text) || path === `/${text}`)
    }),
  )
  t.pass('held in every run')
})

t.test('static files are told by their extension', async (t) => {
  for (const path of ['/a.css', '/js/app.min.js', '/logo.PNG', '/favicon.ico', '/f.woff2', '/.png']) {
    t.ok(isAsset(path), path)
  }
  for (const path of [
    '/',
    '',
    '/a',
    'css',
    '/css',
    '/report.pdf',
    '/robots.txt',
    '/v1.css/page',
    '/a.',
    '/a.js/',
    '/a.constructor',
    '/x.cssx',
  ]) {
    t.notOk(isAsset(path), path)
  }
})
