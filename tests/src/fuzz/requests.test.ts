/**
 * Fuzzing of requests on a socket: random and mutated headers. The collector answers each or closes, echoes none, and
 * lives.
 */
import t from 'tap'
import { seeded } from '../corpora/parts.js'
import { startCollector } from '../support/collector.js'
import { mutate, randomBytesOf } from '../support/mutate.js'
import { requestBytes, sendRaw } from '../support/raw-http.js'

// The long form takes minutes; the runner bounds the file.
t.setTimeout(0)

const CASES = process.env['TACIT_TEST_FULL'] === '1' ? 15_000 : 1_500
const CONCURRENCY = 16
const MARK = 'nokadupizo'
const random = seeded(2)

/** A request whose headers are mutated, and half of the time its first line too. */
function makeRequest(body: string): Buffer {
  if (random.below(20) === 0) return randomBytesOf(random, 600)
  const bytes = requestBytes(body, {
    path: random.below(3) === 0 ? `/v1/beacon?${MARK}` : '/v1/beacon',
    headers: {
      origin: `https://${MARK}.example`,
      'user-agent': MARK,
      cookie: `id=${MARK}`,
      'x-forwarded-for': `203.0.113.1, ${MARK}`,
      'sec-gpc': random.pick(['1', '0', MARK]),
    },
  })
  const end = bytes.indexOf('\r\n\r\n')
  const first = random.below(2) === 0 ? 0 : bytes.indexOf('\r\n') + 2
  return Buffer.concat([
    bytes.subarray(0, first),
    mutate(bytes.subarray(first, end), random),
    bytes.subarray(end),
  ])
}

t.test(
  `${CASES.toLocaleString('en-GB')} requests: each is answered or closed, none is echoed, the collector lives`,
  async (t) => {
    const collector = await startCollector()
    t.teardown(() => collector.close())
    const statuses = new Map<number, number>()
    const before = await collector.ledger()
    let sent = 0
    const worker = async (): Promise<void> => {
      while (sent < CASES) {
        const at = sent++
        // Our side ends after a while: a request whose length became longer is over then, too.
        const answers = await sendRaw(collector.port, makeRequest(collector.beacon()), {
          halfCloseAfterMs: 200,
        })
        for (const { body, head, status } of answers) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          if ((head + body).toLowerCase().includes(MARK)) t.fail(`case ${String(at)} is echoed`)
        }
      }
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, worker))
    t.comment(JSON.stringify(Object.fromEntries(statuses)))
    for (const status of [204, 400])
      t.ok((statuses.get(status) ?? 0) > 50, `many are answered ${String(status)}`)
    t.notOk(statuses.has(500), 'none fails inside')
    const [answer] = await sendRaw(collector.port, requestBytes(collector.beacon()))
    t.equal(answer?.status, 204, 'a good beacon is taken')
    t.ok((await collector.ledger()).accepted > before.accepted)
  },
)
