/**
 * What a writer knows of itself over restarts, in its spool directory: a small file that is replaced as a whole and
 * flushed before anything relies on it.
 */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { TacitError } from '@tacit/contracts'

export interface WriterState {
  /** 16 hexadecimal digits */
  readonly writer: string
  /** parts that the last acknowledged record of reach `all` went into; 0 as long as Kafka does not know the writer */
  readonly parts: number
}

const FILE = 'writer.json'

/** A writer that nobody knows. */
export function freshWriter(): WriterState {
  return { writer: randomBytes(8).toString('hex'), parts: 0 }
}

/** The state in a directory; null where there is none or it is damaged. Rejects with ERR_DATA_DIRECTORY. */
export async function readWriter(dir: string): Promise<WriterState | null> {
  let text: string
  try {
    text = await readFile(join(dir, FILE), 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null
    throw new TacitError('ERR_DATA_DIRECTORY', undefined, { cause })
  }
  try {
    return asState(JSON.parse(text))
  } catch {
    return null
  }
}

/** Replaces the state; resolves when it is on disk. Rejects with ERR_LOG_WRITE. */
export async function writeWriter(dir: string, state: WriterState): Promise<void> {
  try {
    const draft = join(dir, `${FILE}.new`)
    const file = await open(draft, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, join(dir, FILE))
    const directory = await open(dir, 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  } catch (cause) {
    throw new TacitError('ERR_LOG_WRITE', undefined, { cause })
  }
}

function asState(value: unknown): WriterState | null {
  if (typeof value !== 'object' || value === null || !('writer' in value) || !('parts' in value)) return null
  const { parts, writer } = value
  if (typeof writer !== 'string' || !/^[0-9a-f]{16}$/.test(writer)) return null
  return typeof parts === 'number' && Number.isSafeInteger(parts) && parts >= 0 ? { writer, parts } : null
}
