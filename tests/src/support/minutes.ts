/** People of one moment, on both kinds of site, and what is published of them. */
import { Agent } from 'node:http'
import { post } from './crash/load.js'
import { NETWORK_SITE, type Setting, SIGNED_SITE } from './crash/setting.js'

export interface Moment {
  readonly setting: Setting
  /** of collectors; each is given its turn */
  readonly origins: readonly string[]
  /** people of the signed site, by tenant */
  readonly people: readonly number[]
  /** of the site of networks, each in a network of its own */
  readonly devices: number
  /** sets these apart from others */
  readonly name: string
}

/** One page view each. @returns the answers by status */
export async function sendMoment({
  devices,
  name,
  origins,
  people,
  setting,
}: Moment): Promise<Record<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const answers: Record<number, number> = {}
  let number = 0
  const send = async (site: string, token: string | null, from: number): Promise<void> => {
    const at = number++
    const body = {
      v: 1,
      site,
      ...(token === null ? {} : { token }),
      consent: { analytics: 'granted' },
      events: [{ id: `id-${name}-${String(at)}`, name: 'page_view', age: 0, path: '/screens' }],
    }
    const headers = {
      'content-type': 'application/json',
      'x-forwarded-for': `198.51.${String(from)}.7`,
      'user-agent': `Mozilla/5.0 (X11; Linux x86_64) Chrome/100.0 Safari/537.36 ${name}`,
      ...(token === null ? { origin: 'https://www.example.in' } : {}),
    }
    const beacon = { body: JSON.stringify(body), headers }
    const status = (await post(origins[at % origins.length] as string, beacon, agent)) ?? 0
    answers[status] = (answers[status] ?? 0) + 1
  }
  const all: (() => Promise<void>)[] = []
  for (const [tenant, size] of people.entries())
    for (let at = 0; at < size; at++)
      all.push(() => send(SIGNED_SITE, setting.token(`tenant-${String(tenant)}`, `${name}-${String(at)}`), 1))
  for (let at = 0; at < devices; at++) all.push(() => send(NETWORK_SITE, null, at))
  // A few at once: each is a batch of its own or one of few.
  const queue = all.values()
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const one of queue) await one()
    }),
  )
  agent.destroy()
  return answers
}

/** All rows of the table of live numbers: statistic, start of the window (s), people. */
export const LIVE_ROWS =
  'SELECT statistic, toUnixTimestamp(window_start), users FROM tacit.live ORDER BY statistic FORMAT JSONCompactEachRow'

export type LiveRow = readonly [statistic: string, start: number, users: number | null]

export function liveRowsOf(answer: string): readonly LiveRow[] {
  return answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [statistic, start, users] = JSON.parse(line) as [string, number, number | string | null]
      return [statistic, Number(start), users === null ? null : Number(users)] as const
    })
}
