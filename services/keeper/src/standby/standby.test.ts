/** A standby over mutual TLS: it has what the primary has, wrapped anew, and takes over with the same keys. */
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DAY, DrivenClock, HOUR, MINUTE, TacitError } from '@tacit/contracts'
import type { KeyAnswer, KeyScope } from '@tacit/keyring'
import t, { type Test } from 'tap'
import type { Keeper } from '../keeper.js'
import type { ServedKeeper } from '../remote/routes.js'
import { type KeeperServer, serveKeeper } from '../remote/server.js'
import { withoutOpenssl } from '../testing/certificates.js'
import {
  audited,
  batchKeyOf,
  everything,
  keyOf,
  logIn,
  primaryIn,
  secretIn,
  secretNames,
  standbyIn,
  until,
} from '../testing/pair.js'
import { ask, codeOf, connect, createIds, type Ids, type RawAnswer } from '../testing/remote.js'
import { primaryOverTls } from './primary-over-tls.js'

const skip = withoutOpenssl
const NOON = Date.parse('2026-08-05T12:00:00Z')
const TODAY = 'day:2026-08-05'
const TOMORROW = 'day:2026-08-06'
const ACME: KeyScope = { of: 'tenant', tenant: 'acme' }

interface Net {
  readonly ids: Ids
  /** terms for which any of its servers was fenced */
  readonly fenced: readonly number[]
  readonly a: string
  readonly b: string
  serve(keeper: ServedKeeper, at?: number): Promise<{ url: string; port: number; server: KeeperServer }>
}

function netOf(t: Test): Net {
  const dir = t.testdir({ a: {}, b: {}, ids: {} })
  const ids = createIds(join(dir, 'ids'))
  const fenced: number[] = []
  return {
    ids,
    fenced,
    a: join(dir, 'a'),
    b: join(dir, 'b'),
    async serve(keeper, at = 0) {
      const server = serveKeeper({ keeper, tls: ids.server, fenced: (term) => fenced.push(term) })
      const port = await server.listen({ host: 'localhost', port: at })
      t.teardown(() => server.close())
      return { server, port, url: `https://localhost:${port}` }
    },
  }
}

/** A primary at noon that others reach over TLS. */
async function servedPrimary(t: Test) {
  const net = netOf(t)
  const clock = new DrivenClock(NOON)
  const primary = await primaryIn(net.a, clock)
  t.teardown(() => primary.close())
  return { net, clock, primary, first: await net.serve(primary) }
}

/** The term that an answer states, and its proof. */
const termAt = ({ headers }: RawAnswer): string[] => String(headers['tacit-keeper-term']).split(' ')

const hexOf = (answer: KeyAnswer): string =>
  answer.state === 'open' ? answer.key.toString('hex') : answer.state
const request = (epoch = TODAY) => ({ purpose: 'stats', stream: 'day', epoch, scope: ACME }) as const

