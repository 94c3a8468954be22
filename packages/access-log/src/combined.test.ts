import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import { type AccessLine, parseCombined } from './combined.js'

const COMBINED =
  '203.0.113.77 - - [17/May/2015:10:05:03 +0000] "GET /a/b?c=d HTTP/1.1" 200 2326 "https://www.example.in/from" "Mozilla/5.0 (X11; Linux)"'

const AT = Date.UTC(2015, 4, 17, 10, 5, 3)

function line(parts: { user?: string; time?: string; request?: string; tail?: string }): string {
  const {
    user = '-',
    time = '17/May/2015:10:05:03 +0000',
    request = 'GET / HTTP/1.1',
    tail = '200 5 "-" "-"',
  } = parts
  return `203.0.113.77 - ${user} [${time}] "${request}" ${tail}`
}

/** Parses what the test knows to be a line. */
function parsed(text: string): AccessLine {
  const found = parseCombined(text)
  if (found === null) throw new Error('the test takes this for a line')
  return found
}

t.test('a combined line is read without its referrer', async (t) => {
  t.same(parseCombined(COMBINED), {
    time: AT,
    address: '203.0.113.77',
    method: 'GET',
    target: '/a/b?c=d',
    status: 200,
    userAgent: 'Mozilla/5.0 (X11; Linux)',
  })
  t.notMatch(JSON.stringify(parsed(COMBINED)), /example/)
})

t.test('a common line has no user agent', async (t) => {
  const common = '2001:db8::1 - frank [17/May/2015:10:05:03 +0000] "POST /x HTTP/1.0" 302 -'
  t.same(parseCombined(common), {
    time: AT,
    address: '2001:db8::1',
    method: 'POST',
    target: '/x',
    status: 302,
    userAgent: '',
  })
})

t.test('a dash for a user agent is an empty one, and one for a request is no method', async (t) => {
  t.equal(parsed(line({})).userAgent, '')
  t.equal(parsed(line({ tail: '200 5 "-" ""' })).userAgent, '')
  const none = parsed(line({ request: '-', tail: '408 - "-" "-"' }))
  t.same([none.method, none.target, none.status], ['-', '', 408])
})

t.test('escaped quotes and backslashes are read, other escapes stay', async (t) => {
  t.equal(
    parsed(line({ tail: String.raw`200 5 "a\"b" "say \"hi\" C:\\ \x16 \t"` })).userAgent,
    String.raw`say "hi" C:\ \x16 \t`,
  )
  t.equal(parsed(line({ request: String.raw`GET /a\"b\\c HTTP/1.1` })).target, '/a"b\\c')
  t.equal(parseCombined(line({ tail: String.raw`200 5 "-" "open\"` })), null)
  t.equal(parsed(line({ tail: String.raw`200 5 "-" "closed\\"` })).userAgent, 'closed\\')
})

t.test('a user name cannot pretend to be the rest of the line', async (t) => {
  for (const user of [
    'frank',
    'frank the first',
    '[18/May/2016:00:00:00 +0000]',
    '""',
    'a] b',
    String.raw`a\" [18/May/2016:00:00:00 +0000] \"GET`,
  ]) {
    t.same([parsed(line({ user })).time, parsed(line({ user })).target], [AT, '/'], user)
  }
})

t.test('what follows the user agent, and a carriage return, are ignored', async (t) => {
  t.equal(parsed(`${COMBINED} "198.51.100.1" 0.003`).userAgent, 'Mozilla/5.0 (X11; Linux)')
  t.equal(parsed(`${COMBINED}\r`).userAgent, 'Mozilla/5.0 (X11; Linux)')
  t.equal(parsed(`${line({ tail: '200 5' })}\r`).userAgent, '')
})

t.test('a time of any offset is UTC', async (t) => {
  t.equal(parsed(line({ time: '17/May/2015:15:35:03 +0530' })).time, AT)
  t.equal(parsed(line({ time: '16/May/2015:22:05:03 -1200' })).time, AT)
  t.equal(parsed(line({ time: '18/May/2015:00:05:03 +1400' })).time, AT)
  t.equal(parsed(line({ time: '29/Feb/2016:00:00:00 +0000' })).time, Date.UTC(2016, 1, 29))
})

t.test('a time that does not exist makes no line', async (t) => {
  const times = [
    '29/Feb/2015:00:00:00 +0000',
    '29/Feb/2100:00:00:00 +0000',
    '31/Apr/2015:00:00:00 +0000',
    '32/May/2015:00:00:00 +0000',
    '00/May/2015:00:00:00 +0000',
    '17/may/2015:00:00:00 +0000',
    '17/Mai/2015:00:00:00 +0000',
    '17/05/2015:00:00:00 +0000',
    '17/May/1969:00:00:00 +0000',
    '17/May/0000:00:00:00 +0000',
    '17/May/2015:24:00:00 +0000',
    '17/May/2015:00:60:00 +0000',
    '17/May/2015:00:00:60 +0000',
    '17/May/2015:00:00:00 +1401',
    '17/May/2015:00:00:00 +0060',
    '17/May/2015:00:00:00 00000',
    '17/May/2015:00:00:00',
    '7/May/2015:00:00:00 +0000',
    '1７/May/2015:00:00:00 +0000',
  ]
  for (const time of times) t.equal(parseCombined(line({ time })), null, time)
})

