/**
 * Identifiers of letters and digits, each by its exact form. A candidate is at most 34 characters long, so no check can
 * take long, whatever came in.
 *
 * IBANs are told by `validator` (country, length, mod 97), which is right. The other forms are ours: validator takes Aadhaar
 * numbers that begin with 1 (none is issued), has no PAN, TAN, CIN, GSTIN, IFSC or voter's number of India, and its Indian
 * passport takes letters that are not used. Check digits: check-digits.ts.
 * A missing check digit is asked for only where the bare form is that of ordinary numbers (privacy.md 2.8: a mistyped
 * Aadhaar number is still personal): written as people write them, in groups, it is one without.
 */
import isIBANModule from 'validator/lib/isIBAN.js'
import type { Detector } from '@tacit/rulebook'
import { holdsLuhn, holdsMod97, holdsVerhoeff } from './check-digits.js'
import { COMMA, DOT, endsWithSlash, isListed, SPACE, type Separator } from './runs.js'

// validator is CommonJS with a default export, which Node hands over one level down.
const { default: isIBAN } = isIBANModule as unknown as { default: (text: string) => boolean }

/** Characters of the longest identifier, an IBAN. */
export const MAX_LENGTH = 34

/** A stretch of groups, and how it was written. Its text is put together when a check asks for it. */
export interface Candidate {
  /** letters and digits, in capitals */
  readonly text: string
  /** code of the first of them */
  readonly opening: number
  readonly groups: number
  lengthOf(group: number): number
  /** what stands before a group */
  separatorBefore(group: number): Separator
}

type Check = (candidate: Candidate) => boolean

const isWhole = ({ groups }: Candidate): boolean => groups === 1

/** Whether the groups from `first` on have these lengths, as digits of a number: 446 for four, four and six. */
function isWritten(candidate: Candidate, lengths: number, first = 0): boolean {
  let rest = lengths
  for (let at = candidate.groups - 1; at >= first; at--) {
    if (candidate.lengthOf(at) !== rest % 10) return false
    rest = Math.floor(rest / 10)
  }
  return rest === 0
}

function everySeparator(candidate: Candidate, holds: (separator: Separator) => boolean): boolean {
  for (let at = 1; at < candidate.groups; at++) if (!holds(candidate.separatorBefore(at))) return false
  return true
}

const isNotListed = (separator: Separator): boolean => !isListed(separator)
const isComma = (separator: Separator): boolean => separator === COMMA
const isSpace = (separator: Separator): boolean => separator === SPACE

/** Whether commas or slashes part the groups, as they part lists, amounts and paths. */
const isList = (candidate: Candidate): boolean => !everySeparator(candidate, isNotListed)

/** Whether the same stands between all groups: the rest of a date, an amount or a list is no part of a number. */
function isUniform(candidate: Candidate): boolean {
  for (let at = 2; at < candidate.groups; at++) {
    if (candidate.separatorBefore(at) !== candidate.separatorBefore(1)) return false
  }
  return true
}

/** `234,567,890,123`: thousands. */
function isAmount(candidate: Candidate): boolean {
  if (candidate.lengthOf(0) > 3 || !everySeparator(candidate, isComma)) return false
  for (let at = 1; at < candidate.groups; at++) if (candidate.lengthOf(at) !== 3) return false
  return true
}

/** `/orders/67890/12345`: segments of a path, which are numbers of their own. */
const isOfPath = (candidate: Candidate): boolean =>
  candidate.groups > 1 &&
  endsWithSlash(candidate.separatorBefore(0)) &&
  endsWithSlash(candidate.separatorBefore(1))

/** `98765432.10`, `72.87765591`: an amount with its decimals, a coordinate. */
const isDecimal = (candidate: Candidate): boolean =>
  candidate.groups === 2 &&
  candidate.separatorBefore(1) === DOT &&
  (candidate.lengthOf(0) <= 2 || candidate.lengthOf(1) <= 2)

