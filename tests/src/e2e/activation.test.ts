/**
 * A rulebook is activated, taken back and refused under load, on the real program: every beacon is answered, each is
 * decided by exactly one rulebook, and its hash stands on its batch.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readBatchHeader } from '@tacit/contracts'
import { openLmdbLog } from '@tacit/event-log'
import { RulebookRegister, type Signature } from '@tacit/keeper'
import t, { type Test } from 'tap'
import { environment, rulebookPath, TACIT, tacit } from '../support/tacit.js'
import { edSigner, grantedClaims } from '../support/tokens.js'

const dir = mkdtempSync(join(tmpdir(), 'tacit-activation-'))
// The runner has a limit for the file.
t.setTimeout(0)
const children: ChildProcess[] = []
t.teardown(async () => {
  for (const child of children.filter(
    ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
  )) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 })
})
cpSync(dirname(rulebookPath('erp')), dir, { recursive: true })
const data = join(dir, 'data')
const file = (name: string): string => join(dir, name)
const base = readFileSync(file('rulebook.yaml'), 'utf8')
const signer = edSigner('erp-1')
writeFileSync(file('keys.json'), JSON.stringify({ keys: [signer.jwk] }))

const env = {
  TACIT_APPROVERS_FILE: file('approvers.json'),
  TACIT_TOKEN_KEYS_FILE: file('keys.json'),
  TACIT_RATE_PER_TOKEN: '100000000',
}

function variant(name: string, ...changes: readonly (readonly [string, string])[]): string {
  let text = base
  for (const [before, after] of changes) {
    if (!text.includes(before)) throw new Error(`not there: ${before}`)
    text = text.replace(before, after)
  }
  writeFileSync(file(name), text)
  return file(name)
}

/** What the instance said on standard error. */
let alarms = ''

/** Runs a verb of `rules` on the data directory, with other approvers than the instance's where they are given. */
async function rulesBy(approvers: string, ...args: readonly string[]) {
  const ran = await tacit(['rules', ...args, '--data', data], {
    env: { ...env, TACIT_APPROVERS_FILE: approvers },
    cwd: dir,
  })
  return { code: ran.code, text: ran.stdout + ran.stderr }
}

const rules = (...args: readonly string[]) => rulesBy(env.TACIT_APPROVERS_FILE, ...args)

async function start(): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const args = [TACIT, 'up', '--data', data, '--port', '0', '--dashboard-port', '0']
  const child = spawn(
    process.execPath,
    [...args, '--rulebook', file('rulebook.yaml')].slice(
      0,
      readdirSync(dir).includes('data') ? args.length : undefined,
    ),
    {
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  children.push(child)
  child.stderr.on('data', (chunk: Buffer) => {
    alarms += chunk.toString()
  })
  let said = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    said += chunk.toString()
    const port = /Beacons +http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]
    if (port !== undefined) return { child, port: Number(port) }
  }
  throw new Error(`it did not start: ${said}`)
}

/** Sends one beacon of a role that only the wider rulebook lists. @returns the status, 0 where there was no answer */
function send(port: number, id: number): Promise<number> {
  const claims = grantedClaims(Date.now(), { role: id % 2 === 0 ? 'operations' : 'accounts' })
  const body = JSON.stringify({
    v: 1,
    site: 'erp',
    token: signer.sign(claims),
    events: [{ id: `e-${String(id)}`, name: 'page_view', age: 0, path: '/customers/7' }],
  })
  return new Promise((resolve) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/v1/beacon',
        headers: { 'content-type': 'text/plain' },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
      },
    )
    asked.on('error', () => resolve(0))
    asked.end(body)
  })
}

interface Load {
  /** answers so far, by status */
  readonly answers: Map<number, number>
  stop(): Promise<void>
}

let sent = 0

