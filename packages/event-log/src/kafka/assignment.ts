/**
 * Who reads which partition: as even as can be, and each stays where it was, because what moves costs the one who reads it
 * its buffer and, with partition 0, the ownership of the shared state.
 */
import { AssignerProtocol } from 'kafkajs'

export interface Candidate {
  readonly memberId: string
  readonly held: Held
}

/** What a member held when it joined, and since when. */
export interface Held {
  /** -1 for a member that held nothing */
  readonly generation: number
  readonly partitions: readonly number[]
}

const NOTHING: Held = { generation: -1, partitions: [] }

/** Partitions 0 to `count - 1` over the members; the same answer for the same question. */
export function assign(candidates: readonly Candidate[], count: number): Map<string, number[]> {
  const members = [...candidates].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
  const assigned = new Map(members.map(({ memberId }) => [memberId, [] as number[]]))
  const free = new Set(Array.from({ length: count }, (_, partition) => partition))
  const fair = Math.floor(count / members.length)
  // as many members get one more as partitions are left over
  let larger = count % members.length
  // who held something in the latest generation is right about it
  const byGeneration = [...members].sort((a, b) => b.held.generation - a.held.generation)
  for (const { held, memberId } of byGeneration) {
    const own = assigned.get(memberId) ?? []
    for (const partition of [...held.partitions].sort((a, b) => a - b)) {
      if (own.length > fair || (own.length === fair && larger === 0)) break
      if (!free.delete(partition)) continue
      own.push(partition)
      if (own.length > fair) larger--
    }
  }
  for (const partition of free) {
    const least = [...assigned.values()].reduce((a, b) => (b.length < a.length ? b : a))
    least.push(partition)
  }
  for (const own of assigned.values()) own.sort((a, b) => a - b)
  return assigned
}

/** What a member sends along when it joins. */
export function encodeMember(topic: string, held: Held): Buffer {
  const userData = Buffer.from(JSON.stringify(held))
  return AssignerProtocol.MemberMetadata.encode({ version: 1, topics: [topic], userData })
}

/** What another member held, as it says; nothing where that cannot be read. */
export function decodeMember(metadata: Buffer): Held {
  try {
    const decoded = AssignerProtocol.MemberMetadata.decode(metadata)
    const held: unknown = JSON.parse(decoded?.userData.toString() ?? '')
    return isHeld(held) ? held : NOTHING
  } catch {
    return NOTHING
  }
}

export function encodeAssignment(topic: string, partitions: number[]): Buffer {
  return AssignerProtocol.MemberAssignment.encode({
    version: 1,
    assignment: { [topic]: partitions },
    userData: Buffer.alloc(0),
  })
}

export function decodeAssignment(topic: string, assignment: Buffer): readonly number[] {
  return AssignerProtocol.MemberAssignment.decode(assignment)?.assignment[topic] ?? []
}

function isHeld(value: unknown): value is Held {
  return (
    typeof value === 'object' &&
    value !== null &&
    'generation' in value &&
    typeof value.generation === 'number' &&
    'partitions' in value &&
    Array.isArray(value.partitions) &&
    value.partitions.every(Number.isInteger)
  )
}
