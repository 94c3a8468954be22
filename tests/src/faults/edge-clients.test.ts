/**
 * Edge faults (faults.md, E6, E7, E14, E15, E16, E18, E19, E20) against a real collector over real sockets: clients that
 * are slow, that leave, that send much at once, twice, or what is not theirs. Each test first shows that its fault came.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LANDING_COLUMNS, recordColumns } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import { pageView, startCollector } from '../support/collector.js'
import { isProblem, MARK, marked } from '../support/edge.js'
import { sendAll } from '../support/keep-alive.js'
import { exchange, parseAnswers, requestBytes, sendRaw } from '../support/raw-http.js'

// The long form takes minutes; the runner bounds the file.
t.setTimeout(0)

const FULL = process.env['TACIT_TEST_FULL'] === '1'
const TIMEOUT_MS = 400
const collector = await startCollector({ requestTimeoutMs: TIMEOUT_MS })
t.teardown(() => collector.close())

/** A connection, and all that came over it when it ended. */
async function open(port: number): Promise<{ readonly socket: Socket; readonly ended: Promise<Buffer> }> {
  const socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const ended = once(socket, 'close').then(() => Buffer.concat(chunks))
  await once(socket, 'connect')
  return { socket, ended }
}

/** ms between two bytes of a slow client */
const STEP_MS = 20
/** Bytes that a slow client may send: in its own steps, which a busy machine makes longer as it does the server's. */
const STEPS_IN_TIME = (4 * TIMEOUT_MS) / STEP_MS

/** Sends bytes one by one, so slowly that they never all come. @returns what came back, and how many were sent */
async function drip(first: Buffer, rest: Buffer): Promise<{ readonly came: Buffer; readonly sent: number }> {
  const { ended, socket } = await open(collector.port)
  socket.write(first)
  let sent = 0
  while (!socket.destroyed && sent < rest.length) {
    socket.write(rest.subarray(sent, ++sent))
    await sleep(STEP_MS)
  }
  return { came: await ended, sent }
}

async function isCountedNowhere(t: Test, run: () => Promise<void>): Promise<void> {
  const before = await collector.ledger()
  await run()
  const after = await collector.ledger()
  t.equal(after.received, before.received, 'it is counted nowhere')
  t.equal(
    (await exchange(collector.port, requestBytes(collector.beacon()))).status,
    204,
    'and others are served',
  )
}

t.test('E6: headers that come too slowly end in 408, in time', async (t) => {
  await isCountedNowhere(t, async () => {
    const request = requestBytes(collector.beacon(), marked())
    const { came, sent } = await drip(request.subarray(0, 30), request.subarray(30))
    t.ok(sent < request.length - 60, 'the headers were not through')
    t.ok(sent < STEPS_IN_TIME, 'it ended in time')
    const [answer] = parseAnswers(came, false)
    if (answer === undefined) throw new Error('no answer came')
    isProblem(t, answer, 'ERR_REQUEST_TIMEOUT')
  })
})

t.test('E7: a body that comes too slowly ends in 408, in time', async (t) => {
  await isCountedNowhere(t, async () => {
    const request = requestBytes(collector.beacon(), marked())
    const bodyAt = request.indexOf('\r\n\r\n') + 4
    const { came, sent } = await drip(request.subarray(0, bodyAt), request.subarray(bodyAt))
    t.ok(sent > 3 && bodyAt + sent < request.length, 'the body had begun and was not through')
    t.ok(sent < STEPS_IN_TIME, 'it ended in time')
    const [answer] = parseAnswers(came, false)
    if (answer === undefined) throw new Error('no answer came')
    isProblem(t, answer, 'ERR_REQUEST_TIMEOUT')
  })
})

t.test('E14: requests in one write are answered one by one, in their order', async (t) => {
  const before = await collector.ledger()
  const requests = Array.from({ length: 20 }, (_, at) =>
    requestBytes(at % 4 === 3 ? `{"${MARK}` : collector.beacon()),
  )
  const answers = await sendRaw(collector.port, Buffer.concat(requests), { answers: requests.length })
  t.same(
    answers.map(({ status }) => status),
    requests.map((_, at) => (at % 4 === 3 ? 400 : 204)),
  )
  t.equal((await collector.ledger()).accepted, before.accepted + 15, 'and each counted once')
})

