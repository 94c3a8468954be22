/** `rules init`: what enough people used is written, what fewer used is nowhere, and the result rules as it stands. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { combinedLine, logText, sampleLog } from './support/sample-log.js'
import { type Ran, tacit } from './support/tacit.js'
import { REAL_LOG, WITHOUT_REAL_LOG } from './support/test-logs.js'

t.setTimeout(120_000)

const DAY = Date.UTC(2026, 9, 5)
const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
const dir = t.testdir()

/** So many people, each of a network of their own, at a path. */
const visits = (target: string, people: number, agent?: string) =>
  Array.from({ length: people }, (_, person) =>
    combinedLine({
      time: DAY + person * 1000,
      address: `203.${person}.113.9`,
      target,
      ...(agent === undefined ? {} : { agent }),
    }),
  )

const LOG = logText([
  ...sampleLog(DAY),
  ...visits('/ten-people-came', 10),
  ...visits('/nine-people-came', 9),
  ...visits('/customers/nine-of-them/orders', 9),
  combinedLine({ time: DAY, address: '203.99.113.9', target: '/customers/another/orders' }),
  ...visits('/pan/ABCPK1234F', 30),
  ...visits('/mail/someone@example.in', 30),
  ...visits('/only-crawled', 30, CRAWLER),
  ...visits('/picture-of-all.png', 30),
])
/** What no more than nine people used, in words that are nothing else. */
const SECRETS = [
  'nine-people-came',
  'nine-of-them',
  'another',
  'ABCPK',
  'someone',
  'only-crawled',
  'picture-of',
]

const log = join(dir, 'access.log')
writeFileSync(log, LOG)

/** All that was written and said. */
function everything(out: string, { stderr, stdout }: Ran): string {
  const files = readdirSync(out).map((file) => readFileSync(join(out, file), 'utf8'))
  return [...files, stdout, stderr].join('\n')
}

const routesOf = (out: string): string[] =>
  readFileSync(join(out, 'routes.yaml'), 'utf8')
    .split('\n')
    .flatMap((line) => /^ {2}- (.*)$/.exec(line)?.[1] ?? [])

t.test(
  'what ten people used is written, what nine used is in no file and no word of the output',
  async (t) => {
    const out = join(dir, 'learnt')
    const ran = await tacit(['rules', 'init', '--from', log, '--out', out])
    t.match(ran, { code: 0, stderr: '' })
    const routes = routesOf(out)
    for (const route of [
      '/ten-people-came',
      '/customers/:id/orders',
      '/pan/:id',
      '/mail/:id',
      '/orders/:id',
    ]) {
      t.ok(routes.includes(route), route)
    }
    const text = everything(out, ran)
    for (const secret of SECRETS) t.notMatch(text, secret, secret)

    const lower = join(dir, 'control')
    const control = everything(
      lower,
      await tacit(['rules', 'init', '--from', log, '--out', lower, '--min-users', '9']),
    )
    t.match(control, 'nine-people-came', 'the same search finds it where nine are enough')
    t.match(control, 'nine-of-them')
  },
)

t.test(
  'the rulebook is sound without a warning, its examples hold, and the log it was learnt from passes',
  async (t) => {
    const rulebook = join(dir, 'learnt', 'rulebook.yaml')
    t.match(await tacit(['rules', 'check', rulebook]), { code: 0, stdout: /is sound \(0 warnings\)/ })
    t.match(await tacit(['rules', 'test', rulebook]), { code: 0, stdout: /3 of 3 examples hold/ })
  },
)

t.test('compressed, from standard input and for machines it says the same', async (t) => {
  const packed = join(dir, 'access.log.gz')
  writeFileSync(packed, gzipSync(LOG))
  const runs = await Promise.all([
    tacit(['rules', 'init', '--from', packed, '--out', join(dir, 'gz'), '--json']),
    tacit(['rules', 'init', '--from', '-', '--out', join(dir, 'stdin'), '--json'], {
      input: Buffer.from(LOG),
    }),
  ])
  for (const { code, stdout } of runs) {
    t.equal(code, 0)
    const { kind, learnt } = JSON.parse(stdout) as { kind: string; learnt: Record<string, number> }
    t.equal(kind, 'website')
    t.equal((learnt['people'] ?? 1) % 10, 0, 'people are floored')
    t.equal((learnt['left_out'] ?? 1) % 10, 0, 'and so are the paths that were left out')
  }
  t.same(routesOf(join(dir, 'gz')), routesOf(join(dir, 'learnt')))
  t.same(routesOf(join(dir, 'stdin')), routesOf(join(dir, 'learnt')))
})

t.test('without a log it writes a starter of either kind that is sound', async (t) => {
  for (const kind of ['erp', 'website']) {
    const out = join(dir, `starter-${kind}`)
    t.equal((await tacit(['rules', 'init', '--kind', kind, '--out', out])).code, 0)
    t.match(await tacit(['rules', 'check', join(out, 'rulebook.yaml')]), { code: 0, stdout: /0 warnings/ })
  }
})

t.test('wrong use ends with 2, says what to do and writes nothing', async (t) => {
  const taken = join(dir, 'taken')
  mkdirSync(taken)
  writeFileSync(join(taken, 'routes.yaml'), 'mine')
  const out = join(dir, 'nothing')
  const init = (...args: string[]) => tacit(['rules', 'init', '--out', out, ...args])
  const empty = join(dir, 'empty.log')
  writeFileSync(empty, 'no line of a log, but a-secret\n')
  const cases: readonly (readonly [Promise<Ran>, RegExp])[] = [
    [init('--min-users', '4'), /from 5 to 1000/],
    [init('--min-users', 'ten'), /from 5 to 1000/],
    [init('--origin', 'http://www.example.in/'), /bare origin/],
    [init('--site', 'My Site'), /my_site/],
    [init('--from', join(dir, 'not-there')), /There is no file/],
    [
      init('--from', empty),
      /Nothing could be learnt from 1 line \(line.unparsable 1\). No line reads as an access log or an NDJSON beacon/,
    ],
    [init('--from', empty, '--kind', 'erp'), /No line reads as an access log/],
    [
      init('--from', log, '--kind', 'erp'),
      /An access log does not say who is signed in: use --kind website, or beacons/,
    ],
    [tacit(['rules', 'init', '--out', taken]), /is there already/],
  ]
  for (const [run, message] of cases) {
    const ran = await run
    t.match(ran, { code: 2, stderr: message })
    t.notMatch(ran.stderr, 'a-secret')
  }
  t.notOk(existsSync(out))
  t.equal(readFileSync(join(taken, 'routes.yaml'), 'utf8'), 'mine')
  t.same(readdirSync(taken), ['routes.yaml'])
})

t.test('a real log makes a rulebook that is sound', { skip: WITHOUT_REAL_LOG }, async (t) => {
  const out = join(dir, 'real')
  t.equal((await tacit(['rules', 'init', '--from', REAL_LOG, '--out', out])).code, 0)
  t.ok(routesOf(out).length > 10)
  t.equal((await tacit(['rules', 'check', join(out, 'rulebook.yaml')])).code, 0)
})