t.test(
  'after a takeover every key is the one it was, and the former primary is fenced for good',
  { skip },
  async (t) => {
    const { clock, first, net, primary } = await servedPrimary(t)
    const before = await keyOf(primary, TODAY, ACME)

    const standby = await standbyIn(net.b, clock, primaryOverTls(first.url, net.ids.of('standby')))
    const second = await net.serve(standby)
    standby.follow()
    await until(() => primary.company() === 'followed')
    t.equal((await ask(second.port, net.ids.of('collector'), '/healthz', null)).body, '{"state":"standby"}')
    const early = connect(t, second.url, net.ids.of('collector'))
    t.equal(await codeOf(early.port.pseudonymKey(request())), 'ERR_KEEPER_UNAVAILABLE')

    // Made while it is followed: handed out only once the standby has them.
    const client = connect(t, [first.url, second.url], net.ids.of('collector'))
    const batch = (await client.port.batchKey(NOON, '0123456789abcdef', true))?.toString('hex')
    const other = hexOf(await client.port.pseudonymKey({ ...request(), scope: { of: 'site', site: 'www' } }))
    t.equal(hexOf(await client.port.pseudonymKey(request())), before)
    t.same(secretNames(net.b), secretNames(net.a))
    const head = await primary.audit.sign()

    await first.server.close()
    await second.server.close()
    await standby.close()
    await t.rejects(primaryIn(net.b, clock), { code: 'ERR_KEEPER_STANDBY' })
    clock.advanceTo(NOON + MINUTE)
    const heir = await primaryIn(net.b, clock, { promote: { stoppedAt: null } })
    t.teardown(() => heir.close())
    t.equal(heir.term().count, 1)
    await net.serve(heir, second.port)
    t.equal(hexOf(await client.port.pseudonymKey(request())), before)
    t.equal((await client.port.batchKey(NOON, '0123456789abcdef', true))?.toString('hex'), batch)
    t.equal(
      hexOf(await client.port.pseudonymKey({ ...request(), scope: { of: 'site', site: 'www' } })),
      other,
    )

    await heir.audit.sign()
    const audit = audited(net.b, [head])
    t.same([audit.ok, audit.findings], [true, []])
    t.ok(logIn(net.b).includes('keeper.takeover'))

    await net.serve(primary, first.port)
    const strayed = connect(t, [first.url, second.url], net.ids.of('collector'))
    t.equal(hexOf(await strayed.port.pseudonymKey(request())), before, 'who heard of nothing still asks it')
    const show = async (role: string, path: string, term: string): Promise<string> => {
      const headers = { 'tacit-keeper-term': term, 'content-type': 'application/json' }
      return (await ask(first.port, net.ids.of(role), path, '{"stream":"day"}', { headers })).body
    }
    const [, proof = ''] = termAt(await ask(second.port, net.ids.of('collector'), '/healthz', null))
    const [, formerProof = ''] = termAt(await ask(first.port, net.ids.of('collector'), '/healthz', null))
    const madeUp = [
      '1',
      '999',
      `1 ${'A'.repeat(86)}`,
      `1 ${formerProof}`,
      `2 ${proof}`,
      `1 ${proof.toLowerCase()}`,
    ]
    for (const term of madeUp) {
      for (const [role, path] of [
        ['collector', '/v1/epochs'],
        ['aggregator', '/v1/epochs'],
        ['operator', '/v1/keys'],
        ['standby', '/v1/replica'],
      ] as const)
        t.match(await show(role, path, term), 'ERR_KEEPER_FENCED', 'nobody who says so is served')
    }
    t.same(net.fenced, [])
    t.equal(primary.state(), 'primary', 'but what nobody proves ends no reign')
    t.equal(hexOf(await strayed.port.pseudonymKey(request())), before)
    t.match(await show('collector', '/v1/epochs', `1 ${proof}`), 'ERR_KEEPER_FENCED')
    await until(() => readFileSync(join(net.a, 'keys/term'), 'utf8').includes('"fenced"'))
    await until(() => net.fenced.length > 0)
    t.same(net.fenced, [1])
    t.equal(await codeOf(primary.port.pseudonymKey(request())), 'ERR_KEEPER_FENCED')
    await primary.close()

    const again = await primaryIn(net.a, clock)
    t.teardown(() => again.close())
    t.equal(again.state(), 'fenced')
    for (const call of [
      () => again.port.pseudonymKey(request()),
      () => again.port.batchKey(NOON, '0123456789abcdef', true),
      () => again.audit.sign(),
    ])
      t.equal(await codeOf(call()), 'ERR_KEEPER_FENCED')
    clock.advanceTo(NOON + 4 * DAY)
    t.same(
      (await again.tick()).destroyed.toSorted(),
      [TODAY, 'hour:2026-08-05T12'],
      'its roots die all the same',
    )
    t.notOk(secretNames(net.a).some((name) => /^(?:day|hour)-/.test(name)))
    const heads = readFileSync(join(net.a, 'audit/heads.ndjson'))
    await again.close()
    t.same(
      readFileSync(join(net.a, 'audit/heads.ndjson')),
      heads,
      'it signs nothing that the heir’s log lacks',
    )
  },
)

