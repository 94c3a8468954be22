import { createHash } from 'node:crypto'
import t from 'tap'
import { AUDIT_ACTIONS, type Manifest, manifestGroups } from './actions.js'
import {
  type AuditEvent,
  entryOf,
  entryOfLine,
  isAuditEvent,
  leafHash,
  leafOfLine,
  MAX_ENTRY_BYTES,
  MAX_LINE_BYTES,
  readEntryLine,
  writeEntryLine,
} from './entry-line.js'
import { canonicalJson } from './canonical-json.js'
import { DEEDS, eventOf, START } from './testing/sample-log.js'

const SALT = 'AAECAwQFBgcICQoLDA0ODw'
const HASH = 'cd'.repeat(32)
const lineOf = (event: AuditEvent, seq = 7): string =>
  writeEntryLine(entryOf(event, seq, START), SALT).slice(0, -1)
const asEvent = (action: string, object: unknown, actor = 'keeper'): AuditEvent =>
  ({ action, object, actor, rulebook: null }) as unknown as AuditEvent

t.test('version 1 is these very bytes, for good', async (t) => {
  const line =
    '{"entry":{"action":"key.destroyed","actor":"keeper","object":{"at":"2026-08-05T00:00:00Z","key":"day:2026-08-05","reconciled":"yes",' +
    `"why":"schedule"},"rulebook":"${HASH}","seq":7,"time":"2026-08-05T00:00:00Z"},"salt":"${SALT}"}`
  const object = {
    at: '2026-08-05T00:00:00Z',
    key: 'day:2026-08-05',
    why: 'schedule',
    reconciled: 'yes',
  } as const
  const event: AuditEvent = { actor: 'keeper', rulebook: HASH, action: 'key.destroyed', object }
  t.equal(lineOf(event), line)
  t.same(readEntryLine(line), { seq: 7, time: '2026-08-05T00:00:00Z', salt: SALT, isKnown: true })
  const entry = entryOfLine(line)
  t.same(entry, { ...event, seq: 7, time: '2026-08-05T00:00:00Z' })
  const leaf = createHash('sha256')
    .update(Buffer.concat([Buffer.of(0), Buffer.from(SALT, 'base64url')]))
    .update(canonicalJson(entry))
    .digest('hex')
  const target = Buffer.alloc(32)
  leafOfLine(Buffer.from(`xx${line}\n`), 2, 2 + line.length, SALT, target)
  t.equal(target.toString('hex'), leaf)
  t.equal(leafHash(canonicalJson(entry), SALT).toString('hex'), leaf)
})

t.test('every action can be written and read', async (t) => {
  t.same(DEEDS.map(({ action }) => action).sort(), [...AUDIT_ACTIONS].sort())
  DEEDS.forEach((deed, at) => {
    const event = eventOf(at)
    t.ok(isAuditEvent(event), deed.action)
    t.match(readEntryLine(lineOf(event)), { seq: 7, isKnown: true }, deed.action)
  })
})

t.test('an object with a member too many, too few, or of another form is no entry', async (t) => {
  for (const { action, object } of DEEDS) {
    const names = Object.keys(object)
    const variants: object[] = [
      { ...object, note: 'x' },
      { ...object, rows: 12 },
      ...names.map((name) => Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))),
      ...names.flatMap((name) => [
        { ...object, [name]: 'Alice <alice@example.in>' },
        { ...object, [name]: 1.5 },
      ]),
    ]
    for (const variant of variants) {
      const event = asEvent(action, variant)
      t.notOk(isAuditEvent(event), `${action} ${JSON.stringify(variant)}`)
      t.match(readEntryLine(lineOf(event)), { isKnown: false })
    }
  }
})

