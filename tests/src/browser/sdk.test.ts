import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { ROOT } from './instance.js'

const FILE = join(ROOT, 'services/dashboard/web-dist/tacit.js')
const MAX_GZIP_BYTES = 1_800

t.test('the SDK as built is one file of at most 1.8 KB gzip that exports createBeacon alone', async (t) => {
  const text = readFileSync(FILE, 'utf8')
  const { length } = gzipSync(text, { level: 9 })
  t.ok(length <= MAX_GZIP_BYTES, `${length} bytes`)
  t.notMatch(text, /\bimport\b|sourceMappingURL|localStorage|sessionStorage|\.cookie\b/)
  const sdk = (await import(pathToFileURL(FILE).href)) as Record<string, unknown>
  t.same(Object.keys(sdk), ['createBeacon'])
  t.type(sdk['createBeacon'], 'function')
})
