/**
 * A text beside the keys that is written over in place, with its digest behind it.
 * Recovery: one that a crash left half written is as none.
 */
import { createHash } from 'node:crypto'
import { isThere, type KeyFiles } from './key-files.js'

/** Keeps one line of text, durably. */
export async function keepText(files: KeyFiles, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(`${text}\n${digestOf(text)}\n`, 'utf8')
  if (await isThere(files, name)) await files.write(name, bytes, 0, true)
  else {
    await files.create(name, bytes)
    await files.syncDirectory()
  }
}

/** The text that was kept last; null where there is none. */
export async function keptText(files: KeyFiles, name: string): Promise<string | null> {
  const [text = '', digest] = (await files.read(name))?.toString('utf8').split('\n') ?? []
  return digest === digestOf(text) ? text : null
}

/** Tells a text from one that was written in part over another. */
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
