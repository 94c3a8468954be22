import fc from 'fast-check'
import t from 'tap'
import { nearest } from './nearest.js'

t.test('a mistyped name finds the right one', async (t) => {
  const names = ['statistics', 'release', 'region', 'keep']
  t.equal(nearest('statistcs', names), 'statistics')
  t.equal(nearest('relaese', names), 'release')
  t.equal(nearest('kep', names), 'keep')
  t.equal(nearest('wholly_else', names), null)
  t.equal(nearest('keep', []), null)
})

t.test('one wrong letter in a name of three and more is always forgiven', async (t) => {
  const word = fc.stringMatching(/^[a-z_]{3,20}$/)
  fc.assert(
    fc.property(word, fc.nat(), (name, at) => {
      const index = at % name.length
      const typed = `${name.slice(0, index)}#${name.slice(index + 1)}`
      return nearest(typed, [name]) === name
    }),
  )
  t.pass('held in every run')
})
