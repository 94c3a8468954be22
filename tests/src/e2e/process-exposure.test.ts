/**
 * INV-10 on a running instance: nothing that the system, a signal or a crash shows of its processes holds a byte of a
 * key. Which bytes of a key file are secret is its own business: here all of them are.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { formsOfSecret, type Needle } from '../support/leaks/forms.js'
import { scanDirectory } from '../support/leaks/scan.js'
import { createSearch } from '../support/leaks/search.js'
import { coreLimitsOf, familyOf, listenersOf, shownBy } from '../support/processes.js'
import { rulebookPath, startUp, tacit, type Up } from '../support/tacit.js'

const ELSEWHERE = process.platform === 'linux' ? false : 'reads Linux’ /proc'
const CORE_PATTERN = '/proc/sys/kernel/core_pattern'

// The runner has a limit for the file.
t.setTimeout(0)

const root = mkdtempSync(join(tmpdir(), 'tacit-exposure-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))

/** Processes started from here may write cores of any size, where the system lets us: the runner may be limited. */
const UNLIMITED =
  spawnSync('prlimit', ['--pid', String(process.pid), '--core=unlimited']).status === 0
    ? false
    : 'this process may not raise its own limit for cores'

/** Windows of this many bytes are looked for: a root, or what wraps it, lies somewhere in its file. */
const WINDOW = 32
/** After a signal, what it could start has started. */
const SETTLED_MS = 500
/** A round of the live loop stages what is in the log. */
const STAGED_MS = 2_500

const isText = (bytes: Buffer): boolean => bytes.every((byte) => byte === 10 || (byte >= 32 && byte < 127))

/** Of sixteen random bytes hardly ever six are the same as others; zeros and text are. */
const isRandom = (half: Buffer): boolean => new Set(half).size > 10 && !isText(half)

function filesBelow(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Where an instance keeps keys; journals among them are text and hold none. */
function keyFilesOf(dir: string): string[] {
  return filesBelow(dir).filter((path) => /(^|\/)keys\/|\.key$/.test(relative(dir, path)))
}

/** Each window of a file, and its whole end: a key in the file is found by one of them wherever it lies in it. */
function secretsOf(path: string): Buffer[] {
  const bytes = readFileSync(path)
  if (bytes.length < WINDOW || (isText(bytes) && !path.endsWith('.key'))) return []
  const starts = Array.from({ length: Math.ceil(bytes.length / (WINDOW / 2)) }, (_, i) => (i * WINDOW) / 2)
  const windows = starts
    .map((start) => bytes.subarray(Math.min(start, bytes.length - WINDOW)).subarray(0, WINDOW))
    // A header or a file that is overwritten already says nothing; a half of a window is looked for too.
    .filter((window) => isRandom(window.subarray(0, WINDOW / 2)) && isRandom(window.subarray(WINDOW / 2)))
  return windows.length > 0 || !isText(bytes) ? windows : [bytes]
}

function needlesOf(dir: string): Needle[] {
  return keyFilesOf(dir).flatMap((path) =>
    secretsOf(path).flatMap((secret) => formsOfSecret(relative(dir, path), secret)),
  )
}

async function sendVisits(up: Up): Promise<void> {
  for (let i = 0; i < 20; i++) {
    const answer = await fetch(`${up.collector}/v1/beacon`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        origin: 'https://www.example.in',
        'user-agent': `Visitor/${i}`,
      },
      body: JSON.stringify({
        v: 1,
        site: 'website',
        events: [{ id: `v-${i}`, name: 'page_view', age: 0, path: '/' }],
      }),
    })
    if (answer.status !== 204) throw new Error(`a beacon was answered ${answer.status}`)
  }
}

function websiteUp(name: string): Promise<Up> {
  const cwd = join(root, `${name}-cwd`)
  mkdirSync(cwd)
  return startUp(join(root, name), ['--rulebook', rulebookPath('website')], {}, cwd)
}

