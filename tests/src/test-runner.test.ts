import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'

const scripts = join(fileURLToPath(import.meta.url), '../../../scripts')

interface Run {
  readonly code: number | null
  readonly lines: readonly string[]
}

function node(args: readonly string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, lines: output.trimEnd().split('\n') }))
  })
}

/** A tree with one room, whose compiled tests print the TAP lines given for each. */
function tree(tests: Readonly<Record<string, readonly string[]>>, more = '') {
  const names = Object.keys(tests)
  return {
    packages: {
      room: {
        'package.json': '{}',
        src: Object.fromEntries(names.map((name) => [`${name}.test.ts`, ''])),
        dist: Object.fromEntries(
          names.map((name) => [
            `${name}.test.js`,
            `console.log(${JSON.stringify(tests[name]?.join('\n'))})\n${more}`,
          ]),
        ),
      },
    },
  }
}

const runTests = (root: string, ...args: string[]) =>
  node([join(scripts, 'test.mjs'), '--root', root, ...args])
const subtest = (name: string, result: string, ...lines: string[]) => [
  `# Subtest: ${name}`,
  ...lines.map((line) => `    ${line}`),
  `${result} - ${name}`,
]

t.test('a test is a subtest without subtests, or an assertion outside of all', async (t) => {
  const nested = ['# Subtest: inner', '    ok 1 - a', '    ok 2 - b', '    1..2', 'ok 1 - inner', '1..1']
  const root = t.testdir(tree({ good: [...subtest('outer', 'ok 1', ...nested), 'ok 2 - top', '1..2'] }))
  const { code, lines } = await runTests(root)
  t.equal(lines.at(-1), '2 passed, 0 failed')
  t.equal(code, 0)
})

t.test('a skip is no pass, and is listed with its reason', async (t) => {
  const inside = subtest('half', 'ok 3', 'ok 1 - x', 'ok 2 - y # SKIP no wrk', '1..2')
  const root = t.testdir(tree({ skips: ['ok 1 - a', 'ok 2 - b # SKIP no chromium here', ...inside, '1..3'] }))
  const { code, lines } = await runTests(root)
  t.equal(lines.at(-1), '2 passed, 0 failed, 2 skipped')
  t.ok(lines.includes('  - packages/room/skips: b: no chromium here'))
  t.ok(lines.includes('  - packages/room/skips: half > y: no wrk'))
  t.equal(code, 0)
})

t.test('what a test says it measured is printed, what tap says of itself is not', async (t) => {
  const inside = subtest('timed', 'ok 1', '# 12 ms, of which 3 waited', 'ok 1 - x', '1..1', '# time=4ms')
  const root = t.testdir(tree({ says: [...inside, '# a rate: 10.4 %', '1..1', '# { total: 1, pass: 1 }'] }))
  const { lines } = await runTests(root)
  t.match(lines[0], /^✓ packages\/room\/says {2}1 passed, 0 failed/)
  t.same(lines.slice(1, -2), ['    12 ms, of which 3 waited', '    a rate: 10.4 %'])
})

const broken: Readonly<Record<string, { tap: readonly string[]; more?: string; last: string }>> = {
  'a failed assertion': {
    tap: [...subtest('s', 'not ok 1', 'ok 1 - x', 'not ok 2 - y', '1..2'), '1..1'],
    last: '0 passed, 1 failed',
  },
  'a subtest that asserts nothing': {
    tap: [...subtest('s', 'ok 1', '1..0'), '1..1'],
    last: '0 passed, 1 failed',
  },
  'a plan that does not hold': { tap: ['ok 1 - x', '1..2'], last: '1 passed, 1 failed' },
  'no plan': { tap: ['TAP version 14'], last: '0 passed, 1 failed' },
  'no test': { tap: ['1..0'], last: '0 passed, 1 failed' },
  'an exit code without a failed test': {
    tap: ['ok 1 - x', '1..1'],
    more: 'process.exitCode = 3',
    last: '1 passed, 1 failed',
  },
  'a death by signal': {
    tap: ['ok 1 - x', '1..1'],
    more: `process.kill(process.pid, 'SIGKILL')`,
    last: '1 passed, 1 failed',
  },
  'a bail-out': { tap: ['ok 1 - x', 'Bail out! no'], last: '1 passed, 1 failed' },
}
for (const [what, { tap, more, last }] of Object.entries(broken)) {
  t.test(`${what} is a failure`, async (t) => {
    const { code, lines } = await runTests(t.testdir(tree({ bad: tap }, more)))
    t.equal(lines.at(-1), last)
    t.equal(code, 1)
  })
}

t.test('a test that hangs is killed with everything it started', async (t) => {
  const grandchild = `require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' })`
  const root = t.testdir(tree({ hangs: ['ok 1 - x', '1..1'] }, `${grandchild}; setInterval(() => {}, 1000)`))
  const { code, lines } = await runTests(root, '--timeout-ms', '500')
  t.equal(lines.at(-1), '1 passed, 1 failed')
  t.equal(code, 1)
})

t.test('a compiled test without its source is deleted, not run', async (t) => {
  const root = t.testdir(tree({ kept: ['ok 1 - x', '1..1'] }))
  const gone = join(root, 'packages/room/dist/gone.test.js')
  writeFileSync(gone, 'process.exitCode = 1')
  const { lines } = await runTests(root)
  t.equal(lines.at(-1), '1 passed, 0 failed')
  t.notOk(existsSync(gone))
})

t.test('a run that finds nothing to run does not pass', async (t) => {
  const root = t.testdir(tree({ good: ['ok 1 - x', '1..1'] }))
  const { code, lines } = await runTests(root, '--only', 'no such name')
  t.equal(lines.at(-1), '0 passed, 1 failed')
  t.equal(code, 1)
})

t.test('processes that start at once take turns, and a dead holder does not stop them', async (t) => {
  const dead = await node(['-e', 'console.log(process.pid)'])
  const root = t.testdir({ 'setup.lock': `${dead.lines[0]} ${hostname()}\n`, count: '0' })
  const code = `
    import { readFileSync, writeFileSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    const { withLock } = await import(${JSON.stringify(pathToFileURL(join(scripts, 'lib/lock.mjs')).href)})
    const count = ${JSON.stringify(join(root, 'count'))}
    await withLock(${JSON.stringify(join(root, 'setup.lock'))}, async () => {
      const before = Number(readFileSync(count, 'utf8'))
      await setTimeout(50)
      writeFileSync(count, String(before + 1))
    })`
  const runs = await Promise.all(Array.from({ length: 4 }, () => node(['--input-type=module', '-e', code])))
  t.same(
    runs.map((run) => run.code),
    [0, 0, 0, 0],
  )
  t.equal(readFileSync(join(root, 'count'), 'utf8'), '4')
  t.notOk(existsSync(join(root, 'setup.lock')))
})
