/**
 * User agents, generalised to closed families: what leaves here is one of 5 × 6 × 4 triples and whether it is a bot.
 * Families (privacy.md 2.7): at most 4 bits a row; anything unusual is `other`.
 */
import type { GENERALISED_VALUES } from '@tacit/rulebook'
import { isbot } from 'isbot'
import UAParser from 'ua-parser-js'
import { GenerationCache, type GenerationCacheOptions } from './generation-cache.js'

type Families = typeof GENERALISED_VALUES
export type Browser = Families['browser'][number]
export type Os = Families['os'][number]
export type Device = Families['device'][number]
export type ModelClass = Families['model_class'][number]

export interface UserAgent {
  readonly browser: Browser
  readonly os: Os
  readonly device: Device
  /** named by `isbot` */
  readonly bot: boolean
}

/** Characters of a user agent that are looked at: bounds the work of the libraries' regular expressions. */
const MAX_LENGTH = 512

const ABSENT: UserAgent = { browser: 'other', os: 'other', device: 'other', bot: false }

/** Names of ua-parser-js 1.0.x, in lower case: it repeats the case of the header. */
const BROWSERS: ReadonlyMap<string, Browser> = new Map([
  ['chrome', 'chrome'],
  ['chrome headless', 'chrome'],
  ['chrome webview', 'chrome'],
  ['chromium', 'chrome'],
  ['mobile chrome', 'chrome'],
  ['edge', 'edge'],
  ['firefox', 'firefox'],
  ['firefox focus', 'firefox'],
  ['mobile firefox', 'firefox'],
  ['safari', 'safari'],
  ['mobile safari', 'safari'],
])

const SYSTEMS: ReadonlyMap<string, Os> = new Map([
  ['windows', 'windows'],
  ['mac os', 'macos'],
  ['ios', 'ios'],
  ['android', 'android'],
  ['linux', 'linux'],
  ['arch', 'linux'],
  ['centos', 'linux'],
  ['debian', 'linux'],
  ['fedora', 'linux'],
  ['gentoo', 'linux'],
  ['kubuntu', 'linux'],
  ['lubuntu', 'linux'],
  ['manjaro', 'linux'],
  ['mint', 'linux'],
  ['opensuse', 'linux'],
  ['raspbian', 'linux'],
  ['red hat', 'linux'],
  ['redhat', 'linux'],
  ['slackware', 'linux'],
  ['suse', 'linux'],
  ['ubuntu', 'linux'],
  ['xubuntu', 'linux'],
])

/** Systems whose user agents name no device type and run on desks. */
const DESKTOP_SYSTEMS: ReadonlySet<Os> = new Set<Os>(['windows', 'macos', 'linux'])

/** Words that the page may send for a model; the part before the first character that is no letter. */
const MODEL_WORDS: ReadonlyMap<string, ModelClass> = new Map([
  ['desktop', 'desktop'],
  ['laptop', 'desktop'],
  ['pc', 'desktop'],
  ['windows', 'desktop'],
  ['linux', 'desktop'],
  ['chromebook', 'desktop'],
  ['mac', 'desktop'],
  ['imac', 'desktop'],
  ['imacpro', 'desktop'],
  ['macmini', 'desktop'],
  ['macpro', 'desktop'],
  ['macbook', 'desktop'],
  ['macbookair', 'desktop'],
  ['macbookpro', 'desktop'],
  ['macintosh', 'desktop'],
  ['phone', 'phone'],
  ['mobile', 'phone'],
  ['smartphone', 'phone'],
  ['iphone', 'phone'],
  ['ipod', 'phone'],
  ['tablet', 'tablet'],
  ['ipad', 'tablet'],
])

export interface UserAgentReader {
  /** The families of a `User-Agent` header; `''` and `-` are `other` throughout, and no bot. */
  (text: string): UserAgent
  /** Forgets what is due; call it on a timer. */
  expire(): void
  /** Forgets everything. */
  clear(): void
}

/** Makes a reader with a bounded cache: a hit costs a look-up instead of some 40 µs of parsing. */
export function createUserAgentReader(options: GenerationCacheOptions): UserAgentReader {
  const cache = new GenerationCache<UserAgent>(options)
  const read = (text: string): UserAgent => {
    if (text === '' || text === '-') return ABSENT
    const key = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text
    const known = cache.get(key)
    if (known !== undefined) return known
    const families = generaliseUserAgent(key)
    cache.set(key, families)
    return families
  }
  return Object.assign(read, {
    expire: () => cache.expire(),
    clear: () => cache.clear(),
  })
}

function generaliseUserAgent(text: string): UserAgent {
  const parser = new UAParser(text)
  const os = SYSTEMS.get(lowerCase(parser.getOS().name)) ?? 'other'
  return {
    browser: BROWSERS.get(lowerCase(parser.getBrowser().name)) ?? 'other',
    os,
    device: deviceOf(parser.getDevice().type, os),
    bot: isbot(text),
  }
}

function lowerCase(name: string | undefined): string {
  return name === undefined ? '' : name.toLowerCase()
}

function deviceOf(type: string | undefined, os: Os): Device {
  if (type === 'mobile' || type === 'tablet') return type
  return type === undefined && DESKTOP_SYSTEMS.has(os) ? 'desktop' : 'other'
}

/**
 * The class of a device model, from what a page or an app says: `iPhone14,2`, `SM-T870`, `desktop`. Anything that no
 * word and no model pattern names is `other`.
 */
export function modelClass(text: string): ModelClass {
  const model = text.length > MAX_LENGTH ? text.slice(0, MAX_LENGTH) : text
  const named = MODEL_WORDS.get(leadingLetters(model.toLowerCase()))
  if (named !== undefined) return named
  // ua-parser-js knows models only in their place in a user agent.
  const { type } = new UAParser(`Mozilla/5.0 (Linux; Android 10; ${model}) AppleWebKit/537.36`).getDevice()
  if (type === 'mobile') return 'phone'
  return type === 'tablet' ? 'tablet' : 'other'
}

function leadingLetters(text: string): string {
  let end = 0
  while (end < text.length && text.charCodeAt(end) >= 0x61 && text.charCodeAt(end) <= 0x7a) end += 1
  return text.slice(0, end)
}
