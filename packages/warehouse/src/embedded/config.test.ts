import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { authorizationOf, fillTemplate, removePrivateConfigs, writePrivateConfig } from './config.js'

const CONFIG = { username: 'tacit', password: 'p<&>"d', memoryBytes: 1_000_000_000 }

t.test('a value cannot break out of its place in the XML', async (t) => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const filled = fillTemplate('<a>@VALUE@</a>', { VALUE: value })
      const inner = filled.slice('<a>'.length, -'</a>'.length)
      t.notMatch(inner, /[<>"']/)
      const back = inner.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)))
      return back === value
    }),
  )
  t.throws(() => fillTemplate('@NOBODY@', {}), /@NOBODY@/)
})

t.test('the shipped templates are filled in whole, private, and without the password in clear', async (t) => {
  const dir = t.testdir()
  const config = await writePrivateConfig(dir, CONFIG)
  const folder = dirname(config.file)
  t.equal((await stat(folder)).mode & 0o777, 0o700)
  for (const name of ['config.xml', 'users.xml']) {
    const text = await readFile(join(folder, name), 'utf8')
    t.notMatch(text, /@[A-Z_0-9]+@/)
    t.notOk(text.includes(CONFIG.password))
    t.equal((await stat(join(folder, name))).mode & 0o777, 0o600)
  }
  const text = await readFile(config.file, 'utf8')
  t.ok(text.includes(authorizationOf(CONFIG.username, CONFIG.password)))
  await config.remove()
  t.same(await readdir(dir), [])
})

t.test('what a killed start left behind is removed, and nothing else', async (t) => {
  const dir = t.testdir()
  await writePrivateConfig(dir, CONFIG)
  await mkdir(join(dir, 'data'))
  await removePrivateConfigs(dir)
  t.same(await readdir(dir), ['data'])
})

t.test('no table that could hold a value of a person is configured', async (t) => {
  const config = await writePrivateConfig(t.testdir(), CONFIG)
  const text = await readFile(config.file, 'utf8')
  t.notMatch(text, /<(query_log|text_log|trace_log|query_thread_log|metric_log|part_log|opentelemetry)/)
  t.match(text, /<level>none<\/level>/)
})