t.test('E14: a client that closes its side once it has sent all is counted once at most', async (t) => {
  const before = await collector.ledger()
  const answers = await sendRaw(collector.port, requestBytes(collector.beacon()), { halfClose: true })
  // Whether the answer still comes is the race's; that it never lies is not.
  await sleep(100)
  const { accepted } = await collector.ledger()
  t.ok(accepted - before.accepted <= 1)
  if (answers[0]?.status === 204) t.equal(accepted, before.accepted + 1, 'a 204 means durable')
  t.equal((await exchange(collector.port, requestBytes(collector.beacon()))).status, 204)
})

t.test('E14: a reset in the middle of a body harms nobody', async (t) => {
  await isCountedNowhere(t, async () => {
    const request = requestBytes(collector.beacon(), marked())
    for (let at = 0; at < 50; at++) {
      const { ended, socket } = await open(collector.port)
      socket.write(request.subarray(0, request.length - 1 - at))
      await sleep(2)
      socket.resetAndDestroy()
      t.equal((await ended).length, 0, 'no answer had come')
    }
  })
})

t.test(
  'E15: a storm of preflights from a hostile page is answered alike, with no leave for credentials',
  async (t) => {
    await isCountedNowhere(t, async () => {
      const request = requestBytes('', {
        method: 'OPTIONS',
        headers: {
          origin: `https://${MARK}.example`,
          'access-control-request-method': 'POST',
          'access-control-request-headers': `content-type, x-${MARK}`,
          'content-type': null,
        },
      })
      const answers = await sendAll(collector.port, Array<Buffer>(2_000).fill(request), 16)
      const texts = new Set(answers.map(({ body, head }) => head.replace(/date: .*/i, '') + body))
      t.equal(texts.size, 1, 'one text')
      const [text = ''] = texts
      t.match(text, /^HTTP\/1.1 204 /)
      t.notMatch(text, new RegExp(`${MARK}|credentials|cookie`, 'i'))
    })
  },
)

t.test('E15: beacons of a hostile page are answered as any other, and dropped as wrong_origin', async (t) => {
  const before = await collector.ledger()
  const hostile = requestBytes(collector.beacon(), { headers: { origin: `https://${MARK}.example` } })
  const [bad, good] = [hostile, requestBytes(collector.beacon())].map((bytes) =>
    exchange(collector.port, bytes),
  )
  const text = async (answer: typeof bad): Promise<string> =>
    (await answer)?.head.replace(/date: .*/i, '') ?? ''
  t.equal(await text(bad), await text(good))
  const after = await collector.ledger()
  t.equal((after.dropped['wrong_origin'] ?? 0) - (before.dropped['wrong_origin'] ?? 0), 1)
})

/** A column of rows of the day stream. */
const column = (rows: readonly (readonly unknown[])[], name: string): readonly unknown[] => {
  const at = [...LANDING_COLUMNS, ...recordColumns('day')].findIndex((one) => one.name === name)
  return rows.map((row) => row[at])
}

/** The people that a network site tells apart by these X-Forwarded-For lines. */
async function peopleOf(
  chains: readonly string[],
  trustedProxies: readonly string[],
): Promise<readonly unknown[]> {
  const website = await startCollector({ rulebook: 'website', trustedProxies })
  try {
    for (const chain of chains) {
      const bytes = requestBytes(website.beacon(), {
        headers: {
          origin: website.rulebook.sites['website']?.origins[0] ?? '',
          'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
          'x-forwarded-for': chain,
        },
      })
      const { status } = await exchange(website.port, bytes)
      if (status !== 204) throw new Error(`answered ${String(status)}`)
    }
    return column((await website.ledger()).rows, 'person')
  } finally {
    await website.close()
  }
}

/** What a client may put in front of what the proxy appends: chains of up to 20, and two lines. */
const SPOOFED = [
  '198.51.100.1',
  Array.from({ length: 20 }, (_, at) => `198.51.100.${String(at + 1)}`).join(', '),
  '127.0.0.1',
  '10.0.0.1, 127.0.0.1',
  `unknown, _${MARK}`,
  '198.51.100.1\r\nx-forwarded-for: 198.51.100.2',
]

