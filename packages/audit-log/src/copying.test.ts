/** What who copies a log as it grows may rely on. */
import fc from 'fast-check'
import t from 'tap'
import { entriesOfLines } from './entry-line.js'
import { ENTRIES, HEADS } from './files.js'
import { openAuditLog } from './opening.js'
import { eventOf, newSigner, SECOND, START } from './testing/sample-log.js'
import { VolatileFiles } from './testing/volatile-files.js'

const signer = newSigner()

t.test(
  'what is said to be synced survives every loss of power, byte for byte, and what fails later',
  async (t) => {
    let promised = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('append', 'append durably', 'sign', 'sync'), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.nat(80),
        fc.constantFrom('power' as const, 'error' as const),
        fc.array(fc.nat(100), { minLength: 1, maxLength: 12 }),
        async (steps, at, kind, numbers) => {
          const disk = new VolatileFiles()
          let copy: { entries: Buffer; heads: Buffer } = { entries: Buffer.alloc(0), heads: Buffer.alloc(0) }
          try {
            const log = await openAuditLog({ files: disk.open({ at, kind }), signer })
            for (const [index, step] of steps.entries()) {
              const time = START + index * SECOND
              try {
                if (step === 'sign') await log.sign(time)
                else if (step === 'sync') {
                  const { entries, heads } = await log.synced()
                  copy = {
                    entries: disk.bytes(ENTRIES).subarray(0, entries),
                    heads: disk.bytes(HEADS).subarray(0, heads),
                  }
                  promised += entries
                } else await log.append([eventOf(index)], time, step === 'append durably')
              } catch {}
            }
          } catch {}
          let index = 0
          disk.losePower((n) => (numbers[index++ % numbers.length] ?? 0) % n)
          const again = await openAuditLog({ files: disk.open(), signer })
          await again.append([eventOf(99)], START + 100 * SECOND, true)
          return (
            disk.bytes(ENTRIES).subarray(0, copy.entries.length).equals(copy.entries) &&
            disk.bytes(HEADS).subarray(0, copy.heads.length).equals(copy.heads)
          )
        },
      ),
      { numRuns: 500, seed: 20_261_206 },
    )
    t.ok(promised > 10_000, String(promised))
  },
)

t.test('copied lines are the next entries, or refused', async (t) => {
  const disk = new VolatileFiles()
  const log = await openAuditLog({ files: disk.open(), signer })
  const entries = await log.append([eventOf(0), eventOf(1), eventOf(2)], START, true)
  const bytes = disk.bytes(ENTRIES)
  const second = bytes.indexOf('\n') + 1
  t.same(entriesOfLines(bytes, 0), entries)
  t.same(entriesOfLines(bytes.subarray(second), 1), entries.slice(1))
  t.same(entriesOfLines(Buffer.alloc(0), 7), [])
  for (const [lines, after] of [
    [bytes, 1],
    [bytes.subarray(second), 0],
    [bytes.subarray(0, bytes.length - 1), 0],
    [Buffer.from('{}\n'), 0],
    [Buffer.from(bytes.toString().replace('key.created', 'key.unheard')), 0],
  ] as const)
    t.throws(() => entriesOfLines(lines, after), { code: 'ERR_AUDIT_DAMAGED' })
})