t.test('who heard of a takeover fences the former primary: clients, and a standby', { skip }, async (t) => {
  for (const teller of ['client', 'standby'] as const) {
    const net = netOf(t)
    const clock = new DrivenClock(NOON)
    const primary = await primaryIn(net.a, clock, { standby: { holdMs: 1 } })
    t.teardown(() => primary.close())
    const first = await net.serve(primary)
    const standby = await standbyIn(net.b, clock, primaryOverTls(first.url, net.ids.of('standby')))
    while (primary.company() !== 'followed') await standby.step()
    await standby.close()
    await first.server.close()
    const heir = await primaryIn(net.b, clock, { promote: { stoppedAt: null } })
    t.teardown(() => heir.close())
    const second = await net.serve(heir)

    const client = connect(t, [first.url, second.url], net.ids.of('collector'))
    const next = await standbyIn(join(net.b, 'c'), clock, primaryOverTls(second.url, net.ids.of('standby')))
    t.teardown(() => next.close())
    await client.port.pseudonymKey(request())
    await next.step()
    // Now the former primary answers where the heir did.
    await second.server.close()
    await net.serve(primary, second.port)
    const told = teller === 'client' ? client.port.pseudonymKey(request()) : next.step()
    t.match(await codeOf(told), /ERR_KEEPER_(?:UNAVAILABLE|FENCED)/, teller)
    t.equal(primary.state(), 'fenced', teller)
  }
})

t.test(
  'roots lie on the standby’s disk wrapped by its own master key, and nowhere else',
  { skip },
  async (t) => {
    const { clock, first, net, primary } = await servedPrimary(t)
    await keyOf(primary, TODAY, ACME)
    await batchKeyOf(primary, NOON)
    const standby = await standbyIn(net.b, clock, primaryOverTls(first.url, net.ids.of('standby')))
    t.teardown(() => standby.close())
    await standby.step()
    const names = secretNames(net.b)
    t.same(names, secretNames(net.a))
    t.equal(names.length, 5)
    await primary.audit.sign()
    await standby.step()

    const backup = join(t.testdirName, 'backup')
    mkdirSync(backup)
    cpSync(join(net.b, 'audit'), backup, { recursive: true })
    for (const name of names) {
      const root = secretIn(net.a, name)
      if (root === null) throw new Error(name)
      t.same(secretIn(net.b, name), root, name)
      for (const place of [net.a, net.b, backup]) {
        const bytes = everything(place)
        for (const form of [root, Buffer.from(root.toString('hex')), Buffer.from(root.toString('base64'))])
          t.notOk(bytes.includes(form), `${name} in the open`)
      }
      t.notSame(readFileSync(join(net.a, 'keys', name)), readFileSync(join(net.b, 'keys', name)))
    }
    for (const file of ['entries.ndjson', 'heads.ndjson'])
      t.same(
        readFileSync(join(backup, file)),
        readFileSync(join(net.a, 'audit', file)),
        'the log is the same',
      )
  },
)

t.test('nobody but a standby is given roots, and it gives none on', { skip }, async (t) => {
  const { clock, first, net, primary } = await servedPrimary(t)
  await keyOf(primary, TODAY, ACME)
  for (const role of ['collector', 'aggregator', 'operator', 'keeper']) {
    const standby = await standbyIn(join(net.b, role), clock, primaryOverTls(first.url, net.ids.of(role)))
    t.equal(await codeOf(standby.step()), 'ERR_KEEPER_REFUSED', role)
    t.same(secretNames(join(net.b, role)), [])
    await standby.close()
  }
  const standby = await standbyIn(join(net.b, 'b'), clock, primaryOverTls(first.url, net.ids.of('standby')))
  t.teardown(() => standby.close())
  await standby.step()
  const second = await net.serve(standby)
  const chained = await standbyIn(join(net.b, 'c'), clock, primaryOverTls(second.url, net.ids.of('standby')))
  t.equal(await codeOf(chained.step()), 'ERR_KEEPER_STANDBY')
  await chained.close()
  const body = JSON.stringify({
    session: null,
    number: 0,
    entries: 0,
    heads: 0,
    begin: { entriesEnd: '', headsEnd: '', have: ['../master.key'] },
  })
  t.match((await ask(first.port, net.ids.of('standby'), '/v1/replica', body)).body, 'ERR_KEEPER_REQUEST')
})

