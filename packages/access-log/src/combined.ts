/**
 * Lines of Apache's and nginx's Common and Combined Log Format, read in one pass without regular expressions:
 *
 *     host ident user [17/May/2015:10:05:03 +0000] "GET /path HTTP/1.1" 200 2326 "referrer" "user agent"
 *
 * Common ends after the size. What stands after the user agent is ignored. Inside quotes `\"` and `\\` are escapes
 * (httpd, mod_log_config), in a user's name too, so the first other quote of a line opens the request, whatever the
 * user is called. The referrer is skipped, never copied.
 */
import { MINUTE } from '@tacit/contracts'

export interface AccessLine {
  /** milliseconds since the Unix epoch */
  readonly time: number
  /** the host as written; not checked to be an address */
  readonly address: string
  /** as written; `-` where the server got no request */
  readonly method: string
  /** the request target as written, with its query; '' where the server got no request */
  readonly target: string
  readonly status: number
  /** '' in Common Log Format and for `-` */
  readonly userAgent: string
}

/** Longer lines are not read: servers bound request lines and headers to a few KiB each. */
const MAX_LINE = 65_536
/** `[17/May/2015:10:05:03 +0000]` */
const TIME_LENGTH = 28
const FIRST_YEAR = 1970
/** UTC+14:00, the farthest offset of civil time */
const MAX_OFFSET_MINUTES = 840

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20

/** By the codes of the three letters. */
const MONTHS: ReadonlyMap<number, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, month) => [
    letters(name, 0),
    month,
  ]),
)

/** Reads one line without its line feed; null where it is not one of the two formats. */
export function parseCombined(line: string): AccessLine | null {
  if (line.length > MAX_LINE) return null
  const request = requestQuote(line)
  const time = request < 0 ? null : parseTime(line, request - TIME_LENGTH - 1)
  if (time === null) return null
  const host = hostEnd(line, request - TIME_LENGTH - 1)
  const requestEnd = closingQuote(line, request)
  if (host < 0 || requestEnd < 0) return null
  const status = parseStatus(line, requestEnd + 1)
  const sizeEnd = status < 0 ? -1 : endOfSize(line, requestEnd + 5)
  const userAgent = sizeEnd < 0 ? null : parseUserAgent(line, sizeEnd)
  if (userAgent === null) return null
  const parts = parseRequest(line, request + 1, requestEnd)
  if (parts === null) return null
  return {
    time,
    address: line.slice(0, host),
    method: parts.method,
    target: parts.target,
    status,
    userAgent,
  }
}

/** Whether a line that parses has a user agent: Combined rather than Common. */
export function hasUserAgent(line: string): boolean {
  const request = requestQuote(line)
  const requestEnd = request < 0 ? -1 : closingQuote(line, request)
  return requestEnd >= 0 && line.includes('"', requestEnd + 1)
}

/** The quote that opens the request. httpd writes an empty user name as `""`, the one pair of quotes before it. */
function requestQuote(line: string): number {
  const first = closingQuote(line, -1)
  if (first < 0 || line.charCodeAt(first + 1) !== QUOTE || line.charCodeAt(first + 3) !== 0x5b) return first
  return closingQuote(line, first + 1)
}

/** The end of the host, where ident and user stand between it and the time at `time`; else −1. */
function hostEnd(line: string, time: number): number {
  const end = line.indexOf(' ')
  const identEnd = line.indexOf(' ', end + 1)
  const isComplete = end > 0 && identEnd > end + 1 && identEnd + 1 < time - 1
  return isComplete && line.charCodeAt(time - 1) === SPACE ? end : -1
}

/** The next unescaped quote after `open`; −1 where there is none. */
function closingQuote(line: string, open: number): number {
  for (let at = line.indexOf('"', open + 1); at >= 0; at = line.indexOf('"', at + 1)) {
    let before = at - 1
    while (before > open && line.charCodeAt(before) === BACKSLASH) before -= 1
    if ((at - before) % 2 === 1) return at
  }
  return -1
}

/** ` 200 ` at `at`; −1 where it is no status. */
function parseStatus(line: string, at: number): number {
  const hundreds = digit(line, at + 1)
  const tens = digit(line, at + 2)
  const ones = digit(line, at + 3)
  if (line.charCodeAt(at) !== SPACE || line.charCodeAt(at + 4) !== SPACE) return -1
  return hundreds < 1 || tens < 0 || ones < 0 ? -1 : hundreds * 100 + tens * 10 + ones
}

/** The place after the size, which is digits or `-`; `at` is the space before it. −1 where it is neither. */
function endOfSize(line: string, at: number): number {
  if (line.charCodeAt(at + 1) === 0x2d) return at + 2
  let end = at + 1
  while (digit(line, end) >= 0) end += 1
  return end > at + 1 ? end : -1
}

