/** `rules diff` on the command line: what its exit code means, and what it says beforehand. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { rulebookPath, tacit } from './support/tacit.js'

const dir = mkdtempSync(join(tmpdir(), 'tacit-diff-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
cpSync(dirname(rulebookPath('erp')), dir, { recursive: true })
const base = join(dir, 'rulebook.yaml')

function variant(name: string, before: string, after: string): string {
  const text = readFileSync(base, 'utf8')
  if (!text.includes(before)) throw new Error(`not there: ${before}`)
  writeFileSync(join(dir, name), text.replace(before, after))
  return join(dir, name)
}

const TIGHTER = variant('tighter.yaml', 'min_users: 10', 'min_users: 12')
const LOOSER = variant('looser.yaml', 'bots: drop', 'bots: count')
const REFUSED = variant('refused.yaml', 'min_users: 10', 'min_users: 9')
writeFileSync(
  REFUSED,
  readFileSync(REFUSED, 'utf8').replace('notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-20 }'),
)
const BROKEN = variant('broken.yaml', 'bots: drop', 'bots: perhaps')

t.test('0 tighten or neutral, 1 loosen or refused, 2 used wrongly, as the help says', async (t) => {
  const code = async (...args: readonly string[]) => (await tacit(['rules', 'diff', ...args])).code
  t.equal(await code(base, base), 0, 'nothing changes')
  t.equal(await code(base, TIGHTER), 0, 'tighten')
  t.equal(await code(base, variant('renamed.yaml', 'title: Errors', 'title: Faults')), 0, 'neutral')
  t.equal(await code(base, LOOSER), 1, 'loosen')
  t.equal(await code(base, REFUSED), 1, 'refused')
  t.equal(await code(base), 2, 'one file')
  t.equal(await code(base, join(dir, 'nowhere.yaml')), 2, 'no such file')
  t.equal(await code(base, BROKEN), 2, 'a file with errors is no looser one')
  t.equal(await code(BROKEN, base), 2)
  const broken = await tacit(['rules', 'diff', base, BROKEN, '--json'])
  t.match(broken.stderr, /broken\.yaml has .*error.*RULE_VALUE.*ERR_RULEBOOK_INVALID/s)
  const { stdout } = await tacit(['rules', 'diff', '--help'])
  t.match(
    stdout,
    /0 tighten or neutral.*1 loosen.*2 used wrongly, or a file cannot be read or has errors, 3/s,
  )
})

t.test('what activation will ask for is said, to people and to machines', async (t) => {
  const text = await tacit(['rules', 'diff', base, LOOSER])
  t.match(text.stdout, /asks for:\n.*newer than 2026-11-01.* It lacks that\.\n.*notice\.at.* It lacks that\./)
  t.match(text.stdout, /Two approvers/)
  const { stdout } = await tacit(['rules', 'diff', base, LOOSER, '--json'])
  t.match(JSON.parse(stdout), {
    class: 'loosen',
    refusal: null,
    before_activation: [
      { need: 'own_policy', met: false },
      { need: 'own_notice', met: false },
      { need: 'notice_on_record', met: null },
      { need: 'signatures', met: null },
    ],
  })
  const past = await tacit(['rules', 'diff', base, variant('past.yaml', '2027-11-30', '2026-11-02')])
  t.match(past.stdout, /asks for:\n.*An `expires` after .* It lacks that\.\n.*Two approvers/)
  const tighter = await tacit(['rules', 'diff', base, TIGHTER, '--json'])
  t.same(
    (JSON.parse(tighter.stdout) as { before_activation: { need: string }[] }).before_activation.map(
      ({ need }) => need,
    ),
    ['signatures'],
  )
})
