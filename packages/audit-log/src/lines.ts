/** Cuts bytes into lines, whatever the chunks they come in. */

const LINE_FEED = 0x0a

/** A line: bytes `start` to before `end` of `bytes`, without its line feed; valid during the call only. */
export type OnLine = (bytes: Buffer, start: number, end: number) => void

/**
 * Calls `onLine` for every line that has an end, in order. A line longer than `maxBytes` is given as an empty one,
 * which is no good line of any of our files.
 * @returns whether bytes follow the last line's end
 */
export function forEachLine(chunks: Iterable<Buffer>, maxBytes: number, onLine: OnLine): boolean {
  let rest: Buffer = Buffer.alloc(0)
  let isTooLong = false
  for (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      if (rest.length === 0 && !isTooLong) {
        onLine(chunk, start, end - start > maxBytes ? start : end)
      } else {
        const line = isTooLong ? Buffer.alloc(0) : Buffer.concat([rest, chunk.subarray(start, end)])
        onLine(line, 0, line.length > maxBytes ? 0 : line.length)
        rest = Buffer.alloc(0)
        isTooLong = false
      }
      start = end + 1
    }
    if (start < chunk.length && !isTooLong) {
      rest = Buffer.concat([rest, chunk.subarray(start)])
      isTooLong = rest.length > maxBytes
      if (isTooLong) rest = Buffer.alloc(0)
    }
  }
  return isTooLong || rest.length > 0
}
