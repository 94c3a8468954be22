/**
 * The roots of tenants and network sites, made at their first use.
 *
 * Invariants
 * - A file's name is HMAC-SHA256(naming key, LP(kind, id)), 32 hexadecimal digits: a directory listing names no customer,
 *   and a plain hash would give in to a list of customers. The naming key is random and stays in this directory.
 * - A root is used only once it is on disk, and is never replaced.
 * - At most `MAX_ROOTS` are in memory; what is pushed out is zeroed and read again when needed.
 * Recovery: half made files were never used and are made anew (root-file.ts).
 */
import { createHmac } from 'node:crypto'
import { lengthPrefixed, TacitError } from '@tacit/contracts'
import type { KeyScope } from '@tacit/keyring'
import type { KeyFiles } from './key-files.js'
import { adoptRoot, createRoot, type RandomFill, readDurableRoot } from './root-file.js'
import type { Serial } from './serial.js'

const NAMING_KEY = 'naming.key'
const MAX_ROOTS = 10_000

export class ScopeRoots {
  readonly #files: KeyFiles
  readonly #namingKey: Buffer
  readonly #randomFill: RandomFill
  readonly #serial: Serial
  /** by file name, oldest first */
  readonly #roots = new Map<string, Buffer>()
  #closed = false

  private constructor(files: KeyFiles, namingKey: Buffer, randomFill: RandomFill, serial: Serial) {
    this.#files = files
    this.#namingKey = namingKey
    this.#randomFill = randomFill
    this.#serial = serial
  }

  /** @throws TacitError ERR_KEY_STORE where the naming key is gone but roots are there, which would orphan them */
  static async open(files: KeyFiles, randomFill: RandomFill, serial: Serial): Promise<ScopeRoots> {
    const known = await adoptRoot(files, NAMING_KEY)
    if (known !== null) return new ScopeRoots(files, known, randomFill, serial)
    if ((await files.list()).some((name) => /^(?:tenant|site)-/.test(name))) {
      throw new TacitError(
        'ERR_KEY_STORE',
        'The naming key of tenants is gone: start with a new data directory',
      )
    }
    return new ScopeRoots(files, await createRoot(files, NAMING_KEY, randomFill), randomFill, serial)
  }

  /** Calls `use` synchronously with the scope's root (null for the tenants' own scope), making it if need be. */
  async withRoot<T>(scope: KeyScope, use: (root: Buffer | null) => T): Promise<T> {
    if (scope.of === 'tenants') return use(null)
    this.#assertOpen()
    const name = this.#nameOf(scope.of, scope.of === 'tenant' ? scope.tenant : scope.site)
    const held = this.#roots.get(name)
    if (held !== undefined) return use(held)
    return this.#serial(async () => {
      this.#assertOpen()
      return use(this.#roots.get(name) ?? (await this.#load(name)))
    })
  }

  async #load(name: string): Promise<Buffer> {
    const root =
      (await readDurableRoot(this.#files, name)) ?? (await createRoot(this.#files, name, this.#randomFill))
    for (const [oldest, buffer] of this.#roots) {
      if (this.#roots.size < MAX_ROOTS) break
      buffer.fill(0)
      this.#roots.delete(oldest)
    }
    this.#roots.set(name, root)
    return root
  }

  #nameOf(kind: 'tenant' | 'site', id: string): string {
    const mac = createHmac('sha256', this.#namingKey).update(lengthPrefixed(kind, id)).digest('hex')
    return `${kind}-${mac.slice(0, 32)}.root`
  }

  #assertOpen(): void {
    if (this.#closed) throw new TacitError('ERR_KEY_STORE', 'The keeper is closed')
  }

  /** Zeroes what is in memory. */
  close(): void {
    this.#closed = true
    for (const root of this.#roots.values()) root.fill(0)
    this.#roots.clear()
    this.#namingKey.fill(0)
  }
}
