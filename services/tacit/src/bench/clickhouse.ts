/** Asks a benchmark's ClickHouse itself, for what the warehouse has no door for. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { TacitError } from '@tacit/contracts'
import type { ServerAddress } from '@tacit/warehouse'

/** @returns the answer's body. @throws TacitError ERR_INTERNAL with ClickHouse's own words: they are of made-up rows */
export async function ask({ password, url, username }: ServerAddress, sql: string): Promise<string> {
  // A connection kept alive would hold up the server's end.
  const outgoing = request(`${url}/?session_timezone=UTC`, {
    method: 'POST',
    auth: `${username}:${password}`,
    agent: false,
  })
  outgoing.end(sql)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await text(answer)
  if (answer.statusCode !== 200) throw new TacitError('ERR_INTERNAL', `ClickHouse answered: ${body}`)
  return body
}

/** From now on {@link peakMb} tells of what comes. Where the system does not let us, it tells of the whole life. */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // Not Linux, or another user's process.
  }
}

/** Most resident memory that a process had, MB (10⁶ bytes); null where the system does not say. */
export function peakMb(pid: number): number | null {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kib === undefined ? null : Math.round((Number(kib) * 1_024) / 1e6)
  } catch {
    return null
  }
}
