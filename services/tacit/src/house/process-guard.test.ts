import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { exposureOf, type ProcessStart } from './process-guard.js'

const TACIT = fileURLToPath(new URL('../../bin/tacit.mjs', import.meta.url))
const GUARD = new URL('./process-guard.js', import.meta.url).href
const ELSEWHERE = process.platform === 'linux' ? false : 'reads Linux’ /proc'

const plain: ProcessStart = { execArgv: [], env: {}, debugger: undefined }

const REFUSED = [
  '--inspect',
  '--inspect=127.0.0.1:0',
  '--inspect-brk',
  '--inspect-wait',
  '--heapsnapshot-signal=SIGUSR2',
  '--heapsnapshot-near-heap-limit=1',
  '--heap-prof',
  '--heap_prof',
  '--report-on-signal',
  '--report_on_fatalerror',
  '--report-uncaught-exception',
  '--diagnostic-dir=/tmp',
  '--tls-keylog=/tmp/keys',
]

t.test('each way of starting that shows memory is refused by name, wherever it is given', async (t) => {
  for (const option of REFUSED) {
    const name = option.split('=')[0]?.replaceAll('_', '-')
    t.equal(
      exposureOf({ ...plain, execArgv: ['--no-warnings', option] }),
      `${name} on the command line of node`,
    )
    t.equal(
      exposureOf({ ...plain, env: { NODE_OPTIONS: ` --no-warnings  "${option}"` } }),
      `${name} in NODE_OPTIONS`,
    )
  }
  t.equal(exposureOf({ ...plain, env: { NODE_DEBUG: 'http' } }), 'NODE_DEBUG in the environment')
  t.equal(exposureOf({ ...plain, debugger: 'ws://127.0.0.1:9229/x' }), 'the debugger')
})

t.test('profiles of time and what else a developer sets are allowed', async (t) => {
  const execArgv = [
    '--cpu-prof',
    '--cpu-prof-dir=x',
    '--enable-source-maps',
    '--expose-gc',
    '--import',
    './x.js',
  ]
  t.equal(exposureOf({ ...plain, execArgv, env: { NODE_OPTIONS: execArgv.join(' ') } }), null)
  t.equal(exposureOf({ ...plain, env: { NODE_OPTIONS: '', NODE_DEBUG: '', NODE_V8_COVERAGE: 'x' } }), null)
})

t.test('what is said names the option and nothing of its value', async (t) => {
  const value = fc
    .string({ unit: 'grapheme', minLength: 6 })
    .filter((text) => !'--inspect on the command line of node'.includes(text))
  fc.assert(
    fc.property(
      value,
      (text) =>
        exposureOf({ ...plain, execArgv: [`--inspect=${text}`] }) === '--inspect on the command line of node',
    ),
  )
  t.pass('held in every run')
})

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

async function run(
  nodeOptions: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Ended> {
  const child = spawn(process.execPath, [...nodeOptions, TACIT, 'rules', 'schema'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
    cwd,
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stderr }
}

t.test('the command line refuses with the exit code of wrong use', async (t) => {
  const cwd = t.testdir({})
  const [byOption, byEnvironment, allowed] = await Promise.all([
    run(['--heapsnapshot-signal=SIGUSR2'], {}, cwd),
    run([], { NODE_OPTIONS: '--inspect=127.0.0.1:0' }, cwd),
    run(['--cpu-prof'], {}, cwd),
  ])
  t.equal(byOption.code, 2)
  t.match(byOption.stderr, /Take out --heapsnapshot-signal on the command line of node .*ERR_PROCESS_EXPOSED/)
  t.equal(byEnvironment.code, 2)
  t.match(byEnvironment.stderr, /Take out --inspect in NODE_OPTIONS .*ERR_PROCESS_EXPOSED/)
  t.equal(allowed.code, 0)
})

/** Says `ready` after it did `first`, then answers each line with where a debugger can attach, and its core limits. */
const program = (first: string): string => `
  import { readFileSync } from 'node:fs'
  import { url } from 'node:inspector'
  import { createInterface } from 'node:readline'
  const { forbidCores, guardProcess } = await import(${JSON.stringify(GUARD)})
  ${first}
  const status = () => ({
    debugger: url() ?? null,
    filter: Number.parseInt(readFileSync('/proc/self/coredump_filter', 'utf8'), 16),
    limit: /^Max core file size +(\\S+) +(\\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')).slice(1),
  })
  console.log('{}')
  createInterface({ input: process.stdin }).on('line', () => setTimeout(() => console.log(JSON.stringify(status())), 300))`

interface Status {
  readonly debugger: string | null
  readonly filter: number
  readonly limit: readonly string[]
}

/** Starts the program without a limit for cores, where the system lets it. */
async function startProgram(t: Test, first: string) {
  const node = [process.execPath, '--input-type=module', '--eval', program(first)]
  const child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited 2>/dev/null; exec "$@"', 'sh', ...node], {
    stdio: ['pipe', 'pipe', 'ignore'],
    cwd: t.testdir({}),
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value as string) as Status
  await next()
  return {
    child,
    ended,
    status(): Promise<Status> {
      child.stdin.write('\n')
      return next()
    },
  }
}

function answers(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

t.test(
  'SIGUSR1 opens no debugger once the guard stands; without it, it does',
  { skip: ELSEWHERE },
  async (t) => {
    // A port that the system chooses: another program may have Node's own.
    const unguarded = await startProgram(t, 'process.debugPort = 0')
    unguarded.child.kill('SIGUSR1')
    const { debugger: address } = await unguarded.status()
    t.ok(address !== null && (await answers(address)), 'control: an unguarded process opens one')

    const guarded = await startProgram(t, 'process.debugPort = 0; guardProcess()')
    guarded.child.kill('SIGUSR1')
    t.equal((await guarded.status()).debugger, null)
    t.equal((await guarded.status()).debugger, null, 'and it lives on')
  },
)

t.test('a debugger that was opened before the guard stood is refused', async (t) => {
  const early = `
    const { open } = await import('node:inspector')
    const { guardProcess } = await import(${JSON.stringify(GUARD)})
    open(0, '127.0.0.1')
    try {
      guardProcess()
    } catch ({ code }) {
      process.exit(code === 'ERR_PROCESS_EXPOSED' ? 42 : 1)
    }
    process.exit(0)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', early], { stdio: 'ignore' })
  t.same(await once(child, 'close'), [42, null])
})

t.test('SIGUSR2 writes no report', { skip: ELSEWHERE }, async (t) => {
  const reports = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith('report.'))
  const open = await startProgram(t, 'process.report.reportOnSignal = true')
  open.child.kill('SIGUSR2')
  await open.status()
  t.equal(reports(t.testdirName).length, 1, 'control: an unguarded process writes one')
  const guarded = await startProgram(t, 'process.report.reportOnSignal = true; guardProcess()')
  guarded.child.kill('SIGUSR2')
  await guarded.ended
  t.same(reports(t.testdirName), [])
})

t.test('a core holds no page, and the limit is gone to 0 for good', { skip: ELSEWHERE }, async (t) => {
  const before = await (await startProgram(t, '')).status()
  const guarded = await (await startProgram(t, 'guardProcess()')).status()
  t.ok(before.filter > 0, 'control')
  t.equal(guarded.filter, 0)
  const limited = await (
    await startProgram(t, 'guardProcess(); if (!forbidCores()) process.exit(1)')
  ).status()
  t.equal(limited.filter, 0)
  t.same(limited.limit, ['0', '0'])
})