/** What follows the size: nothing, or the referrer and the user agent. Null where it is neither. */
function parseUserAgent(line: string, at: number): string | null {
  if (isEnd(line, at)) return ''
  if (line.charCodeAt(at) !== SPACE || line.charCodeAt(at + 1) !== QUOTE) return null
  const referrerEnd = closingQuote(line, at + 1)
  if (referrerEnd < 0 || line.charCodeAt(referrerEnd + 1) !== SPACE) return null
  const open = referrerEnd + 2
  const end = line.charCodeAt(open) === QUOTE ? closingQuote(line, open) : -1
  if (end < 0 || !(isEnd(line, end + 1) || line.charCodeAt(end + 1) === SPACE)) return null
  const userAgent = unescaped(line.slice(open + 1, end))
  return userAgent === '-' ? '' : userAgent
}

/** The end of the line, before a carriage return. */
function isEnd(line: string, at: number): boolean {
  return at === line.length || (at === line.length - 1 && line.charCodeAt(at) === 0x0d)
}

/** `GET /path HTTP/1.1`, `GET /path` (HTTP/0.9) or `-`, between two places; null for anything else. */
function parseRequest(line: string, start: number, end: number): { method: string; target: string } | null {
  if (end === start + 1 && line.charCodeAt(start) === 0x2d) return { method: '-', target: '' }
  let methodEnd = start
  while (methodEnd < end && isMethodCharacter(line.charCodeAt(methodEnd))) methodEnd += 1
  if (methodEnd === start || line.charCodeAt(methodEnd) !== SPACE) return null
  const space = line.indexOf(' ', methodEnd + 1)
  const targetEnd = space < 0 || space > end ? end : space
  if (targetEnd === methodEnd + 1 || !(targetEnd === end || isVersion(line, targetEnd + 1, end))) return null
  return { method: line.slice(start, methodEnd), target: unescaped(line.slice(methodEnd + 1, targetEnd)) }
}

function isVersion(line: string, start: number, end: number): boolean {
  const space = line.indexOf(' ', start)
  return line.startsWith('HTTP/', start) && end > start + 5 && (space < 0 || space > end)
}

function isMethodCharacter(code: number): boolean {
  const lower = code | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || code === 0x2d || code === 0x5f
}

/** `\"` and `\\` are read; any other escape (`\x16`, `\t`) stays as the server wrote it. */
function unescaped(text: string): string {
  let slash = text.indexOf('\\')
  if (slash < 0) return text
  let plain = ''
  let from = 0
  while (slash >= 0) {
    const next = text.charCodeAt(slash + 1)
    const isEscape = next === QUOTE || next === BACKSLASH
    plain += text.slice(from, isEscape ? slash : slash + 1)
    from = slash + 1
    slash = text.indexOf('\\', isEscape ? slash + 2 : slash + 1)
  }
  return plain + text.slice(from)
}

/** `[17/May/2015:10:05:03 +0000] ` at `at`, as milliseconds since the Unix epoch; null where it is no time. */
function parseTime(line: string, at: number): number | null {
  if (at < 0 || !isTimeShaped(line, at)) return null
  const day = twoDigits(line, at + 1)
  const month = MONTHS.get(letters(line, at + 4)) ?? -1
  const year = twoDigits(line, at + 8) * 100 + twoDigits(line, at + 10)
  const hour = twoDigits(line, at + 13)
  const minute = twoDigits(line, at + 16)
  const second = twoDigits(line, at + 19)
  const offset = parseOffset(line, at + 22)
  if (month < 0 || year < FIRST_YEAR || day < 1 || day > daysIn(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59 || offset === null) return null
  return Date.UTC(year, month, day, hour, minute, second) - offset * MINUTE
}

/** Brackets, slashes, colons and digits in their places; ranges are another matter. */
function isTimeShaped(line: string, at: number): boolean {
  const shape = '[99/AAA/9999:99:99:99 A9999] '
  for (let index = 0; index < shape.length; index += 1) {
    const wanted = shape.charCodeAt(index)
    if (wanted === 0x41) continue
    if (wanted === 0x39 ? digit(line, at + index) < 0 : line.charCodeAt(at + index) !== wanted) return false
  }
  return true
}

/** Minutes east of UTC. */
function parseOffset(line: string, at: number): number | null {
  const sign = line.charCodeAt(at)
  const minutes = twoDigits(line, at + 3)
  const offset = twoDigits(line, at + 1) * 60 + minutes
  if (minutes > 59 || offset > MAX_OFFSET_MINUTES) return null
  if (sign === 0x2b) return offset
  return sign === 0x2d ? -offset : null
}

function daysIn(year: number, month: number): number {
  if (month === 1) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return month === 3 || month === 5 || month === 8 || month === 10 ? 30 : 31
}

function letters(text: string, at: number): number {
  return (text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2)
}

/** The digit at a place; −1 where there is none, also past the end. */
function digit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39 ? code - 0x30 : -1
}

/** Two digits that are known to be digits. */
function twoDigits(text: string, at: number): number {
  return digit(text, at) * 10 + digit(text, at + 1)
}
