import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { canonicalJson, logId, type SignedHead } from '@tacit/audit-log'
import { HOUR, MINUTE } from '@tacit/contracts'
import t from 'tap'
import { HeadPublisher, headPlacesOf } from './audit-heads.js'
import { readEnvironment } from './environment.js'

const NOW = Date.parse('2026-11-29T10:00:00Z')
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const pem = async (): Promise<string> => publicKey.export({ type: 'spki', format: 'pem' }).toString()
const head = (size: number, time = NOW): SignedHead => {
  const statement = {
    v: 1,
    log: logId(publicKey),
    size,
    root: 'cd'.repeat(32),
    time: `${new Date(time).toISOString().slice(0, 19)}Z`,
  } as const
  const signature = sign(null, Buffer.from(canonicalJson(statement)), privateKey)
  return { ...statement, signature: signature.toString('base64url') }
}

/** An audit log with these heads, of which a page holds two. */
const logOf = (...heads: readonly SignedHead[]) => {
  const bytes = Buffer.from(heads.map((one) => `${canonicalJson(one)}\n`).join(''))
  return {
    head: async () => heads.at(-1) ?? null,
    publicKey: pem,
    read: async (_file: 'entries' | 'heads', offset: number) => {
      const end = bytes.indexOf('\n', bytes.indexOf('\n', offset) + 1) + 1
      return bytes.subarray(offset, end === 0 ? bytes.length : end)
    },
  }
}

t.test(
  'each head is laid into the folder once, under a name that sorts by time, and never over another',
  async (t) => {
    const dir = t.testdir()
    const folder = join(dir, 'heads')
    const options = { folder, file: join(dir, 'told.json'), alarm: () => t.fail('no alarm') }
    const first = new HeadPublisher(options)
    await first.publish(logOf(), NOW)
    await first.publish(logOf(head(9)), NOW)
    await first.publish(logOf(head(9)), NOW)
    // After a restart it is known what was told.
    await new HeadPublisher(options).publish(logOf(head(9)), NOW)
    await new HeadPublisher(options).publish(logOf(head(9), head(120, NOW + HOUR)), NOW + HOUR)
    const names = readdirSync(folder)
    t.same(names, ['head-000000000009-2026-11-29T100000Z.json', 'head-000000000120-2026-11-29T110000Z.json'])
    t.same(JSON.parse(readFileSync(join(folder, names[0] ?? ''), 'utf8')), head(9))
  },
)

