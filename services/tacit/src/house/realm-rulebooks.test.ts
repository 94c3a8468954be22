import { mkdirSync } from 'node:fs'
import { RulebookRegister } from '@tacit/keeper'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { dataLayout } from './layout.js'
import { RealmRulebooks } from './realm-rulebooks.js'

t.test('what ruled when is said by the audit log, not by the folder of the register', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.dir, { recursive: true })
  const register = RulebookRegister.open(layout.register)
  const rulebook = shippedRulebook('erp')
  const first = register.append({ action: 'initial', hash: rulebook.hash }, 1_000)
  const rulebooks = new RealmRulebooks(layout, rulebook)
  t.equal(rulebooks.reigns()?.length, 1, 'where there is no log, by the register')
  const evidence = { isKnown: false, entries: () => [first] }
  rulebooks.believe(evidence)
  t.equal(rulebooks.reigns(), null, 'the log cannot be read yet')
  evidence.isKnown = true
  // Somebody writes into the folder, and nobody has put it on record.
  register.append({ action: 'applied', applies: 9, hash: 'ab'.repeat(32), from: 0 }, 2_000)
  t.same(
    rulebooks.reigns()?.map(({ hash }) => hash),
    [rulebook.hash],
  )
})
