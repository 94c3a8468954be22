/** What must hold whenever the writer dies or the disk fails: every step of every write is a place to do so. */
import { TacitError } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import type { AuditEntry } from './entry-line.js'
import { ENTRIES, HEADS } from './files.js'
import { openAuditLog } from './opening.js'
import type { SignedHead } from './signed-head.js'
import { eventOf, newSigner, SECOND, START } from './testing/sample-log.js'
import { type Failure, VolatileFiles } from './testing/volatile-files.js'
import { verifyLog } from './verify-log.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const RUNS = isFull ? 5_000 : 200
const SEED = Number(process.env['TACIT_TEST_SEED'] ?? 20_260_805)
const signer = newSigner()
/** ms from the beginning of one to that of the next */
const LIFE = 3_600 * SECOND

type Action =
  | { readonly do: 'append'; readonly count: number; readonly durable: boolean }
  | { readonly do: 'sign' }

interface Life {
  readonly actions: readonly Action[]
  readonly failure: Failure
  /** whether power goes at its end, or only the process */
  readonly power: boolean
}

const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 4 }),
      durable: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ do: 'sign' }) },
)
const anyLife: fc.Arbitrary<Life> = fc.record({
  actions: fc.array(anyAction, { minLength: 1, maxLength: 8 }),
  failure: fc.record({ at: fc.nat(45), kind: fc.constantFrom('power' as const, 'error' as const) }),
  power: fc.boolean(),
})

/** What was promised so far, over all lives. */
class Promises {
  /** entries of which a caller was told, in order */
  written: AuditEntry[] = []
  /** how many of them must be on disk */
  durable = 0
  /** every head that a caller was given */
  readonly heads: SignedHead[] = []
}

const isSame = (left: AuditEntry | undefined, right: AuditEntry | undefined): boolean =>
  JSON.stringify(left) === JSON.stringify(right)

/** Lives until its actions are done or the machine fails. @returns whether a step failed */
async function live(
  disk: VolatileFiles,
  { actions, failure }: Life,
  promises: Promises,
  at: number,
): Promise<boolean> {
  let hasFailed = false
  const survive = (error: unknown): null => {
    const isOfDisk = error instanceof TacitError && ['ERR_AUDIT_WRITE', 'ERR_AUDIT_READ'].includes(error.code)
    if (!isOfDisk) throw error
    hasFailed = true
    return null
  }
  const log = await openAuditLog({ files: disk.open(failure), signer }).catch(survive)
  if (log === null) return true
  let clock = at
  for (const action of actions) {
    clock += SECOND
    try {
      if (action.do === 'sign') {
        promises.heads.push(await log.sign(clock))
        promises.durable = promises.written.length
      } else {
        const events = Array.from({ length: action.count }, (_none, more) => eventOf(clock / SECOND + more))
        promises.written.push(...(await log.append(events, clock, action.durable)))
        if (action.durable) promises.durable = promises.written.length
      }
      if (log.size !== promises.written.length) throw new Error('the size is not what was promised')
    } catch (error) {
      survive(error)
    }
  }
  return hasFailed
}

/** What the next life finds: nothing durable is missing or changed, and every head holds. */
async function assertKept(
  disk: VolatileFiles,
  promises: Promises,
  power: boolean,
  at: number,
): Promise<void> {
  const log = await openAuditLog({ files: disk.open(), signer })
  const found: AuditEntry[] = []
  for await (const entry of log.entries()) found.push(entry)
  const kept = power ? promises.durable : promises.written.length
  if (found.length < kept) throw new Error(`${String(found.length)} of ${String(kept)} entries are left`)
  promises.written.forEach((entry, place) => {
    if (place < found.length && !isSame(found[place], entry))
      throw new Error(`entry ${String(place + 1)} is another`)
  })
  // A head cuts whatever the end of both files is.
  promises.heads.push(await log.sign(at))
  const { findings } = verifyLog({
    entries: disk.bytes(ENTRIES),
    heads: disk.bytes(HEADS),
    publicKey: signer.publicKey,
    earlierHeads: promises.heads,
  })
  // A life may have ended before it wrote anything that lasts: then there is nothing, and verification says so.
  const unexpected = findings.filter(({ code }) => code !== 'empty' || found.length > 0)
  if (unexpected.length > 0) throw new Error(JSON.stringify(unexpected))
  const known = new Set(log.heads().map(({ signature }) => signature))
  if (promises.heads.some(({ signature }) => !known.has(signature))) throw new Error('a head is forgotten')
  promises.written = found
  promises.durable = found.length
}

