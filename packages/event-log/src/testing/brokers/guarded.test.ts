import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { until } from './control.js'
import { runGuarded, spawnGuarded } from './guarded.js'

const WITHIN_MS = 20_000
const GUARDED = new URL('./guarded.js', import.meta.url).href

/** Whether a process runs; one that nobody has buried yet does not. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (!existsSync('/proc/self/stat')) return true
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
}

t.test('a child and its folder go when the parent is killed', async (test) => {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-guarded-'))
  test.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const program = `
    import { removeFolderAtDeath, spawnGuarded } from ${JSON.stringify(GUARDED)}
    removeFolderAtDeath(${JSON.stringify(dir)})
    let stopped = false
    // The guard is there before the command says anything.
    const said = () => {
      if (stopped) return
      stopped = true
      child.signal('SIGSTOP')
      console.log(child.pid)
    }
    const child = spawnGuarded('sh', ['-c', 'echo up; exec sleep 600'], { cwd: '/', said })`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  })
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  test.ok(runs(pid), 'the child runs, though it is stopped')
  parent.kill('SIGKILL')
  test.ok(await until(async () => !runs(pid), WITHIN_MS, 20), 'the child is gone')
  test.ok(await until(async () => !existsSync(dir), WITHIN_MS, 20), 'the folder is gone')
})

t.test('the exit, the output and the signals are those of the command', async (test) => {
  const done = await runGuarded('sh', ['-c', 'echo out; echo err >&2; exit 7'], {
    cwd: '/',
    timeoutMs: WITHIN_MS,
  })
  test.equal(done.code, 7)
  test.match(done.output, /out/)
  test.match(done.output, /err/)
  const child = spawnGuarded('sleep', ['600'], { cwd: '/' })
  test.ok(child.signal('SIGTERM'))
  test.equal(await child.gone, null)
  test.notOk(child.isAlive)
  test.notOk(child.signal('SIGTERM'), 'nobody is there to be told')
})

t.test('a command that hangs is killed in time, a missing one says so', async (test) => {
  const hanging = await runGuarded('sleep', ['600'], { cwd: '/', timeoutMs: 50 })
  test.equal(hanging.code, null)
  const missing = await runGuarded('no-such-command-here', [], { cwd: '/', timeoutMs: WITHIN_MS })
  test.equal(missing.code, 127)
})