t.test('what is no value, no word or no hash is refused before it is written', async (t) => {
  const object = { at: '2026-08-05T00:00:00Z', key: 'day:2026-08-05' }
  t.ok(isAuditEvent(asEvent('key.closed', object)))
  for (const event of [
    asEvent('key.closed', null),
    asEvent('key.closed', [object]),
    asEvent('key.closed', { ...object, key: undefined }),
    asEvent('key.closed', { ...object, key: 'day:2026-08-05\n' }),
    asEvent('key.closed', { ...object, key: 'tenant:acme' }),
    asEvent('key.opened', object),
    asEvent('constructor', object),
    asEvent('key.closed', object, 'Alice Example'),
    asEvent('key.closed', object, 'alice@example.in'),
    { ...asEvent('key.closed', object), rulebook: 'v1' },
  ]) {
    t.notOk(isAuditEvent(event), JSON.stringify(event))
  }
})

t.test('a line in any other form than its own is none', async (t) => {
  // A deed with a label of a day, and with no other time than the entry's own.
  const line = lineOf(eventOf(DEEDS.findIndex(({ action }) => action === 'retention.dropped')))
  const others = [
    ` ${line}`,
    `${line} `,
    line.replace('"seq":7', '"seq":07'),
    line.replace('"seq":7', '"seq":7.0'),
    line.replace('"seq":7', '"seq":0'),
    line.replace('"seq":7,', '"seq":7,"seq":7,'),
    line.replace('{"entry":{', '{"entry":{ '),
    line.replace('"day"', '"d\\u0061y"'),
    line.replace('T00:00:00Z', 'T24:00:00Z'),
    line.replace('T00:00:00Z', 'T00:00:00.5Z'),
    line.replace('T00:00:00Z', 'T00:00:00+00:00'),
    line.replace('-05T00', '-32T00'),
    line.replace('2026-08-05T', '2026-02-30T'),
    line.replace(SALT, `${SALT.slice(0, -1)}x`),
    line.replace(SALT, SALT.slice(1)),
    line.replace('"actor":"keeper",', ''),
    line.replace('"actor":"keeper"', '"actor":"kéeper"'),
    '',
    '{}',
    '[]',
  ]
  for (const other of others) {
    t.not(other, line)
    t.equal(readEntryLine(other), null, other)
  }
})

t.test('an entry of a version to come is read as one, if it is canonical', async (t) => {
  const later = lineOf(asEvent('key.moved', { a: [1, { b: null }], to: 'x' }))
  t.match(readEntryLine(later), { seq: 7, isKnown: false })
  t.equal(readEntryLine(later.replace('"b":null', '"b": null')), null)
  t.equal(readEntryLine(later.replace('"a":[1,{"b":null}],"to":"x"', '"to":"x","a":[1,{"b":null}]')), null)
})

t.test('the manifests of a window of any size fit into entries, each once and in order', async (t) => {
  const name = 'x'.repeat(48)
  const long: Manifest[] = Array.from({ length: 7 }, (_none, at) => ({
    hash: HASH,
    id: `${name}/${name}/month${String(at)}/2026-08-05T00:00:00Z`,
  }))
  const short = long.map(({ hash }, at) => ({ hash, id: `erp/s${String(at)}/day/2026-08-05T00:00:00Z` }))
  for (const manifests of [[], long.slice(0, 1), long, short, [...short, ...long, ...short]]) {
    const groups = manifestGroups(manifests)
    t.same(groups.flat(), manifests)
    for (const group of groups) {
      const object = {
        epoch: 'hour:2026-08-05T10',
        manifests: group,
        reconciled: 'yes',
        stream: 'month',
        window: `${'w'.repeat(16)}:2026-08-05T10:00:00Z`,
      }
      const event = { ...asEvent('release.committed', object, 'a'.repeat(32)), rulebook: HASH }
      t.ok(isAuditEvent(event))
      t.ok(lineOf(event, Number.MAX_SAFE_INTEGER).length < MAX_LINE_BYTES)
    }
  }
  const all = { epoch: 'day:2026-08-05', manifests: long, reconciled: 'yes', stream: 'day', window: 'day' }
  t.notOk(isAuditEvent(asEvent('release.committed', all)), `more than ${String(MAX_ENTRY_BYTES)} bytes`)
})
