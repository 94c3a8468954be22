import { AUDIT_ACTIONS, type AuditEntry } from '@tacit/audit-log'
import t from 'tap'
import { entryWords } from './audit-words.js'

const entry = (action: string, object: object): AuditEntry =>
  ({ action, object, actor: 'keeper', rulebook: null, seq: 1, time: '2026-11-01T00:00:00Z' }) as AuditEntry

t.test('an entry is said in a sentence, with whose key and why', async (t) => {
  const key = 'day:2026-08-05'
  t.equal(entryWords(entry('key.created', { key })), 'The key of the day 2026-08-05 was made')
  t.equal(
    entryWords(entry('key.destroyed', { key: 'hour:2026-08-05T10', why: 'settled', reconciled: 'no' })),
    'The key of the hour 2026-08-05 10:00 was destroyed because all under it was counted; the counts under it did not add up',
  )
  t.match(
    entryWords(entry('key.handed', { key: `tenant:${'ab'.repeat(16)}`, to: 'collector/eu-1' })),
    /a tenant \(abababab…\) .* collector\/eu-1/,
  )
})

t.test('every action has words of its own, and one of a later version is said by its name', async (t) => {
  const object = { key: 'day:2026-08-05', epoch: 'day:2026-08-05', manifests: [], kind: 'applied' }
  const said = AUDIT_ACTIONS.map((action) => entryWords(entry(action, object)))
  t.equal(new Set(said).size, AUDIT_ACTIONS.length)
  for (const [at, words] of said.entries()) t.not(words, AUDIT_ACTIONS[at])
  t.equal(entryWords(entry('moon.landed', {})), 'moon.landed')
})