/** Whether every group from `first` on has so many digits. */
function areOf(candidate: Candidate, least: number, first = 0): boolean {
  for (let at = first; at < candidate.groups; at++) if (candidate.lengthOf(at) < least) return false
  return true
}

/** How a mobile number is written in a list's way; whatever else commas and slashes part are lists, amounts and paths. */
function isPhoneOfList(candidate: Candidate): boolean {
  const code = candidate.text.slice(0, candidate.lengthOf(0))
  const first = candidate.groups > 2 && /^(?:0?91|0)$/.test(code) ? 1 : 0
  return (
    !isOfPath(candidate) &&
    isUniform(candidate) &&
    [55, 334, 433].some((lengths) => isWritten(candidate, lengths, first))
  )
}

/** Ten digits from 6 to 9 on, with 0 or 91 before (Telecommunication numbering plan of India); in pairs at least. */
const phone: Check = (candidate) => {
  // 0, or 6 to 9: most end here, before any text is put together.
  if (candidate.opening !== 0x30 && candidate.opening < 0x36) return false
  if (!/^(?:0?91|0)?[6-9]\d{9}$/.test(candidate.text)) return false
  return isList(candidate) ? isPhoneOfList(candidate) : areOf(candidate, 2, 1) && !isDecimal(candidate)
}

/** Two digits of a text as a number. */
const twoDigits = (text: string, at: number): number =>
  10 * (text.charCodeAt(at) - 0x30) + text.charCodeAt(at + 1) - 0x30

const isWithin = (value: number, least: number, most: number): boolean => value >= least && value <= most

/** `2026-11-22…`, `22-11-…`: a date, or two dates of two texts together. */
function isDate(candidate: Candidate): boolean {
  if (candidate.groups < 2 || candidate.lengthOf(1) !== 2) return false
  const length = candidate.lengthOf(0)
  if (length !== 4 && length !== 2) return false
  const first = twoDigits(candidate.text, 0)
  const isYearOrDay = length === 4 ? isWithin(first, 19, 20) : isWithin(first, 1, 31)
  return isYearOrDay && isWithin(twoDigits(candidate.text, length), 1, 12)
}

/** Whether digits in groups that nobody writes such a number in may yet be one, if the check digit is right. */
const isGroupedNumber = (candidate: Candidate): boolean =>
  isUniform(candidate) &&
  !isDate(candidate) &&
  !isDecimal(candidate) &&
  !(isList(candidate) && (!areOf(candidate, 3) || isAmount(candidate) || isOfPath(candidate)))

/** Twelve digits, the first 2 to 9; bare or oddly grouped ones need the check digit (Verhoeff, UIDAI). */
const aadhaar: Check = (candidate) => {
  if (candidate.opening < 0x32) return false
  if (isWritten(candidate, 444) && !isList(candidate)) return true
  return isGroupedNumber(candidate) && holdsVerhoeff(candidate.text)
}

/** 22 to 27, 2131, 3 to 6, 81 and 82. */
function isOfScheme(text: string): boolean {
  const first = twoDigits(text, 0)
  return (
    isWithin(first, 22, 27) || isWithin(first, 30, 69) || isWithin(first, 81, 82) || text.startsWith('2131')
  )
}

/**
 * Thirteen to nineteen digits of a card scheme (ISO/IEC 7812; `20…` is a time, and no scheme's); bare or oddly grouped
 * ones need the check digit.
 */
const card: Check = (candidate) => {
  if (candidate.opening < 0x32 || candidate.opening > 0x38) return false
  if ((isWritten(candidate, 4444) || isWritten(candidate, 465)) && !isList(candidate)) {
    return isOfScheme(candidate.text)
  }
  return isGroupedNumber(candidate) && isOfScheme(candidate.text) && holdsLuhn(candidate.text)
}

/** Five letters (the fourth says whose), four digits, a letter; there is no public check digit. */
const pan: Check = ({ text }) => /^[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]$/.test(text)

