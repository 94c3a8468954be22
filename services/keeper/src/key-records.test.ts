import type { AuditEntry } from '@tacit/audit-log'
import t from 'tap'
import { keyRecordsOf } from './key-records.js'

let seq = 0
const entry = (action: string, object: Record<string, unknown>): AuditEntry => {
  seq += 1
  const at = `2026-08-05T00:00:${String(seq).padStart(2, '0')}Z`
  return {
    action,
    object: { at, ...object },
    actor: 'keeper',
    rulebook: null,
    seq,
    time: '2026-09-01T00:00:00Z',
  } as unknown as AuditEntry
}

t.test('a record follows its root from entry to entry, by the keeper’s clock', async (t) => {
  seq = 0
  const key = 'day:2026-08-05'
  const tenant = `tenant:${'ab'.repeat(16)}`
  const entries = [
    entry('boot', { service: 'keeper', version: '0.1.0' }),
    entry('key.created', { key, stream: 'day', epoch: key }),
    entry('key.handed', { key, to: 'collector/eu-1' }),
    entry('key.created', { key: tenant, stream: 'tenant', epoch: null }),
    entry('key.handed', { key, to: 'collector/eu-2' }),
    entry('key.withheld', { key: 'day:2026-08-06' }),
    entry('key.held', { key }),
    entry('key.reconciled', { key }),
    entry('key.destroying', { key }),
    entry('key.destroyed', { key, why: 'schedule', reconciled: 'yes' }),
  ]
  const created = { created: '2026-08-05T00:00:04Z', destroyed: null, state: 'open' }
  t.same(keyRecordsOf(entries), [
    {
      id: key,
      stream: 'day',
      epoch: key,
      created: '2026-08-05T00:00:02Z',
      destroyed: '2026-08-05T00:00:10Z',
      state: 'destroyed',
      handedTo: ['collector/eu-1', 'collector/eu-2'],
      entries: { created: 2, destroyed: 10 },
      reconciled: true,
    },
    {
      id: tenant,
      stream: 'tenant',
      epoch: null,
      ...created,
      handedTo: [],
      entries: { created: 4, destroyed: null },
      reconciled: null,
    },
  ])
  const [held] = keyRecordsOf(entries.slice(0, 7))
  t.match(held, { state: 'open', destroyed: null, reconciled: false })
  t.equal(
    keyRecordsOf(entries.slice(0, 9))[0]?.state,
    'closed',
    'one whose destruction began is given to nobody',
  )
})
