import { setTimeout as wait } from 'node:timers/promises'
import { TacitError } from '@tacit/contracts'
import type { KeyTimes } from '@tacit/keyring'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { KeyTimesWord } from './key-times.js'

t.test('a keeper that is down when another rulebook rules is told its times once it is back', async (t) => {
  const before = shippedRulebook('erp')
  const after = shippedRulebook('erp', ['destroy_key_after: 48h', 'destroy_key_after: 36h'])
  t.not(before.epochs.destroyKeyAfterMs, after.epochs.destroyKeyAfterMs)
  const taken: KeyTimes[] = []
  let isDown = true
  let asked = 0
  const port = {
    async obey(times: KeyTimes) {
      asked += 1
      if (isDown) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
      taken.push(times)
    },
  }
  const said: string[] = []
  const word = new KeyTimesWord(port, { alarm: (message) => said.push(message), againMs: 1 })
  word.tell(before)
  word.tell(after)
  for (let i = 0; i < 500 && asked < 5; i++) await wait(2)
  t.same(taken, [])
  isDown = false
  for (let i = 0; i < 500 && taken.length === 0; i++) await wait(2)
  t.match(taken, [{ destroyKeyAfterMs: after.epochs.destroyKeyAfterMs }], 'those of the last one, once')
  t.match(said, [/keys may outlive/])
  await word.stop()
})
