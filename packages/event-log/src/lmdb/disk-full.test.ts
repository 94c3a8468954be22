import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { EventLog } from '../port.js'
import { numbered, numberOf, readAll } from '../testing/lines.js'
import { openLmdbLog } from './log.js'

const HOUR = 3_600_000
const MIB = 1024 * 1024
const APPENDER = fileURLToPath(new URL('../testing/appender.js', import.meta.url))

function failing(code: string): Error {
  return Object.assign(new Error('injected'), { code })
}

/** Appends until one is taken, as a client that retries does; fails after ten seconds. */
async function untilTaken(log: EventLog, number: number): Promise<void> {
  for (const deadline = Date.now() + 10_000; ; await delay(20)) {
    try {
      return await log.append(numbered(number), HOUR)
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
  }
}

t.test(
  'L1, L2: below the reserve appends are refused as full, and go on by themselves when there is room',
  async (t) => {
    let free = 1000 * MIB
    const log = await openLmdbLog({ dir: t.testdir(), files: { freeBytes: async () => free } })
    await log.append(numbered(1), HOUR)
    free = 31 * MIB
    await delay(260)
    await t.rejects(log.append(numbered(2), HOUR), { code: 'ERR_LOG_FULL', status: 503, retryable: true })
    await log.parts('g')[0].commit({ position: 1, boundary: null })
    t.same(readAll(log).records.map(numberOf), [1], 'what is there is read, and cursors are written')
    free = 1000 * MIB
    await untilTaken(log, 3)
    t.same(readAll(log).records.map(numberOf), [1, 3])
    t.equal(readAll(log).last, 2, 'a refused append takes no position')
    await log.close()
  },
)

t.test(
  'L1, L2: an append that meets ENOSPC is refused, others that wait with it too, and later ones are taken',
  async (t) => {
    let full = false
    const beforeWrite = async () => {
      if (full) throw failing('ENOSPC')
    }
    const log = await openLmdbLog({ dir: t.testdir(), files: { beforeWrite } })
    full = true
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => log.append(numbered(at), HOUR)),
    )
    for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: { code: 'ERR_LOG_FULL' } })
    full = false
    await log.append(numbered(9), HOUR)
    t.same(readAll(log).records.map(numberOf), [9])
    await log.close()
  },
)

t.test(
  'L3: after a failed write nothing is taken until the log was opened again and has proved itself',
  async (t) => {
    let broken = false
    let probes = 0
    const beforeWrite = async () => {
      probes++
      if (broken) throw failing('EIO')
    }
    const log = await openLmdbLog({ dir: t.testdir(), files: { beforeWrite } })
    await log.append(numbered(1), HOUR)
    broken = true
    await t.rejects(log.append(numbered(2), HOUR), { code: 'ERR_LOG_WRITE', status: 503, retryable: true })
    await t.rejects(log.append(numbered(3), HOUR), { code: 'ERR_LOG_WRITE' })
    t.throws(() => log.parts('aggregator')[0].read(0, 1, 100), { code: 'ERR_LOG_READ', retryable: true })
    probes = 0
    const since = performance.now()
    while (probes < 3) await delay(20)
    const waited = performance.now() - since
    t.ok(waited >= 700, `it probes by itself, and backs off: three times in ${waited} ms`)
    broken = false
    await untilTaken(log, 4)
    t.same(readAll(log).records.map(numberOf), [1, 4])
    await log.close()
  },
)

t.test('a log that cannot recover closes all the same, and its directory is free again', async (t) => {
  const dir = t.testdir()
  let broken = false
  const files = {
    beforeWrite: async () => {
      if (broken) throw failing('EIO')
    },
  }
  const log = await openLmdbLog({ dir, files })
  broken = true
  await t.rejects(log.append(numbered(1), HOUR), { code: 'ERR_LOG_WRITE' })
  await log.close()
  await (await openLmdbLog({ dir })).close()
})

t.test('L7: a log at its own bound refuses, keeps what it has, and expiry makes room', async (t) => {
  const log = await openLmdbLog({ dir: t.testdir(), maxBytes: 16 * MIB })
  let taken = 0
  let refused = 0
  for (; refused < 3 && taken < 500; ) {
    await log.append(numbered(taken, 60_000), taken < 120 ? HOUR : 2 * HOUR).then(
      () => taken++,
      async () => {
        refused++
        await delay(50)
      },
    )
  }
  t.equal(refused, 3, 'the bound was met')
  t.equal(readAll(log).records.length, taken)
  t.equal(await log.expire(2 * HOUR), 120)
  await log.append(numbered(1000, 60_000), 2 * HOUR)
  t.equal(readAll(log).records.length, taken - 119)
  await log.close()
})

t.test('a new log on a full disk is refused before LMDB creates anything', async (t) => {
  const dir = t.testdir()
  await t.rejects(openLmdbLog({ dir, files: { freeBytes: async () => 1000 } }), { code: 'ERR_LOG_FULL' })
  await (await openLmdbLog({ dir })).close()
})

