/**
 * Looks for byte strings in the memory of a live process, through Linux' /proc.
 *
 * Invariants
 * - Every page that the process has is read, on swap too: pages that were never touched are told by the kernel's page
 *   map (Documentation/admin-guide/mm/pagemap.rst) and left out, because a process reserves far more than it has.
 * - What could not be read is in the answer: it must not pass for clean.
 * - A needle that crosses two chunks is found, one that crosses two regions is not: nothing allocates so.
 * The process runs on meanwhile. Whoever wants to show that nothing is left lets it be idle.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import type { Needle } from './leaks/forms.js'
import { createSearch, type Search } from './leaks/search.js'
import { createStridedSearch, MIN_STRIDED_BYTES } from './leaks/strided-search.js'

/** Where a needle was found: never its bytes. */
export interface MemoryHit {
  /** what was looked for */
  readonly needle: string
  readonly form: string
  /** `[heap]`, `[stack]`, a file, or `anonymous`, as the kernel names it */
  readonly region: string
  readonly copies: number
}

export interface MemoryScan {
  readonly hits: readonly MemoryHit[]
  /** bytes that were read */
  readonly bytes: number
  /** regions with pages that could not be read */
  readonly unread: readonly string[]
}

/** Why the memory of a process cannot be scanned here; false where it can. For a test's `skip`. */
export const WITHOUT_MEMORY_SCAN: string | false =
  process.platform !== 'linux'
    ? 'the memory of a process is read through Linux’ /proc'
    : process.getuid?.() === 0
      ? false
      : 'only root reads the memory and the page map of a process'

const PAGE = 4_096
const CHUNK_PAGES = 4_096
/** The kernel's own pages, shared by all processes; the first cannot be read. */
const OF_THE_KERNEL = new Set(['[vvar]', '[vvar_vclock]', '[vsyscall]', '[vdso]'])
/** Bits 63 and 62 of an entry of the page map: in memory, on swap. */
const HAS_PAGE = 0xc0
interface Region {
  readonly start: number
  readonly end: number
  readonly name: string
}

function regionsOf(pid: number): Region[] {
  return readFileSync(`/proc/${String(pid)}/maps`, 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, from = '', to = '', mode = '', path = ''] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line) ?? []
      const name = path === '' ? 'anonymous' : path
      if (!mode.startsWith('r') || OF_THE_KERNEL.has(name)) return []
      return [{ start: Number.parseInt(from, 16), end: Number.parseInt(to, 16), name }]
    })
}

/** The runs of pages within a region that exist, at most a chunk long each, as [address, end). */
function* presentRuns(pageMap: number, { start, end }: Region): Generator<readonly [number, number]> {
  const entries = Buffer.alloc(CHUNK_PAGES * 8)
  for (let at = start; at < end; at += CHUNK_PAGES * PAGE) {
    const pages = Math.min(CHUNK_PAGES, (end - at) / PAGE)
    const read = readSync(pageMap, entries, 0, pages * 8, (at / PAGE) * 8)
    let from = -1
    for (let page = 0; page <= read / 8; page++) {
      const isThere = page < read / 8 && ((entries[page * 8 + 7] as number) & HAS_PAGE) !== 0
      if (isThere && from < 0) from = page
      if (isThere || from < 0) continue
      yield [at + from * PAGE, at + page * PAGE]
      from = -1
    }
  }
}

function countOf(bytes: Buffer, needle: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) count++
  return count
}

function searchOf(needles: readonly Needle[]): Search {
  const isLong = needles.every(({ bytes }) => bytes.length >= MIN_STRIDED_BYTES)
  return isLong ? createStridedSearch(needles) : createSearch(needles)
}

/** The scan of one process, chunk by chunk. */
class Scanner {
  readonly #search: Search
  readonly #overlap: number
  readonly #buffer: Buffer
  readonly #hits = new Map<string, MemoryHit>()
  readonly #unread = new Set<string>()
  #bytes = 0

  constructor(needles: readonly Needle[]) {
    this.#search = searchOf(needles)
    this.#overlap = Math.max(...needles.map(({ bytes }) => bytes.length)) - 1
    this.#buffer = Buffer.allocUnsafeSlow(this.#overlap + CHUNK_PAGES * PAGE)
  }

  /** Reads the pages of one region that exist, and looks through them. */
  region(memory: number, pageMap: number, region: Region): void {
    let carried = 0
    let next = -1
    for (const [from, end] of presentRuns(pageMap, region)) {
      if (from !== next) carried = 0
      const length = this.#read(memory, from, end - from, carried, region)
      const filled = this.#buffer.subarray(0, carried + length)
      this.#look(filled, carried, region)
      carried = Math.min(this.#overlap, filled.length)
      filled.copy(this.#buffer, 0, filled.length - carried)
      next = from + length
    }
  }

  result(): MemoryScan {
    return { hits: [...this.#hits.values()], bytes: this.#bytes, unread: [...this.#unread] }
  }

  #read(memory: number, from: number, length: number, offset: number, region: Region): number {
    try {
      const read = readSync(memory, this.#buffer, offset, length, from)
      this.#bytes += read
      if (read < length) this.#unread.add(region.name)
      return read
    } catch {
      this.#unread.add(region.name)
      return 0
    }
  }

  /** @param carried the first bytes, looked through before: a needle that ends in them is counted already */
  #look(bytes: Buffer, carried: number, region: Region): void {
    for (const { bytes: needle, form, what } of this.#search(bytes)) {
      const old = countOf(bytes.subarray(0, carried), needle)
      const copies = countOf(bytes, needle) - old
      const key = JSON.stringify([what, form, region.name])
      const before = this.#hits.get(key)?.copies ?? 0
      if (before + copies === 0) continue
      this.#hits.set(key, { needle: what, form, region: region.name, copies: before + copies })
    }
  }
}

/**
 * Looks through the memory of a process. Needs root: see {@link WITHOUT_MEMORY_SCAN}.
 * @param needles e.g. of `formsOfSecret`; each at least 8 bytes
 * @throws Error of the system where the process is gone
 */
export function scanMemory(pid: number, needles: readonly Needle[]): MemoryScan {
  const scanner = new Scanner(needles)
  const memory = openSync(`/proc/${String(pid)}/mem`, 'r')
  const pageMap = openSync(`/proc/${String(pid)}/pagemap`, 'r')
  try {
    for (const region of regionsOf(pid)) scanner.region(memory, pageMap, region)
    return scanner.result()
  } finally {
    closeSync(memory)
    closeSync(pageMap)
  }
}
