import type { AuditEntry } from '@tacit/audit-log'
import { DAY, DrivenClock, HOUR } from '@tacit/contracts'
import t from 'tap'
import { keeperPlaces, openKeeperStores } from './keeper-stores.js'
import { openKeeper } from './open-keeper.js'

const START = Date.parse('2026-08-05T00:00:00Z')
const EPOCH = 'day:2026-08-05'

t.test('what events bring about under a clock that they move is told by the hour', async (t) => {
  const clock = new DrivenClock(START + 10 * HOUR + 12_345)
  const keeper = await openKeeper({
    stores: openKeeperStores(keeperPlaces(t.testdir())),
    clock,
    auditClock: new DrivenClock(START + 90 * DAY),
    latenessMs: HOUR,
    destroyKeyAfterMs: 2 * DAY,
    streams: ['day'],
  })
  const request = { purpose: 'stats', stream: 'day', epoch: EPOCH, scope: { of: 'tenants' } } as const
  await keeper.port.pseudonymKey(request)
  await keeper.port.batchKey(START + 10 * HOUR, '0123456789abcdef', true)
  clock.advanceTo(START + DAY + HOUR + 54_321)
  t.match(await keeper.port.pseudonymKey(request), { state: 'closed' })
  const file = await keeper.audit.read('entries', 0, 65_536)
  const told = file
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { entry: AuditEntry }).entry)
    .filter(({ action, object }) => 'at' in object && action !== 'key.destroying')
    .map(({ action, object }) => `${action} ${'at' in object ? object.at : ''}`)
  t.same(told, [
    'key.created 2026-08-05T10:00:00Z',
    'key.handed 2026-08-05T10:00:00Z',
    'key.created 2026-08-05T10:00:00Z',
    'key.handed 2026-08-05T10:00:00Z',
    'key.closed 2026-08-06T01:00:00Z',
  ])
})
