/** What stays of a key in the memory of a process, by the way it was handled: the rules of docs/keys-memory.md. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { formsOfSecret } from '../support/leaks/forms.js'
import { scanMemory, WITHOUT_MEMORY_SCAN } from '../support/memory.js'
import type { Told } from '../support/secret-handling.js'

const PROGRAM = fileURLToPath(new URL('../support/secret-handling.js', import.meta.url))

// The runner has a limit for the file.
t.setTimeout(0)

const LEAVE_NOTHING = [
  'createHmac, the key as message',
  'createHmac, the key as key',
  'createHash',
  'crypto.hash',
  'AES-GCM, the key as key',
  'AES-GCM, the key as key, refused',
  'AES-GCM, the key wrapped',
  'a pad of createHmac, wrapped and unwrapped',
  'createHmac, the key as digest',
  'writeSync and readSync',
  'readFileSync',
  'secretBuffer, set and moved about',
  'createPseudonymizer',
  'derivePseudonymKey, the epoch’s root',
  'derivePseudonymKey, the tenant’s root',
  'derivePseudonymKey, the key that it makes',
  'batchKey, the hour’s key',
  'batchKey, the key that it makes',
  'wrapSecret, the wrapping key',
  'wrapSecret',
  'unwrapSecret, the wrapping key',
  'unwrapSecret',
]
/** The other way round they are the controls: were nothing found here, the scan would see nothing anywhere. */
const LEAVE_COPIES = [
  'hkdfSync',
  'createSecretKey',
  'createHash, the key as digest',
  'AES-GCM without final',
  'AES-GCM, Buffer.concat of update and final',
  'toString, hexadecimal',
  'allocUnsafeSlow(32), collected before it is zeroed',
  'not zeroed',
]

type Found = Record<Told['stage'], number>

/** Copies of the key at each stage, in any form. */
async function copiesOf(name: string): Promise<Found> {
  const child = fork(PROGRAM, [name], { execArgv: ['--expose-gc'] })
  const found: Found = { held: 0, zeroed: 0, collected: 0 }
  child.on('message', ({ masked, mask, stage }: Told) => {
    const secret = Buffer.from(masked.map((byte, index) => byte ^ (mask[index] ?? 0)))
    const { hits, unread } = scanMemory(child.pid ?? 0, formsOfSecret('the key', secret))
    // Each form is looked for by its halves.
    found[stage] = hits.reduce((total, { copies }) => total + copies, 0) / 2
    if (unread.length > 0) found[stage] = Number.NaN
    child.send('go on')
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`the process ended with ${String(code)}`)
  return found
}

t.test(
  'handled with care, a key leaves no copy behind, and nothing has to be collected for that',
  { skip: WITHOUT_MEMORY_SCAN },
  async (t) => {
    for (const name of LEAVE_NOTHING) {
      const { collected, held, zeroed } = await copiesOf(name)
      t.ok(held >= 1, `control: it is seen while it is held: ${name}`)
      t.equal(zeroed, 0, name)
      t.equal(collected, 0, `${name}, collected`)
    }
  },
)

t.test('handled otherwise, copies stay that nobody can zero', { skip: WITHOUT_MEMORY_SCAN }, async (t) => {
  for (const name of LEAVE_COPIES) {
    const { collected, held, zeroed } = await copiesOf(name)
    t.comment(`${name}: held ${held}, zeroed ${zeroed}, collected ${collected}`)
    t.ok(zeroed >= 1, name)
  }
})