t.test(
  'no byte of a key file is in arguments, environment, output or any other file',
  { skip: ELSEWHERE },
  async (t) => {
    const dir = join(root, 'keys')
    const up = await websiteUp('keys')
    await sendVisits(up)
    await sleep(STAGED_MS)
    const needles = needlesOf(dir)
    const whose = new Set(needles.map(({ what }) => what))
    t.ok(whose.size >= 4, 'keys of the day, of the hour, of the site and of access tokens are there')
    const search = createSearch(needles)
    const family = familyOf(up.pid)
    t.ok(family.length >= 2, 'the ClickHouse child is looked at too')
    for (const pid of family) t.same(search(shownBy(pid)), [], `process ${String(family.indexOf(pid))}`)

    const isKeyFile = (file: string): boolean => keyFilesOf(dir).includes(join(dir, file))
    const { leaks } = await scanDirectory(dir, search)
    t.same(
      leaks.filter(({ file }) => !isKeyFile(file)),
      [],
      'and in no other file',
    )
    const found = new Set(leaks.filter(({ file, what }) => file === what).map(({ file }) => file))
    t.same(
      [...whose].filter((file) => !found.has(file)),
      [],
      'control: each is found in its own',
    )

    const ran = await up.end('SIGTERM')
    t.equal(ran.code, 0)
    t.same(search(Buffer.from(ran.stdout + ran.stderr)), [], 'nothing is printed')
  },
)

t.test('it runs without cores, and so does its ClickHouse', { skip: ELSEWHERE || UNLIMITED }, async (t) => {
  t.ok(coreLimitsOf(process.pid).filter > 0, 'control: the processes that start it have cores')
  const up = await websiteUp('limits')
  const family = familyOf(up.pid)
  t.ok(family.length >= 2)
  for (const pid of family) t.same(coreLimitsOf(pid), { limits: ['0', '0'], filter: 0 })
  await up.end('SIGTERM')
})

t.test('signals open no debugger, and write no report and no core', { skip: ELSEWHERE }, async (t) => {
  const up = await websiteUp('signals')
  const cwd = join(root, 'signals-cwd')
  const before = listenersOf(up.pid)
  t.ok(before >= 2, 'control: collector and dashboard listen')
  process.kill(up.pid, 'SIGUSR1')
  await sleep(SETTLED_MS)
  t.equal(listenersOf(up.pid), before)
  t.notMatch(up.output(), /Debugger/)
  const killed = await up.end('SIGABRT')
  t.equal(killed.code, null)
  t.same(readdirSync(cwd), [], 'after SIGABRT')
  for (const signal of ['SIGUSR2', 'SIGSEGV'] as const) {
    const again = await startUp(join(root, 'signals'), [], {}, cwd)
    await again.end(signal)
    t.same(readdirSync(cwd), [], `after ${signal}`)
  }
})

t.test('a debugger is refused before anything is opened', async (t) => {
  const data = join(root, 'refused')
  const ran = await tacit(['up', '--data', data], { env: { NODE_OPTIONS: '--inspect=127.0.0.1:0' } })
  t.equal(ran.code, 2)
  t.match(ran.stderr, /Take out --inspect in NODE_OPTIONS .*\(ERR_PROCESS_EXPOSED\)/)
  t.throws(() => statSync(data), { code: 'ENOENT' })
})

/** Aborts with 8 MB of a random pattern in memory, with the filter as the guard sets it or as it was. */
const ABORTS = `
  const fs = require('node:fs')
  const held = Buffer.concat(Array(250_000).fill(Buffer.from(process.argv[1], 'hex')))
  if (process.argv[2] === 'filtered') fs.writeFileSync('/proc/self/coredump_filter', '0')
  process.abort(held)`

/** The core of a process that aborts. */
function coreOf(t: Test, marker: Buffer, filter: 'filtered' | 'as it was'): Buffer {
  const cwd = t.testdir({})
  const code = `ulimit -c unlimited; exec "$@"`
  try {
    execFileSync(
      '/bin/sh',
      ['-c', code, 'sh', process.execPath, '-e', ABORTS, marker.toString('hex'), filter],
      {
        cwd,
        stdio: 'ignore',
      },
    )
  } catch {
    // It aborts.
  }
  const [name] = readdirSync(cwd)
  return name === undefined ? Buffer.alloc(0) : readFileSync(join(cwd, name))
}

/** Only a file of ours can be read; a pattern that names a program is the system's. */
function withoutCoreFiles(): string | false {
  if (ELSEWHERE !== false || UNLIMITED !== false) return ELSEWHERE || UNLIMITED
  return /^[^|/]/.test(readFileSync(CORE_PATTERN, 'utf8')) ? false : 'the system writes cores elsewhere'
}

t.test(
  'a core that is written in spite of the limit holds no memory',
  { skip: withoutCoreFiles() },
  async (t) => {
    const marker = randomBytes(WINDOW)
    t.ok(coreOf(t, marker, 'as it was').includes(marker), 'control: a core holds what the process held')
    const filtered = coreOf(t, marker, 'filtered')
    t.ok(filtered.length > 0, 'it is written')
    t.notOk(filtered.includes(marker))
    t.comment(`${filtered.length} bytes`)
  },
)
