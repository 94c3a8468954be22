/** A made-up access log of two days in which every rule of the import decides something; the same for the same seed. */

export interface LogLine {
  /** ms */
  readonly time: number
  readonly text: string
}

const DAY = 86_400_000
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** mulberry32: small, seeded, good enough to spread test data. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function stamp(time: number, eastMinutes: number): string {
  const at = new Date(time + eastMinutes * 60_000).toISOString()
  const two = (value: number) => String(value).padStart(2, '0')
  const zone = `${eastMinutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(eastMinutes) / 60))}${two(Math.abs(eastMinutes) % 60)}`
  return `${at.slice(8, 10)}/${MONTHS[Number(at.slice(5, 7)) - 1] ?? ''}/${at.slice(0, 4)}:${at.slice(11, 19)} ${zone}`
}

export interface Request {
  readonly time: number
  readonly address: string
  readonly target: string
  readonly method?: string
  readonly status?: number
  /** as the log writes it; default a common browser */
  readonly agent?: string
  readonly eastMinutes?: number
}

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:29.0) Gecko/20100101 Firefox/29.0'

/** A line of Combined Log Format. */
export function combinedLine({ time, address, target, ...rest }: Request): LogLine {
  const { agent = BROWSER, eastMinutes = 0, method = 'GET', status = 200 } = rest
  const request = `"${method} ${target} HTTP/1.1" ${status} 512`
  return { time, text: `${address} - - [${stamp(time, eastMinutes)}] ${request} "-" "${agent}"` }
}

/** Person `person` of `networks` networks of IPv4. */
const ipv4 = (person: number, networks: number) => `198.51.${100 + (person % networks)}.${10 + person}`

type Visit = readonly [target: string, people: number, networks: number, more?: Partial<Request>]

/** Paths at the edges of the thresholds, each visited twice by its first person. */
const EDGES: readonly Visit[] = [
  ['/ten-of-five', 10, 5],
  ['/ten-of-four', 10, 4],
  ['/nine-of-nine', 9, 9],
  ['/many', 60, 20],
  ['/posted?draft=1', 12, 6, { method: 'POST' }],
  ['/found#part', 12, 6, { status: 302 }],
  ['/head-only', 12, 6, { method: 'HEAD' }],
  ['/missing', 12, 6, { status: 404 }],
  ['/no-agent', 11, 6, { agent: '-' }],
  ['/quoted-agent', 11, 6, { agent: 'Say \\"hello\\" 1.0' }],
  ['/wiki/Colon:Page', 11, 6],
  ['/__proto__', 11, 6],
  ['http://proxy.example/probe?x', 11, 6],
  ['//double//slash/', 11, 6],
  ['/kolkata', 11, 6, { eastMinutes: 330 }],
  ['/style.css', 14, 7],
  ['/caf%C3%A9/menu', 11, 6],
]

/** Segments that must become one `:id`, a new one for each person. */
const IDS: readonly ((person: number) => string)[] = [
  (person) => `/orders/${1000 + person}`,
  (person) => `/files/8c1f0a52-b3d9-4e77-8c1f-0a52b3d94e${10 + person}`,
  (person) => `/commit/deadbeef${person}`,
  (person) => `/share/abcdefghijKLMNOPQRST${person}`,
  (person) => `/people/p${person}@example.in`,
]

/** IPv6: five /48, two people each; a second address in one /64 is no second person. */
function ipv6Lines(start: number): LogLine[] {
  const addresses = Array.from({ length: 10 }, (_, i) => `2001:db8:${1 + (i % 5)}:${i}::${i + 1}`)
  return [...addresses, '2001:db8:1:0::ffff', '2001:db8:1:0:1:2:3:4'].map((address, i) =>
    combinedLine({ time: start + i * 1000, address, target: '/six' }),
  )
}

function dayLines(day: number, next: () => number, count: number): LogLine[] {
  const lines: LogLine[] = []
  const anyTime = () => day + Math.floor(next() * (DAY / 1000)) * 1000
  const add = (request: Omit<Request, 'time'>) => lines.push(combinedLine({ time: anyTime(), ...request }))
  for (const [target, people, networks, more = {}] of EDGES) {
    for (let person = 0; person < people; person++) add({ address: ipv4(person, networks), target, ...more })
    add({ address: ipv4(0, networks), target, ...more })
  }
  for (const target of IDS)
    for (let person = 0; person < 11; person++) add({ address: ipv4(person, 6), target: target(person) })
  // One address is as many people as it has user agents.
  for (let person = 0; person < 10; person++)
    add({ address: ipv4(person % 5, 5), target: '/shared-address', agent: `Agent/${person}.0 (made up)` })
  for (let i = 0; i < count; i++) {
    const target = `/page-${Math.floor(next() ** 3 * 40)}?visit=${i}`
    add({ address: ipv4(Math.floor(next() * 90), 23), target, agent: `Browser/${Math.floor(next() * 3)}.0` })
  }
  lines.push(...ipv6Lines(day + 5 * 3_600_000))
  const edgesOfDay = [day, day + DAY - 1000].flatMap((time) =>
    Array.from({ length: 11 }, (_, person) =>
      combinedLine({ time, address: ipv4(person, 6), target: '/edge-of-day' }),
    ),
  )
  return [...lines, ...edgesOfDay]
}

/**
 * Lines of two whole UTC days, in order of time.
 * @param firstDay start of the first day, ms
 * @param count page views of no special kind a day
 */
export function sampleLog(firstDay: number, count = 400, seed = 7): LogLine[] {
  const next = random(seed)
  const lines = [...dayLines(firstDay, next, count), ...dayLines(firstDay + DAY, next, count)]
  return lines.sort((a, b) => a.time - b.time)
}

/** The text of a log file. */
export function logText(lines: readonly LogLine[], lineEnd = '\n'): string {
  return lines.map(({ text }) => text + lineEnd).join('')
}

/** The same lines, each written up to `withinMs` later than its time says, as servers do. */
export function disordered(lines: readonly LogLine[], withinMs: number, seed = 11): LogLine[] {
  const next = random(seed)
  return lines
    .map((line) => ({ line, written: line.time + next() * withinMs }))
    .sort((a, b) => a.written - b.written)
    .map(({ line }) => line)
}
