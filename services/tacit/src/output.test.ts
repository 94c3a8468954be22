import { PROBLEMS, type ProblemCode, TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { EXIT, reportError, table, UsageError } from './output.js'

t.test('a table aligns numbers to the right and texts to the left', async (t) => {
  t.equal(
    table(
      ['name', 'count'],
      [
        ['a', 5],
        ['longer', 12_345],
        ['none', null],
      ],
    ),
    ['name     count', '──────  ──────', 'a            5', 'longer  12,345', 'none         ·'].join('\n'),
  )
  t.equal(table(['only', 'head'], []), 'only  head\n────  ────')
})

t.test('every row of a table has its columns at the same place', async (t) => {
  const rows = fc.array(
    fc.tuple(fc.stringMatching(/^[a-z]{0,12}$/), fc.nat(), fc.stringMatching(/^[a-z]{1,5}$/)),
    { maxLength: 9 },
  )
  fc.assert(
    fc.property(rows, (cells) => {
      const lines = table(['x', 'number', 'y'], cells).split('\n')
      const at = (lines[0] ?? '').indexOf('y')
      for (const line of lines.slice(2)) t.match(line[at], /[a-z]/)
      t.equal(lines.length, cells.length + 2)
    }),
  )
})

/** What is written to standard error, and the exit code. */
function said(t: Test, error: unknown): { readonly code: number; readonly text: string } {
  const written: string[] = []
  const restore = t.capture(process.stderr, 'write', (text: string) => written.push(text) > 0).restore
  const code = reportError(error)
  restore()
  return { code, text: written.join('') }
}

t.test('each class of mistake has its exit code', async (t) => {
  const codes = Object.keys(PROBLEMS) as ProblemCode[]
  const usage = [
    'ERR_CONFIG_INVALID',
    'ERR_INPUT_FILE',
    'ERR_PROCESS_EXPOSED',
    'ERR_QUERY_MALFORMED',
    'ERR_STATISTIC_UNKNOWN',
  ]
  t.equal(said(t, new UsageError('say what to do')).code, EXIT.usage)
  t.equal(said(t, new TacitError('ERR_RULEBOOK_INVALID')).code, EXIT.failed)
  for (const code of usage) t.equal(said(t, new TacitError(code as ProblemCode)).code, EXIT.usage, code)
  for (const code of [
    'ERR_DATA_IN_USE',
    'ERR_DATA_DIRECTORY',
    'ERR_LISTEN',
    'ERR_WAREHOUSE_START',
    'ERR_LOG_FULL',
    'ERR_INTERNAL',
  ] as const) {
    t.equal(said(t, new TacitError(code)).code, EXIT.system, code)
  }
  t.ok(codes.every((code) => [1, 2, 3].includes(said(t, new TacitError(code)).code)))
})

t.test('an error that nobody foresaw says its kind and place, never its message', async (t) => {
  const { code, text } = said(t, new RangeError('alice@example.in'))
  t.equal(code, EXIT.system)
  t.match(text, /something failed inside \(RangeError\)\n +at /)
  t.notMatch(text, /alice/)
  t.equal(said(t, 'alice@example.in').text.includes('alice'), false)
})

t.test('what the operating system refuses is said without a stack', async (t) => {
  const refusal = Object.assign(new Error("EACCES: '/keys'"), {
    code: 'EACCES',
    syscall: 'open',
    path: '/keys',
  })
  const { code, text } = said(t, refusal)
  t.equal(code, EXIT.system)
  t.match(text, /the system refused to open \/keys \(EACCES\); look at/)
  t.notMatch(text, /\n +at /)
})

t.test('an error of ours says what to do, its code and nothing of its cause', async (t) => {
  const { text } = said(t, new TacitError('ERR_LISTEN', 'Port 1 is taken', { cause: new Error('alice') }))
  t.equal(text, 'tacit: Port 1 is taken (ERR_LISTEN)\n')
})