/** A steady load of some hundred beacons a second. */
function startLoad(port: number): Load {
  const answers = new Map<number, number>()
  let going = true
  const worker = async (): Promise<void> => {
    while (going) {
      const status = await send(port, sent++)
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  }
  const workers = Promise.all(Array.from({ length: 8 }, worker))
  return {
    answers,
    async stop() {
      going = false
      await workers
    },
  }
}

interface Batch {
  readonly hash: string
  readonly received: number
}

/** Batches of the log that hold beacons, in order. */
async function batches(): Promise<readonly Batch[]> {
  const log = await openLmdbLog({ dir: join(data, 'main', 'log') })
  const found: Batch[] = []
  try {
    for (let after = 0; ; ) {
      const slice = log.parts('aggregator')[0].read(after, 500, 8_388_608)
      if (slice.last === after) return found
      after = slice.last
      for (const { bytes } of slice.records) {
        const { counts, rulebook } = readBatchHeader(bytes)
        const received = Object.values(counts).reduce((sum, hour) => sum + hour.received, 0)
        if (received > 0) found.push({ hash: rulebook, received })
      }
    }
  } finally {
    await log.close()
  }
}

const hashOf = async (path: string): Promise<string> => {
  const { stdout } = await tacit(['rules', 'check', path, '--json'])
  return (JSON.parse(stdout) as { hash: string }).hash
}

/** A loosening written past the command line, signed by two and called harmless: the running instance looks again. */
async function forged(t: Test, path: string, replaces: string): Promise<void> {
  const register = RulebookRegister.open(join(data, 'main', 'keys-register'))
  const signatures = readSignatures(`${path}.signatures.json`)
  const hash = await hashOf(path)
  const now = Date.now()
  const entry = register.append(
    { action: 'activate', hash, replaces, class: 'tighten', takesEffect: now, atOnce: true, signatures },
    now,
  )
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const obeyed = register
    .entries()
    .some(({ action, ...rest }) => action === 'applied' && 'applies' in rest && rest.applies === entry.seq)
  t.notOk(obeyed, 'what was never allowed is not obeyed, whatever its entry says')
  t.match(alarms, 'a change of the rulebook is not obeyed (ERR_ACTIVATION_POLICY)', 'and it says so')
  t.equal((await rules('rollback')).code, 0, 'and is taken back')
}

/** Whether the running instance will obey the change that waits, as its API says. */
async function pendingSays(): Promise<unknown> {
  const { dashboard, token } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as Record<
    'dashboard' | 'token',
    string
  >
  const answer = await fetch(`${dashboard}/api/v1/rulebook`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return ((await answer.json()) as { readonly pending: unknown }).pending
}

type Sign = (path: string, ...kids: readonly string[]) => Promise<void>

/** Whoever names other approvers than the instance changes nothing, learns it, and stands in nobody's way. */
async function strangers(t: Test, path: string, sign: Sign): Promise<void> {
  await sign(path, 'eve', 'mal')
  const refused = await rulesBy(file('strangers'), 'activate', path)
  t.equal(refused.code, 1, refused.text)
  t.match(refused.text, /instance does not obey it, and it was taken back.*ERR_ACTIVATION_STRANGER/)
  t.notMatch(refused.text, /It rules/)
  t.match(alarms, 'a change of the rulebook is not obeyed (ERR_ACTIVATION_STRANGER)')
  t.equal(await pendingSays(), null)
  rmSync(`${path}.signatures.json`)
}

/** Going back to what is looser: the approvals lie where both verbs look by themselves. */
async function wayBack(t: Test): Promise<void> {
  const alone = await rules('rollback')
  t.match(alone.text, /sign --rollback --key KEY.*ERR_ACTIVATION_SIGNATURES/, 'it takes two hands')
  await rules('sign', '--rollback', '--key', file('keys/ada.pem'))
  const signed = await rules('sign', '--rollback', '--key', file('keys/ben.pem'))
  t.match(signed.text, `rules in ${data}. Written to rollback.signatures.json`)
  t.match((await rules('rollback')).text, /It rules from .*T00:00:00Z on/)
  t.match(await pendingSays(), { verified: true })
  t.equal((await rules('rollback')).code, 0)
}

/** The approvals that were gathered beside a rulebook. */
function readSignatures(path: string): readonly Signature[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly signatures: readonly Signature[] }).signatures
}

