import { TacitError } from '@tacit/contracts'
import t from 'tap'
import { type AuditLog } from './audit-log.js'
import type { AuditEntry } from './entry-line.js'
import { ENTRIES, HEADS, PUBLIC_KEY } from './files.js'
import { openAuditLog } from './opening.js'
import { bytesOf, eventOf, headBytes, newSigner, SECOND, START, writeLog } from './testing/sample-log.js'
import { VolatileFiles } from './testing/volatile-files.js'
import { verifyLog } from './verify-log.js'

const signer = newSigner()
const SIZE = 12
const { lines, heads } = writeLog(SIZE, [4, 10], signer)
const LATER = START + 100 * SECOND

function diskWith(entries: Buffer, headFile = headBytes(heads)): VolatileFiles {
  const disk = new VolatileFiles()
  disk.put(ENTRIES, entries)
  disk.put(HEADS, headFile)
  return disk
}

const open = (disk: VolatileFiles, key = signer): Promise<AuditLog> =>
  openAuditLog({ files: disk.open(), signer: key })

async function refusal(opening: Promise<AuditLog>): Promise<string> {
  return opening.then(
    () => 'opened',
    (error: unknown) => (error instanceof TacitError ? `${error.code} ${error.message}` : String(error)),
  )
}

t.test(
  'a damaged end of which nobody was told counts for nothing, and is cut by the next append',
  async (t) => {
    const ends = [
      '{"entry"',
      `${(lines[1] as string).slice(0, 60)}\n`,
      '\0\0\0\0',
      'x\ny\nz',
      'x'.repeat(9_000),
    ]
    for (const end of ends) {
      const disk = diskWith(bytesOf([...lines, end]), Buffer.concat([headBytes(heads), Buffer.from(end)]))
      const log = await open(disk)
      t.equal(log.size, SIZE)
      t.ok(log.cutTail, 'and it is said, for it may have been no crash')
      t.equal(disk.bytes(ENTRIES).length, bytesOf(lines).length + end.length, 'only reading changes nothing')
      await log.append([eventOf(1)], LATER, false)
      await log.sign(LATER)
      const found = verifyLog({
        entries: disk.bytes(ENTRIES),
        heads: disk.bytes(HEADS),
        publicKey: signer.publicKey,
        earlierHeads: heads,
      })
      t.match(found, { ok: true, entries: SIZE + 1, head: { size: SIZE + 1 } })
    }
  },
)

t.test(
  'a flipped bit in the last entry, which no head covers, is said; a whole log says nothing',
  async (t) => {
    t.notOk((await open(diskWith(bytesOf(lines)))).cutTail)
    t.notOk((await open(new VolatileFiles())).cutTail, 'nor a new one')
    const flipped = bytesOf(lines)
    flipped[flipped.length - 40] = (flipped.at(-40) ?? 0) ^ 0x80
    const log = await open(diskWith(flipped))
    t.same([log.size, log.cutTail], [SIZE - 1, true])
    const halfHead = Buffer.concat([headBytes(heads), Buffer.from('{"log"')])
    t.ok((await open(diskWith(bytesOf(lines), halfHead))).cutTail)
  },
)

t.test('opening hands over every entry in its one pass, as a later reading would', async (t) => {
  const entries: AuditEntry[] = []
  const log = await openAuditLog({
    files: diskWith(bytesOf(lines)).open(),
    signer,
    onEntry: (entry) => entries.push(entry),
  })
  const read: AuditEntry[] = []
  for await (const entry of log.entries()) read.push(entry)
  t.equal(entries.length, SIZE)
  t.same(entries, read)
})

