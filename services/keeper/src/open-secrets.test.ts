/** A directory whose secrets are wrapped by another store than a master key file, as an adapter for a KMS would be. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { isErrorCode } from './key-files.js'
import { openSecrets, type Secrets } from './open-secrets.js'
import { picker } from './testing/crash-lives.js'
import { type Failure, VolatileDisk } from './testing/volatile-disk.js'
import { NONCE_BYTES, unwrapSecret, wrapSecret } from './wrapping.js'
import type { WrappingKeys } from './wrapping-keys.js'

const ROOT = 'day-2026-08-05.root'

/** Wrapping keys that outlive every start. */
function storeOf(id: string): WrappingKeys {
  const keys = new Map<string, Buffer>()
  return {
    id,
    async create() {
      const ref = String(keys.size)
      keys.set(ref, randomBytes(32))
      return ref
    },
    wrap: async (ref, secret, context) =>
      wrapSecret(keys.get(ref) ?? Buffer.alloc(0), randomBytes(NONCE_BYTES), secret, context),
    async unwrap(ref, wrapped, context) {
      const key = keys.get(ref)
      return key === undefined ? null : unwrapSecret(key, wrapped, context)
    },
    async destroy(ref) {
      keys.delete(ref)
    },
    close() {},
  }
}

const start = (disk: VolatileDisk, keys: WrappingKeys, failure?: Failure): Promise<Secrets> =>
  openSecrets(disk.open(failure)('keys'), { keys })

/** Two starts, of which one dies at a step of its own, or none. @returns the secret that the first made, if it came to that */
async function twoStarts(
  disk: VolatileDisk,
  keys: WrappingKeys,
  dying: { readonly start: number; readonly at: number },
): Promise<{ readonly made: Buffer | null; readonly died: boolean }> {
  let made: Buffer | null = null
  for (const number of [0, 1]) {
    try {
      const failure: Failure | undefined =
        number === dying.start ? { at: dying.at, kind: 'power' } : undefined
      const { files } = await start(disk, keys, failure)
      if (number === 0) made = await files.create(ROOT)
    } catch (error) {
      if (!isErrorCode(error, 'EIO')) throw error
      return { made, died: true }
    }
  }
  return { made, died: false }
}

t.test(
  'a start that dies anywhere leaves secrets that open with the same store of wrapping keys',
  async (t) => {
    const losses: [string, (disk: VolatileDisk) => void][] = [['the process dies alone', () => {}]]
    for (const numbers of [[0], [1], [0, 1], [1, 0], [1, 2, 0]])
      losses.push([`with its power, by chance ${String(numbers)}`, (disk) => disk.losePower(picker(numbers))])
    for (const [loss, lose] of losses) {
      let deaths = 0
      for (const which of [0, 1]) {
        for (let at = 0; ; at++) {
          const disk = new VolatileDisk()
          const keys = storeOf('kms/one')
          const { made, died } = await twoStarts(disk, keys, { start: which, at })
          if (!died) break
          deaths += 1
          lose(disk)
          const { files } = await start(disk, keys)
          if (made !== null) t.same(await files.read(ROOT), made, `${loss}, start ${which}, step ${at}`)
          else t.ok(await files.create(ROOT), `${loss}, start ${which}, step ${at}`)
        }
      }
      t.ok(deaths > 10, `${String(deaths)} died, ${loss}`)
    }
  },
)

t.test(
  'another store than the one that wrapped the secrets is refused; before the first secret it is not',
  async (t) => {
    const disk = new VolatileDisk()
    const one = storeOf('kms/one')
    await start(disk, storeOf('kms/two'))
    const { files } = await start(disk, one)
    const made = await files.create(ROOT)
    await t.rejects(start(disk, storeOf('kms/two')), { code: 'ERR_KEY_MASTER' })
    t.same(await (await start(disk, one)).files.read(ROOT), made)
  },
)
