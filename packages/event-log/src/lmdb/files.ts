/**
 * What the adapter asks of the file system besides LMDB itself: how much room is left, and real blocks ahead of need.
 * It is a port, so that a test can fill the disk or break it.
 */
import { open, statfs } from 'node:fs/promises'

export interface FilePort {
  /** Bytes that this process may still write on the file system that holds `path`. */
  freeBytes(path: string): Promise<number>
  /**
   * Makes a file `size` bytes long, with blocks behind every byte (zeros are written, so that nothing is sparse).
   * Resolves, when they are on disk, with the length reached: less than `size` where there is no room.
   */
  extend(path: string, size: number): Promise<number>
  /**
   * Runs before every transaction, with the most bytes that it may write. A rejection fails the transaction: with
   * the code ENOSPC or EDQUOT as a full disk, with any other as a broken one.
   */
  beforeWrite(bytes: number): Promise<void>
}

const ZEROS = Buffer.alloc(256 * 1024)

export const systemFiles: FilePort = {
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },

  async extend(path, size) {
    const file = await open(path, 'r+')
    try {
      let end = (await file.stat()).size
      while (end < size) {
        const wanted = Math.min(ZEROS.length, size - end)
        const written = await file
          .write(ZEROS, 0, wanted, end)
          .then((result) => result.bytesWritten, noneIfNoRoom)
        if (written === 0) break
        end += written
      }
      await file.datasync()
      return end
    } finally {
      await file.close()
    }
  },

  async beforeWrite() {},
}

/** Whether an error of the file system says that there is no room. */
export function isNoRoom(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOSPC' || code === 'EDQUOT'
}

function noneIfNoRoom(error: unknown): number {
  if (isNoRoom(error)) return 0
  throw error
}
