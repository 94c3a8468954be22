/**
 * Runs one test file and counts its tests.
 *
 * A test is a leaf: a subtest without subtests, or an assertion outside every subtest. It fails if one of its
 * assertions does, if its plan does not hold, or if it asserts nothing; it is skipped if all its assertions are.
 */
import { Parser } from 'tap-parser'
import { lastLines, run } from './run.mjs'

/**
 * @typedef {{ name: string, detail: string }} Failure
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ passed: number, failed: number, skipped: number, failures: Failure[], skips: Skip[] }} Tally
 * @typedef {Tally & { comments: string[] }} Counts
 * @typedef {Counts & { ms: number }} FileResult
 */

/** What tap says of a failed assertion, in the order of use to a reader; the rest of `diag` repeats it. */
const DIAGNOSTICS = ['diff', 'found', 'wanted', 'error', 'message', 'stack', 'source']

/** What tap itself says in comments. */
const OF_TAP = /^# (Subtest: |time=|\{ |(failed|passed|skip|todo)\b)/

/**
 * @param {unknown} diag
 * @returns {string}
 */
function explain(diag) {
  if (typeof diag !== 'object' || diag === null) return ''
  const entries = Object.entries(diag)
  const known = DIAGNOSTICS.flatMap((key) => entries.filter(([name]) => name === key))
  const shown = known.length > 0 ? known : entries.filter(([name]) => name !== 'at')
  return shown
    .map(([key, value]) => {
      const text = typeof value === 'string' ? value.trimEnd() : JSON.stringify(value)
      return text.includes('\n') ? `${key}:\n${text.replaceAll(/^/gm, '  ')}` : `${key}: ${text}`
    })
    .join('\n')
}

/**
 * Follows one level of the TAP stream and, through its subtests, the levels below.
 * @param {import('tap-parser').Parser} parser
 * @param {string[]} path names of the subtests that lead here
 * @param {Counts} counts is added to
 */
function follow(parser, path, counts) {
  const failedBefore = counts.failed
  const level = { subtests: 0, asserts: 0, skips: 0, failedBefore, /** @type {Failure[]} */ failures: [] }
  /** @type {ReturnType<typeof follow> | undefined} the subtest whose closing test point comes next */
  let closing

  const named = (/** @type {string} */ name) => [...path, name || '(unnamed)'].join(' > ')
  const fail = (/** @type {readonly Failure[]} */ failures) => {
    counts.failed += 1
    counts.failures.push(...failures)
  }
  const skip = (/** @type {string} */ name, /** @type {boolean | string} */ reason) => {
    counts.skipped += 1
    counts.skips.push({
      name: named(name),
      reason: typeof reason === 'string' && reason ? reason : 'no reason given',
    })
  }

  parser.on('comment', (comment) => {
    const lines = comment.trimEnd().split('\n')
    counts.comments.push(
      ...lines.filter((line) => !OF_TAP.test(line)).map((line) => line.replace(/^# ?/, '')),
    )
  })
  parser.on('child', (child) => {
    level.subtests += 1
    closing = follow(child, [...path, child.name], counts)
  })
  parser.on('assert', (result) => {
    const child = closing
    closing = undefined
    if (result.skip) {
      level.skips += child ? 0 : 1
      return skip(result.name, result.skip)
    }
    if (result.todo) return skip(result.name, `todo: ${result.todo}`)
    if (!child) {
      level.asserts += 1
      if (!result.ok) level.failures.push({ name: named(result.name), detail: explain(result.diag) })
      if (path.length > 0) return
      if (result.ok) counts.passed += 1
      else fail(level.failures.slice(-1))
      return
    }
    if (child.failures.length > 0) fail(child.failures)
    else if (child.subtests > 0 && (result.ok || counts.failed > child.failedBefore)) return
    else if (!result.ok) fail([{ name: named(result.name), detail: explain(result.diag) }])
    else if (child.asserts > 0) counts.passed += 1
    else if (child.skips === 0) fail([{ name: named(result.name), detail: 'This test asserts nothing.' }])
  })
  parser.on('complete', (results) => {
    for (const failure of results.failures) {
      if ('diag' in failure && !failure.tapError) continue
      const broken = { name: named('(plan)'), detail: String(failure.tapError) }
      level.failures.push(broken)
      if (path.length === 0) fail([broken])
    }
  })
  return level
}

/**
 * Counts the tests in TAP text.
 * @returns {{ write: (chunk: string) => void, end: () => Promise<Counts & { planned: boolean, bailed: boolean }> }}
 */
export function tapCounter() {
  /** @type {Counts} */
  const counts = { passed: 0, failed: 0, skipped: 0, failures: [], skips: [], comments: [] }
  const parser = new Parser()
  let planned = false
  let bailed = false
  parser.on('plan', () => {
    planned = true
  })
  parser.on('bailout', () => {
    bailed = true
  })
  follow(parser, [], counts)
  /** @type {Promise<void>} */
  const complete = new Promise((resolve) => parser.on('complete', () => resolve()))
  return {
    write: (chunk) => void parser.write(chunk),
    end: async () => {
      parser.end()
      await complete
      return { ...counts, planned, bailed }
    },
  }
}

/**
 * Runs one compiled test file: `node --enable-source-maps FILE`. A file that fails as a whole (killed, no plan,
 * nothing asserted, exit code without a failed test) counts as one failed test.
 * @param {string} file
 * @param {{ root: string, timeoutMs: number, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<FileResult>}
 */
export async function runTestFile(file, { root, timeoutMs, env }) {
  const tap = tapCounter()
  const result = await run(process.execPath, ['--enable-source-maps', file], {
    cwd: root,
    timeoutMs,
    onStdout: tap.write,
    // tap's own limit for a whole file is 30 s: ours stands in its place, and is a little later, so that where
    // tap can still speak it names the test that hangs.
    env: { ...env, TAP_TIMEOUT: String(Math.max(1, Math.floor(timeoutMs / 1000) - 5)) },
  })
  const { planned, bailed, ...counts } = await tap.end()
  const problem = wholeFileProblem()
  if (problem) {
    const stderr = lastLines(result.output, 40)
    counts.failed += 1
    counts.failures.push({ name: '(file)', detail: stderr ? `${problem}\n${stderr}` : problem })
  }
  return { ...counts, ms: result.ms }

  function wholeFileProblem() {
    if (result.timedOut) return `Killed after ${timeoutMs / 1000} s.`
    if (bailed) return 'Bailed out.'
    if (counts.failed > 0) return undefined
    if (result.signal) return `Ended by ${result.signal}.`
    if (result.code !== 0) return `Exit code ${result.code}.`
    if (!planned) return 'It printed no plan.'
    if (counts.passed + counts.skipped === 0) return 'It ran no test.'
    return undefined
  }
}