t.test('damage that is not of a crash refuses to open', async (t) => {
  const tampered: [string, Buffer, RegExp][] = [
    ['a bad line before a good one', bytesOf(lines.with(5, 'x\n')), /an entry before its end/],
    [
      'a bad line after the signed ones, before a good one',
      bytesOf(lines.with(10, '\n')),
      /an entry before its end/,
    ],
    ['a missing entry', bytesOf(lines.toSpliced(5, 1)), /missing or out of its order/],
    ['a missing first entry', bytesOf(lines.slice(1)), /missing or out of its order/],
    [
      'a time that falls',
      bytesOf(lines.with(11, (lines[11] as string).replace('T00:00:12Z', 'T00:00:01Z'))),
      /earlier/,
    ],
    ['fewer entries than were signed', bytesOf(lines.slice(0, 9)), /fewer entries/],
    ['no entries', Buffer.alloc(0), /fewer entries/],
    [
      'a damaged end that was signed',
      bytesOf([...lines.slice(0, 9), (lines[9] as string).slice(0, 30)]),
      /fewer/,
    ],
    [
      'another entry than was signed',
      bytesOf(lines.with(5, (lines[5] as string).replace('keeper', 'intruder'))),
      /other/,
    ],
    [
      'an entry of another version, which must not be cut as if it were damage',
      bytesOf(
        lines.with(
          11,
          (lines[11] as string)
            .replace('"boot"', '"reboot"')
            .replace(/"action":"[^"]+"/, '"action":"to.come"'),
        ),
      ),
      /another version/,
    ],
  ]
  for (const [what, entries, message] of tampered) {
    const text = await refusal(open(diskWith(entries)))
    t.match(text, /^ERR_AUDIT_DAMAGED /, what)
    t.match(text, message, what)
  }
  const gone = diskWith(bytesOf(lines))
  gone.remove(ENTRIES)
  t.match(await refusal(open(gone)), /^ERR_AUDIT_DAMAGED .*fewer entries/)
})

t.test('damaged heads refuse to open', async (t) => {
  const [first, second] = headBytes(heads).toString().trimEnd().split('\n') as [string, string]
  const tampered: [string, RegExp][] = [
    [`x\n${second}\n`, /a head before its end/],
    [`${second}\n${first}\n`, /a head covers less/],
    [`${first}\n${second.replace(/"root":"../, '"root":"00')}\n`, /not signed by its key/],
  ]
  for (const [text, message] of tampered) {
    const answer = await refusal(open(diskWith(bytesOf(lines), Buffer.from(text))))
    t.match(answer, /^ERR_AUDIT_DAMAGED /)
    t.match(answer, message)
  }
})

t.test('the log of another key is left alone, whatever of it is there', async (t) => {
  const other = newSigner()
  t.match(await refusal(open(diskWith(bytesOf(lines)), other)), /^ERR_AUDIT_KEY /)
  const young = new VolatileFiles()
  await open(young)
  t.match(await refusal(open(young, other)), /^ERR_AUDIT_KEY /)
  young.put(PUBLIC_KEY, young.bytes(PUBLIC_KEY).subarray(0, 40))
  await open(young)
  t.match(young.bytes(PUBLIC_KEY).toString(), /END PUBLIC KEY-----\n$/, 'half a key is of a crash')
})

t.test('files that cannot be read or made are said by name', async (t) => {
  const disk = new VolatileFiles()
  const texts = new Set<string>()
  for (let at = 0; at < 20; at += 1) {
    const files = new VolatileFiles().open({ at, kind: 'power' })
    texts.add((await refusal(openAuditLog({ files, signer }))).split(' ')[0] as string)
  }
  t.same([...texts].sort(), ['ERR_AUDIT_READ', 'ERR_AUDIT_WRITE', 'opened'])
  const log = await open(disk)
  await log.append([eventOf(1)], START, true)
  disk.put(ENTRIES, Buffer.alloc(0))
  const proof = log.inclusionProof(1, 1).then(
    () => 'ok',
    (error: unknown) => (error instanceof TacitError ? error.code : ''),
  )
  t.equal(await proof, 'ERR_AUDIT_READ')
})

t.test('a public key of which any part came to disk is written whole; another one is refused', async (t) => {
  const disk = diskWith(bytesOf(lines))
  await open(disk)
  const whole = disk.bytes(PUBLIC_KEY)
  for (let length = 0; length < whole.length; length += 1) {
    disk.put(PUBLIC_KEY, whole.subarray(0, length))
    await open(disk)
    t.ok(disk.bytes(PUBLIC_KEY).equals(whole), `of its first ${String(length)} bytes`)
  }
  const other = newSigner()
  disk.put(PUBLIC_KEY, Buffer.from(other.publicKey.export({ type: 'spki', format: 'pem' })))
  t.match(await refusal(open(disk)), /ERR_AUDIT_KEY/)
})
