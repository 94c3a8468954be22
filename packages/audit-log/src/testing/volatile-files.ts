/**
 * Files for tests: in memory, failing at a chosen step, and forgetting on a loss of power, by chance, what was not
 * synced. A step is one system call of a real adapter: make a name, write half, write the rest, cut, sync.
 */
import type { AuditFiles } from '../files.js'

interface Inode {
  data: Buffer
  durable: Buffer
}

/** What happens at the chosen step: every later one fails too, or only this one. */
export interface Failure {
  readonly at: number
  readonly kind: 'power' | 'error'
}

class SystemError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export class VolatileFiles {
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  /** calls of `write` so far */
  writes = 0
  /** steps so far */
  steps = 0

  /** What a process would read now. */
  bytes(name: string): Buffer {
    return Buffer.from(this.#names.get(name)?.data ?? '')
  }

  /** Puts bytes there, durably, as if somebody had changed the file. */
  put(name: string, bytes: Buffer): void {
    const inode = { data: bytes, durable: bytes }
    this.#names.set(name, inode)
    this.#durableNames.set(name, inode)
  }

  remove(name: string): void {
    this.#names.delete(name)
    this.#durableNames.delete(name)
  }

  /** The machine stops: of everything not synced some is kept, some lost, some torn. @param pick 0 ≤ pick(n) < n */
  losePower(pick: (choices: number) => number): void {
    const names = new Map<string, Inode>()
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const kept = pick(2) === 0 ? this.#names.get(name) : this.#durableNames.get(name)
      if (kept !== undefined) names.set(name, kept)
    }
    for (const inode of names.values()) {
      inode.data = tear(inode, pick)
      inode.durable = inode.data
    }
    this.#names = names
    this.#durableNames = new Map(names)
  }

  /** The files as one process sees them. */
  open(failure?: Failure): AuditFiles {
    const first = this.steps
    const step = (): void => {
      const here = this.steps - first
      this.steps += 1
      if (failure === undefined) return
      if (here === failure.at || (here > failure.at && failure.kind === 'power')) throw new SystemError('EIO')
    }
    const write = (inode: Inode, bytes: Uint8Array, offset: number): void => {
      for (const length of new Set([bytes.length >> 1, bytes.length])) {
        step()
        const tail = inode.data.subarray(offset + length)
        inode.data = Buffer.concat([inode.data.subarray(0, offset), bytes.subarray(0, length), tail])
      }
      const end = offset + bytes.length
      if (inode.data.length === end) return
      step()
      inode.data = inode.data.subarray(0, end)
    }
    const sync = (inode: Inode): void => {
      step()
      inode.durable = Buffer.from(inode.data)
    }
    return {
      read: async (name) => {
        step()
        const inode = this.#names.get(name)
        return inode === undefined ? null : Buffer.from(inode.data)
      },
      create: async (name, bytes) => {
        step()
        if (this.#names.has(name)) throw new SystemError('EEXIST')
        const inode: Inode = { data: Buffer.alloc(0), durable: Buffer.alloc(0) }
        this.#names.set(name, inode)
        write(inode, bytes, 0)
        sync(inode)
      },
      write: async (name, bytes, offset, durable) => {
        this.writes += 1
        step()
        const inode = this.#names.get(name)
        if (inode === undefined) throw new SystemError('ENOENT')
        write(inode, bytes, offset)
        if (durable) sync(inode)
      },
      syncDirectory: async () => {
        step()
        this.#durableNames = new Map(this.#names)
      },
    }
  }
}

/** What is left of a file whose last writes were not synced. */
function tear({ data, durable }: Inode, pick: (choices: number) => number): Buffer {
  if (data.equals(durable)) return data
  const isAppended = data.length > durable.length && data.subarray(0, durable.length).equals(durable)
  if (!isAppended) return pick(2) === 0 ? data : durable
  const length = durable.length + pick(data.length - durable.length + 1)
  // The size may come to disk before the bytes do.
  return pick(3) === 0
    ? Buffer.concat([durable, Buffer.alloc(length - durable.length)])
    : Buffer.from(data.subarray(0, length))
}
