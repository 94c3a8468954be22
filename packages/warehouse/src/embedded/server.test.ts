import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { connect } from '../connection.js'
import { failureOf } from '../testing/rows.js'
import { startEmbeddedServer } from './server.js'

const PARENT = fileURLToPath(new URL('../testing/parent.js', import.meta.url))

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tacit-server-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Whether a process runs; one that ended but was not yet reaped does not. */
async function runs(pid: number): Promise<boolean> {
  return readlink(`/proc/${String(pid)}/exe`).then(
    () => true,
    () => false,
  )
}

async function until(condition: () => Promise<boolean>, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    if (await condition()) return true
  }
  return condition()
}

async function answer(url: string, headers: Record<string, string>, query = ''): Promise<string> {
  const response = await fetch(`${url}/${query}`, { method: 'POST', headers, body: 'SELECT currentUser()' })
  return response.text()
}

t.test('it answers on loopback to its password only, and leaves no file that holds it', async (t) => {
  const dir = await folder()
  const server = await startEmbeddedServer({ dir })
  t.teardown(() => server.stop())
  t.match(server.version, /^26\.7\./)
  t.match(server.address.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.same(await readdir(dir), ['data'])

  const { url, username, password } = server.address
  const basic = (user: string, pass: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`,
  })
  t.equal((await answer(url, basic(username, password))).trim(), 'tacit')
  const refused: [string, Record<string, string>, string?][] = [
    ['a wrong password', basic(username, `${password}x`)],
    ['no credential', {}],
    ['the engine’s own user', basic('default', '')],
    ['the engine’s own user, by query parameter', {}, '?user=default'],
    ['the engine’s own user, by header', { 'x-clickhouse-user': 'default' }],
  ]
  for (const [what, headers, query] of refused) {
    t.notMatch(await answer(url, headers, query), /^(tacit|default)\s*$/, `${what} is refused`)
  }
  const stranger = connect({ url, username, password: 'wrong' }, 'tacit', { retryWaitsMs: [] })
  await t.rejects(stranger.rows('SELECT 1'), { code: 'ERR_WAREHOUSE_QUERY' })
  await stranger.close()
})

t.test(
  'the password is neither in the arguments nor in the environment of the child, nor are the settings of its parent',
  { skip: process.platform === 'linux' ? false : 'reads Linux’ /proc' },
  async (t) => {
    process.env['TACIT_TEST_SECRET'] = 'kept to itself'
    t.teardown(() => delete process.env['TACIT_TEST_SECRET'])
    const server = await startEmbeddedServer({ dir: await folder() })
    t.teardown(() => server.stop())
    const child = `/proc/${String(server.pid())}`
    const shown = `${await readFile(`${child}/cmdline`, 'latin1')} ${await readFile(`${child}/environ`, 'latin1')}`
    t.match(shown, 'TZ=UTC', 'control')
    const { password, username } = server.address
    for (const text of [
      password,
      Buffer.from(`${username}:${password}`).toString('base64'),
      'TACIT_TEST_SECRET',
    ]) {
      t.notOk(shown.includes(text))
    }
    t.match(await readFile(`${child}/limits`, 'utf8'), /^Max core file size +0 /m)
  },
)

t.test('its user reads no file and no address', async (t) => {
  const server = await startEmbeddedServer({ dir: await folder() })
  t.teardown(() => server.stop())
  const connection = connect(server.address, 'default', { retryWaitsMs: [] })
  const sources = ["file('x.csv', 'LineAsString')", "url('http://127.0.0.1:1/', 'LineAsString')"]
  for (const source of sources) {
    const failure = await failureOf(connection.rows(`SELECT * FROM ${source}`))
    t.equal(failure.clickhouseCode, 497)
  }
  const logs = await connection.rows<{ name: string }>(
    "SELECT name FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'",
  )
  t.same(logs, [])
  await connection.close()
})

t.test('a child that is killed comes back at the same address with its data', async (t) => {
  const messages: string[] = []
  const server = await startEmbeddedServer({ dir: await folder(), log: (text) => messages.push(text) })
  t.teardown(() => server.stop())
  const connection = connect(server.address, 'd')
  await connection.command('CREATE DATABASE d')
  await connection.command('CREATE TABLE d.t (n UInt8) ENGINE = MergeTree ORDER BY n')
  await connection.command('INSERT INTO d.t VALUES (1)')
  const before = server.pid() ?? 0
  process.kill(before, 'SIGKILL')
  t.same(await connection.rows('SELECT n FROM d.t'), [{ n: 1 }], 'a query waits for the server to be back')
  t.not(server.pid(), before)
  t.equal(messages.length, 1)
  await connection.close()
})

t.test('stop ends the process, twice is once, and a warm start is quick', async (t) => {
  const dir = await folder()
  const first = await startEmbeddedServer({ dir })
  const pid = first.pid() ?? 0
  await Promise.all([first.stop(), first.stop()])
  t.equal(await first.exited, 'stopped')
  t.equal(await runs(pid), false)
  t.same(await readdir(dir), ['data'])
  const started = performance.now()
  const second = await startEmbeddedServer({ dir })
  const ms = performance.now() - started
  t.comment(`warm start ${ms.toFixed(0)} ms`)
  t.ok(ms < 5_000)
  await second.stop()
})

t.test('a directory in use is said so after a bounded wait', async (t) => {
  const dir = await folder()
  const server = await startEmbeddedServer({ dir })
  t.teardown(() => server.stop())
  const started = Date.now()
  await t.rejects(startEmbeddedServer({ dir, startTimeoutMs: 1_500 }), {
    code: 'ERR_WAREHOUSE_START',
    message: /Another process still holds/,
  })
  t.ok(Date.now() - started < 10_000)
  const connection = connect(server.address, 'default', { retryWaitsMs: [] })
  t.same(await connection.rows('SELECT 1 AS n'), [{ n: 1 }], 'the first one is untouched')
  await connection.close()
})

t.test('a parent that is killed leaves no orphan, and the next start waits for its last query', async (t) => {
  const dir = await folder()
  const parent = spawn(process.execPath, [PARENT, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = (await once(parent.stdout, 'data')) as [Buffer]
  const { pid } = JSON.parse(text.toString('utf8')) as { pid: number }
  t.equal(await runs(pid), true)
  await sleep(300)
  parent.kill('SIGKILL')
  const next = await startEmbeddedServer({ dir })
  t.equal(await until(async () => !(await runs(pid)), 5_000), true, 'the old child is gone')
  const connection = connect(next.address, 'kill')
  const [row] = await connection.rows<{ n: number }>('SELECT count() AS n FROM kill.slow')
  t.ok((row?.n ?? 0) >= 1, 'the fault was reached: the insert had begun')
  await connection.close()
  await next.stop()
})

t.test('a start that cannot work says what to do', async (t) => {
  const dir = await folder()
  const configDir = t.testdir({ 'config.xml': '<clickhouse><broken></clickhouse>', 'users.xml': '<x/>' })
  await t.rejects(startEmbeddedServer({ dir, configDir }), { code: 'ERR_WAREHOUSE_START', message: /npm ci/ })
  t.same(await readdir(dir), ['data'])
})

t.test('a server that is not there refuses', async (t) => {
  const nowhere = connect({ url: 'http://127.0.0.1:1', username: 'tacit', password: '' }, 'd', {
    retryWaitsMs: [5],
  })
  t.equal((await failureOf(nowhere.rows('SELECT 1'))).kind, 'refused')
  await nowhere.close()
})
