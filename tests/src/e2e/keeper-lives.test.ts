/** A keeper of its own keeps the rulebooks that it was started with: its log is verified by how long they let keys live. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DAY, DrivenClock, HOUR, utcDay } from '@tacit/contracts'
import { keeperPlaces, openKeeper, openKeeperStores } from '@tacit/keeper'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { rulebookPath, startKeeper, tacit } from '../support/tacit.js'

const START = Math.floor(Date.now() / DAY) * DAY - 20 * DAY

/** A keeper's directory in which the key of a day died so many hours after its end, and each look was in time. */
async function lived(data: string, hours: number): Promise<void> {
  const clock = new DrivenClock(START)
  const keeper = await openKeeper({
    stores: openKeeperStores(keeperPlaces(join(data, 'main'))),
    clock,
    latenessMs: HOUR,
    destroyKeyAfterMs: hours * HOUR,
    streams: ['day'],
  })
  const scope = { of: 'tenants' } as const
  await keeper.port.pseudonymKey({ purpose: 'stats', stream: 'day', epoch: `day:${utcDay(START)}`, scope })
  for (let hour = 1; hour <= 24 + hours; hour += 1) {
    clock.advanceTo(START + hour * HOUR)
    await keeper.tick()
  }
  await keeper.close()
}

// The runner has a limit for the file.
t.setTimeout(0)
t.test('keys are held to the rulebooks that a keeper had', { skip: withoutOpenssl }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-lives-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  const { keeper: tls } = createKeeperCertificates(join(dir, 'ca'))
  const rulebookOf = (hours: number): string => {
    const file = join(dir, `rulebook-${String(hours)}`, 'rulebook.yaml')
    cpSync(dirname(rulebookPath('erp')), dirname(file), { recursive: true })
    const text = readFileSync(file, 'utf8')
    const life = text.replace('destroy_key_after: 48h', `destroy_key_after: ${String(hours)}h`)
    writeFileSync(file, life.replace('staging: epoch + 48h', 'staging: epoch + 72h'))
    return file
  }
  const startWith = async (data: string, hours: number): Promise<void> => {
    const keeper = await startKeeper(data, tls, 0, rulebookOf(hours))
    await keeper.end('SIGTERM')
  }
  const verify = async (data: string) => {
    const { code, stdout } = await tacit(['audit', 'verify', '--data', data, '--json'])
    const { findings, notes } = JSON.parse(stdout) as {
      readonly findings: readonly { readonly code: string }[]
      readonly notes: readonly string[]
    }
    const saysUnruled = notes.some((note) => note.startsWith('No rulebook is kept here'))
    return { code, found: findings.map((finding) => finding.code), saysUnruled }
  }

  const long = join(dir, 'long')
  await lived(long, 72)
  t.same(await verify(long), { code: 1, found: ['key_late'], saysUnruled: true }, 'no rulebook is there yet')
  await startWith(long, 72)
  t.same(await verify(long), { code: 0, found: [], saysUnruled: false })
  await startWith(long, 24)
  t.same(await verify(long), { code: 0, found: [], saysUnruled: false }, 'the longest counts')

  const short = join(dir, 'short')
  await lived(short, 48)
  await startWith(short, 24)
  t.same(await verify(short), { code: 1, found: ['key_late'], saysUnruled: false })
})
