/**
 * Tokens: runs of the base64 alphabets. JSON Web Tokens and long random ones are found here, and what may be an encoded
 * text is decoded. Bounded: a run is cut at {@link MAX_RUN} characters, decoded at four offsets, and of what comes out only
 * what a person could read is looked at, so that a text within a text within a text is short.
 */

/** Characters of a run that are looked at; longer ones are random or encoded whatever follows. */
const MAX_RUN = 8_192
/** Eight characters, the shortest identifier, in base64url. */
const MIN_ENCODED = 11
const MIN_ENCODED_HEXADECIMAL = 16
const MIN_HEXADECIMAL = 32
const MIN_RANDOM = 24
/** Share of neighbours of different classes in random text: about 0.6; in words run together: below 0.3. */
const RANDOM_CHANGES = 0.4
/** Characters of the shortest text that holds anything: `x@y.in`. */
const MIN_READABLE = 6
/** Characters of a stretch within bytes that are no text: shorter ones occur in every hash. */
const MIN_STRETCH = 10
// biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has, and what is no UTF-8
const UNREADABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]+/
/** Of fixed length, so that looking for it is linear. */
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/** 0 no token character, 1 lower, 2 upper, 3 digit, 4 `-` or `_`, 5 `+` or `/` */
function classOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return 1
  if (code >= 0x41 && code <= 0x5a) return 2
  if (code >= 0x30 && code <= 0x39) return 3
  if (code === 0x2d || code === 0x5f) return 4
  return code === 0x2b || code === 0x2f ? 5 : 0
}

/** Longest runs of token characters of at least `least`; with `wide`, those of standard base64 too. */
function tokensOf(text: string, least: number, wide: boolean): readonly string[] {
  const most = wide ? 5 : 4
  const runs: string[] = []
  let start = -1
  for (let at = 0; at <= text.length; at++) {
    const kind = at < text.length ? classOf(text.charCodeAt(at)) : 0
    if (kind > 0 && kind <= most) {
      if (start < 0) start = at
    } else {
      if (start >= 0 && at - start >= least) runs.push(text.slice(start, Math.min(at, start + MAX_RUN)))
      start = -1
    }
  }
  return runs
}

/** Whether a text holds `eyJ….….…`: a header that begins like JSON, a payload, a signature that may be empty (RFC 7519). */
export function holdsJwt(text: string): boolean {
  for (let at = text.indexOf('eyJ'); at >= 0; at = text.indexOf('eyJ', at + 3)) {
    let end = at
    while (end < text.length && isBase64Url(text.charCodeAt(end))) end++
    if (end - at >= 10 && text.charCodeAt(end) === 0x2e) {
      let payload = end + 1
      while (payload < text.length && isBase64Url(text.charCodeAt(payload))) payload++
      if (payload - end > 4) return true
    }
    at = Math.max(at, end - 3)
  }
  return false
}

function isBase64Url(code: number): boolean {
  const kind = classOf(code)
  return kind > 0 && kind < 5
}

function isOfJwt(code: number): boolean {
  return isBase64Url(code) || code === 0x2e
}

/** Where what could be part of a JSON Web Token at a text's beginning ends. */
export function tokenEnd(text: string): number {
  let end = 0
  while (end < text.length && isOfJwt(text.charCodeAt(end))) end++
  return end
}

/** Where what could be part of one at its end begins. */
export function tokenStart(text: string): number {
  let start = text.length
  while (start > 0 && isOfJwt(text.charCodeAt(start - 1))) start--
  return start
}

interface Shape {
  readonly classes: number
  /** neighbours of different classes, dashes not counted */
  readonly changes: number
  readonly letters: number
  readonly digits: number
  readonly isHexadecimal: boolean
}

function shapeOf(run: string): Shape {
  let seen = 0
  let changes = 0
  let digits = 0
  let letters = 0
  let isHexadecimal = true
  let before = 0
  for (let at = 0; at < run.length; at++) {
    const code = run.charCodeAt(at)
    const kind = classOf(code)
    if (kind === 3) digits++
    else if (kind < 3) letters++
    if (kind !== 3 && !((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)) isHexadecimal = false
    if (kind < 4) {
      seen |= 1 << kind
      if (before !== 0 && kind !== before) changes++
      before = kind
    }
  }
  const classes = ((seen >> 1) & 1) + ((seen >> 2) & 1) + ((seen >> 3) & 1)
  return { classes, changes, letters, digits, isHexadecimal }
}

function isRandom(run: string): boolean {
  const { changes, classes, digits, isHexadecimal, letters } = shapeOf(run)
  if (isHexadecimal) return run.length >= MIN_HEXADECIMAL && digits > 0 && letters > 0
  return (
    run.length >= MIN_RANDOM && classes >= 2 && digits > 0 && changes >= RANDOM_CHANGES * (letters + digits)
  )
}

/** Whether a text holds a long random token: a session, a key, a hash. UUIDs and words run together are none. */
export function holdsRandomToken(text: string): boolean {
  return tokensOf(text, MIN_RANDOM, false).some((run) => {
    const rest = run.replace(UUID, '')
    if (rest.length < MIN_RANDOM) return false
    return isRandom(rest) || rest.split(/[-_]/).some((group) => group.length >= MIN_RANDOM && isRandom(group))
  })
}

/** Adds the stretches of UTF-8 without controls: what a person's text decodes to, whatever stands around it. */
function addReadable(found: Set<string>, bytes: Buffer): void {
  if (bytes.length < MIN_READABLE) return
  const least = Math.max(MIN_READABLE, Math.min(MIN_STRETCH, bytes.length - 2))
  for (const stretch of bytes.toString('utf8').split(UNREADABLE)) {
    if (stretch.length >= least) found.add(stretch)
  }
}

function addHexadecimal(found: Set<string>, run: string): void {
  const start = /^0x/i.test(run) ? 2 : 0
  if (run.length - start < MIN_ENCODED_HEXADECIMAL || !shapeOf(run.slice(start)).isHexadecimal) return
  for (const skip of [start, start + 1]) {
    addReadable(found, Buffer.from(run.slice(skip, run.length - ((run.length - skip) % 2)), 'hex'))
  }
}

/** Texts that are encoded in a text: hexadecimal, base64 and base64url, at each alignment. */
export function decodedTexts(text: string): ReadonlySet<string> {
  const found = new Set<string>()
  const runs = new Set(tokensOf(text, MIN_ENCODED, false))
  if (text.includes('+') || text.includes('/')) {
    for (const run of tokensOf(text, MIN_ENCODED, true)) runs.add(run)
  }
  for (const run of runs) {
    addHexadecimal(found, run)
    // Text in base64 has capitals and small letters both.
    if (shapeOf(run).classes < 2) continue
    for (let skip = 0; skip < 4; skip++) addReadable(found, Buffer.from(run.slice(skip), 'base64'))
  }
  return found
}
