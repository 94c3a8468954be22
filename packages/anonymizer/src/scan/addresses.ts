/** E-mail addresses and UPI ids: what stands around an `@`. One pass: each character is looked at twice at most. */
import type { Detector } from '@tacit/rulebook'
import { isWord } from './runs.js'

const DOT = 0x2e
const HYPHEN = 0x2d

/** What a decoder could not read: a part of nobody's host. */
const REPLACEMENT = 0xfffd
/** Characters of a local part that are looked at across a seam (RFC 5321, 4.5.3.1.1). */
const MAX_LOCAL = 64

/** RFC 5322 atom characters that people really have: letters, digits, `. _ - + ' %`; letters beyond ASCII too. */
function isLocal(code: number): boolean {
  return (
    isWord(code) ||
    code === DOT ||
    code === HYPHEN ||
    code === 0x5f ||
    code === 0x2b ||
    code === 0x27 ||
    code === 0x25 ||
    code > 0x7f
  )
}

function isLetterBeyond(code: number): boolean {
  return code > 0x7f && code !== REPLACEMENT
}

function isHost(code: number): boolean {
  return isWord(code) || code === HYPHEN || code === DOT || isLetterBeyond(code)
}

function isLetter(code: number): boolean {
  const lower = code | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || isLetterBeyond(code)
}

/** Where a host that begins at a place ends. */
export function hostEnd(text: string, from: number): number {
  let end = from
  while (end < text.length && isHost(text.charCodeAt(end))) end++
  return end
}

/** Where a local part that ends at a place begins; of a long one, its last characters. */
export function localStart(text: string, end: number): number {
  let start = end
  while (start > 0 && end - start < MAX_LOCAL && isLocal(text.charCodeAt(start - 1))) start--
  return start
}

/** Labels with a top one of two letters and more (or `xn--…`). */
function isDomain(host: string): boolean {
  const dot = host.lastIndexOf('.')
  if (dot < 1) return false
  const top = host.slice(dot + 1)
  if (/^xn--[a-z0-9-]{2,}$/i.test(top)) return true
  if (top.length < 2) return false
  for (let at = 0; at < top.length; at++) if (!isLetter(top.charCodeAt(at))) return false
  return true
}

/** `[\w.-]{2,}@[a-z]{2,}` (NPCI), where the handle ends. */
function isUpi(local: string, host: string): boolean {
  return /^[\w.-]{2,}$/.test(local) && /^[a-z]{2,64}$/i.test(host)
}

/** What stands around the `@`s of a text. */
export function addressOf(text: string, wanted: ReadonlySet<Detector>): Detector | null {
  let upi = false
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at
    while (start > 0 && isLocal(text.charCodeAt(start - 1))) start--
    let last = hostEnd(text, at + 1)
    while (last > at + 1 && (text.charCodeAt(last - 1) === DOT || text.charCodeAt(last - 1) === HYPHEN))
      last--
    if (start === at) continue
    const host = text.slice(at + 1, last)
    if (wanted.has('email') && isDomain(host)) return 'email'
    if (wanted.has('upi') && !upi && isUpi(text.slice(start, at).slice(-256), host)) upi = true
  }
  return upi ? 'upi' : null
}
