/** `tacit keeper` and `tacit up` as two processes: keys come over mutual TLS 1.3. */
import { readFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { auditEntriesOf } from '../support/audit-entries.js'
import { createKeeperCertificates } from '../support/keeper-certificates.js'
import { type RunningKeeper, startKeeper, startUp, tacit, type Up } from '../support/tacit.js'
import { edSigner, grantedClaims } from '../support/tokens.js'

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

interface Key {
  readonly id: string
  readonly stream: string
  readonly handed_to: readonly string[]
}

// The runner has a limit for the file.
t.setTimeout(0)
if (withoutOpenssl !== false) {
  t.test('keeper and up as two processes', { skip: withoutOpenssl }, async () => undefined)
} else {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-two-'))
  const keeperData = join(dir, 'keeper')
  const upData = join(dir, 'up')
  const certificates = createKeeperCertificates(join(dir, 'ca'))
  const signer = edSigner('erp-1')
  writeFileSync(join(dir, 'keys.json'), JSON.stringify({ keys: [signer.jwk] }))
  let keeper: RunningKeeper
  let up: Up | null = null

  t.before(async () => {
    keeper = await startKeeper(keeperData, certificates.keeper)
  })
  t.teardown(async () => {
    await up?.end('SIGTERM')
    await keeper?.end('SIGTERM')
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  })

  const upSettings = (tls: Readonly<Record<string, string>>, url = keeper.url) => ({
    ...tls,
    TACIT_KEEPER_URL: url,
    TACIT_TOKEN_KEYS_FILE: join(dir, 'keys.json'),
  })

  const send = async (tenant: string): Promise<number> => {
    const events = [{ id: `e-${String(Math.random())}`, name: 'page_view', age: 0, path: '/customers/7' }]
    const token = signer.sign(grantedClaims(Date.now(), { tenant }))
    const answer = await fetch(`${up?.collector ?? ''}/v1/beacon`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'user-agent': BROWSER },
      body: JSON.stringify({ v: 1, site: 'erp', token, events }),
    })
    await answer.text()
    return answer.status
  }

  /** What the running instance says, as verbs ask it. */
  const ask = async <Answer>(path: string): Promise<Answer> => {
    const { dashboard, token } = JSON.parse(readFileSync(join(upData, 'run.json'), 'utf8')) as Readonly<
      Record<string, string>
    >
    const answer = await fetch(`${dashboard ?? ''}${path}`, {
      headers: { authorization: `Bearer ${token ?? ''}` },
    })
    return (await answer.json()) as Answer
  }

  const keys = async (): Promise<readonly Key[]> =>
    (await ask<{ readonly keys: readonly Key[] }>('/api/v1/keys?realm=main')).keys

  /** Sums of the ledger. */
  const ledger = async (): Promise<{ received: number; accepted: number; missing: number }> => {
    const { rows } = await ask<{
      rows: readonly { received: number; accepted: number; dropped: Readonly<Record<string, number>> }[]
    }>('/api/v1/ledger?realm=main')
    const sum = (of: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((all, row) => all + of(row), 0)
    return {
      received: sum(({ received }) => received),
      accepted: sum(({ accepted }) => accepted),
      missing: sum(({ dropped }) => dropped['key_missing'] ?? 0),
    }
  }

  const eventually = async (what: () => Promise<boolean> | boolean): Promise<boolean> => {
    for (let tries = 0; tries < 150; tries += 1) {
      if (await what()) return true
      await sleep(200)
    }
    return false
  }

  t.test(
    'beacons are accepted under keys of the other process, and it has on record who was given them',
    async (t) => {
      up = await startUp(upData, [], upSettings(certificates.up))
      for (const tenant of ['t-1', 't-2', 't-1']) t.equal(await send(tenant), 204)
      t.ok(await eventually(async () => (await ledger()).received === 3))
      t.same(await ledger(), { received: 3, accepted: 3, missing: 0 })
      const [through, beside] = await Promise.all(
        [upData, keeperData].map(async (data) => {
          const { stdout } = await tacit(['keys', '--data', data, '--stream', 'day', '--json'])
          return JSON.parse(stdout) as { readonly keys: readonly Key[] }
        }),
      )
      t.same(
        through?.keys.map(({ id }) => id),
        beside?.keys.map(({ id }) => id),
        'the running instance says the same as the keeper’s own directory',
      )
      const given = async (stream: string): Promise<boolean> => {
        const found = (await keys()).filter((key) => key.stream === stream)
        return found.length > 0 && found.every(({ handed_to: to }) => to.includes('collector/a'))
      }
      t.ok(await given('day'))
      t.ok(await given('hour'))
      t.notOk((await keys()).some(({ handed_to: to }) => to.includes('in-process')))
      t.notOk(readdirSync(join(upData, 'main')).includes('keys'), 'no key lies with the collector')
    },
  )

  t.test('the audit log is read and verified through the instance that asks the keeper', async (t) => {
    const [head, key] = await Promise.all([
      tacit(['audit', 'head', '--data', upData, '--json']),
      tacit(['audit', 'key', '--data', keeperData]),
    ])
    t.equal(head.code, 0, head.stderr)
    writeFileSync(join(dir, 'head.json'), head.stdout)
    writeFileSync(join(dir, 'public.pem'), key.stdout)
    const kept = ['--head', join(dir, 'head.json'), '--key', join(dir, 'public.pem')]
    const [through, beside] = await Promise.all([
      tacit(['audit', 'verify', '--data', upData, ...kept, '--json']),
      tacit(['audit', 'verify', '--data', keeperData, ...kept, '--json']),
    ])
    t.match(JSON.parse(through.stdout), { ok: true, findings: [], notes: [] })
    t.match(JSON.parse(beside.stdout), { ok: true, findings: [], notes: [] })
    t.match((await tacit(['keys', '--data', keeperData, '--living'])).stdout, /0 destroyed\./)
  })

  t.test(
    'a keeper that is killed and comes back loses nobody who has keys; whoever is new meanwhile is dropped and counted',
    async (t) => {
      const { port } = new URL(keeper.url)
      await keeper.end('SIGKILL')
      for (const tenant of ['t-1', 't-2']) t.equal(await send(tenant), 204)
      t.equal(await send('t-new'), 204, 'nobody can tell a dropped event from an accepted one')
      keeper = await startKeeper(keeperData, certificates.keeper, Number(port))
      t.ok(
        await eventually(async () => {
          await send('t-newer')
          return (await ledger()).accepted > 5
        }),
        'new ones are accepted again',
      )
      const { accepted, missing, received } = await ledger()
      t.equal(received, accepted + missing)
      t.ok(missing >= 1)
      const ids = (await keys()).map(({ id }) => id)
      t.equal(new Set(ids).size, ids.length, 'no epoch has two roots')
    },
  )

  t.test('both end cleanly, and no key lies in what the other side wrote', async (t) => {
    const ended = await up?.end('SIGTERM')
    t.equal(ended?.code, 0)
    up = null
    const kept = await keeper.end('SIGTERM')
    t.equal(kept.code, 0, kept.stderr)
    t.equal(
      (await tacit(['keys', '--data', keeperData, '--json'])).code,
      0,
      'its records are read without it',
    )
    const tenants = await tacit(['keys', '--data', keeperData, '--stream', 'tenant', '--json'])
    const found = (JSON.parse(tenants.stdout) as { readonly keys: readonly Key[] }).keys
    t.ok(
      found.some(({ handed_to: to }) => to.includes('collector/a')),
      'those of tenants go on record once an hour, or at the end',
    )
    for (const verb of [['keys'], ['audit', 'verify']]) {
      const alone = await tacit([...verb, '--data', upData])
      t.match([alone.code, alone.stderr], [2, /is with its keeper.*--data, or start the instance/])
    }
  })

  t.test(
    'a data directory with keys of its own is not left behind with nobody to destroy them',
    async (t) => {
      keeper = await startKeeper(join(dir, 'second'), certificates.keeper)
      const own = await startUp(join(dir, 'own'), [], { TACIT_TOKEN_KEYS_FILE: join(dir, 'keys.json') })
      up = own
      t.equal(await send('t-1'), 204)
      t.equal((await own.end('SIGTERM')).code, 0)
      up = null
      const ran = await tacit(['up', '--data', join(dir, 'own'), '--port', '0', '--dashboard-port', '0'], {
        env: upSettings(certificates.up),
      })
      t.match([ran.code, ran.stderr], [2, /would never destroy.*ERR_CONFIG_INVALID/])
    },
  )

  t.test(
    'up starts while the keeper is down, says that it is not ready, and is once that one is there',
    async (t) => {
      const { port } = new URL(keeper.url)
      await keeper.end('SIGTERM')
      const readiness = async (): Promise<number> => (await fetch(`${up?.collector ?? ''}/readyz`)).status
      const later = await startUp(join(dir, 'later'), [], upSettings(certificates.up))
      up = later
      t.ok(await later.says(/runs, and takes no beacon/), later.output())
      t.ok(await later.says(/does not answer/), later.output())
      t.equal(await readiness(), 503)
      t.not(await send('t-1'), 204)
      keeper = await startKeeper(join(dir, 'second'), certificates.keeper, Number(port))
      t.ok(await eventually(async () => (await readiness()) === 200))
      t.equal(await send('t-1'), 204)
      const has = (wanted: string) =>
        auditEntriesOf(join(dir, 'second')).some(({ action, actor }) => `${actor} ${action}` === wanted)
      t.ok(await eventually(() => has('aggregator/a boot')), 'that it began is put on record later')
      t.ok(has('aggregator/a rulebook.recorded'))
      t.equal((await later.end('SIGTERM')).code, 0)
      up = null
    },
  )
}
