/** The files of a rulebook as texts: bounded, and UTF-8 or a finding. What is read is what is hashed and signed. */
import { closeSync, existsSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TacitError } from '@tacit/contracts'
import { catalogueNames, MAX_CHARACTERS, RULEBOOK_FILE, type Unreadable } from '@tacit/rulebook'

export interface RulebookTexts {
  /** by file name; the rulebook itself under its own */
  readonly texts: Readonly<Record<string, string>>
  readonly unreadable: Readonly<Record<string, Unreadable>>
}

/** No text of so many bytes has few enough characters to be read; a device or a pipe may never end. */
const MAX_BYTES = 4 * MAX_CHARACTERS
/** A mark at the start is part of the text: two files that differ have two hashes. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The first bytes of a file, or of what comes through a pipe; one more than a rulebook may have tells that it is too large. */
function readBytes(path: string): Buffer {
  const bytes = Buffer.alloc(MAX_BYTES + 1)
  const file = openSync(path, 'r')
  try {
    let length = 0
    while (length < bytes.length) {
      const more = readSync(file, bytes, length, bytes.length - length, null)
      if (more === 0) break
      length += more
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/** Where bytes stop being UTF-8, 1-based. */
function wrongPlace(bytes: Buffer): { readonly line: number; readonly column: number } {
  const mended = Buffer.from(bytes.toString('utf8'))
  let at = 0
  while (at < bytes.length && bytes[at] === mended[at]) at++
  const lines = bytes.subarray(0, at).toString('utf8').split('\n')
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 }
}

/** A text that is no UTF-8 is read all the same, so that one run finds everything; it is refused for that. */
function decode(bytes: Buffer): { readonly text: string; readonly wrong: Unreadable | null } {
  try {
    return { text: UTF8.decode(bytes), wrong: null }
  } catch {
    const text = bytes.toString('utf8')
    // What was cut off within a character is refused for its size.
    if (bytes.length > MAX_BYTES) return { text, wrong: null }
    const message = 'This is not UTF-8: a byte that belongs to no character stands here.'
    return { text, wrong: { ...wrongPlace(bytes), message, fix: 'Save the file as UTF-8.' } }
  }
}

function statOf(path: string): Stats {
  try {
    return statSync(path)
  } catch {
    throw new TacitError('ERR_INPUT_FILE', `No rulebook can be read at ${path}; is the path right?`)
  }
}

/** The rulebook's own bytes. A pipe will do (`/dev/stdin`); a folder or a device will not. */
function rulebookBytes(path: string, stats: Stats): Buffer {
  if (stats.isDirectory()) {
    const within = join(path, RULEBOOK_FILE)
    const hint = existsSync(within) ? `did you mean ${within}?` : `name the rulebook in it.`
    throw new TacitError('ERR_INPUT_FILE', `${path} is a folder; ${hint}`)
  }
  if (!stats.isFile() && !stats.isFIFO()) {
    throw new TacitError('ERR_INPUT_FILE', `${path} is neither a file nor a pipe; name a rulebook.`)
  }
  try {
    return readBytes(path)
  } catch {
    throw new TacitError('ERR_INPUT_FILE', `No rulebook can be read at ${path}; may you read it?`)
  }
}

const NO_FILE: Unreadable = {
  line: 1,
  column: 1,
  message: 'This is no file that can be read.',
  fix: 'Put a text file there.',
}

/**
 * A rulebook and the catalogues beside it (of one that comes through a pipe: in the working directory).
 * @throws TacitError ERR_INPUT_FILE where the rulebook itself cannot be read
 */
export function readTexts(path: string): RulebookTexts {
  const stats = statOf(path)
  const own = decode(rulebookBytes(path, stats))
  const texts: Record<string, string> = { [basename(path)]: own.text }
  const unreadable: Record<string, Unreadable> = {}
  if (own.wrong !== null) unreadable[basename(path)] = own.wrong
  for (const name of catalogueNames(own.text)) {
    const beside = join(stats.isFile() ? dirname(path) : '.', name)
    if (!existsSync(beside)) continue
    const read = readCatalogue(beside)
    if (read === null) unreadable[name] = NO_FILE
    else texts[name] = read.text
    if (read !== null && read.wrong !== null) unreadable[name] = read.wrong
  }
  return { texts, unreadable }
}

function readCatalogue(path: string): ReturnType<typeof decode> | null {
  try {
    return statSync(path).isFile() ? decode(readBytes(path)) : null
  } catch {
    return null
  }
}
