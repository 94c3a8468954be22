/**
 * Requests a minute and peer address. Addresses are counted in memory only, at most a minute long and bounded;
 * beyond the bound new peers are let in, because a flood must not lock out everybody else.
 */
import { MINUTE } from '@tacit/contracts'

const MAX_PEERS = 50_000

export interface PeerLimit {
  /** False where this peer has had its requests of the minute. @param now ms */
  admit(peer: string, now: number): boolean
}

/** No limit at all. */
export const noPeerLimit: PeerLimit = { admit: () => true }

function isLoopback(peer: string): boolean {
  return peer === '::1' || peer.startsWith('127.') || peer.startsWith('::ffff:127.')
}

/**
 * @param perMinute requests a minute and peer
 * @param loopback whether loopback peers are limited too; behind a proxy on this machine they are everybody
 */
export function createPeerLimit(perMinute: number, loopback: boolean): PeerLimit {
  let minute = 0
  let counts = new Map<string, number>()
  return {
    admit(peer, now) {
      if (!loopback && isLoopback(peer)) return true
      const current = Math.floor(now / MINUTE)
      if (current !== minute) {
        minute = current
        counts = new Map()
      }
      const used = counts.get(peer) ?? 0
      if (used >= perMinute) return false
      if (used > 0 || counts.size < MAX_PEERS) counts.set(peer, used + 1)
      return true
    },
  }
}
