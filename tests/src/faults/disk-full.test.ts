/**
 * A full or broken disk under a real collector (faults.md, L1 to L3). Every 204 is an obligation: after the fault each
 * such event is on disk exactly once, none that was never sent is there, health was honest, and recovery needed nobody.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openKeyFiles } from '@tacit/keeper'
import { RECORD_COLUMNS, streamPlans } from '@tacit/rulebook'
import t, { type Test } from 'tap'
import { pageView, type RunningCollector, startCollector } from '../support/collector.js'
import { type Answer, post } from '../support/raw-http.js'

// The runner has a limit for the file.
t.setTimeout(0)

const MIB = 1024 * 1024
const LANDING_COLUMNS = 3
const ORIGIN = { origin: 'https://www.example.in' }
const RECOVERY_MS = 10_000

/** A path that names its number in letters, which the website's rules leave as it is. */
const pathOf = (number: number): string =>
  `/n/${String(number).replaceAll(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '')}`

/** Numbered beacons, what became of each, and whether the disk agrees. */
class Obligations {
  readonly #collector: RunningCollector
  readonly #promised = new Set<string>()
  readonly #refused = new Set<string>()
  #next = 0

  constructor(collector: RunningCollector) {
    this.#collector = collector
  }

  /** Sends one numbered beacon and takes down what was promised. */
  async send(): Promise<Answer> {
    const path = pathOf(this.#next++)
    const answer = await post(this.#collector.port, this.#collector.beacon([pageView({ path })]), {
      headers: ORIGIN,
    })
    if (answer.status === 204) this.#promised.add(path)
    else this.#refused.add(path)
    return answer
  }

  sendMany(count: number): Promise<Answer[]> {
    return Promise.all(Array.from({ length: count }, () => this.send()))
  }

