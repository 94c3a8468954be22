/** Who may not ask a keeper, or is none, is refused by both sides, and both say what to do. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions } from 'node:tls'
import { createTestCa, withoutOpenssl } from '@tacit/keeper/testing'
import t from 'tap'
import { createKeeperCertificates, KEEPER_NAMES, UP_NAMES } from '../support/keeper-certificates.js'
import { type Ran, type RunningKeeper, startKeeper, tacit } from '../support/tacit.js'

// The runner has a limit for the file.
t.setTimeout(0)
if (withoutOpenssl !== false) {
  t.test('refusals of keeper and up', { skip: withoutOpenssl }, async () => undefined)
} else {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-refused-'))
  const keeperData = join(dir, 'keeper')
  const certificates = createKeeperCertificates(join(dir, 'ca'))
  const stranger = createTestCa(join(dir, 'other-ca'))
  let keeper: RunningKeeper

  t.before(async () => {
    keeper = await startKeeper(keeperData, certificates.keeper)
  })
  t.teardown(async () => {
    await keeper?.end('SIGTERM')
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
  })

  /** `tacit up` that will not come to be ready. */
  const tryUp = (tls: Readonly<Record<string, string>>, url = keeper.url): Promise<Ran> =>
    tacit(['up', '--data', join(dir, 'up'), '--port', '0', '--dashboard-port', '0'], {
      env: { ...tls, TACIT_KEEPER_URL: url },
    })

  t.test('who proves to be nobody gets no key, and both sides say what to do', async (t) => {
    const cases = [
      [
        'expired',
        certificates.settings('old', { names: UP_NAMES, until: -0.01 }),
        /ERR_KEEPER_REFUSED/,
        /has expired.*CERT_HAS_EXPIRED/,
      ],
      [
        'another authority',
        certificates.settings('stranger', { names: UP_NAMES }, stranger),
        /ERR_KEEPER_REFUSED/,
        /nobody in TACIT_TLS_CA_FILE signed/,
      ],
      [
        'no aggregator',
        certificates.settings('half', { names: UP_NAMES.slice(0, 1) }),
        /tacit:\/\/collector\/NAME and URI:tacit:\/\/aggregator\/NAME.*ERR_KEEPER_REFUSED/,
        null,
      ],
    ] as const
    for (const [name, tls, says, keeperSays] of cases) {
      const ran = await tryUp(tls)
      t.equal(ran.code, 3, name)
      t.match(ran.stderr, says, name)
      if (keeperSays !== null) t.ok(await keeper.says(keeperSays), name)
    }
    const without = await tryUp({})
    t.match([without.code, without.stderr], [2, /set TACIT_TLS_CERT_FILE/])
    const { stdout } = await tacit(['keys', '--data', keeperData, '--json'])
    t.match(JSON.parse(stdout), { keys: [] }, 'and no root came to be')
  })

  const certified = {
    ca: readFileSync(certificates.ca.certificate),
    cert: readFileSync(certificates.up['TACIT_TLS_CERT_FILE'] ?? ''),
    key: readFileSync(certificates.up['TACIT_TLS_KEY_FILE'] ?? ''),
  }
  const handshake = (more: ConnectionOptions): Promise<string> =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(keeper.url)
      const socket = connect({ host: hostname, port: Number(port), ca: certified.ca, ...more })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'))
      socket.on('close', () => resolve('closed'))
      socket.on('secureConnect', () => socket.write('GET /healthz HTTP/1.1\r\nhost: keeper\r\n\r\n'))
      socket.on('data', () => {
        resolve('answered')
        socket.destroy()
      })
    })

  t.test('no certificate and TLS 1.2 are refused at the handshake, and the keeper says so', async (t) => {
    t.equal(await handshake(certified), 'answered', 'as a control: with both it is answered')
    t.not(await handshake({}), 'answered')
    t.match(await handshake({ ...certified, maxVersion: 'TLSv1.2' }), /PROTOCOL_VERSION|ECONNRESET|closed/)
    t.ok(await keeper.says(/showed no certificate/), keeper.output())
    t.ok(await keeper.says(/only that is spoken here/), keeper.output())
  })

  t.test('what speaks TLS 1.2, or proves no keeper, is asked for nothing', async (t) => {
    const impostors = [
      ['TLS 1.2', certificates.ca.issue('old-keeper', { names: KEEPER_NAMES }), { maxVersion: 'TLSv1.2' }],
      ['a web server', certificates.ca.issue('web', { names: KEEPER_NAMES.slice(0, 2) }), {}],
    ] as const
    for (const [name, { cert, key }, more] of impostors) {
      let asked = 0
      const server = createServer(
        { cert: readFileSync(cert), key: readFileSync(key), ...more },
        (_, response) => {
          asked += 1
          response.end()
        },
      )
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      const ran = await tryUp(certificates.up, `https://127.0.0.1:${String(port)}`)
      server.close()
      t.match([ran.code, ran.stderr], [3, /does not prove to be a keeper.*ERR_KEEPER_UNTRUSTED/], name)
      t.equal(asked, 0, name)
    }
  })
}
