/**
 * A keeper's folders that end their process with SIGKILL at a named point of a root's creation or destruction. They
 * stand behind the keeper's port to its files, so the product knows nothing of them; `half` writes come to the real disk.
 */
import { writeSync } from 'node:fs'
import type { KeyFiles } from '@tacit/keeper'

/** Points of a creation, in the order in which it passes them. */
export const CREATE_POINTS = [
  'create.before-slot',
  'create.half-slot',
  'create.before-file',
  'create.half-file',
  'create.before-sync',
  'create.before-entry',
  'create.half-entry',
  'create.before-hand-out',
] as const
/** Points of a destruction, in the order in which it passes them. */
export const DESTROY_POINTS = [
  'destroy.before-entry',
  'destroy.half-entry',
  'destroy.before-slot',
  'destroy.half-slot',
  'destroy.before-overwrite',
  'destroy.half-overwrite',
  'destroy.before-unlink',
  'destroy.before-sync',
  'destroy.before-destroyed',
  'destroy.half-destroyed',
  'destroy.after-destroyed',
] as const
export const CLOSE_POINTS = ['close.before-entry', 'close.half-entry'] as const
export const HEAD_POINTS = ['head.before', 'head.half', 'head.after'] as const

export type Point =
  | (typeof CREATE_POINTS)[number]
  | (typeof DESTROY_POINTS)[number]
  | (typeof CLOSE_POINTS)[number]
  | (typeof HEAD_POINTS)[number]
/** Whose root: what its file and its label begin with. */
export type Kind = 'day' | 'week' | 'month' | 'hour' | 'tenant'

export interface KillAt {
  readonly point: Point
  /** null: a head of the audit log, which is nobody's root */
  readonly kind: Kind | null
  /** ms: the first time at or after which the point is deadly */
  readonly from: number
}

type Folder = 'keys' | 'audit' | 'master'
/** Which entry of the audit log stands at which points. */
const ENTRY_POINTS: readonly (readonly [string, { before?: Point; half?: Point; after?: Point }])[] = [
  ['key.created', { half: 'create.half-entry', after: 'create.before-hand-out' }],
  ['key.closed', { before: 'close.before-entry', half: 'close.half-entry' }],
  [
    'key.destroying',
    { before: 'destroy.before-entry', half: 'destroy.half-entry', after: 'destroy.before-slot' },
  ],
  ['key.destroyed', { half: 'destroy.half-destroyed', after: 'destroy.after-destroyed' }],
]
/** A wrapping key's place in the master key file. */
const SLOT_BYTES = 96