t.test(
  'a witness is sent the head and nothing else, and again after a minute where it did not take it',
  async (t) => {
    const bodies: string[] = []
    let status = 503
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      request.on('end', () => {
        bodies.push(body)
        response.writeHead(status).end()
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const alarms: string[] = []
    const publisher = new HeadPublisher({
      witness: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/heads`,
      file: join(t.testdir(), 'told.json'),
      alarm: (message) => alarms.push(message),
    })
    await publisher.publish(logOf(head(1)), NOW)
    await publisher.publish(logOf(head(1)), NOW + 1_000)
    t.equal(bodies.length, 1, 'left alone for a minute')
    status = 201
    await publisher.publish(logOf(head(1)), NOW + MINUTE)
    await publisher.publish(logOf(head(1)), NOW + 2 * MINUTE)
    t.same(
      bodies.map((body) => JSON.parse(body)),
      [head(1), head(1)],
    )
    t.match(alarms, [
      /TACIT_AUDIT_WITNESS_URL \(it answered with the status 503\); it is tried again/,
      /reach the witness TACIT_AUDIT_WITNESS_URL again/,
    ])
    t.equal(alarms.length, 2)
    server.close()
    server.closeAllConnections()
    await publisher.publish(logOf(head(1), head(2)), NOW + HOUR)
    t.match(alarms[2], /\(it is not reachable\)/)
  },
)

t.test('one head a day goes out by mail, as a message that a mail program takes', async (t) => {
  const dir = t.testdir()
  const box = join(dir, 'box')
  mkdirSync(box)
  const program = join(dir, 'mailer')
  writeFileSync(program, `#!/bin/sh\ncat > "${box}/$(ls ${box} | wc -l | tr -d ' ')"\n`)
  chmodSync(program, 0o700)
  const publisher = new HeadPublisher({
    mail: { to: 'privacy@example.in', command: `${program} -t` },
    file: join(dir, 'told.json'),
    alarm: (message) => t.fail(message),
  })
  const signed: SignedHead[] = []
  for (const hours of [0, 1, 13, 14, 15]) {
    signed.push(head(5 + hours, NOW + hours * HOUR))
    await publisher.publish(logOf(...signed), NOW + hours * HOUR)
  }
  t.same(readdirSync(box), ['0', '1'], 'one on each of two days')
  const message = readFileSync(join(box, '0'), 'utf8')
  t.match(
    message,
    /^To: privacy@example\.in\r\nSubject: Tacit audit log: 5 entries, 2026-11-29T10:00:00Z\r\n/,
  )
  t.ok(message.includes(canonicalJson(head(5))))
  t.match(
    message,
    /covers the first 5 entries of\r\n[^]*tacit audit script[^]*node tacit-audit-verify\.mjs audit\/ --key/,
  )
})

t.test('a mail program that is not there is refused at the start, and said once where it goes', async (t) => {
  const dir = t.testdir({ mailer: '#!/bin/sh\nexit 75\n' })
  const program = join(dir, 'mailer')
  const alarms: string[] = []
  const open = (command: string): HeadPublisher =>
    new HeadPublisher({
      mail: { to: 'privacy@example.in', command },
      file: join(dir, 'told.json'),
      alarm: (message) => alarms.push(message),
    })
  for (const command of ['/no/such/program', 'no-such-program -t', program, dir, ' ']) {
    t.throws(
      () => open(command),
      { code: 'ERR_CONFIG_INVALID', message: /TACIT_AUDIT_MAIL_COMMAND/ },
      command,
    )
  }
  chmodSync(program, 0o700)
  const publisher = open(`${program} -t`)
  await publisher.publish(logOf(head(1)), NOW)
  rmSync(program)
  await publisher.publish(logOf(head(2)), NOW + HOUR)
  t.match(alarms, [/TACIT_AUDIT_MAIL_TO \(the program ended with 75\)/])
  t.equal(alarms.length, 1)
  writeFileSync(program, '#!/bin/sh\ncat > /dev/null\n')
  chmodSync(program, 0o700)
  await publisher.publish(logOf(head(2)), NOW + 2 * HOUR)
  t.match(alarms[1], /reach the mail to TACIT_AUDIT_MAIL_TO again/)
})

t.test('settings name the places, and an address that is not encrypted is refused', async (t) => {
  t.equal(headPlacesOf(readEnvironment({})), null)
  const places = headPlacesOf(readEnvironment({ TACIT_AUDIT_MAIL_TO: 'privacy@example.in' }))
  t.match(places, { mail: { to: 'privacy@example.in', command: 'sendmail -t' } })
  t.throws(() => readEnvironment({ TACIT_AUDIT_MAIL_TO: 'a@b.in\r\nBcc: x@y.in' }), {
    code: 'ERR_CONFIG_INVALID',
  })
  for (const witness of ['http://witness.example.in/', 'ftp://x.in/', 'nonsense']) {
    const options = { witness, file: join(t.testdir(), 'told'), alarm: () => {} }
    t.throws(() => new HeadPublisher(options), { code: 'ERR_CONFIG_INVALID' }, witness)
  }
})

t.test('a folder that cannot be is refused at once', (t) => {
  // There a recursive mkdir of Node never ends.
  const file = join(t.testdir(), 'told.json')
  t.throws(
    () => new HeadPublisher({ folder: '/proc/nope/heads', file, alarm: () => {} }),
    /no folder for \/proc\/nope\/heads; make it first, or name another place with TACIT_AUDIT_HEADS_DIR/,
  )
  t.end()
})

const namesIn = (folder: string): readonly string[] => readdirSync(folder).sort()

t.test(
  'heads that were signed between two looks, and while nothing ran, are all sent, in order',
  async (t) => {
    const dir = t.testdir()
    const folder = join(dir, 'heads')
    const options = { folder, file: join(dir, 'told.json'), alarm: (said: string) => t.fail(said) }
    const all = [1, 2, 3, 4, 5, 6, 7].map((size) => head(size, NOW + size * MINUTE))
    const first = new HeadPublisher(options)
    await first.publish(logOf(...all.slice(0, 2)), NOW)
    t.same(namesIn(folder).length, 1, 'a place that is new begins with the newest')
    await first.publish(logOf(...all.slice(0, 5)), NOW)
    t.same(namesIn(folder).length, 4)
    await new HeadPublisher(options).publish(logOf(...all), NOW)
    t.same(
      namesIn(folder).map((name) => Number(name.slice(5, 17))),
      [2, 3, 4, 5, 6, 7],
    )
  },
)

t.test('a line that the key did not sign is sent to nobody', async (t) => {
  const dir = t.testdir()
  const folder = join(dir, 'heads')
  const publisher = new HeadPublisher({ folder, file: join(dir, 'told.json'), alarm: (said) => t.fail(said) })
  await publisher.publish(logOf(head(1)), NOW)
  const forged = { ...head(2), root: 'ef'.repeat(32) }
  await publisher.publish(logOf(head(1), forged, head(3)), NOW)
  t.same(
    namesIn(folder).map((name) => Number(name.slice(5, 17))),
    [1, 3],
  )
})

t.test('at a stop the last head is signed and sent, to places that failed lately too', async (t) => {
  const dir = t.testdir()
  const place = join(dir, 'place')
  const folder = join(place, 'heads')
  const publisher = new HeadPublisher({ folder, file: join(dir, 'told.json'), alarm: () => undefined })
  await publisher.publish(logOf(head(1)), NOW)
  rmSync(folder, { recursive: true })
  writeFileSync(folder, 'no folder')
  await publisher.publish(logOf(head(1), head(2)), NOW)
  rmSync(folder)
  mkdirSync(folder)
  let signed = false
  await publisher.finish({
    head: () => logOf(head(1), head(2), head(3)).head(),
    publicKey: pem,
    read: async (file, offset) =>
      (signed ? logOf(head(1), head(2), head(3)) : logOf(head(1), head(2))).read(file, offset),
    sign: async () => {
      signed = true
      return head(3)
    },
  })
  t.same(
    namesIn(folder).map((name) => Number(name.slice(5, 17))),
    [2, 3],
  )
})

t.test('of more than a thousand that waited the newest thousand are sent, and that is said', async (t) => {
  const dir = t.testdir()
  const folder = join(dir, 'heads')
  const said: string[] = []
  const options = { folder, file: join(dir, 'told.json'), alarm: (message: string) => said.push(message) }
  const all = Array.from({ length: 1_003 }, (_, at) => head(at + 1))
  await new HeadPublisher(options).publish(logOf(...all.slice(0, 1)), NOW)
  await new HeadPublisher(options).publish(logOf(...all), NOW)
  t.equal(namesIn(folder).length, 1_001)
  t.match(said, [/the earlier ones are left out/])
})

t.test('a keeper that does not answer harms nobody who publishes', async (t) => {
  const said: string[] = []
  const publisher = new HeadPublisher({
    folder: join(t.testdir(), 'heads'),
    file: join(t.testdir(), 'told.json'),
    alarm: (message) => said.push(message),
  })
  const down = async () => {
    throw new Error('down')
  }
  await publisher.publish({ head: down, publicKey: pem, read: down }, NOW)
  await publisher.publish({ head: down, publicKey: pem, read: down }, NOW)
  await publisher.finish({ head: down, publicKey: pem, read: down, sign: down })
  t.match(said, [/could not be read/])
})
