import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { canonicalJson } from './canonical-json.js'
import { AUDIT_ACTIONS, type AuditDeed } from './actions.js'
import { bytesOf, headBytes, newSigner, writeLog } from './testing/sample-log.js'
import { logId, type SignedHead, signHead } from './signed-head.js'
import { type LogCopy, type Verification, verifyLog } from './verify-log.js'

const isFull = process.env['TACIT_TEST_FULL'] === '1'
const SIZE = 40
const signer = newSigner()
const { publicKey } = signer
const { lines, heads } = writeLog(SIZE, [10, 25, SIZE], signer)
const whole = bytesOf(lines)

const verify = (entries: LogCopy['entries'], copy: Partial<LogCopy> = {}): Verification =>
  verifyLog({ entries, heads: headBytes(heads), publicKey, ...copy })

/** Codes that were found, each once. */
const codes = ({ ok, findings }: Verification): string[] => {
  if (ok !== (findings.length === 0)) throw new Error('ok says whether nothing was found')
  return [...new Set(findings.map(({ code }) => code))]
}

const changed = <T>(list: readonly T[], at: number, change: (item: T) => T): T[] =>
  list.map((item, here) => (here === at ? change(item) : item))

t.test(
  'a log as it was written has nothing to find, with its heads or with those kept elsewhere',
  async (t) => {
    t.same(verify(whole), {
      ok: true,
      entries: SIZE,
      signed: SIZE,
      unsigned: 0,
      head: heads[2],
      findings: [],
    })
    t.same(verifyLog({ entries: whole, publicKey, earlierHeads: heads.slice(0, 1) }), {
      ok: true,
      entries: SIZE,
      signed: 10,
      unsigned: SIZE - 10,
      head: heads[0],
      findings: [],
    })
  },
)

t.test('an empty log proves nothing, and is found, whoever signed that it is empty', async (t) => {
  t.match(verifyLog({ entries: Buffer.alloc(0), publicKey }), {
    ok: false,
    entries: 0,
    head: null,
    findings: [{ code: 'empty' }],
  })
  const root = createHash('sha256').digest('hex')
  const time = '2026-08-05T00:00:00Z'
  const nothing = signHead({ v: 1, log: logId(publicKey), size: 0, root, time }, signer)
  t.same(codes(verifyLog({ entries: [], publicKey, earlierHeads: [nothing] })), ['empty'])
})

t.test('a forged entry after the newest head is told apart from those that are proven', async (t) => {
  const forged = writeLog(SIZE + 1, [SIZE], signer)
  const found = verifyLog({ entries: bytesOf(forged.lines), heads: headBytes(forged.heads), publicKey })
  t.match(found, { ok: true, entries: SIZE + 1, signed: SIZE, unsigned: 1 })
})

t.test('entries after the newest head are found where they are of more than two hours', async (t) => {
  const long = writeLog(40 + 7_202, [40], signer)
  const of = (size: number): Partial<LogCopy> => ({
    entries: bytesOf(long.lines.slice(0, size)),
    heads: headBytes(long.heads),
  })
  t.same(codes(verify([], of(40 + 7_201))), [], 'to the second')
  t.match(verify([], of(40 + 7_202)), {
    ok: false,
    signed: 40,
    unsigned: 7_202,
    findings: [
      {
        code: 'unsigned',
        seq: 41,
        text: /^Entries 41 to 7242, written over 2 hours, are covered by no head/,
      },
    ],
  })
  // A log that was written anew under a head of nothing, the first that there was.
  const root = createHash('sha256').digest('hex')
  const nothing = signHead(
    { v: 1, log: logId(publicKey), size: 0, root, time: '2026-08-05T00:00:00Z' },
    signer,
  )
  t.same(codes(verify(whole, { heads: headBytes([nothing]) })), ['unsigned'])
})

t.test('the chunks in which it comes do not matter', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), (size) => {
      function* chunks(): Generator<Buffer> {
        for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size)
      }
      return verify(chunks()).ok
    }),
    { seed: 1, numRuns: 50 },
  )
  t.pass('50 sizes')
})

