import t from 'tap'
import { principalAmong, principalsOf } from './identity.js'

t.test('a certificate names its roles, and acts in the one that a route asks for first', (t) => {
  const principals = principalsOf(
    'DNS:localhost, URI:tacit://aggregator/b-2, URI:tacit://collector/a.x_1, IP Address:::1',
  )
  t.same(principals, [
    { role: 'aggregator', name: 'aggregator/b-2' },
    { role: 'collector', name: 'collector/a.x_1' },
  ])
  t.equal(principalAmong(principals, ['collector', 'aggregator'])?.name, 'collector/a.x_1')
  t.equal(principalAmong(principals, ['aggregator', 'collector'])?.name, 'aggregator/b-2')
  t.equal(principalAmong(principals, ['collector'])?.name, 'collector/a.x_1')
  t.equal(principalAmong(principals, ['operator']), undefined)
  t.end()
})

t.test('what is no name of ours, in whole, is none', (t) => {
  for (const entry of [
    'URI:tacit://admin/a',
    'URI:tacit://collector/',
    'URI:tacit://collector/a/b',
    'URI:tacit://collector/A',
    'URI:tacit://collector/..',
    `URI:tacit://collector/${'a'.repeat(64)}`,
    'URI:tacit://collector/a ',
    'URI:tacit://collector/a\n',
    'URI:https://collector/a',
    'DNS:tacit://collector/a',
    'email:tacit://collector/a',
    'tacit://collector/a',
  ])
    t.same(principalsOf(entry), [], JSON.stringify(entry))
  t.same(principalsOf(undefined), [])
  t.end()
})

t.test('a name that is hidden in another entry is none', (t) => {
  // How Node prints an entry that has a comma in it.
  t.same(principalsOf('URI:"https://a/, URI:tacit://collector/a, x"'), [])
  t.same(principalsOf('URI:tacit://operator/a, DNS:"b, URI:tacit://collector/a"'), [])
  t.end()
})
