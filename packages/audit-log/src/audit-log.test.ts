import { TacitError } from '@tacit/contracts'
import t from 'tap'
import type { AuditLog } from './audit-log.js'
import type { AuditEntry, AuditEvent } from './entry-line.js'
import { BLOCK } from './block-tree.js'
import { ENTRIES, HEADS, PUBLIC_KEY } from './files.js'
import { openAuditLog } from './opening.js'
import { verifyConsistency, verifyInclusion } from './proof.js'
import { logId, type SignedHead } from './signed-head.js'
import { eventOf, newSigner, SECOND, START } from './testing/sample-log.js'
import { VolatileFiles } from './testing/volatile-files.js'
import { verifyLog } from './verify-log.js'

const signer = newSigner()
const eventsOf = (from: number, count: number): AuditEvent[] =>
  Array.from({ length: count }, (_none, at) => eventOf(from + at))

async function listOf(log: AuditLog, from?: number): Promise<AuditEntry[]> {
  const list: AuditEntry[] = []
  for await (const entry of log.entries(from)) list.push(entry)
  return list
}

/** The code with which it fails. */
async function codeOf(action: Promise<unknown>): Promise<string> {
  return action.then(
    () => 'ok',
    (error: unknown) => (error instanceof TacitError ? error.code : String(error)),
  )
}

t.test('what is appended is numbered, timed, read again and verified', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  t.same([log.size, log.head(), await listOf(log)], [0, null, []])
  const first = await log.append(eventsOf(0, 3), START, true)
  t.same(
    first.map(({ seq, time }) => [seq, time]),
    [1, 2, 3].map((seq) => [seq, '2026-08-05T00:00:00Z']),
  )
  t.same(await log.append([], START, true), [])
  const head = await log.sign(START + SECOND)
  t.match(head, { v: 1, log: logId(signer.publicKey), size: 3, time: '2026-08-05T00:00:01Z' })
  await log.append(eventsOf(3, 2), START + 2 * SECOND, false)
  t.equal(log.size, 5)
  const all = await listOf(log)
  t.same(all, [...first, ...(await listOf(log, 4))])
  t.same(
    all.map(({ action }) => action),
    eventsOf(0, 5).map(({ action }) => action),
  )
  t.same(await listOf(log, 6), [])
  t.same([log.head(), log.heads()], [head, [head]])
  const copy = { entries: disk.bytes(ENTRIES), heads: disk.bytes(HEADS), publicKey: signer.publicKey }
  t.same(verifyLog(copy), { ok: true, entries: 5, signed: 3, unsigned: 2, head, findings: [] })
  t.match(disk.bytes(PUBLIC_KEY).toString(), /^-----BEGIN PUBLIC KEY-----\n/)

  const again = await openAuditLog({ files: disk.open(), signer })
  t.same([again.size, again.heads(), await listOf(again)], [5, [head], all])
  await again.append(eventsOf(5, 1), START + 3 * SECOND, true)
  t.same(
    (await listOf(again)).map(({ seq }) => seq),
    [1, 2, 3, 4, 5, 6],
  )
})

t.test('salts are random: equal entries have unequal leaves', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  await log.append(new Array<AuditEvent>(50).fill(eventOf(1)), START, true)
  const salts = [
    ...disk
      .bytes(ENTRIES)
      .toString()
      .matchAll(/"salt":"([^"]+)"/g),
  ].map((match) => match[1])
  t.equal(new Set(salts).size, 50)
})

t.test('calls at once keep their order, share writes, and each gets its own entries', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  await log.append(eventsOf(0, 1), START, true)
  const before = disk.writes
  const calls = Array.from({ length: 500 }, (_none, at) =>
    log.append(eventsOf(2 * at, 2), START + at * SECOND, true),
  )
  const results = await Promise.all(calls)
  t.same(
    results.flat().map(({ seq }) => seq),
    Array.from({ length: 1_000 }, (_none, at) => at + 2),
  )
  t.ok(disk.writes - before <= 2, `${String(disk.writes - before)} writes`)
  const [, head] = await Promise.all([
    log.append(eventsOf(0, 1), START + 500 * SECOND, false),
    log.sign(START + 500 * SECOND),
  ])
  t.equal(head.size, 1_002, 'a head covers what was asked for before it')
})