t.test('no durable entry and no head is ever lost or changed, however the writer ends', async (t) => {
  let failed = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyLife, { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat(1_000_000)),
      async (lives, chance) => {
        const disk = new VolatileFiles()
        const promises = new Promises()
        const pick = (choices: number): number => (chance.next().value as number) % choices
        for (const [at, life] of lives.entries()) {
          if (await live(disk, life, promises, START + at * LIFE)) failed += 1
          if (life.power) disk.losePower(pick)
          await assertKept(disk, promises, life.power, START + (at + 1) * LIFE - SECOND)
        }
      },
    ),
    { seed: SEED, numRuns: RUNS },
  )
  t.ok(failed > RUNS / 2, `${String(failed)} lives met their failure`)
})

t.test(
  'a failed append is as if it never was: the next takes its numbers, and nothing of it is left',
  async (t) => {
    const steps = 12
    for (let at = 0; at < steps; at += 1) {
      const disk = new VolatileFiles()
      const first = await openAuditLog({ files: disk.open(), signer })
      await first.append([eventOf(1)], START, true)
      const before = disk.steps
      const idle = await openAuditLog({ files: disk.open(), signer })
      const opening = disk.steps - before
      const log = await openAuditLog({ files: disk.open({ at: opening + at, kind: 'error' }), signer })
      const results: string[] = []
      for (const count of [3, 1, 2]) {
        const events = Array.from({ length: count }, (_none, more) => eventOf(more))
        results.push(
          await log.append(events, START, true).then(
            (entries) => entries.map(({ seq }) => seq).join(),
            () => 'failed',
          ),
        )
      }
      const sizes = results.map((result) => (result === 'failed' ? 0 : result.split(',').length))
      t.ok(results.filter((result) => result === 'failed').length <= 1)
      const found: number[] = []
      for await (const { seq } of log.entries()) found.push(seq)
      const size = 1 + sizes.reduce((sum, one) => sum + one, 0)
      t.same(
        found,
        Array.from({ length: size }, (_none, more) => more + 1),
      )
      await log.sign(START)
      t.ok(
        verifyLog({ entries: disk.bytes(ENTRIES), heads: disk.bytes(HEADS), publicKey: signer.publicKey }).ok,
      )
      t.equal(idle.size, 1)
    }
  },
)

t.test(
  'a shorter append after a failed one, killed at any step, leaves nothing that refuses to open',
  async (t) => {
    for (let at = 0; at < 10; at += 1) {
      const disk = new VolatileFiles()
      let files = disk.open()
      const log = await openAuditLog({
        files: {
          read: (name) => files.read(name),
          create: (name, bytes) => files.create(name, bytes),
          write: (...call) => files.write(...call),
          syncDirectory: () => files.syncDirectory(),
        },
        signer,
      })
      await log.append([eventOf(1)], START, true)
      // Five lines are written, and not synced.
      files = disk.open({ at: 3, kind: 'error' })
      await t.rejects(log.append([1, 2, 3, 4, 5].map(eventOf), START, true), { code: 'ERR_AUDIT_WRITE' })
      files = disk.open({ at, kind: 'power' })
      const written = await log.append([eventOf(6)], START, true).catch(() => [])
      // The process is gone, the machine is not: what was written is there.
      const again = await openAuditLog({ files: disk.open(), signer })
      t.ok(again.size >= 1 + written.length, `at step ${String(at)}`)
    }
  },
)

t.test('after a failed sync, what was told before it is written again: its pages may be gone', async (t) => {
  const disk = new VolatileFiles()
  await openAuditLog({ files: disk.open(), signer })
  const files = disk.open()
  let isBroken = false
  const log = await openAuditLog({
    files: {
      ...files,
      write: async (name, bytes, offset, durable) => {
        if (!isBroken || !durable) return files.write(name, bytes, offset, durable)
        isBroken = false
        // The kernel has dropped every page that it could not write.
        disk.put(name, disk.bytes(name).subarray(0, 0))
        throw new Error('EIO')
      },
    },
    signer,
  })
  await log.append([eventOf(1)], START, false)
  await log.append([eventOf(2), eventOf(3)], START, false)
  isBroken = true
  await t.rejects(log.append([eventOf(4)], START, true), { code: 'ERR_AUDIT_WRITE' })
  await log.append([eventOf(5)], START, true)
  disk.losePower(() => 1)
  const seen: string[] = []
  for await (const { seq, action } of (await openAuditLog({ files: disk.open(), signer })).entries())
    seen.push(`${String(seq)} ${action}`)
  t.same(
    seen,
    [1, 2, 3, 5].map((at, place) => `${String(place + 1)} ${eventOf(at).action}`),
  )
})