t.test('any one flipped bit of the entries is found, and the place of it is narrowed down', async (t) => {
  const short = writeLog(6, [6], signer)
  const bytes = bytesOf(short.lines)
  let missed = 0
  for (let place = 0; place < bytes.length; place += 1) {
    for (const bit of isFull ? [0, 1, 2, 3, 4, 5, 6, 7] : [place % 8]) {
      const copy = Buffer.from(bytes)
      copy[place] = (copy[place] ?? 0) ^ (1 << bit)
      if (verifyLog({ entries: copy, publicKey, earlierHeads: short.heads }).ok) missed += 1
    }
  }
  t.equal(missed, 0)
  t.ok(verifyLog({ entries: bytes, publicKey, earlierHeads: short.heads }).ok, 'and none flipped is not')
  const at = whole.indexOf('"salt":"', whole.indexOf('"seq":17,')) + 10
  const copy = Buffer.from(whole)
  copy[at] = 0x78
  const found = verify(copy, { earlierHeads: [heads[1]], headNames: ['monday.json'] }).findings
  t.equal(found.length, 1, 'said once, by the narrowest range')
  t.match(found, [
    {
      code: 'root',
      seq: 25,
      text: /^Something between entry 11 and entry 25 was changed: the head of 2026-\S+Z \(monday\.json\) .*, and so 1 later head\.$/,
    },
  ])
})

t.test(
  'entries that a failing head covers are not called unsigned, and no heads at all are said',
  async (t) => {
    const copy = Buffer.from(whole)
    const at = whole.indexOf('"salt":"') + 10
    copy[at] = (copy[at] ?? 0) === 0x78 ? 0x79 : 0x78
    t.match(verify(copy), { head: null, findings: [{ code: 'root', text: /, and so 2 later heads\.$/ }] })
    t.same(codes(verify(copy)), ['root'])
    t.match(verifyLog({ entries: whole, publicKey }).findings, [
      { code: 'unsigned', text: /^The copy has no heads \(heads\.ndjson is not there\)/ },
    ])
    t.same(codes(verifyLog({ entries: whole, publicKey, earlierHeads: heads.slice(2) })), [])
  },
)

t.test(
  'a dropped tail is found against a head that was kept, even where the log forgot its heads too',
  async (t) => {
    const kept = { earlierHeads: heads.slice(1, 2), heads: headBytes(heads.slice(0, 1)) }
    const found = verify(bytesOf(lines.slice(0, 12)), kept)
    t.same(codes(found), ['dropped_tail'])
    t.match(found, {
      entries: 12,
      head: heads[0],
      findings: [{ seq: 25, text: /covers 25 entries, and only 12/ }],
    })
    t.same(
      codes(verify(bytesOf(lines.slice(0, 12)), { heads: kept.heads })),
      [],
      'which is why heads are to be kept',
    )
    t.same(codes(verify(Buffer.alloc(0), kept)), ['dropped_tail'])
    t.same(codes(verify(whole.subarray(0, -1))), ['unfinished', 'dropped_tail'])
  },
)

t.test('a reordered pair is found, also with numbers put right', async (t) => {
  const swapped = lines.toSpliced(20, 2, lines[21] as string, lines[20] as string)
  t.same(codes(verify(bytesOf(swapped))), ['sequence', 'time', 'root'])
  const renumbered = swapped.map((line, at) =>
    line.replace(
      /"seq":\d+,"time":"[^"]+"/,
      () => /"seq":\d+,"time":"[^"]+"/.exec(lines[at] as string)?.[0] ?? '',
    ),
  )
  t.same(codes(verify(bytesOf(renumbered))), ['root'])
})

t.test('a gap and a doubled entry are found, and so is a line that is none', async (t) => {
  t.same(codes(verify(bytesOf(lines.toSpliced(30, 1)))), ['sequence', 'dropped_tail'])
  t.same(codes(verify(bytesOf(lines.toSpliced(30, 0, lines[29] as string)))), ['sequence', 'root'])
  const broken = changed(lines, 30, (line) => line.replace('{"entry"', '{ "entry"'))
  t.match(verify(bytesOf(broken)).findings, [
    { code: 'line', seq: 31 },
    { code: 'root', seq: SIZE },
  ])
  t.same(codes(verify(bytesOf([...lines, '\n']))), ['line'])
  t.same(codes(verify(bytesOf([...lines, `${'x'.repeat(100_000)}\n`]))), ['line'])
})

t.test(
  'a rewritten entry is found against an earlier head, though the key signed the new hashes',
  async (t) => {
    const deed: AuditDeed = {
      action: 'key.destroyed',
      object: { at: '2026-08-05T00:00:00Z', key: 'day:2026-08-05', reconciled: 'yes', why: 'schedule' },
    }
    const rewritten = writeLog(SIZE, [10, 25, SIZE], signer, (event, seq) =>
      seq === 12 ? { ...event, ...deed } : event,
    )
    const copy = { entries: bytesOf(rewritten.lines), heads: headBytes(rewritten.heads), publicKey }
    t.same(codes(verifyLog(copy)), [], 'on its own it is a log like any other')
    t.same(codes(verifyLog({ ...copy, earlierHeads: [heads[0]] })), [], 'of before it')
    t.match(verifyLog({ ...copy, earlierHeads: [heads[1]] }), {
      ok: false,
      head: rewritten.heads[2],
      findings: [{ code: 'root', seq: 25, text: /though another head agrees/ }],
    })
  },
)

