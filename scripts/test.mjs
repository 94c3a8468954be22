/**
 * `npm test`: the build, lint, format and unused-code checks, then every compiled test of every room, two files at a
 * time; files under `tests/dist/serial/` follow one by one, with the machine to themselves.
 *
 *   node scripts/test.mjs [--full] [--audit] [--only PATTERN]
 *
 * `--full` sets TACIT_TEST_FULL=1 (the long forms of the tests) and gives a file an hour instead of five minutes.
 * `--audit` sets TACIT_TEST_AUDIT=1 (every world of the attacks on what is published) and gives a file three hours.
 * `--only` runs the build and the files and checks whose name matches a regular expression.
 * Exit code 0 when nothing failed, 1 when something did, 2 for wrong use.
 */
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { checks } from './lib/checks.mjs'
import { createReport } from './lib/report.mjs'
import { killAll } from './lib/run.mjs'
import { runTestFile } from './lib/tap-file.mjs'
import { findTests, testName } from './lib/tests.mjs'

const PARALLEL = 2
const MINUTE = 60_000

/**
 * @typedef {{ name: string, run: () => Promise<import('./lib/tap-file.mjs').FileResult> }} Job
 */

/**
 * @param {import('./lib/checks.mjs').Check} check
 * @returns {Job}
 */
function checkJob({ name, run }) {
  return {
    name,
    run: async () => {
      const started = performance.now()
      const { ok, output } = await run()
      const failures = ok ? [] : [{ name: 'failed', detail: output.trimEnd() }]
      const ms = performance.now() - started
      return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, failures, skips: [], comments: [], ms }
    },
  }
}

/**
 * @param {readonly Job[]} jobs
 * @param {number} parallel
 * @param {ReturnType<typeof createReport>} report
 */
async function runAll(jobs, parallel, report) {
  const queue = [...jobs]
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      report.start(job.name)
      report.end(job.name, await job.run())
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

/**
 * Minutes that one file may take.
 * @param {{ full: boolean, audit: boolean }} options
 */
function fileMinutes({ audit, full }) {
  if (audit) return 180
  return full ? 60 : 5
}

function parseOptions() {
  const { values } = parseArgs({
    options: {
      full: { type: 'boolean', default: false },
      audit: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      // For the tests of this runner: a tree of samples, and no checks.
      root: { type: 'string' },
      'timeout-ms': { type: 'string' },
    },
  })
  return {
    env: {
      ...(values.full ? { TACIT_TEST_FULL: '1' } : {}),
      ...(values.audit ? { TACIT_TEST_AUDIT: '1' } : {}),
    },
    only: new RegExp(values.only),
    root: values.root ? resolve(values.root) : dirname(dirname(fileURLToPath(import.meta.url))),
    withChecks: values.root === undefined,
    timeoutMs: Number(values['timeout-ms'] ?? fileMinutes(values) * MINUTE),
  }
}

/** @param {ReturnType<typeof parseOptions>} options */
async function main({ env: own, only, root, withChecks, timeoutMs }) {
  const report = createReport(process.stdout)
  const chosen = (/** @type {Job} */ job) => only.test(job.name)
  const { build, others } = checks(root)
  if (withChecks) await runAll([checkJob(build)], 1, report)

  const env = { ...process.env, ...own }
  const testJob = (/** @type {string} */ path) => ({
    name: testName(path),
    run: () => runTestFile(join(root, path), { root, timeoutMs, env }),
  })
  const tests = findTests(root)
  const parallel = [...(withChecks ? others.map(checkJob) : []), ...tests.parallel.map(testJob)].filter(
    chosen,
  )
  const serial = tests.serial.map(testJob).filter(chosen)
  await runAll(parallel, PARALLEL, report)
  await runAll(serial, 1, report)
  if (parallel.length + serial.length === 0) report.end('(nothing)', nothing())
  report.summary()
  return report.total.failed === 0 ? 0 : 1
}

/** A run that finds nothing to run must not look like one that passed. */
function nothing() {
  const failures = [{ name: 'no test matches', detail: 'Nothing was run.' }]
  return { passed: 0, failed: 1, skipped: 0, failures, skips: [], comments: [], ms: 0 }
}

for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])) {
  process.on(signal, () => {
    killAll()
    process.exit(code)
  })
}

let options
try {
  options = parseOptions()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(2)
}
process.exitCode = await main(options)
