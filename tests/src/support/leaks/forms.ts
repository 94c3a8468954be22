/** The forms in which a value may lie on a disk or in memory: plain, hexadecimal, base64 at each alignment, URL-encoded. */

export interface Needle {
  /** what is looked for, without its value */
  readonly what: string
  readonly form: string
  readonly bytes: Buffer
}

/** Shorter values occur by chance. */
export const MIN_BYTES = 8

/**
 * The characters of base64 that depend on the value alone, when it starts `offset` bytes after a group of three: the
 * ones at its edges share bits with its neighbours.
 */
function base64Core(value: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), value]).toString('base64')
  const first = Math.ceil((offset * 8) / 6)
  const end = Math.floor(((offset + value.length) * 8) / 6)
  return text.slice(first, end)
}

/** Base64 and base64url at each alignment. */
function base64Forms(bytes: Buffer): (readonly [form: string, text: string])[] {
  const base64 = [0, 1, 2].map((offset) => base64Core(bytes, offset))
  return [
    ...base64.map((text, offset) => [`base64 +${offset}`, text] as const),
    ...base64.map(
      (text, offset) => [`base64url +${offset}`, text.replaceAll('+', '-').replaceAll('/', '_')] as const,
    ),
  ]
}

/** Every byte as %XX. */
function percentAll(value: Buffer, upper: boolean): string {
  const hex = upper ? value.toString('hex').toUpperCase() : value.toString('hex')
  return hex.replace(/../g, '%$&')
}

const lowerEscapes = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())

/** All forms of one value of at least {@link MIN_BYTES} bytes; each text once. */
export function formsOf(what: string, value: string): Needle[] {
  const bytes = Buffer.from(value, 'utf8')
  if (bytes.length < MIN_BYTES) return []
  const hex = bytes.toString('hex')
  const url = encodeURIComponent(value)
  const query = new URLSearchParams({ '': value }).toString().slice(1)
  const forms: readonly (readonly [string, string])[] = [
    ['plain', value],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ['hex', hex],
    ['HEX', hex.toUpperCase()],
    ...base64Forms(bytes),
    ['URL', url],
    ['url', lowerEscapes(url)],
    ['query', query],
    ['percent', percentAll(bytes, true)],
    ['percent lower', percentAll(bytes, false)],
  ]
  const seen = new Set<string>()
  return forms.flatMap(([form, text]) => {
    if (seen.has(text)) return []
    seen.add(text)
    return [{ what, form, bytes: Buffer.from(text, 'utf8') }]
  })
}

/** The groups of an IPv6 address, `::` written out. */
function ipv6Groups(address: string): string[] {
  const [head = [], tail] = address.split('::').map((side) => side.split(':').filter((group) => group !== ''))
  if (tail === undefined) return head
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
}

/** All forms of an address; of an IPv6 address also with its zeros written out, with and without colons. */
export function addressForms(what: string, address: string): Needle[] {
  if (!address.includes(':')) return formsOf(what, address)
  const groups = ipv6Groups(address)
  const padded = groups.map((group) => group.padStart(4, '0'))
  const texts = new Set([address, groups.join(':'), padded.join(':'), padded.join('')])
  return [...texts].flatMap((text) => formsOf(what, text))
}

/** The key of HMAC-SHA256 as it enters the hash (RFC 2104, section 2): who has this has the key. */
const padded = (key: Buffer, pad: number): Buffer => key.map((byte) => byte ^ pad) as Buffer

/** One small integer of an array of V8 on a 64-bit machine: the value in the upper half of eight bytes. */
function smallIntegers(bytes: Buffer): Buffer {
  const array = Buffer.alloc(bytes.length * 8)
  bytes.forEach((byte, index) => array.writeInt32LE(byte, index * 8 + 4))
  return array
}

/**
 * All forms of a binary secret. Each form is looked for by its two halves: the allocator writes its list pointers over
 * the first bytes of what is freed, and a copy that lost them is a copy still.
 * @param secret at least 16 bytes, without structure: the half of it must not occur by chance
 */
export function formsOfSecret(what: string, secret: Buffer): Needle[] {
  if (secret.length < 2 * MIN_BYTES) throw new RangeError('a secret is too short to be looked for')
  const hex = secret.toString('hex')
  const texts = [
    ['hex', hex],
    ['HEX', hex.toUpperCase()],
    ...base64Forms(secret),
    ['numbers', secret.join(',')],
  ] as const
  const forms: readonly (readonly [string, Buffer])[] = [
    ['raw', secret],
    ['raw, as UTF-16', Buffer.from(secret.toString('latin1'), 'utf16le')],
    ['inner pad', padded(secret, 0x36)],
    ['outer pad', padded(secret, 0x5c)],
    ['small integers', smallIntegers(secret)],
    ...texts.map(([form, text]) => [form, Buffer.from(text, 'latin1')] as const),
    ...texts.map(([form, text]) => [`${form}, as UTF-16`, Buffer.from(text, 'utf16le')] as const),
  ]
  const seen = new Set<string>()
  return forms.flatMap(([form, bytes]) => {
    const middle = bytes.length >>> 1
    return [bytes.subarray(0, middle), bytes.subarray(middle)].flatMap((half) => {
      const key = half.toString('latin1')
      if (seen.has(key)) return []
      seen.add(key)
      return [{ what, form, bytes: half }]
    })
  })
}