t.test('what is not a line of either format is refused', async (t) => {
  const refused = [
    '',
    ' ',
    '"',
    'not a log line',
    '{"time":"2026-01-01T00:00:00Z"}',
    COMBINED.slice(0, -1),
    COMBINED.slice(0, 100),
    COMBINED.replace('203.0.113.77 ', ''),
    COMBINED.replace('- - ', '- '),
    COMBINED.replace('"GET', 'GET'),
    COMBINED.replace('] "', ']  "'),
    COMBINED.replace(' 200 ', ' 20 '),
    COMBINED.replace(' 200 ', ' 2000 '),
    COMBINED.replace(' 200 ', ' 099 '),
    COMBINED.replace(' 200 ', ' - '),
    COMBINED.replace('2326', '-1'),
    COMBINED.replace('2326', '2k'),
    COMBINED.replace('"Mozilla', 'Mozilla'),
    `${COMBINED}x`,
    line({ tail: '200 5 "-"' }),
    line({ tail: '200 5 ' }),
    line({ request: '' }),
    line({ request: 'GET' }),
    line({ request: 'GET ' }),
    line({ request: 'GET  HTTP/1.1' }),
    line({ request: 'GET /a b HTTP/1.1' }),
    line({ request: 'GET /a HTTP/' }),
    line({ request: 'GET /a HTTP/1.1 x' }),
    line({ request: String.raw`\x16\x03\x01` }),
    `${'x'.repeat(70_000)} ${COMBINED}`,
  ]
  for (const text of refused) t.equal(parseCombined(text), null, text.slice(0, 140))
})

t.test('HTTP/0.9 requests have no version', async (t) => {
  t.equal(parsed(line({ request: 'GET /old' })).target, '/old')
})

/** As httpd writes a quoted field. */
const escaped = (text: string) => text.replaceAll(/["\\]/g, String.raw`\$&`)

t.test('what a server writes is what is read', async (t) => {
  const text = fc.string({ unit: 'grapheme' }).filter((value) => value !== '-' && !/[\r\n]/.test(value))
  const target = text.map((value) => `/${value.replaceAll(' ', '+')}`)
  const time = fc.integer({ min: 0, max: 4_102_444_799 })
  const written = fc.record({
    time,
    target,
    userAgent: text,
    referrer: text,
    user: fc.constantFrom('-', 'frank', 'frank the first'),
    method: fc.constantFrom('GET', 'POST', 'HEAD', 'M-SEARCH'),
    status: fc.integer({ min: 100, max: 599 }),
    size: fc.oneof(fc.constant('-'), fc.nat().map(String)),
  })
  fc.assert(
    fc.property(written, (entry) => {
      const [, weekday = ''] = new Date(entry.time * 1_000).toUTCString().split(', ')
      const [day, month, year, clock] = weekday.split(' ')
      const request = `${entry.method} ${escaped(entry.target)} HTTP/1.1`
      const tail = `${entry.status} ${entry.size} "${escaped(entry.referrer)}" "${escaped(entry.userAgent)}"`
      const found = parseCombined(
        line({ user: entry.user, time: `${day}/${month}/${year}:${clock} +0000`, request, tail }),
      )
      return (
        found !== null &&
        found.time === entry.time * 1_000 &&
        found.method === entry.method &&
        found.target === entry.target &&
        found.status === entry.status &&
        found.userAgent === entry.userAgent
      )
    }),
    { numRuns: 1_000 },
  )
  t.pass('held in every run')
})

t.test('no text makes the parser throw, and long hostile lines take no time', async (t) => {
  const piece = fc.constantFrom(
    '"',
    '\\',
    '[17/May/2015:10:05:03 +0000]',
    ' ',
    '-',
    'GET / HTTP/1.1',
    '200',
    'x',
    '\ud800',
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      parseCombined(pieces.join(''))
    }),
  )
  const start = process.cpuUsage()
  for (const hostile of ['"', '\\', '\\"', '[', ' ', '" "']) {
    parseCombined(line({ tail: `200 5 "${hostile.repeat(60_000 / hostile.length)}` }))
  }
  t.ok(process.cpuUsage(start).user < 500_000)
})

const LOGS =
  process.env['TACIT_TEST_LOGS'] ?? fileURLToPath(new URL('../../../../shared/data', import.meta.url))
const LOG = join(LOGS, 'access-2015-05-17-18.log')

t.test(
  'a real log is read line by line as a regular expression reads it',
  { skip: existsSync(LOG) ? false : 'no access log: set TACIT_TEST_LOGS to a folder that holds one' },
  async (t) => {
    const lines = readFileSync(LOG, 'utf8').trimEnd().split('\n')
    t.ok(lines.length > 1_000)
    const shape = /^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]*" (\d{3}) \S+ "[^"]*" "([^"]*)"$/
    const mismatches = lines.filter((text) => {
      const [, address, time = '', method, target, status, userAgent] = shape.exec(text) ?? []
      const expected = {
        time: Date.parse(time.replace(':', ' ').replaceAll('/', ' ')),
        address,
        method,
        target,
        status: Number(status),
        userAgent: userAgent === '-' ? '' : userAgent,
      }
      return JSON.stringify(parseCombined(text)) !== JSON.stringify(expected)
    })
    t.equal(mismatches.length, 0)
  },
)
