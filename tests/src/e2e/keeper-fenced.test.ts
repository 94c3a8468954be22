/** `tacit keeper` on the directory of a keeper that was taken over from: it serves nobody, and what is due dies. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DAY, DrivenClock, epochOf, HOUR } from '@tacit/contracts'
import { keeperPlaces, openKeeper, openKeeperStores, openStandby, type Primary } from '@tacit/keeper'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { startKeeper, tacit } from '../support/tacit.js'

// The runner has a limit for the file.
t.setTimeout(0)
t.test('a fenced keeper starts, gives out nothing, and destroys', { skip: withoutOpenssl }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-fenced-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  const data = join(dir, 'keeper')
  const then = Date.now() - 40 * DAY
  const at = (folder: string) => ({
    stores: openKeeperStores(keeperPlaces(folder)),
    clock: new DrivenClock(then),
    latenessMs: HOUR,
    destroyKeyAfterMs: 2 * DAY,
    streams: ['day'] as const,
  })
  const former = await openKeeper(at(join(data, 'main')))
  const epoch = epochOf('day', then).label
  await former.port.pseudonymKey({ purpose: 'stats', stream: 'day', epoch, scope: { of: 'tenants' } })
  const primary: Primary = {
    ask: async (pull) => ({ page: await former.replica('standby/b', pull), term: former.term().count }),
    close: async () => {},
  }
  const standby = await openStandby({ ...at(join(dir, 'standby')), primary })
  while (former.company() !== 'followed') await standby.step()
  await standby.close()
  const heir = await openKeeper({ ...at(join(dir, 'standby')), promote: { stoppedAt: null } })
  t.ok(await former.fence(heir.term()))
  await heir.close()
  await former.close()
  const roots = (): string[] => readdirSync(join(data, 'main/keys')).filter((name) => name.startsWith('day-'))
  t.equal(roots().length, 1)

  const certificates = createKeeperCertificates(join(dir, 'ca'))
  const keeper = await startKeeper(data, certificates.keeper)
  t.ok(await keeper.says(/gives out no key any more/), keeper.output())
  t.ok(await keeper.says(/The clock stands still/), 'after 40 days an operator has to look')
  t.equal(roots().length, 1)
  t.equal((await tacit(['clock', '--confirm', '--data', data])).code, 0)
  for (let tries = 0; tries < 300 && roots().length > 0; tries += 1) await sleep(100)
  t.same(roots(), [], 'the next round destroys what is due')
  t.equal((await keeper.end('SIGTERM')).code, 0)
  const { stdout } = await tacit(['keys', '--data', data, '--json'])
  t.match(JSON.parse(stdout), { keys: [{ id: epoch, destroyed: String }] })
})
