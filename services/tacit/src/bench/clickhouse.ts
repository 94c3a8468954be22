/** Asks a benchmark's ClickHouse itself, for what the warehouse has no door for. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { TacitError } from '@tacit/contracts'
import type { ServerAddress } from '@tacit/warehouse'

/** Linux counts CPU time for programs in hundredths of a second. */
const TICKS_PER_SECOND = 100

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

/** CPU time that a process has used, s; null where the system does not say. Others on the machine hardly change it. */
export function cpuSeconds(pid: number): number | null {
  try {
    // The name before the bracket may hold anything; user and system time are the 14th and 15th value.
    const [user, system] =
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ').slice(11, 13) ?? []
    return (Number(user) + Number(system)) / TICKS_PER_SECOND
  } catch {
    return null
  }
}
