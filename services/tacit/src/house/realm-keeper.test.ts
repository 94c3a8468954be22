import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DrivenClock, systemClock } from '@tacit/contracts'
import t from 'tap'
import { ERP_RULEBOOK, dataLayout } from './layout.js'
import { keeperAddressOf, openRealmKeeper } from './realm-keeper.js'
import { readRulebook, requireRulebook } from './rulebook-files.js'

const TLS = { TACIT_TLS_CERT_FILE: 'a.pem', TACIT_TLS_KEY_FILE: 'a.key', TACIT_TLS_CA_FILE: 'ca.pem' }
const rulebook = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
const tls = { cert: '/none', key: '/none', ca: '/none' }
const keeperAddress = { urls: ['https://localhost:1'], tls }
const alarm = (): void => undefined

t.test(
  'without an address the keeper is in this process; with one all three files must be named',
  async (t) => {
    t.equal(keeperAddressOf({}), null)
    t.equal(keeperAddressOf({ TACIT_KEEPER_URL: ' , ' }), null)
    t.same(keeperAddressOf({ ...TLS, TACIT_KEEPER_URL: 'https://a:1, https://b:1,' }), {
      urls: ['https://a:1', 'https://b:1'],
      tls: { cert: 'a.pem', key: 'a.key', ca: 'ca.pem' },
    })
    for (const name of Object.keys(TLS)) {
      t.throws(() => keeperAddressOf({ ...TLS, [name]: '', TACIT_KEEPER_URL: 'https://a:1' }), {
        code: 'ERR_CONFIG_INVALID',
        message: new RegExp(`set ${name}$`),
      })
    }
    t.throws(() => keeperAddressOf({ TACIT_KEEPER_URL: 'https://a:1' }), {
      message: /set TACIT_TLS_CERT_FILE, TACIT_TLS_KEY_FILE and TACIT_TLS_CA_FILE$/,
    })
  },
)

t.test('what is played has a keeper of its own, whose time is that of the data', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  const clock = new DrivenClock(0)
  const options = { layout, rulebook, clock, keeperAddress, isDriven: true, alarm }
  await t.rejects(openRealmKeeper(options), { code: 'ERR_CONFIG_INVALID', message: /unset TACIT_KEEPER_URL/ })
})

t.test('keys that lie here are not left to nobody', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.keys, { recursive: true })
  const options = { layout, rulebook, clock: systemClock, keeperAddress, alarm }
  writeFileSync(join(layout.keys, 'audit-signing.key'), '')
  await t.rejects(openRealmKeeper(options), { code: 'ERR_TLS_FILES' }, 'a signing key alone is no root')
  for (const name of ['day-2026-08-05.root', 'hour-2026-08-05T10.key']) {
    writeFileSync(join(layout.keys, name), '')
    await t.rejects(openRealmKeeper(options), { code: 'ERR_CONFIG_INVALID', message: /never destroy/ }, name)
  }
})

t.test('keys that a start finds lost are said', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.dir, { recursive: true })
  const clock = new DrivenClock(Date.parse('2026-11-29T10:00:00Z'))
  const said: string[] = []
  const open = () => openRealmKeeper({ layout, rulebook, clock, alarm: (message) => said.push(message) })
  const first = await open()
  await first.port.batchKey(clock.now(), 'ab'.repeat(8), true)
  await first.close()
  t.same(said, [])
  const file = readdirSync(layout.keys).find((name) => name.startsWith('hour-'))
  rmSync(join(layout.keys, file ?? ''))
  await (await open()).close()
  t.match(said, [/hour:2026-11-29T10 is gone/])
})

t.test('a master key file that will not do is named by its path and by what named it', async (t) => {
  const dir = t.testdir()
  const layout = dataLayout(dir).realm('main')
  const clock = new DrivenClock(Date.parse('2026-11-29T10:00:00Z'))
  const open = (file?: string) =>
    openRealmKeeper({
      layout,
      rulebook,
      clock,
      alarm,
      ...(file === undefined ? {} : { masterKey: { file } }),
    })
  const elsewhere = join(dir, 'not-mounted', 'master.key')
  await t.rejects(open(elsewhere), {
    code: 'ERR_KEY_MASTER',
    message: new RegExp(`no folder for the master key file ${elsewhere}.*TACIT_MASTER_KEY_FILE`),
  })
  t.notOk(existsSync(join(dir, 'not-mounted')))
  const first = await open()
  await first.port.batchKey(clock.now(), 'ab'.repeat(8), true)
  await first.close()
  rmSync(layout.masterKey)
  await t.rejects(open(), {
    code: 'ERR_KEY_MASTER',
    message: new RegExp(`is gone.*${layout.masterKey}.*TACIT_MASTER_KEY_FILE`),
  })
})

t.test('a note says that the keeper is elsewhere, until it is here', async (t) => {
  const layout = dataLayout(t.testdir()).realm('main')
  mkdirSync(layout.dir, { recursive: true })
  const options = { layout, rulebook, clock: systemClock, alarm }
  await t.rejects(openRealmKeeper({ ...options, keeperAddress }), { code: 'ERR_TLS_FILES' })
  t.ok(existsSync(layout.keeperElsewhere))
  await (await openRealmKeeper(options)).close()
  t.notOk(existsSync(layout.keeperElsewhere))
})