t.test('an event that is not of the list, and a time that falls, are refused, alone', async (t) => {
  const log = await openAuditLog({ files: new VolatileFiles().open(), signer })
  const alice = { ...eventOf(0), actor: 'Alice Example' }
  t.equal(await codeOf(log.append([eventOf(0), alice], START, true)), 'ERR_AUDIT_ENTRY')
  const results = await Promise.all([
    codeOf(log.append(eventsOf(0, 1), START + SECOND, true)),
    codeOf(log.append(eventsOf(1, 1), START, true)),
    codeOf(log.append(eventsOf(2, 1), START + SECOND, true)),
    codeOf(log.sign(START)),
    codeOf(log.sign(START + 2 * SECOND)),
    codeOf(log.sign(START + SECOND)),
  ])
  t.same(results, ['ok', 'ERR_AUDIT_CLOCK', 'ok', 'ERR_AUDIT_CLOCK', 'ok', 'ERR_AUDIT_CLOCK'])
  t.same(
    (await listOf(log)).map(({ seq, action }) => [seq, action]),
    [
      [1, eventOf(0).action],
      [2, eventOf(2).action],
    ],
  )
})

t.test('what is asked for in vain is refused by name', async (t) => {
  const log = await openAuditLog({ files: new VolatileFiles().open(), signer })
  await log.append(eventsOf(0, 3), START, true)
  for (const [seq, size] of [
    [0, 3],
    [4, 3],
    [1, 4],
    [1.5, 3],
    [1, 0],
    [Number.NaN, 3],
  ] as const) {
    t.equal(await codeOf(log.inclusionProof(seq, size)), 'ERR_AUDIT_RANGE')
  }
  for (const [from, to] of [
    [0, 3],
    [2, 1],
    [1, 4],
    [1, 2.5],
  ] as const) {
    t.equal(await codeOf(log.consistencyProof(from, to)), 'ERR_AUDIT_RANGE')
  }
  t.equal(await codeOf(listOf(log, 0)), 'ERR_AUDIT_RANGE')
})

t.test('proofs of every entry and between all heads hold, over several blocks', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  const heads: SignedHead[] = []
  const total = 2 * BLOCK + 30
  for (const size of [1, 2, 7, BLOCK, BLOCK + 1, total]) {
    await log.append(eventsOf(log.size, size - log.size), START, false)
    heads.push(await log.sign(START))
  }
  const opened = await openAuditLog({ files: disk.open(), signer })
  for (const to of heads) {
    for (const seq of new Set([1, Math.ceil(to.size / 2), to.size])) {
      const proof = await opened.inclusionProof(seq, to.size)
      t.ok(verifyInclusion(proof, to, signer.publicKey), `entry ${String(seq)} of ${String(to.size)}`)
      t.same(proof, await log.inclusionProof(seq, to.size))
    }
    for (const from of heads.filter(({ size }) => size <= to.size)) {
      const proof = await opened.consistencyProof(from.size, to.size)
      t.ok(verifyConsistency(proof, from, to, signer.publicKey), `${String(from.size)} in ${String(to.size)}`)
    }
  }
  t.same(
    (await listOf(opened, BLOCK)).map(({ seq }) => seq),
    Array.from({ length: total - BLOCK + 1 }, (_none, at) => at + BLOCK),
  )
})

t.test('too much that waits is refused before it fills the memory', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  const calls = Array.from({ length: 10_050 }, () => codeOf(log.append(eventsOf(1, 1), START, false)))
  const results = await Promise.all(calls)
  t.same(results.filter((code) => code !== 'ok').length, 50)
  t.equal(results.at(-1), 'ERR_AUDIT_WRITE')
  t.equal(log.size, 10_000)
})
