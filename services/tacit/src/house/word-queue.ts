/**
 * Words that enough people used and that wait for the privacy team.
 *
 * Invariants
 * - Two files in the realm's directory, each with one writer: `words-waiting.json` is the running instance's,
 *   `words-decided.json` the command line's. A file is written beside and renamed, mode 0600, so it is whole or not
 *   there; a waiting word that was decided does not count.
 * - At most 1,000 words wait, each once; when it is full, further ones are not taken.
 * - Of a decided word a hash under the file's own salt is kept, so that it does not come back: the last 10,000.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { z } from 'zod'

const MAX_WAITING = 1_000
const MAX_DECIDED = 10_000
const SALT_BYTES = 16

const waitingFile = z.strictObject({ words: z.array(z.string().min(1).max(64)).max(MAX_WAITING) })
const decidedFile = z.strictObject({ salt: z.string(), words: z.array(z.string()).max(MAX_DECIDED) })
type Decided = z.infer<typeof decidedFile>

function readFile<T>(path: string, schema: z.ZodType<T>, absent: T): T {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return absent
    throw new TacitError(
      'ERR_INPUT_FILE',
      'The words that wait cannot be read; check the data directory’s owner',
    )
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    // The cause would quote the file.
    throw new TacitError(
      'ERR_INPUT_FILE',
      'The words that wait are damaged; remove words-*.json of the realm',
    )
  }
}

function writeWhole(path: string, value: unknown): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 })
  renameSync(fresh, path)
}

export class WordQueue {
  readonly #waiting: string
  readonly #decided: string

  /** @param dir the realm's directory */
  constructor(dir: string) {
    this.#waiting = join(dir, 'words-waiting.json')
    this.#decided = join(dir, 'words-decided.json')
  }

  /** Words that wait, in alphabetical order. @throws TacitError ERR_INPUT_FILE */
  words(): readonly string[] {
    const decided = this.#readDecided()
    const known = new Set(decided.words)
    const { words } = readFile(this.#waiting, waitingFile, { words: [] })
    return words.filter((word) => !known.has(hashOf(decided.salt, word))).sort()
  }

  /** A word begins to wait: the running instance only. @throws TacitError ERR_INPUT_FILE, or an error of the disk */
  add(word: string): void {
    const waiting = this.words()
    const { salt, words } = this.#readDecided()
    if (waiting.length >= MAX_WAITING || waiting.includes(word) || words.includes(hashOf(salt, word))) return
    // In alphabetical order: the order of arrival would say who came first.
    writeWhole(this.#waiting, { words: [...waiting, word].sort() })
  }

  /** Words that were approved or rejected wait no longer: the command line only. */
  decide(words: readonly string[]): void {
    const decided = this.#readDecided()
    const salt = decided.salt === '' ? randomBytes(SALT_BYTES).toString('hex') : decided.salt
    const hashes = new Set([...decided.words, ...words.map((word) => hashOf(salt, word))])
    writeWhole(this.#decided, { salt, words: [...hashes].slice(-MAX_DECIDED) })
  }

  #readDecided(): Decided {
    return readFile(this.#decided, decidedFile, { salt: '', words: [] })
  }
}

function hashOf(salt: string, word: string): string {
  return createHmac('sha256', salt).update(word).digest('base64url')
}
