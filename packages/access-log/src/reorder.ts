/**
 * Puts items that are out of order by at most a window back into order: servers log a request when it ends, with the
 * time at which it began.
 *
 * Invariants
 * - An item leaves once another one is at least `windowMs` younger than it, or at `flush`.
 * - What leaves is in order of time, and of arrival where times are equal, as long as nothing arrives later than the
 *   window. What does leaves at the next push, behind its time: the caller's clock does not go back for it.
 * - At most `maxItems` wait; beyond that the oldest leaves early.
 * Recovery: none is needed; it is rebuilt by reading the file again.
 */
export interface Reorder<T> {
  /** Takes one item and gives the ones that are due. */
  push(item: T): readonly T[]
  /** Gives the rest. */
  flush(): readonly T[]
}

interface Entry<T> {
  readonly item: T
  readonly arrival: number
}

const NOTHING: readonly never[] = []

/**
 * @param windowMs the disorder that is mended, in milliseconds
 * @param maxItems items that may wait at once
 */
export function createReorder<T extends { readonly time: number }>(
  windowMs = 60_000,
  maxItems = 100_000,
): Reorder<T> {
  const heap: Entry<T>[] = []
  let arrivals = 0
  let youngest = Number.NEGATIVE_INFINITY
  const isDue = () => {
    const first = heap[0]
    return first !== undefined && (first.item.time <= youngest - windowMs || heap.length > maxItems)
  }
  return {
    push(item) {
      youngest = Math.max(youngest, item.time)
      insert(heap, { item, arrival: arrivals })
      arrivals += 1
      if (!isDue()) return NOTHING
      const due: T[] = []
      while (isDue()) due.push(removeFirst(heap).item)
      return due
    },
    flush() {
      const rest: T[] = []
      while (heap.length > 0) rest.push(removeFirst(heap).item)
      return rest
    },
  }
}

type Timed = { readonly time: number }

function isBefore<T extends Timed>(one: Entry<T>, other: Entry<T>): boolean {
  const difference = one.item.time - other.item.time
  return difference === 0 ? one.arrival < other.arrival : difference < 0
}

/** Binary heap, the first to leave on top. */
function insert<T extends Timed>(heap: Entry<T>[], entry: Entry<T>): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const above = (at - 1) >> 1
    const parent = heap[above] as Entry<T>
    if (!isBefore(entry, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = entry
}

/** @param heap not empty */
function removeFirst<T extends Timed>(heap: Entry<T>[]): Entry<T> {
  const first = heap[0] as Entry<T>
  const last = heap.pop() as Entry<T>
  if (heap.length === 0) return first
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= heap.length) break
    if (below + 1 < heap.length && isBefore(heap[below + 1] as Entry<T>, heap[below] as Entry<T>)) below += 1
    const child = heap[below] as Entry<T>
    if (!isBefore(child, last)) break
    heap[at] = child
    at = below
  }
  heap[at] = last
  return first
}
