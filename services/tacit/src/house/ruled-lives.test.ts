import { rmSync } from 'node:fs'
import { HOUR } from '@tacit/contracts'
import { RulebookRegister } from '@tacit/keeper'
import { parseRulebook, RULEBOOK_FILE } from '@tacit/rulebook'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { dataLayout } from './layout.js'
import { ruledLives } from './ruled-lives.js'
import { archiveRulebook, requireRulebook } from './rulebook-files.js'

t.test('keys may have lived as long as any rulebook said that ever ruled', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  const first = shippedRulebook('erp')
  const text = (first.sources[RULEBOOK_FILE] ?? '')
    .replace('destroy_key_after: 48h', 'destroy_key_after: 24h')
    .replace('log: 24h', 'log: 12h')
  const texts = { ...first.sources, [RULEBOOK_FILE]: text }
  const stricter = requireRulebook(parseRulebook({ file: RULEBOOK_FILE, texts, unreadable: {} }), 'stricter')
  t.same(ruledLives(layout, stricter), {
    lives: { destroyAfterMs: 24 * HOUR, hourLifeMs: 12 * HOUR },
    isRegisterDamaged: false,
  })
  const register = RulebookRegister.open(layout.register)
  for (const rulebook of [first, stricter]) archiveRulebook(layout.archive, rulebook)
  register.append({ action: 'initial', hash: first.hash }, 1_000)
  register.append({ action: 'applied', applies: 1, hash: stricter.hash, from: 2_000 }, 2_000)
  t.same(ruledLives(layout, stricter), {
    lives: { destroyAfterMs: 48 * HOUR, hourLifeMs: 24 * HOUR },
    isRegisterDamaged: false,
  })
  rmSync(layout.archive, { recursive: true })
  t.same(ruledLives(layout, stricter), {
    lives: { destroyAfterMs: 24 * HOUR, hourLifeMs: 12 * HOUR },
    isRegisterDamaged: true,
  })
})

t.test('a keeper of its own goes by each rulebook that it was started with', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  t.same(ruledLives(layout, null), { lives: null, isRegisterDamaged: false })
  archiveRulebook(layout.archive, shippedRulebook('erp'))
  t.same(ruledLives(layout, null), {
    lives: { destroyAfterMs: 48 * HOUR, hourLifeMs: 24 * HOUR },
    isRegisterDamaged: false,
  })
})
