/**
 * Counting who used what, as far as thresholds ask: at least k people of at least m groups (tenants, or networks).
 *
 * Invariants
 * - Who somebody is, is kept as a keyed hash only, under a random key that lives in memory and nowhere else.
 * - A crowd remembers its members up to the thresholds. So unions of crowds are as exact as the thresholds need: a crowd
 *   that forgets is large enough already.
 * - All is bounded. What no longer fits is not counted, which can only make a crowd look smaller than it is.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { lengthPrefixed } from '@tacit/contracts'

export interface Thresholds {
  /** people */
  readonly minUsers: number
  /** tenants on signed sites, networks on others */
  readonly minGroups: number
}

/** One person of one group, as numbers of a census. */
export interface Member {
  readonly person: number
  readonly group: number
}

export interface Census {
  /** How many people are known. */
  readonly people: number
  /** The numbers of a person and their group; null where the census is full. */
  member(person: string, group: string): Member | null
}

const MOST = 1_000_000
const KEY_BYTES = 32
const TAG_BYTES = 16

/** Numbers people and groups. @param most so many are told apart together; a million by default */
export function createCensus(most = MOST): Census {
  const key = randomBytes(KEY_BYTES)
  const numbers = new Map<string, number>()
  let people = 0

  function numberOf(kind: 'person' | 'group', name: string): number | null {
    const tag = createHmac('sha256', key)
      .update(lengthPrefixed(kind, name))
      .digest()
      .toString('base64', 0, TAG_BYTES)
    const known = numbers.get(tag)
    if (known !== undefined) return known
    if (numbers.size >= most) return null
    numbers.set(tag, numbers.size)
    if (kind === 'person') people += 1
    return numbers.size - 1
  }

  return {
    get people() {
      return people
    },
    member(person, group) {
      const ofGroup = numberOf('group', group)
      const ofPerson = ofGroup === null ? null : numberOf('person', person)
      return ofGroup === null || ofPerson === null ? null : { person: ofPerson, group: ofGroup }
    },
  }
}

/** How many more entries crowds may remember together. */
export interface Room {
  left: number
}

/** The people who used something, up to the thresholds. */
export class Crowd {
  readonly #people = new Set<number>()
  readonly #groups = new Set<number>()

  /** Remembers a member, where thresholds still ask and there is room. @returns false where there is none */
  add({ group, person }: Member, { minGroups, minUsers }: Thresholds, room: Room): boolean {
    return remember(this.#people, person, minUsers, room) && remember(this.#groups, group, minGroups, room)
  }

  /** Adds the members of another crowd. */
  join(other: Crowd): void {
    for (const person of other.#people) this.#people.add(person)
    for (const group of other.#groups) this.#groups.add(group)
  }

  isEnough({ minGroups, minUsers }: Thresholds): boolean {
    return this.#people.size >= minUsers && this.#groups.size >= minGroups
  }
}

function remember(members: Set<number>, member: number, most: number, room: Room): boolean {
  if (members.size >= most || members.has(member)) return true
  if (room.left <= 0) return false
  room.left -= 1
  members.add(member)
  return true
}
