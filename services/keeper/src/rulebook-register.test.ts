import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RulebookRegister } from './rulebook-register.js'

const NOW = Date.UTC(2026, 11, 2)

t.test('entries are numbered without a gap, stay, and are found by the next one who opens', async (t) => {
  const dir = t.testdir()
  const register = RulebookRegister.open(join(dir, 'register'))
  t.same(register.entries(), [])
  register.append({ action: 'initial', hash: 'a' }, NOW)
  register.append({ action: 'notice', hash: 'b' }, NOW)
  const expected = [
    { action: 'initial', hash: 'a', seq: 1, time: NOW },
    { action: 'notice', hash: 'b', seq: 2, time: NOW },
  ]
  t.same(register.entries(), expected)
  t.same(RulebookRegister.open(join(dir, 'register')).entries(), expected)
  t.equal(statSync(join(dir, 'register', '000001.json')).mode & 0o777, 0o600)
  t.equal(statSync(join(dir, 'register')).mode & 0o777, 0o700)
})

t.test('two who write at once take two numbers', async (t) => {
  const dir = t.testdir()
  const [one, two] = [RulebookRegister.open(dir), RulebookRegister.open(dir)]
  one.append({ action: 'notice', hash: 'a' }, NOW)
  two.append({ action: 'notice', hash: 'b' }, NOW)
  one.append({ action: 'notice', hash: 'c' }, NOW)
  t.same(
    two.entries().map((entry) => [entry.seq, 'hash' in entry ? entry.hash : '']),
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ],
  )
})

t.test('processes that write at once lose nothing', async (t) => {
  const dir = t.testdir()
  const module = new URL('./rulebook-register.js', import.meta.url).href
  const script = `
    const { RulebookRegister } = await import(${JSON.stringify(module)})
    const register = RulebookRegister.open(${JSON.stringify(dir)})
    for (let i = 0; i < 20; i++) register.append({ action: 'notice', hash: process.argv[1] + i }, ${String(NOW)})`
  const both = `node --input-type=module -e '${script.replaceAll("'", `'"'"'`)}' a & node --input-type=module -e '${script.replaceAll("'", `'"'"'`)}' b; wait`
  t.equal(spawnSync('sh', ['-c', both]).status, 0)
  const entries = RulebookRegister.open(dir).entries()
  t.equal(entries.length, 40)
  t.equal(new Set(entries.map((entry) => ('hash' in entry ? entry.hash : ''))).size, 40)
  t.same(
    readdirSync(dir).filter((name) => name.startsWith('.')),
    [],
  )
})

t.test('a clock that stepped back writes nothing', async (t) => {
  const register = RulebookRegister.open(t.testdir())
  register.append({ action: 'initial', hash: 'a' }, NOW)
  t.throws(() => register.append({ action: 'notice', hash: 'b' }, NOW - 1), { code: 'ERR_ACTIVATION_CLOCK' })
  t.equal(register.entries().length, 1)
})

t.test('a register that was tampered with ends everything by name', async (t) => {
  const damage: readonly (readonly [string, (dir: string) => void])[] = [
    ['a gap', (dir) => rmSync(join(dir, '000002.json'))],
    ['a torn entry', (dir) => writeFileSync(join(dir, '000003.json'), '{"seq":3,')],
    [
      'another number',
      (dir) => writeFileSync(join(dir, '000003.json'), '{"seq":4,"time":1e15,"action":"notice"}'),
    ],
    [
      'an unknown action',
      (dir) => writeFileSync(join(dir, '000003.json'), '{"seq":3,"time":1e15,"action":"obey"}'),
    ],
    [
      'time that falls',
      (dir) => writeFileSync(join(dir, '000003.json'), '{"seq":3,"time":1,"action":"notice"}'),
    ],
  ]
  for (const [name, harm] of damage) {
    const dir = t.testdir()
    const register = RulebookRegister.open(dir)
    for (const hash of ['a', 'b', 'c']) register.append({ action: 'notice', hash }, NOW)
    harm(dir)
    t.throws(() => RulebookRegister.open(dir), { code: 'ERR_REGISTER_DAMAGED' }, name)
  }
})