t.test('E16: without a trusted proxy, no X-Forwarded-For makes anybody somebody else', async (t) => {
  const people = await peopleOf(SPOOFED, [])
  t.equal(people.length, SPOOFED.length)
  t.equal(new Set(people).size, 1)
})
t.test(
  'E16: behind a trusted proxy, what it appended counts and what stands before it does not',
  async (t) => {
    const own = '203.0.113.77'
    const people = await peopleOf([own, ...SPOOFED.map((chain) => `${chain}, ${own}`)], ['127.0.0.0/8'])
    t.equal(people.length, SPOOFED.length + 1)
    t.equal(new Set(people).size, 1)
    const two = await peopleOf([own, '203.0.113.78'], ['127.0.0.0/8'])
    t.equal(new Set(two).size, 2, 'control: the proxy tells two clients apart')
  },
)

t.test(
  'E18: of two equal keys the last one counts, and nothing of the earlier one is anywhere',
  async (t) => {
    const good = JSON.stringify(pageView({ path: '/dashboard' }))
    const twice = good.replace('"path":', () => `"path":"/customers/${MARK}","path":`)
    const before = await collector.ledger()
    const body = collector.beacon().replace(/"events":\[.*\]/, () => `"events":[${good},${twice}]`)
    t.equal(body.split('"path":').length, 4, 'the key is there twice')
    const answer = await exchange(collector.port, requestBytes(body))
    t.equal(answer.status, 204)
    const { days, rows } = await collector.ledger()
    const [first, second] = days.slice(before.days.length)
    t.match(JSON.stringify([first, second]), /dashboard.*dashboard/)
    t.notMatch(JSON.stringify(rows), new RegExp(MARK, 'i'))
  },
)
t.test('E18: an envelope key sent twice counts as its last', async (t) => {
  const before = await collector.ledger()
  const body = collector.beacon().replace('"site":"erp"', `"site":"${MARK}","site":"erp"`)
  t.equal((await exchange(collector.port, requestBytes(body))).status, 204)
  t.equal((await exchange(collector.port, requestBytes(body.replace('"v":1', '"v":2,"v":1')))).status, 204)
  const other = collector.beacon().replace('"site":"erp"', `"site":"erp","site":"${MARK}"`)
  t.equal((await exchange(collector.port, requestBytes(other))).status, 204)
  const after = await collector.ledger()
  t.equal(after.accepted, before.accepted + 2)
  t.equal(after.dropped['unknown_site'], (before.dropped['unknown_site'] ?? 0) + 1)
})

/** Connections of clients in a process of their own; they stay open until it is ended. */
async function idleClients(t: Test, port: number, count: number, request: Buffer): Promise<number> {
  const script = fileURLToPath(new URL('../support/idle-clients.js', import.meta.url))
  const child = spawn(process.execPath, [script, String(port), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  child.stdin.end(request)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return Number(line.toString())
}

t.test('E19: idle connections that are kept open lock nobody out', async (t) => {
  const wanted = FULL ? 10_000 : 1_000
  const patient = await startCollector()
  t.teardown(() => patient.close())
  const opened = await idleClients(t, patient.port, wanted, requestBytes(patient.beacon()))
  t.equal(opened, wanted, 'all are open at once')
  const started = performance.now()
  t.equal((await exchange(patient.port, requestBytes(patient.beacon()))).status, 204)
  t.ok(performance.now() - started < 1_000, 'another client is served at once')
  t.equal((await patient.ledger()).accepted, wanted / 10 + 1, 'a tenth of them were used before')
})

t.test(
  'E20: a beacon that is sent again carries the same keyed id, so that it is counted once',
  async (t) => {
    const before = await collector.ledger()
    const event = pageView()
    const again = collector.beacon([event])
    const another = collector.beacon([event], { token: collector.token({ tenant: 't-002' }) })
    for (const body of [again, again, another]) {
      t.equal((await exchange(collector.port, requestBytes(body))).status, 204)
    }
    const rows = (await collector.ledger()).days.slice(before.days.length)
    const [first, second, third] = column(rows, 'eid')
    t.equal(first, second, 'the same person and id')
    t.not(first, third, 'the same id at another tenant is another event')
    t.notMatch(JSON.stringify(rows), String(event['id']))
  },
)
