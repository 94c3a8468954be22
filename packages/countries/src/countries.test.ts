import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parseAddress, truncateAddress } from '@tacit/anonymizer'
import fc from 'fast-check'
import t from 'tap'
import { openCountries } from './countries.js'
import { type Ranges, readRanges } from './ranges.js'

const folder = dirname(
  createRequire(import.meta.url).resolve('@ip-location-db/geo-whois-asn-country/package.json'),
)
const countries = openCountries()
const text4 = readFileSync(join(folder, 'geo-whois-asn-country-ipv4.csv'), 'utf8')
const lines4 = text4.trimEnd().split('\n')
const text6File = readFileSync(join(folder, 'geo-whois-asn-country-ipv6.csv'), 'utf8')

const value4 = (text: string): number => text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
const text = (value: number): string => [24, 16, 8, 0].map((shift) => (value / 2 ** shift) & 255).join('.')

t.test('ranges are read as they stand', async (t) => {
  const ranges = readRanges(
    Buffer.from('1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,CN\nnot a line\n2001:db8::,2001:db8:ffff::,IN'),
    4,
  )
  t.same(Array.from(ranges.first.subarray(0, 2)), [16_777_216, 16_777_472])
  t.same(Array.from(ranges.last.subarray(0, 2)), [16_777_471, 16_778_239])
  t.equal(String.fromCharCode((ranges.country[1] as number) >> 8, (ranges.country[1] as number) & 255), 'CN')
  const six = readRanges(Buffer.from('2001:200::,2001:218:2000:51:ffff::,AU\n2a00::,2a00:1:2:3::,DE\n'), 6)
  t.same(Array.from(six.first.subarray(0, 2)), [0x20010200_0000, 0x2a000000_0000])
  t.same(Array.from(six.last.subarray(0, 2)), [0x20010218_2000, 0x2a000001_0002])
})

t.test('the country of a network is that of most of its addresses, counted the slow way', async (t) => {
  const networks = fc.sample(fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat({ max: 255 })), {
    numRuns: 200,
    seed: 3,
  })
  const slow = lines4
    .map((line) => line.split(','))
    .map(([a = '', b = '', c = '']) => [value4(a), value4(b), c] as const)
  for (const [one, two] of networks) {
    const start = one * 2 ** 24 + two * 2 ** 16
    const counts: Record<string, number> = {}
    for (const [first, last, country] of slow) {
      const size = Math.min(last, start + 65_535) - Math.max(first, start) + 1
      if (size > 0) counts[country] = (counts[country] ?? 0) + size
    }
    const best = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0]?.[0] ?? 'ZZ'
    t.equal(countries(`${String(one)}.${String(two)}.0.0/16`), best)
  }
})

t.test('what is in no country is ZZ', async (t) => {
  for (const network of ['10.0.0.0/16', '192.0.2.0/24', 'fc00::/32', 'unknown', '', 'x/16', '1.2.0.0/99']) {
    t.equal(countries(network), 'ZZ', network)
  }
})

/** Addresses drawn evenly from what the database covers, as leading bits, with their country. */
function drawn(ranges: Ranges, count: number, seed: number): readonly (readonly [number, string])[] {
  const ends: number[] = []
  let total = 0
  for (let at = 0; at < ranges.length; at++) {
    total += (ranges.last[at] as number) - (ranges.first[at] as number) + 1
    ends.push(total)
  }
  // Numbers of fast-check lean to the small ones; these are drawn evenly.
  const even = fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 }))
  return fc.sample(even, { numRuns: count, seed }).map((u) => {
    const at = Math.floor((u / 2 ** 31) * total)
    let low = 0
    let high = ends.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ends[middle] as number) <= at) low = middle + 1
      else high = middle
    }
    const before = low === 0 ? 0 : (ends[low - 1] as number)
    const code = ranges.country[low] as number
    return [(ranges.first[low] as number) + at - before, String.fromCharCode(code >> 8, code & 255)] as const
  })
}

const text6 = (value: number): string =>
  `${[2 ** 32, 2 ** 16, 1].map((unit) => (Math.floor(value / unit) % 65_536).toString(16)).join(':')}::`

t.test('how often the country of the cut network is that of the full address', async (t) => {
  for (const [family, file, write, least] of [
    [4, text4, text, 0.7],
    [6, text6File, text6, 0.7],
  ] as const) {
    let equal = 0
    const addresses = drawn(readRanges(Buffer.from(file), family), 100_000, 11)
    for (const [value, country] of addresses) {
      const address = parseAddress(write(value))
      if (address !== null && countries(truncateAddress(address, 16, 32)) === country) equal += 1
    }
    const share = equal / addresses.length
    const bits = family === 4 ? 16 : 32
    t.comment(
      `IPv${String(family)}: of 100,000 addresses ${String(equal)} have the country of their /${String(bits)} (${(share * 100).toFixed(1)} %)`,
    )
    t.ok(share > least)
  }
})

t.test('opening costs nothing, the first question some hundred milliseconds', async (t) => {
  const start = process.cpuUsage()
  const spent = (): number => {
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000
  }
  const fresh = openCountries()
  const opened = spent()
  fresh('8.8.0.0/16')
  fresh('2a00::/32')
  t.comment(`opened in ${opened.toFixed(2)} ms, both files read in ${spent().toFixed(0)} ms`)
  t.ok(opened < 50)
})