t.test('an orderly handover withholds nothing, and the former primary stays over', { skip }, async (t) => {
  const net = netOf(t)
  const clock = new DrivenClock(Date.parse('2026-08-05T23:45:00Z'))
  const primary = await primaryIn(net.a, clock)
  const { url } = await net.serve(primary)
  const key = await keyOf(primary, TODAY, ACME)
  await t.rejects(primary.handOver(), { code: 'ERR_KEEPER_STANDBY' })
  const standby = await standbyIn(net.b, clock, primaryOverTls(url, net.ids.of('standby')))
  standby.follow()
  await until(() => primary.company() === 'followed')
  await primary.handOver()
  t.equal(await codeOf(keyOf(primary, TODAY, ACME)), 'ERR_KEEPER_FENCED')
  t.equal(primary.state(), 'fenced')
  await primary.close()
  await standby.close()
  clock.advanceTo(Date.parse('2026-08-06T00:30:00Z'))
  const heir = await primaryIn(net.b, clock, { promote: { stoppedAt: null } })
  t.teardown(() => heir.close())
  t.notOk(logIn(net.b).some((line) => line.startsWith('key.withheld')))
  t.equal(await keyOf(heir, TODAY, ACME), key)
  t.match(await keyOf(heir, TOMORROW, ACME), /^[0-9a-f]{64}$/)
  t.match(await keyOf(heir, TODAY, { of: 'tenant', tenant: 'new' }), /^[0-9a-f]{64}$/)
  t.equal(await codeOf(primaryIn(net.a, clock)), 'ERR_KEEPER_FENCED')
  t.same(secretNames(net.a), [])
})

t.test('the primary waits for its standby, and goes on alone where that is silent', { skip }, async (t) => {
  const net = netOf(t)
  const clock = new DrivenClock(NOON)
  const seen: string[] = []
  const primary: Keeper = await primaryIn(net.a, clock, {
    standby: { changed: (company) => seen.push(company), waitMs: 2_000, silentMs: 60_000, holdMs: 20 },
  })
  t.teardown(() => primary.close())
  const { url } = await net.serve(primary)
  const standby = await standbyIn(net.b, clock, primaryOverTls(url, net.ids.of('standby')))
  t.teardown(() => standby.close())
  await standby.step()
  t.equal(primary.company(), 'none', 'nothing is acknowledged yet')
  await standby.step()
  t.equal(primary.company(), 'followed')

  let there: string[] = []
  let isHanded = false
  const handed = keyOf(primary, TODAY, ACME).then((key) => {
    there = secretNames(net.b)
    isHanded = true
    return key
  })
  while (!isHanded) await standby.step()
  t.match(await handed, /^[0-9a-f]{64}$/)
  t.same(there, secretNames(net.a), 'the standby had both roots before anybody had the key')
  t.same(seen, ['followed'])

  const start = performance.now()
  t.match(await batchKeyOf(primary, NOON), /^[0-9a-f]{64}$/)
  const waited = performance.now() - start
  t.ok(waited >= 1_900 && waited < 20_000, `it waited ${Math.round(waited)} ms`)
  t.same(seen, ['followed', 'alone'])
  const next = performance.now()
  await batchKeyOf(primary, NOON - HOUR)
  t.ok(performance.now() - next < 1_500, 'and waits for it no more')
  while (primary.company() !== 'followed') await standby.step()
  t.same(secretNames(net.b), secretNames(net.a))
})

t.test(
  'a standby that the network keeps away says so once, and is in step again after',
  { skip },
  async (t) => {
    const { clock, first, net, primary } = await servedPrimary(t)
    const trouble: (string | null)[] = []
    const standby = await standbyIn(net.b, clock, primaryOverTls(first.url, net.ids.of('standby')), {
      trouble: (error) => trouble.push(error instanceof TacitError ? error.code : null),
    })
    t.teardown(() => standby.close())
    standby.follow()
    await until(() => primary.company() === 'followed')
    await first.server.close()
    await until(() => trouble.length === 1)
    await keyOf(primary, TODAY, ACME)
    await net.serve(primary, first.port)
    await until(() => trouble.length === 2)
    t.same(trouble, ['ERR_KEEPER_UNAVAILABLE', null])
    await until(() => secretNames(net.b).includes('day-2026-08-05.root'))
  },
)
