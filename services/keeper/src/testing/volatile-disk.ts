/**
 * A disk with folders for tests: it fails at a chosen step, and on a loss of power forgets, by chance, what was not synced.
 * A step is one system call of the real adapter (make a name, write half, write the rest, sync, unlink …).
 */
import type { KeyFiles } from '../key-files.js'

interface Inode {
  readonly name: string
  data: Buffer
  durable: Buffer
  /** everything that ever came to this disk under it, as copies of before would have it */
  readonly history: Buffer[]
}

/** What happens at the chosen step: every later call fails too, or only this one. */
export type Failure = { readonly at: number; readonly kind: 'power' | 'error' }

class SystemError extends Error {
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}

export class VolatileDisk {
  readonly everMade: Inode[] = []
  #names = new Map<string, Inode>()
  #durableNames = new Map<string, Inode>()
  #generation = 0

  /** Names with their bytes, as a process would read them now. */
  contents(): Map<string, Buffer> {
    return new Map([...this.#names].map(([name, inode]) => [name, inode.data]))
  }

  /** The machine stops: of everything not synced some is kept, some lost, some torn. @param pick 0 ≤ pick(n) < n */
  losePower(pick: (choices: number) => number): void {
    this.#generation += 1
    const names = new Map<string, Inode>()
    for (const name of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      const kept = pick(2) === 0 ? this.#names.get(name) : this.#durableNames.get(name)
      if (kept !== undefined) names.set(name, kept)
    }
    for (const inode of this.everMade) {
      if (!inode.data.equals(inode.durable)) inode.data = tear(inode, pick)
      keep(inode)
    }
    this.#names = names
    this.#durableNames = new Map(names)
  }

  /** The folders as one process sees them, until its failure. */
  open(failure?: Failure): (folder: string) => KeyFiles {
    this.#generation += 1
    const generation = this.#generation
    let steps = 0
    const step = (): void => {
      const here = steps
      steps += 1
      const isFailing =
        failure !== undefined && (here === failure.at || (here > failure.at && failure.kind === 'power'))
      if (isFailing || generation !== this.#generation) throw new SystemError('EIO')
    }
    const inodeOf = (name: string): Inode => {
      const inode = this.#names.get(name)
      if (inode === undefined) throw new SystemError('ENOENT')
      return inode
    }
    const put = (inode: Inode, bytes: Uint8Array, offset: number): void => {
      const half = bytes.length >> 1
      for (const length of [half, bytes.length]) {
        step()
        const tail = inode.data.subarray(offset + length)
        const hole = Buffer.alloc(Math.max(0, offset - inode.data.length))
        inode.data = Buffer.concat([inode.data.subarray(0, offset), hole, bytes.subarray(0, length), tail])
      }
    }
    const sync = (inode: Inode): void => {
      step()
      keep(inode)
    }
    return (folder) => ({
      list: async () => {
        step()
        return [...this.#names.keys()].flatMap((path) =>
          path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : [],
        )
      },
      read: async (name, from = 0, most = Number.POSITIVE_INFINITY) => {
        step()
        const inode = this.#names.get(`${folder}/${name}`)
        return inode === undefined ? null : Buffer.from(inode.data.subarray(from, from + most))
      },
      create: async (name, bytes) => {
        step()
        const path = `${folder}/${name}`
        if (this.#names.has(path)) throw new SystemError('EEXIST')
        const inode: Inode = { name: path, data: Buffer.alloc(0), durable: Buffer.alloc(0), history: [] }
        this.everMade.push(inode)
        this.#names.set(path, inode)
        put(inode, bytes, 0)
        sync(inode)
      },
      write: async (name, bytes, offset, durable, inPlace = false) => {
        step()
        const inode = inodeOf(`${folder}/${name}`)
        put(inode, bytes, offset)
        if (!inPlace) inode.data = inode.data.subarray(0, offset + bytes.length)
        if (durable) sync(inode)
      },
      remove: async (name) => {
        step()
        inodeOf(`${folder}/${name}`)
        this.#names.delete(`${folder}/${name}`)
      },
      syncDirectory: async () => {
        step()
        for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
          if (!path.startsWith(`${folder}/`)) continue
          const inode = this.#names.get(path)
          if (inode === undefined) this.#durableNames.delete(path)
          else this.#durableNames.set(path, inode)
        }
      },
    })
  }
}

/** What a file holds now comes to disk. */
function keep(inode: Inode): void {
  inode.durable = Buffer.from(inode.data)
  inode.history.push(inode.durable)
}

/** What is left of a file whose last writes were not synced. */
function tear({ data, durable }: Inode, pick: (choices: number) => number): Buffer {
  const isAppended = data.length > durable.length && data.subarray(0, durable.length).equals(durable)
  if (!isAppended) return pick(2) === 0 ? data : durable
  const length = durable.length + pick(data.length - durable.length + 1)
  // The size may come to disk before the bytes do.
  return pick(3) === 0
    ? Buffer.concat([durable, Buffer.alloc(length - durable.length)])
    : Buffer.from(data.subarray(0, length))
}
