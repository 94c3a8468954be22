/** A rulebook is tried beside the one that rules, on the real program under load: shares come out, and nothing else. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { rulebookPath, startUp, tacit, type Up } from '../support/tacit.js'
import { edSigner, grantedClaims } from '../support/tokens.js'

const dir = mkdtempSync(join(tmpdir(), 'tacit-shadow-'))
// The runner has a limit for the file.
t.setTimeout(0)
const started: Up[] = []
t.teardown(async () => {
  await Promise.all(started.map((up) => up.end('SIGTERM')))
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
})
cpSync(dirname(rulebookPath('erp')), dir, { recursive: true })
const data = join(dir, 'data')
const ruling = join(dir, 'rulebook.yaml')
const next = join(dir, 'next.yaml')
const signer = edSigner('erp-1')
writeFileSync(join(dir, 'keys.json'), JSON.stringify({ keys: [signer.jwk] }))
const text = readFileSync(ruling, 'utf8')
const changed = text
  .replace('sales, operations]', 'sales]')
  .replace('    - email\n', '')
  .replace(/ {2}- \{ in: \{ path: "\/a\/x@y\.in".*\n/, '')
writeFileSync(next, changed)
const env = { TACIT_TOKEN_KEYS_FILE: join(dir, 'keys.json'), TACIT_RATE_PER_TOKEN: '100000000' }
const NAME = 'zoya.unmistakable'

/** Sends beacons until it is stopped: half of operations, a fifth of the pages with an e-mail address. */
function startLoad(up: Up) {
  const tokens = ['operations', 'accounts'].map((role) =>
    signer.sign(grantedClaims(Date.now(), { role, sub: role })),
  )
  const answers = new Map<number, number>()
  let going = true
  let sent = 0
  const worker = async (): Promise<void> => {
    while (going) {
      const at = sent++
      const path = at % 5 === 0 ? `/customers/${NAME}@example.in` : '/customers/48211'
      const events = [
        { id: `p-${String(at)}`, name: 'page_view', age: 0, path },
        { id: `f-${String(at)}`, name: 'invoice.save', age: 0 },
      ]
      const answer = await fetch(`${up.collector}/v1/beacon`, {
        method: 'POST',
        headers: {
          'content-type': 'text/plain',
          'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        },
        body: JSON.stringify({ v: 1, site: 'erp', token: tokens[at % 2], events }),
      })
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1)
    }
  }
  const workers = Promise.all([worker(), worker(), worker()])
  return {
    answers,
    async stop() {
      going = false
      await workers
      return sent
    },
  }
}

interface Result {
  readonly state: string
  readonly events: number | null
  readonly outcomes: readonly { readonly now: string; readonly next: string; readonly share: number }[] | null
  readonly dimensions: readonly { readonly dimension: string; readonly differs: number }[] | null
}

t.test('shares of what would differ, while every beacon is answered and counted as before', async (t) => {
  const up = await startUp(data, ['--rulebook', ruling], env)
  started.push(up)
  t.notMatch(up.output(), 'No token keys')
  const quiet = await tacit(['rules', 'shadow', next, '--data', data, '--for', '1s', '--json'])
  t.equal(quiet.code, 0, quiet.stderr)
  t.match(JSON.parse(quiet.stdout), { state: 'ended', events: null, outcomes: null, dimensions: null })

  const load = startLoad(up)
  const running = tacit(['rules', 'shadow', next, '--data', data, '--for', '6s', '--json'])
  while (!existsSync(join(data, 'main/shadow/request.json')))
    await new Promise((resolve) => setTimeout(resolve, 50))
  const second = await tacit(['rules', 'shadow', next, '--data', data, '--for', '1s'])
  t.match([second.code, second.stderr], [3, /ERR_SHADOW_BUSY/])
  const ran = await running
  const sent = await load.stop()
  t.equal(ran.code, 0, ran.stderr)
  const result = JSON.parse(ran.stdout) as Result
  t.equal(result.state, 'ended')
  t.ok((result.events ?? 0) >= 100 && (result.events ?? 1) % 10 === 0, `${String(result.events)} events`)
  const share = (now: string, then: string) =>
    result.outcomes?.find((pair) => pair.now === now && pair.next === then)?.share ?? 0
  t.ok(Math.abs(share('pii.email', 'accepted') - 10) <= 7, ran.stdout)
  t.ok(Math.abs(share('accepted', 'accepted') - 90) <= 7)
  const role = result.dimensions?.find(({ dimension }) => dimension === 'role')
  t.ok(Math.abs((role?.differs ?? 0) - 50) <= 25, 'about half are of operations')
  t.notOk(result.dimensions?.some(({ dimension, differs }) => dimension !== 'role' && differs > 0))

  t.same([...load.answers.keys()], [204], 'every beacon was answered')
  const ledger = await tacit(['ledger', '--data', data, '--json'])
  const { rows } = JSON.parse(ledger.stdout) as {
    rows: { received: number; accepted: number; dropped: Record<string, number> }[]
  }
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
  t.equal(
    sum(({ received }) => received),
    2 * sent,
    'and counted once',
  )
  t.equal(
    sum(({ dropped }) => dropped['pii.email'] ?? 0),
    Math.ceil(sent / 5),
    'by the one that rules',
  )

  const detections = await tacit(['ledger', '--detections', '--data', data, '--json'])
  const { rows: found } = JSON.parse(detections.stdout) as {
    rows: { detector: string; field: string; events: number }[]
  }
  t.same([...new Set(found.map(({ detector, field }) => `${detector} ${field}`))], ['email path'])
  t.equal(
    found.reduce((total, { events }) => total + events, 0),
    Math.ceil(sent / 5),
    'what its detectors found is counted by kind and field',
  )
  const { dashboard, token } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as Record<
    'dashboard' | 'token',
    string
  >
  const rules = await fetch(`${dashboard}/api/v1/rulebook`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const { beside } = JSON.parse(ran.stdout) as { beside: { hash: string } }
  const view = (await rules.json()) as { hash: string; since: string; history: unknown }
  t.match(view, { hash: beside.hash, pending: null, since: /Z$/ })
  t.same(view.history, [{ hash: beside.hash, since: view.since, until: null }])

  const left = join(data, 'main/shadow')
  for (let waited = 0; waited < 100 && readdirSync(left).length > 0; waited++)
    await new Promise((resolve) => setTimeout(resolve, 50))
  t.same(readdirSync(left), [], 'nothing of it is left')
  const ended = await up.end('SIGTERM')
  t.equal(ended.code, 0)
  t.notMatch(up.output() + ran.stdout + ran.stderr, NAME)
})

t.test('used wrongly, or with nothing to try it on, it says what to do', async (t) => {
  const shadow = (...args: readonly string[]) => tacit(['rules', 'shadow', ...args])
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [3, /ERR_SHADOW_INSTANCE/, [next, '--data', data, '--for', '1s']],
    [2, /no data directory/, [next, '--data', join(dir, 'nowhere')]],
    [2, /--for must be/, [next, '--data', data, '--for', '10']],
    [2, /--one-in must be/, [next, '--data', data, '--one-in', '0']],
    [1, /RULE_/, [join(dir, 'routes.yaml'), '--data', data]],
  ]
  const runs = await Promise.all(cases.map(([, , args]) => shadow(...args)))
  for (const [at, [code, said]] of cases.entries()) {
    t.equal(runs[at]?.code, code, `${String(said)}: ${runs[at]?.stderr ?? ''}`)
    t.match(runs[at]?.stderr, said)
  }
})