t.test('activated, taken back and refused under load: nothing lost, one rulebook each', async (t) => {
  for (const kid of ['ada', 'ben', 'eve', 'mal']) {
    t.equal((await tacit(['rules', 'keygen', '--kid', kid, '--out', file('keys')])).code, 0)
  }
  const jwks = ['ada', 'ben'].map(
    (kid) => JSON.parse(readFileSync(file(`keys/${kid}.jwk.json`), 'utf8')) as unknown,
  )
  writeFileSync(file('approvers.json'), JSON.stringify({ keys: jwks }))
  mkdirSync(file('strangers'))
  for (const kid of ['eve', 'mal']) cpSync(file(`keys/${kid}.jwk.json`), file(`strangers/${kid}.jwk.json`))
  const first = await hashOf(file('rulebook.yaml'))

  let running = await start()
  let load = startLoad(running.port)
  const tighter = variant('tighter.yaml', ['sales, operations]', 'sales]'], ['ipv4: 16', 'ipv4: 12'])
  const looser = variant(
    'looser.yaml',
    ['bots: drop', 'bots: count'],
    ['policy: { version: "2026-11-01"', 'policy: { version: "2026-11-02"'],
    ['notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-02 }'],
  )
  // What people agreed to already does not cover it.
  const covered = variant('covered.yaml', ['bots: drop', 'bots: count'])
  const expired = variant(
    'expired.yaml',
    ['min_users: 10', 'min_users: 12'],
    ['expires: 2027-11-30', 'expires: 2026-11-02'],
  )
  const sign: Sign = async (path, ...kids) => {
    for (const kid of kids) {
      const signed = await rules('sign', path, '--key', file(`keys/${kid}.pem`))
      t.equal(signed.code, 0, signed.text)
    }
  }

  const refusals: readonly (readonly [string, string, readonly string[]])[] = [
    ['ERR_ACTIVATION_SIGNATURES', tighter, ['ada']],
    ['ERR_ACTIVATION_STRANGER', tighter, ['eve']],
    ['ERR_ACTIVATION_NOTICE', looser, ['ada', 'ben']],
    ['ERR_ACTIVATION_POLICY', covered, ['ada', 'ben']],
    ['ERR_ACTIVATION_EXPIRED', expired, ['ada', 'ben']],
  ]
  for (const [code, path, kids] of refusals) {
    await sign(path, ...kids)
    const refused = await rules('activate', path)
    t.match(refused.text, code)
    t.equal(refused.code, 1)
  }
  t.equal((await rules('notice', looser)).code, 0)
  t.match((await rules('notice', looser)).text, /Already on record since .*nothing was added/)
  t.match((await rules('activate', looser)).text, 'ERR_ACTIVATION_TOO_EARLY', 'told today')
  const told = await rules('notice', covered)
  t.match(told.text, /still needs this.* newer than 2026-11-01/, 'said before a month is lost')
  await forged(t, covered, first)

  rmSync(`${tighter}.signatures.json`)
  await strangers(t, tighter, sign)
  await sign(tighter, 'ada', 'ben')
  const activated = await rules('activate', tighter)
  t.equal(activated.code, 0, activated.text)
  t.match(activated.text, 'It rules now.')
  const second = await hashOf(tighter)

  // A change of what is published waits for midnight, and is taken back.
  const stricter = variant(
    'stricter.yaml',
    ['sales, operations]', 'sales]'],
    ['ipv4: 16', 'ipv4: 12'],
    ['min_users: 10', 'min_users: 12'],
  )
  await strangers(t, stricter, sign)
  await sign(stricter, 'ada', 'ben')
  t.match((await rules('activate', stricter)).text, /It rules from .*T00:00:00Z on/)
  t.match(await pendingSays(), { hash: await hashOf(stricter), verified: true })
  const taken = await rules('rollback')
  t.equal(taken.code, 0, taken.text)
  await wayBack(t)

  await load.stop()
  t.same([...load.answers.keys()], [204], 'every beacon was answered, all through it')
  let answered = load.answers.get(204) ?? 0
  running.child.kill('SIGKILL')
  await once(running.child, 'exit')

  running = await start()
  load = startLoad(running.port)
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await load.stop()
  t.same([...load.answers.keys()], [204], 'after a crash as well')
  answered += load.answers.get(204) ?? 0
  running.child.kill('SIGTERM')
  await once(running.child, 'exit')

  const found = await batches()
  const hashes = found.map(({ hash }) => hash)
  t.same([...new Set(hashes)], [first, second], 'each batch stands under one of the two that ruled')
  const change = hashes.indexOf(second)
  t.ok(
    change > 0 && hashes.slice(change).every((hash) => hash === second),
    'and once changed, changed for good',
  )
  t.equal(
    found.reduce((sum, { received }) => sum + received, 0),
    answered,
    'every beacon that was answered is in the log, once',
  )
  t.comment(
    `${String(answered)} beacons, ${String(found.length)} batches, changed at batch ${String(change)}`,
  )
  t.ok(answered > 300, 'there was a load')
})