  async areKept(t: Test): Promise<void> {
    const { rulebook } = this.#collector
    const dimension = streamPlans(rulebook)[0]?.dimensions.indexOf('path') ?? -1
    t.ok(dimension >= 0)
    const ledger = await this.#collector.ledger()
    const paths = ledger.days.map((row) => String(row[LANDING_COLUMNS + RECORD_COLUMNS.length + dimension]))
    const found = new Set(paths)
    t.ok(this.#promised.size > 0, 'something was promised')
    t.ok(this.#refused.size > 0, 'the fault was met')
    t.equal(found.size, paths.length, 'nothing is there twice')
    t.same(
      [...this.#promised].filter((path) => !found.has(path)),
      [],
      'nothing promised is lost',
    )
    t.same(
      [...found].filter((path) => !this.#promised.has(path) && !this.#refused.has(path)),
      [],
      'nothing is there that was not sent',
    )
    t.equal(ledger.accepted, paths.length, 'the counts are those of the rows')
    t.equal(ledger.received, ledger.accepted)
  }
}

const get = (collector: RunningCollector, path: string): Promise<Answer> =>
  post(collector.port, '', { method: 'GET', path, headers: { 'content-length': null, 'content-type': null } })

function isUnavailable(t: Test, answer: Answer): void {
  t.equal(answer.status, 503)
  t.equal(answer.headers['content-type'], 'application/problem+json')
  t.match(answer.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(answer.headers['access-control-expose-headers'], 'Retry-After')
  t.equal(answer.headers['access-control-allow-origin'], '*')
  t.equal((JSON.parse(answer.body) as { code: string }).code, 'ERR_LOG_UNAVAILABLE')
}

/** Sends until the fault is met; its honest face: 503 for accepted and dropped alike, not ready, alive. */
async function meetsFault(t: Test, collector: RunningCollector, obligations: Obligations): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS
  let answer = await obligations.send()
  while (answer.status === 204 && Date.now() < deadline) answer = await obligations.send()
  isUnavailable(t, answer)
  for (const refused of await obligations.sendMany(20)) isUnavailable(t, refused)
  const dropped = await post(collector.port, collector.beacon([pageView()], { site: 'nobody' }))
  isUnavailable(t, dropped)
  for (let at = 0; at < 4; at++) {
    t.equal((await get(collector, '/healthz')).status, 200, 'alive')
    isUnavailable(t, await get(collector, '/readyz'))
    await delay(100)
  }
}

/** Waits, without sending a beacon, until the collector says that it is ready. */
async function isReadyAgain(t: Test, collector: RunningCollector): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS
  let status = 0
  while (status !== 200 && Date.now() < deadline) {
    status = (await get(collector, '/readyz')).status
    if (status !== 200) await delay(20)
  }
  t.equal(status, 200, 'it recovers by itself, without a beacon')
}

interface Fault {
  readonly id: string
  readonly name: string
  readonly begin: () => void
  readonly end: () => void
}

const disk = { free: 1000 * MIB, broken: '' }
const files = {
  freeBytes: async () => disk.free,
  beforeWrite: async () => {
    if (disk.broken !== '') throw Object.assign(new Error('injected'), { code: disk.broken })
  },
}
const write = (code: string) => ({
  begin: () => {
    disk.broken = code
  },
  end: () => {
    disk.broken = ''
  },
})
const FAULTS: readonly Fault[] = [
  {
    id: 'L1, L2',
    name: 'a disk without room',
    begin: () => {
      disk.free = 0
    },
    end: () => {
      disk.free = 1000 * MIB
    },
  },
  { id: 'L1, L2', name: 'writes that meet ENOSPC', ...write('ENOSPC') },
  { id: 'L1, L2', name: 'writes that meet EDQUOT', ...write('EDQUOT') },
  { id: 'L3', name: 'writes that meet EIO', ...write('EIO') },
]

for (const { begin, end, id, name } of FAULTS) {
  t.test(`${id}: ${name} is 503 with Retry-After, and ends by itself`, async (t) => {
    const collector = await startCollector({ rulebook: 'website', files })
    t.teardown(async () => {
      end()
      await collector.close()
    })
    const obligations = new Obligations(collector)
    for (let round = 0; round < 2; round++) {
      for (const { status } of await obligations.sendMany(30)) t.equal(status, 204)
      begin()
      await meetsFault(t, collector, obligations)
      end()
      await isReadyAgain(t, collector)
      for (const { status } of await obligations.sendMany(30)) t.equal(status, 204)
    }
    await obligations.areKept(t)
  })
}

t.test('L1, L2: a disk that fills and empties under load loses and doubles nothing', async (t) => {
  const collector = await startCollector({ rulebook: 'website', files })
  t.teardown(() => collector.close())
  const obligations = new Obligations(collector)
  const until = Date.now() + 2_000
  const clients = Array.from({ length: 8 }, async () => {
    while (Date.now() < until) if ((await obligations.send()).status !== 204) await delay(10)
  })
  for (let turn = 0; Date.now() < until; turn++) {
    await delay(100 + (turn % 3) * 60)
    disk.broken = ['ENOSPC', '', 'EIO', ''][turn % 4] ?? ''
  }
  disk.broken = ''
  await Promise.all(clients)
  await isReadyAgain(t, collector)
  t.equal((await obligations.send()).status, 204)
  await obligations.areKept(t)
})

t.test(
  'L1: a disk that is full under the keys is 503 with Retry-After too, for new tenants alone',
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'tacit-keys-full-'))
    t.teardown(() => rmSync(dir, { recursive: true, force: true }))
    const keyFiles = openKeyFiles(join(dir, 'keys'))
    const create = keyFiles.create.bind(keyFiles)
    let full = false
    let met = 0
    keyFiles.create = async (name, bytes) => {
      if (!full) return create(name, bytes)
      met++
      // A disk fills up in the middle of a file.
      await create(name, bytes.subarray(0, 5))
      throw Object.assign(new Error('injected'), { code: 'ENOSPC' })
    }
    const collector = await startCollector({ dir, keyFiles })
    t.teardown(() => collector.close())
    const send = (tenant: string) =>
      post(collector.port, collector.beacon(undefined, { token: collector.token({ tenant }) }))
    t.equal((await send('t-old')).status, 204)
    full = true
    for (let at = 0; at < 3; at++) isUnavailable(t, await send('t-new'))
    t.ok(met > 0, 'the fault was met')
    t.equal((await send('t-old')).status, 204, 'who has keys is not troubled')
    full = false
    // Whoever comes while the last try is still failing shares its answer.
    let answer = await send('t-new')
    for (let tries = 0; answer.status === 503 && tries < 20; tries += 1) {
      await delay(50)
      answer = await send('t-new')
    }
    t.equal(answer.status, 204)
    const ledger = await collector.ledger()
    t.equal(ledger.received, 3, 'a beacon that was refused is not counted')
    t.equal(ledger.accepted, 3)
    t.equal(ledger.days.length, 3)
  },
)

/** A file system of its own; null where this process may not mount one. */
function mountTmpfs(size: string): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'tacit-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'ignore' })
    return dir
  } catch {
    rmdirSync(dir)
    return null
  }
}

/** Writes until the file system takes no more. */
function fillDisk(path: string): void {
  const block = Buffer.alloc(64 * 1024, 1)
  for (let at = 0; at < 4_000; at++) {
    try {
      writeFileSync(path, block, { flag: 'a' })
    } catch {
      return
    }
  }
  throw new Error('the file system did not fill up')
}

const mount = mountTmpfs('64m')
const skip = mount === null ? 'a tmpfs needs root' : false
t.test(
  'L1, L2: a small disk that is really full is 503 with Retry-After, and ends by itself',
  { skip },
  async (t) => {
    if (mount === null) return
    const collector = await startCollector({ rulebook: 'website', dir: mount })
    t.teardown(async () => {
      await collector.close()
      execFileSync('umount', [mount])
      rmdirSync(mount)
    })
    const obligations = new Obligations(collector)
    for (const { status } of await obligations.sendMany(50)) t.equal(status, 204)
    const ballast = join(mount, 'ballast')
    for (let round = 0; round < 2; round++) {
      fillDisk(ballast)
      await meetsFault(t, collector, obligations)
      rmSync(ballast)
      await isReadyAgain(t, collector)
      for (const { status } of await obligations.sendMany(50)) t.equal(status, 204)
    }
    await obligations.areKept(t)
  },
)