const tan: Check = ({ text }) => /^[A-Z]{4}\d{5}[A-Z]$/.test(text)

/** State (01 to 38, 97, 99), PAN, number, Z, check digit: the form is enough, a mistyped one holds the PAN as well. */
const gstin: Check = ({ text }) =>
  /^(?:0[1-9]|[12]\d|3[0-8]|9[79])[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]$/.test(text)

/** Four letters, 0, a branch; in groups, where words look like one (`code 0 failed`), the branch is a number. */
const ifsc: Check = (candidate) =>
  (isWhole(candidate) ? /^[A-Z]{4}0[A-Z0-9]{6}$/ : /^[A-Z]{4}0[A-Z0-9]{2}\d{4}$/).test(candidate.text)

/** Listing, industry, state, year, kind, number (Registrar of Companies). */
const cin: Check = ({ text }) => /^[LU]\d{5}[A-Z]{2}(?:18|19|20)\d{2}[A-Z]{3}\d{6}$/.test(text)

/** A letter and seven digits, as the Passport Seva portal prints them; a separator would make it a document number. */
const passport: Check = (candidate) =>
  /^[A-PR-WYZ][1-9]\d{6}$/.test(candidate.text) && everySeparator(candidate, isSpace)

/** Prefixes of invoices, orders and other documents, which look like a voter's number. */
const DOCUMENT_SERIES: ReadonlySet<string> = new Set(
  'INV BIL ORD PUR REC EST QTN QUO CRN DBN EWB GRN JOB TXN REF DOC PAY SAL SER TKT VCH RCP CHQ GST HSN SKU'.split(
    ' ',
  ),
)

/** Three letters and seven digits; where it may be a document's number, the last is the check digit (EPIC, Luhn). */
const voterId: Check = (candidate) => {
  const { text } = candidate
  if (!/^[A-Z]{3}\d{7}$/.test(text)) return false
  if (isWhole(candidate) && !DOCUMENT_SERIES.has(text.slice(0, 3))) return true
  return holdsLuhn(text.slice(3))
}

/** The check digits first: what they hold for by chance is one in 97. */
const iban: Check = ({ text }) => holdsMod97(text) && isIBAN(text)

/** A detector's check, and what a text has to have that it could say yes to: told before the text is put together. */
export interface Identifier {
  readonly check: Check
  /** characters */
  readonly least: number
  readonly most: number
  /** digits among them */
  readonly leastDigits: number
  readonly mostDigits: number
  /** the first four characters, `A` a letter, `0` a digit */
  readonly opens: string
}

const ofDigits = (check: Check, least: number, most: number): Identifier => ({
  check,
  least,
  most,
  leastDigits: least,
  mostDigits: most,
  opens: '0000',
})

const mixed = (check: Check, length: number, opens: string, least: number, most = least): Identifier => ({
  check,
  least: length,
  most: length,
  leastDigits: least,
  mostDigits: most,
  opens,
})

/** By detector; those that read a text otherwise (`@`, tokens) are not here. */
export const IDENTIFIERS: Partial<Record<Detector, Identifier>> = {
  phone_in: ofDigits(phone, 10, 13),
  aadhaar: ofDigits(aadhaar, 12, 12),
  card: ofDigits(card, 13, 19),
  pan: mixed(pan, 10, 'AAAA', 4),
  tan: mixed(tan, 10, 'AAAA', 5),
  gstin: mixed(gstin, 15, '00AA', 6, 8),
  ifsc: mixed(ifsc, 11, 'AAAA', 1, 7),
  cin: mixed(cin, 21, 'A000', 15),
  passport: mixed(passport, 8, 'A000', 7),
  voter_id: mixed(voterId, 10, 'AAA0', 7),
  iban: { ...mixed(iban, 15, 'AA00', 2, MAX_LENGTH), most: MAX_LENGTH },
}