/** One line of what a process tells; it is out before the call returns, whatever becomes of the process. */
export function report(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

const kindOf = (name: string): string => /^[a-z]+(?=[-:])/.exec(name)?.[0] ?? ''

export class DyingFiles {
  readonly #killAt: KillAt | null
  readonly #now: () => number
  /** the key file that was read last, and whether it was there: what follows is its destruction or its creation */
  #last = { name: '', exists: false }
  #made: string | null = null
  #removed: string[] = []

  /** @param now ms, by the clock of the keeper */
  constructor(killAt: KillAt | null, now: () => number) {
    this.#killAt = killAt
    this.#now = now
  }

  around(folder: Folder, inner: KeyFiles): KeyFiles {
    switch (folder) {
      case 'keys':
        return this.#keys(inner)
      case 'audit':
        return { ...bound(inner), write: (...args) => this.#writeAudit(inner, ...args) }
      case 'master':
        return { ...bound(inner), write: (...args) => this.#writeSlot(inner, ...args) }
      default: {
        const never: never = folder
        throw new TypeError(String(never))
      }
    }
  }

  #isDeadly(point: Point | undefined, name: string | null): boolean {
    const wanted = this.#killAt
    if (wanted === null || wanted.point !== point || this.#now() < wanted.from) return false
    return wanted.kind === null ? name === null : name !== null && kindOf(name) === wanted.kind
  }

  #reach(point: Point | undefined, name: string | null): void {
    if (this.#isDeadly(point, name)) this.#die(name)
  }

  #die(name: string | null): never {
    report({ r: 'reached', point: this.#killAt?.point, name, at: this.#now() })
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment, in which nothing more may happen.
    for (;;);
  }

  #keys(inner: KeyFiles): KeyFiles {
    return {
      ...bound(inner),
      read: async (name, ...range) => {
        const bytes = await inner.read(name, ...range)
        this.#last = { name, exists: bytes !== null }
        return bytes
      },
      create: async (name, bytes) => {
        if (this.#isDeadly('create.half-file', name)) {
          await inner.create(name, half(bytes))
          this.#die(name)
        }
        await inner.create(name, bytes)
        this.#reach('create.before-sync', name)
        this.#made = name
      },
      write: async (name, bytes, ...rest) => {
        if (bytes.length > 0 && this.#isDeadly('destroy.half-overwrite', name)) {
          await inner.write(name, half(bytes), 0, false, true)
          this.#die(name)
        }
        await inner.write(name, bytes, ...rest)
      },
      remove: async (name) => {
        this.#reach('destroy.before-unlink', name)
        await inner.remove(name)
        this.#last = { name, exists: false }
        this.#removed.push(name)
      },
      syncDirectory: async () => {
        for (const name of this.#removed) this.#reach('destroy.before-sync', name)
        await inner.syncDirectory()
        for (const name of this.#removed) this.#reach('destroy.before-destroyed', name)
        this.#removed = []
        if (this.#made !== null) this.#reach('create.before-entry', this.#made)
        this.#made = null
      },
    }
  }

  async #writeSlot(inner: KeyFiles, ...args: Parameters<KeyFiles['write']>): Promise<void> {
    const [file, bytes, offset] = args
    const { exists, name } = this.#last
    if (bytes.length !== SLOT_BYTES) return inner.write(...args)
    if (!exists) this.#reach('create.before-slot', name)
    if (this.#isDeadly(exists ? 'destroy.half-slot' : 'create.half-slot', name)) {
      await inner.write(file, half(bytes), offset, false, true)
      this.#die(name)
    }
    await inner.write(...args)
    this.#reach(exists ? 'destroy.before-overwrite' : 'create.before-file', name)
  }

  async #writeAudit(inner: KeyFiles, ...args: Parameters<KeyFiles['write']>): Promise<void> {
    const [file, bytes, offset] = args
    if (bytes.length === 0) return inner.write(...args)
    const dieHalfWay = async (cut: number, name: string | null): Promise<void> => {
      await inner.write(file, bytes.subarray(0, cut), offset, false)
      this.#die(name)
    }
    if (file.startsWith('heads')) {
      this.#reach('head.before', null)
      if (this.#isDeadly('head.half', null)) await dieHalfWay(bytes.length >> 1, null)
      await inner.write(...args)
      return this.#reach('head.after', null)
    }
    const entries = entriesIn(bytes)
    for (const { end, key, points, start } of entries) {
      this.#reach(points.before, key)
      if (this.#isDeadly(points.half, key)) await dieHalfWay((start + end) >> 1, key)
    }
    await inner.write(...args)
    for (const { key, points } of entries) this.#reach(points.after, key)
  }
}

/** The methods of a port, free of their object. */
function bound(files: KeyFiles): KeyFiles {
  return {
    list: () => files.list(),
    read: (...args) => files.read(...args),
    create: (...args) => files.create(...args),
    write: (...args) => files.write(...args),
    remove: (name) => files.remove(name),
    syncDirectory: () => files.syncDirectory(),
  }
}

const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, bytes.length >> 1)

interface EntryPlace {
  readonly key: string
  readonly points: (typeof ENTRY_POINTS)[number][1]
  /** bytes of the line within what is written */
  readonly start: number
  readonly end: number
}

function entriesIn(bytes: Uint8Array): EntryPlace[] {
  const places: EntryPlace[] = []
  let start = 0
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    const end = start + line.length
    const points = ENTRY_POINTS.find(([action]) => line.includes(`"action":"${action}"`))?.[1]
    const key = /"key":"([^"]+)"/.exec(line)?.[1]
    if (points !== undefined && key !== undefined) places.push({ key, points, start, end })
    start = end + 1
  }
  return places
}
