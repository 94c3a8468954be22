import { setTimeout as wait } from 'node:timers/promises'
import type { AuditEvent } from '@tacit/audit-log'
import { TacitError } from '@tacit/contracts'
import t from 'tap'
import { AuditQueue } from './audit-queue.js'

const boot = (version: string): AuditEvent => ({
  actor: 'up',
  rulebook: null,
  action: 'boot',
  object: { service: 'up', version },
})

t.test('what is said while the log cannot be written is on record once it can, in order', async (t) => {
  const said: string[] = []
  const queue = new AuditQueue({ what: 'the start', alarm: (message) => said.push(message), againMs: 1 })
  queue.say(boot('1'))
  await wait(5)
  t.same(said, [], 'there is no log to fail')
  let isDown = true
  let asked = 0
  const onRecord: string[] = []
  queue.attach({
    async record(events) {
      asked += 1
      if (isDown) throw new TacitError('ERR_KEEPER_UNAVAILABLE')
      onRecord.push(...events.map((event) => (event.action === 'boot' ? event.object.version : '')))
    },
  })
  queue.say(boot('2'))
  for (let i = 0; i < 500 && asked < 4; i++) await wait(2)
  t.match(said, [/^the start could not be put on record yet/])
  isDown = false
  for (let i = 0; i < 500 && onRecord.length < 2; i++) await wait(2)
  t.same(onRecord, ['1', '2'])
  await queue.stop()
})

t.test('no more waits than a thousand, and what is not taken is said', async (t) => {
  const said: string[] = []
  const queue = new AuditQueue({ what: 'the start', alarm: (message) => said.push(message) })
  for (let at = 0; at < 1_002; at++) queue.say(boot(String(at)))
  t.equal(said.length, 2)
  await queue.stop()
})
