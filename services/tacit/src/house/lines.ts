/** Lines of log files: plain or gzip, from a file or standard input, one at a time and bounded. */
import { closeSync, createReadStream, existsSync, openSync, readSync, statSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { TacitError } from '@tacit/contracts'

/** Characters. Of a longer line no more than this and a piece of the file is kept: enough to be too long for any format. */
const MAX_LINE = 4_194_304
const GZIP_MAGIC = [0x1f, 0x8b]

/** Bytes of the files together, for progress; 0 where one is standard input. */
export function totalBytes(files: readonly string[]): number {
  return files.includes('-') ? 0 : files.reduce((sum, file) => sum + statSync(file).size, 0)
}

/**
 * Compressed files are read to their end here, before a line is taken: half a log that was counted could not be taken
 * back, and the whole one could not be imported any more.
 * @throws TacitError ERR_INPUT_FILE for the first file that is not there or cannot be read to its end
 */
export async function requireFiles(files: readonly string[]): Promise<void> {
  for (const file of files) {
    if (file === '-') continue
    if (!existsSync(file)) throw new TacitError('ERR_INPUT_FILE', `There is no file ${file}`)
    try {
      if (startsLikeGzip(file)) await pipeline(createReadStream(file), createGunzip(), nowhere())
    } catch (cause) {
      throw unreadable(file, cause)
    }
  }
}

function startsLikeGzip(file: string): boolean {
  const descriptor = openSync(file, 'r')
  try {
    const start = Buffer.alloc(GZIP_MAGIC.length)
    readSync(descriptor, start)
    return start.equals(Buffer.from(GZIP_MAGIC))
  } finally {
    closeSync(descriptor)
  }
}

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })

function unreadable(file: string, cause: unknown): TacitError {
  const name = file === '-' ? 'Standard input' : file
  return new TacitError('ERR_INPUT_FILE', `${name} cannot be read to its end; is it complete?`, { cause })
}

/** Decompresses a stream that starts like gzip, whatever its file is called. */
async function* decompressed(source: Readable): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let first = await chunks.next()
  while (!first.done && first.value.length < 2) {
    const more = await chunks.next()
    if (more.done) break
    first = { done: false, value: Buffer.concat([first.value, more.value]) }
  }
  if (first.done) return
  const rest = (async function* () {
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  })()
  if (first.value[0] !== GZIP_MAGIC[0] || first.value[1] !== GZIP_MAGIC[1]) {
    yield* rest
    return
  }
  yield* Readable.from(rest).pipe(createGunzip()) as AsyncIterable<Buffer>
}

/**
 * Lines without their line feed, as many as a piece of the file holds; a last line without one counts too, an empty one
 * does not.
 * @param file a path, or `-` for standard input
 * @param onBytes told of the bytes read of the file as they come, for progress
 * @throws TacitError ERR_INPUT_FILE where the file cannot be read or its compression is damaged
 */
export async function* readLineBatches(
  file: string,
  onBytes: (bytes: number) => void = () => {},
): AsyncGenerator<readonly string[]> {
  const source: Readable = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 262_144 })
  const decoder = new TextDecoder('utf-8')
  let open = ''
  try {
    for await (const chunk of decompressed(source)) {
      onBytes(chunk.length)
      const text = decoder.decode(chunk, { stream: true })
      const lines: string[] = []
      let start = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        const line = withoutReturn(open + text.slice(start, end))
        open = ''
        start = end + 1
        if (line !== '') lines.push(line)
      }
      if (open.length <= MAX_LINE) open += text.slice(start)
      if (lines.length > 0) yield lines
    }
  } catch (cause) {
    throw unreadable(file, cause)
  }
  // Bytes of a character that never came are no text: the line must not pass without them.
  const last = withoutReturn(open + decoder.decode())
  if (last !== '') yield [last]
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/** {@link readLineBatches}, a line at a time. */
export async function* readLines(file: string, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  for await (const lines of readLineBatches(file, onBytes)) yield* lines
}