t.test('forged heads and those of another key are found, wherever they are from', async (t) => {
  const [, , newest] = heads as [SignedHead, SignedHead, SignedHead]
  const forgeries: [string, unknown][] = [
    ['head_signature', { ...newest, size: 41 }],
    ['head_signature', { ...newest, root: 'ab'.repeat(32) }],
    ['head_signature', { ...newest, time: '2026-08-06T00:00:00Z' }],
    ['head_key', signHead({ ...newest, log: logId(newSigner().publicKey) }, signer)],
    ['head_signature', signHead(newest, newSigner())],
    ['head', { ...newest, note: '' }],
    ['head', { ...newest, v: 2 }],
    ['head', { ...newest, size: -1 }],
    ['head', { ...newest, signature: newest.signature.slice(1) }],
    ['head', null],
  ]
  for (const [code, head] of forgeries) {
    t.same(codes(verify(whole, { earlierHeads: [head] })), [code])
    const file = Buffer.concat([headBytes(heads), Buffer.from(`${canonicalJson(head)}\n`)])
    t.same(codes(verify(whole, { heads: file })), [code])
  }
  const strange = verify(whole, { publicKey: newSigner().publicKey, earlierHeads: heads }).findings
  t.match(strange, [{ code: 'head_key', text: /^This key is of another log \(the sample/ }])
  t.equal(strange.length, 1, 'one line for all heads')
})

t.test('the log’s own heads are lines of one form, and never cover less than before', async (t) => {
  const text = headBytes(heads).toString()
  t.same(codes(verify(whole, { heads: Buffer.from(text.replace('{"log"', '{ "log"')) })), ['head'])
  t.same(codes(verify(whole, { heads: Buffer.from(text.slice(0, -1)) })), ['unfinished'])
  t.same(codes(verify(whole, { heads: headBytes([heads[1], heads[0]] as SignedHead[]) })), [
    'head_order',
    'time',
  ])
  const early = signHead({ ...(heads[2] as SignedHead), time: '2026-08-05T00:00:00Z' }, signer)
  t.same(codes(verify(whole, { heads: headBytes([early]) })), ['time'])
})

t.test('entries that no head covers prove nothing, and an action that is none is named', async (t) => {
  t.same(codes(verifyLog({ entries: whole, publicKey })), ['unsigned'])
  const unknown = { action: 'key.copied', object: { key: 'day:2026-08-05' } } as unknown as AuditDeed
  const strange = writeLog(SIZE, [SIZE], signer, (event, seq) =>
    seq === 7 ? { ...event, ...unknown } : event,
  )
  const found = verifyLog({ entries: bytesOf(strange.lines), heads: headBytes(strange.heads), publicKey })
  t.match(found, { ok: false, head: strange.heads[0], findings: [{ code: 'action', seq: 7 }] })
  t.notOk(AUDIT_ACTIONS.some((action) => String(action) === 'key.copied'))
})

t.test('however much is wrong, the list of it stays short, and carries nothing of the entries', async (t) => {
  const { findings } = verify(Buffer.from('alice@example.in\n'.repeat(5_000)))
  t.equal(findings.length, 101)
  t.match(findings.at(-1), { code: 'more' })
  t.notMatch(JSON.stringify(findings), /alice/)
})

const PYTHON = `
import hashlib, json, sys, base64
h = lambda b: hashlib.sha256(b).digest()
def mth(d):
    if len(d) == 0: return h(b'')
    if len(d) == 1: return d[0]
    k = 1
    while k * 2 < len(d): k *= 2
    return h(b'\\x01' + mth(d[:k]) + mth(d[k:]))
leaves = []
for line in sys.stdin:
    v = json.loads(line)
    entry = json.dumps(v['entry'], sort_keys=True, separators=(',', ':')).encode()
    leaves.append(h(b'\\x00' + base64.urlsafe_b64decode(v['salt'] + '==') + entry))
print(json.dumps([mth(leaves[:n]).hex() for n in json.loads(sys.argv[1])]))
`

function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import hashlib'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

t.test(
  'a second library computes the same roots',
  { skip: hasPython() ? false : 'python3 is not installed' },
  async (t) => {
    const sizes = JSON.stringify(heads.map(({ size }) => size))
    const answer = execFileSync('python3', ['-c', PYTHON, sizes], { input: whole, encoding: 'utf8' })
    t.same(
      JSON.parse(answer),
      heads.map(({ root }) => root),
    )
  },
)
