/**
 * Counts an access log by the words of interface.md ("Import"), for comparison. It shares no code with the product:
 * one regular expression for a line, one for each kind of segment.
 */

const LINE =
  /^(\S+) \S+ .*?\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "(\w+) (\S+)(?: HTTP\/\S+)?" (\d{3}) \S+(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?/
const ID =
  /^(\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=.*\d)[0-9a-f]{8,}|(?=.*\d)(?=.*[a-z])[0-9a-z]{20,}|.*[@%].*)$/i

export interface PathCount {
  readonly people: Set<string>
  readonly networks: Set<string>
  events: number
}

export interface LogCount {
  lines: number
  /** page views: GET or POST, status below 400 */
  views: number
  /** day (YYYY-MM-DD) → templated path → who and how often */
  readonly days: Map<string, Map<string, PathCount>>
  /** hour (RFC 3339) → lines that parse */
  readonly hours: Map<string, number>
}

/** The first groups of an IPv6 address, or of an IPv4 address the first parts. */
function prefix(address: string, ipv4Parts: number, ipv6Groups: number): string {
  if (!address.includes(':')) return address.split('.').slice(0, ipv4Parts).join('.')
  const [head = '', tail] = address.split('::').map((side) => side.split(':').filter((group) => group !== ''))
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill('0')
  return [...head, ...zeros, ...(tail ?? [])].slice(0, ipv6Groups).join(':')
}

/** @param text lines of Combined or Common Log Format */
export function countLog(text: string): LogCount {
  const count: LogCount = { lines: 0, views: 0, days: new Map(), hours: new Map() }
  for (const line of text.split(/\r?\n/)) {
    if (line === '') continue
    count.lines += 1
    const match = LINE.exec(line)
    if (match === null) continue
    const [, address = '', day, month, year, time, east, minutes, method = '', target = '', status, agent] =
      match
    const at = new Date(`${day} ${month} ${year} ${time} GMT${east}${minutes}`).toISOString()
    const hour = `${at.slice(0, 13)}:00:00Z`
    count.hours.set(hour, (count.hours.get(hour) ?? 0) + 1)
    if (!['GET', 'POST'].includes(method) || Number(status) >= 400) continue
    count.views += 1
    const path = target
      .replace(/[?#].*/, '')
      .split('/')
      .map((segment) => (ID.test(segment) ? ':id' : segment))
      .join('/')
    const paths = count.days.get(at.slice(0, 10)) ?? new Map<string, PathCount>()
    count.days.set(at.slice(0, 10), paths)
    const cell = paths.get(path) ?? { people: new Set(), networks: new Set(), events: 0 }
    paths.set(path, cell)
    cell.people.add(`${prefix(address, 4, 4)} ${agent === undefined || agent === '-' ? '' : agent}`)
    cell.networks.add(prefix(address, 3, 3))
    cell.events += 1
  }
  return count
}

/** What may be published: by day and path, users and events of paths with ten people from five networks. */
export function publishable(
  count: LogCount,
): Map<string, { readonly users: number; readonly events: number }> {
  const cells = new Map<string, { users: number; events: number }>()
  for (const [day, paths] of count.days) {
    for (const [path, { events, networks, people }] of paths) {
      if (people.size >= 10 && networks.size >= 5) cells.set(`${day} ${path}`, { users: people.size, events })
    }
  }
  return cells
}
