import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { withWords } from '../commands/rules-words.js'
import { WordQueue } from './word-queue.js'

t.test('a word waits once, in alphabetical order, readable by its owner only', async (t) => {
  const dir = t.testdir()
  const queue = new WordQueue(dir)
  t.same(queue.words(), [])
  for (const word of ['stock', 'reports', 'stock']) queue.add(word)
  t.same(new WordQueue(dir).words(), ['reports', 'stock'])
  t.equal(statSync(join(dir, 'words-waiting.json')).mode & 0o777, 0o600)
})

t.test('a word that was decided neither waits nor comes back, and is not kept in clear', async (t) => {
  const dir = t.testdir()
  const queue = new WordQueue(dir)
  queue.add('acme-traders')
  queue.decide(['acme-traders'])
  t.same(queue.words(), [])
  queue.add('acme-traders')
  queue.add('stock')
  t.same(queue.words(), ['stock'])
  for (const name of ['words-waiting.json', 'words-decided.json']) {
    t.notMatch(readFileSync(join(dir, name), 'utf8'), /acme/, name)
    t.equal(statSync(join(dir, name)).mode & 0o777, 0o600)
  }
})

t.test('a thousand words wait and no more', async (t) => {
  const dir = t.testdir()
  const words = Array.from({ length: 1_000 }, (_, at) => `word-${at}`)
  writeFileSync(join(dir, 'words-waiting.json'), JSON.stringify({ words }))
  const queue = new WordQueue(dir)
  queue.add('one-more')
  t.equal(queue.words().length, 1_000)
  queue.decide(['word-7'])
  queue.add('one-more')
  t.ok(queue.words().includes('one-more'))
})

t.test('a damaged file says what to do and quotes nothing', async (t) => {
  const dir = t.testdir({ 'words-waiting.json': '{"words":["ravi' })
  t.throws(() => new WordQueue(dir).words(), { code: 'ERR_INPUT_FILE', message: /^(?!.*ravi).*remove/ })
})

t.test('an approved word stands behind the head of its list, and comments stay', async (t) => {
  t.equal(
    withWords('# pages\nwords: # approved\n  - invoices\n', ['no', 'invoices']),
    '# pages\nwords: # approved\n  - "no"\n  - invoices\n',
  )
  t.equal(withWords('words:\n', ['stock']), 'words:\n  - "stock"\n')
  t.equal(withWords('words:\n- a\n', ['b']), 'words:\n- "b"\n- a\n')
  t.throws(() => withWords('words: [a]\n', ['b']), { code: 'ERR_INPUT_FILE' })
})
