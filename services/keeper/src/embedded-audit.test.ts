import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AUDIT_ACTIONS, type AuditEvent } from '@tacit/audit-log'
import fc from 'fast-check'
import t from 'tap'
import type { DatedAudit } from './dated-audit.js'
import { embeddedAudit } from './embedded-audit.js'
import { type KeyFiles, openKeyFiles } from './key-files.js'
import { VolatileDisk } from './testing/volatile-disk.js'

const LINES = Array.from({ length: 50 }, (_, at) => `${'x'.repeat((at * 7) % 40)}${String(at)}\n`)
const FILE = Buffer.from(LINES.join(''))

function serviceOf(files: KeyFiles) {
  return embeddedAudit({} as DatedAudit, files, 'PEM')
}

t.test('a read takes no more of the file into memory than was asked for', async (t) => {
  const parts: (number | undefined)[][] = []
  const disk = openKeyFiles(t.testdir())
  await disk.create('entries.ndjson', FILE)
  const files: KeyFiles = Object.create(disk, {
    read: {
      value: (name: string, from?: number, most?: number) => {
        parts.push([from, most])
        return disk.read(name, from, most)
      },
    },
  }) as KeyFiles
  const audit = serviceOf(files)
  t.ok((await audit.read('entries', 100, 200)).length <= 200)
  await audit.read('entries', 0, 1e9)
  t.same(parts, [
    [100, 200],
    [0, 4_194_304],
  ])
})

t.test('of keys and of takeovers nobody but the keeper can write', async (t) => {
  const said: AuditEvent[] = []
  const dated = { append: async (events: readonly AuditEvent[]) => said.push(...events) }
  const audit = embeddedAudit(dated as unknown as DatedAudit, new VolatileDisk().open()('audit'), 'PEM')
  const actions = AUDIT_ACTIONS.filter((action) => /^key|^keeper/.test(action))
  t.ok(actions.includes('keeper.takeover') && actions.includes('key.created'))
  for (const action of actions) {
    const event = { actor: 'aggregator/a', action, object: {}, rulebook: null } as AuditEvent
    await t.rejects(audit.record([event]), { code: 'ERR_AUDIT_ENTRY' }, action)
  }
  t.same(said, [])
})

t.test('a part of a file is the same bytes on a disk and on the disk of the tests', async (t) => {
  const dir = t.testdir()
  mkdirSync(join(dir, 'real'))
  writeFileSync(join(dir, 'real', 'entries.ndjson'), FILE)
  const real = openKeyFiles(join(dir, 'real'))
  const test = new VolatileDisk().open()('audit')
  await test.create('entries.ndjson', FILE)
  const most = FILE.length + 50
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: most }),
      fc.integer({ min: 0, max: most }),
      async (offset, length) => {
        const expected = FILE.subarray(offset, offset + length)
        for (const files of [real, test]) {
          t.ok((await files.read('entries.ndjson', offset, length))?.equals(expected))
        }
      },
    ),
  )
  t.equal(await real.read('heads.ndjson', 0, 10), null)
})

t.test('pages of whole lines make up the file, and an offset past its end is its end', async (t) => {
  const disk = openKeyFiles(t.testdir())
  await disk.create('entries.ndjson', FILE)
  const audit = serviceOf(disk)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 50, max: 700 }), async (max) => {
      const pages: Buffer[] = []
      for (let offset = 0; ; ) {
        const page = await audit.read('entries', offset, max)
        if (page.length === 0) break
        t.equal(page.at(-1), 0x0a)
        pages.push(page)
        offset += page.length
      }
      t.ok(Buffer.concat(pages).equals(FILE))
    }),
    { numRuns: 30 },
  )
  t.equal((await audit.read('entries', FILE.length + 1, 100)).length, 0)
  t.equal((await audit.read('heads', 0, 100)).length, 0, 'where there is no such file')
})