/** A file system of its own; null where this process may not mount one. */
function mountTmpfs(size: string): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-full-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'ignore' })
    return dir
  } catch {
    rmdirSync(dir)
    return null
  }
}

const mount = mountTmpfs('24m')
if (mount) {
  t.teardown(() => {
    execFileSync('umount', [mount])
    rmdirSync(mount)
  })
}

for (const reserveBytes of [0, 8 * MIB]) {
  const skip = mount ? false : 'a tmpfs needs root'
  const name = `L1, L2: a really full disk refuses and recovers with a reserve of ${reserveBytes / MIB} MiB`
  t.test(name, { skip }, async (t) => {
    const dir = join(mount ?? '', `log-${reserveBytes}`)
    const log = await openLmdbLog({ dir, reserveBytes })
    const taken: number[] = []
    const codes = new Set<string>()
    for (let number = 0; number < 2000; number++) {
      await log.append(numbered(number, 30_000), HOUR).then(
        () => taken.push(number),
        (error: { code: string }) => codes.add(error.code),
      )
    }
    t.same([...codes], ['ERR_LOG_FULL'], 'full is met as full, and LMDB never fails')
    t.ok(taken.length > 100)
    const ballast = join(mount ?? '', 'ballast')
    fillDisk(ballast)
    await delay(260)
    await t.rejects(log.append(numbered(5000), HOUR), { code: 'ERR_LOG_FULL' })
    await log.parts('g')[0].commit({ position: 5, boundary: null })
    t.same(readAll(log).records.map(numberOf), taken, 'with no byte left what was taken is served')
    t.equal(await log.expire(2 * HOUR), taken.length, 'and expires')
    rmSync(ballast)
    await untilTaken(log, 6000)
    t.same(readAll(log).records.map(numberOf), [6000])
    await log.close()
    rmSync(dir, { recursive: true })
  })
}

t.test(
  'a log opens and is read on a disk without a byte left',
  { skip: mount ? false : 'a tmpfs needs root' },
  async (t) => {
    const dir = join(mount ?? '', 'log')
    const first = await openLmdbLog({ dir, reserveBytes: MIB })
    await first.append(numbered(1), HOUR)
    await first.close()
    const ballast = join(mount ?? '', 'ballast')
    fillDisk(ballast)
    const attempt = openLmdbLog({ dir, reserveBytes: MIB })
    await t.rejects(attempt, { code: 'ERR_DATA_DIRECTORY' }, 'the lock of the directory needs a byte')
    truncateSync(ballast, Math.max(0, statSync(ballast).size - 65_536))
    const log = await openLmdbLog({ dir, reserveBytes: MIB })
    t.same(readAll(log).records.map(numberOf), [1])
    await t.rejects(log.append(numbered(2), HOUR), { code: 'ERR_LOG_FULL' })
    rmSync(ballast)
    await untilTaken(log, 3)
    await log.close()
    rmSync(dir, { recursive: true })
  },
)

function fillDisk(path: string): void {
  const block = Buffer.alloc(64 * 1024, 1)
  for (let at = 0; at < 1000; at++) {
    try {
      writeFileSync(path, block, { flag: 'a' })
    } catch {
      return
    }
  }
}

const strace = hasStrace() ? false : 'strace is not installed, or may not trace'
for (const fault of ['fdatasync:error=EIO:when=25', 'pwrite64:error=EIO:when=80']) {
  t.test(
    `L3: a real ${fault.split(':')[0]} error fails stop and recovers in the same process`,
    { skip: strace },
    async (t) => {
      const dir = t.testdir()
      const call = fault.split(':')[0] ?? ''
      const args = ['-f', '-qq', '-o', join(dir, 'trace'), '-e', `trace=${call}`, '-e', `inject=${fault}`]
      const child = spawn(
        'strace',
        [...args, process.execPath, APPENDER, join(dir, 'log'), '1', '8', '600'],
        {
          // one thread for all file work, so that the count of calls is the order of calls
          env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      )
      let output = ''
      child.stdout.setEncoding('latin1').on('data', (text: string) => {
        output += text
      })
      await once(child, 'close')
      const lines = output.trim().split('\n')
      const refused = lines.findIndex((line) => line.startsWith('!'))
      t.ok(refused > 0, 'the fault was met, and not at the start')
      t.ok(
        lines.slice(refused).some((line) => /^\d+$/.test(line)),
        'appends were taken again afterwards',
      )
      const log = await openLmdbLog({ dir: join(dir, 'log') })
      const found = readAll(log).records.map(numberOf)
      const unique = new Set(found)
      t.equal(unique.size, found.length)
      t.same(
        lines.filter((line) => /^\d+$/.test(line)).filter((line) => !unique.has(Number(line))),
        [],
        'nothing acknowledged is missing',
      )
      await log.close()
    },
  )
}

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
