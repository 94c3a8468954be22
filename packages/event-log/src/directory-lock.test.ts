import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { lockDirectory } from './directory-lock.js'

const HOLDER = `
  import { lockDirectory } from ${JSON.stringify(fileURLToPath(new URL('./directory-lock.js', import.meta.url)))}
  try {
    await lockDirectory(process.argv[1])
    console.log('held')
    setInterval(() => {}, 1000)
  } catch (error) {
    console.log(error.code)
  }
`

/** A process that tries to take the lock and says how it went. */
async function starter(dir: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const said = line.trim()
  return {
    said,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

t.test('a directory is held once at a time, and again after it was given back', async (t) => {
  const dir = join(t.testdir(), 'data')
  const release = await lockDirectory(dir)
  await t.rejects(lockDirectory(dir), { code: 'ERR_DATA_IN_USE', retryable: true })
  await release()
  await release()
  const again = await lockDirectory(dir)
  await t.rejects(lockDirectory(dir), { code: 'ERR_DATA_IN_USE' })
  await again()
})

t.test(
  'a lock that another process holds is respected until that process is killed, then taken at once',
  async (t) => {
    const dir = t.testdir()
    const other = await starter(dir)
    t.equal(other.said, 'held')
    await t.rejects(lockDirectory(dir), { code: 'ERR_DATA_IN_USE' })
    await other.kill()
    const release = await lockDirectory(dir)
    await release()
  },
)

t.test('of several starters that meet a stale lock exactly one wins', async (t) => {
  for (let round = 0; round < 3; round++) {
    const dir = t.testdir()
    const dead = await starter(dir)
    await dead.kill()
    const starters = await Promise.all([starter(dir), starter(dir), starter(dir), starter(dir)])
    const said = starters.map((one) => one.said).sort()
    await Promise.all(starters.map((one) => one.kill()))
    t.same(said, ['ERR_DATA_IN_USE', 'ERR_DATA_IN_USE', 'ERR_DATA_IN_USE', 'held'])
  }
})

t.test('within one process, too, exactly one of many attempts wins', async (t) => {
  const dir = t.testdir()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(dir)))
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  t.equal(readdirSync(dir).length, 1, 'no draft is left behind')
})

t.test(
  'a pid that was given to another process does not hold the lock',
  { skip: withoutProc() },
  async (t) => {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const dir = t.testdir({
      'tacit.lock.7': JSON.stringify({ pid: process.pid, start: '1', boot }),
    })
    const release = await lockDirectory(dir)
    t.same(readdirSync(dir), ['tacit.lock.8'])
    await release()
  },
)

t.test('a lock of an earlier boot, or one that power loss left unreadable, does not hold', async (t) => {
  const dir = t.testdir({ 'tacit.lock.1': JSON.stringify({ pid: process.pid, start: '', boot: 'earlier' }) })
  if (existsSync('/proc/self/stat')) await (await lockDirectory(dir))()
  writeFileSync(join(dir, 'tacit.lock.5'), '{"pid":')
  await (await lockDirectory(dir))()
  t.same(readdirSync(dir), ['tacit.lock.6'])
})

t.test('a directory that cannot be made says so, and names no path', async (t) => {
  const dir = t.testdir({ file: 'in the way' })
  const error = await lockDirectory(join(dir, 'file', 'data')).catch((reason: unknown) => reason)
  t.match(error, { code: 'ERR_DATA_DIRECTORY' })
  t.notOk(error instanceof Error && error.message.includes(dir))
})

function withoutProc(): string | false {
  return existsSync('/proc/self/stat') ? false : 'this system has no /proc'
}
