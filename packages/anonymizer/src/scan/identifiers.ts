/**
 * Identifiers of letters and digits, each by its exact form. A candidate is at most 34 characters long, so no check can
 * take long, whatever came in.
 *
 * Check digits come from `validator`, where it is right: IBAN (country, length, mod 97), Luhn, and Aadhaar's Verhoeff.
 * Where it is wrong, the form is ours: it takes Aadhaar numbers that begin with 1 (none is issued), has no PAN, TAN, CIN,
 * GSTIN, IFSC or voter's number of India, and its Indian passport takes letters that are not used.
 * A missing check digit is asked for only where the bare form is that of ordinary numbers (privacy.md 2.8: a mistyped
 * Aadhaar number is still personal): written as people write them, in groups, it is one without.
 */
import isIBANModule from 'validator/lib/isIBAN.js'
import isIdentityCardModule from 'validator/lib/isIdentityCard.js'
import isLuhnNumberModule from 'validator/lib/isLuhnNumber.js'
import type { Detector } from '@tacit/rulebook'

// validator is CommonJS with a default export, which Node hands over one level down.
const { default: isIBAN } = isIBANModule as unknown as { default: (text: string) => boolean }
const { default: isIdentityCard } = isIdentityCardModule as unknown as {
  default: (text: string, locale: 'IN') => boolean
}
const { default: isLuhnNumber } = isLuhnNumberModule as unknown as { default: (text: string) => boolean }

/** Characters of the longest identifier, an IBAN. */
export const MAX_LENGTH = 34

/** A run of groups: joined in capitals, and how it was written. */
export interface Candidate {
  readonly text: string
  readonly isDigits: boolean
  /** lengths of the groups */
  readonly groups: readonly number[]
  /** what stood between them, together */
  readonly between: string
}

type Check = (candidate: Candidate) => boolean

const isWhole = ({ groups }: Candidate): boolean => groups.length === 1
const written = ({ groups }: Candidate, ...lengths: number[]): boolean =>
  groups.length === lengths.length && lengths.every((length, at) => groups[at] === length)

/** Ten digits from 6 to 9 on, with 0 or 91 before (Telecommunication numbering plan of India); in pairs at least. */
const phone: Check = ({ groups, isDigits, text }) =>
  isDigits &&
  /^(?:0?91|0)?[6-9]\d{9}$/.test(text) &&
  (groups.length === 1 || groups.every((length, at) => length >= 2 || at === 0))

/** Twelve digits, the first 2 to 9; bare or oddly grouped ones need the check digit (Verhoeff, UIDAI). */
const aadhaar: Check = (candidate) =>
  candidate.isDigits &&
  candidate.text.charCodeAt(0) >= 0x32 &&
  (written(candidate, 4, 4, 4) || isIdentityCard(candidate.text, 'IN'))

/** Thirteen to nineteen digits of a card scheme (ISO/IEC 7812); bare or oddly grouped ones need the check digit. */
const card: Check = (candidate) => {
  const { isDigits, text } = candidate
  if (!isDigits || !/^(?:[2-6]|8[12])/.test(text)) return false
  return written(candidate, 4, 4, 4, 4) || written(candidate, 4, 6, 5) || isLuhnNumber(text)
}

/** Five letters (the fourth says whose), four digits, a letter; there is no public check digit. */
const pan: Check = ({ text }) => /^[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]$/.test(text)

const tan: Check = ({ text }) => /^[A-Z]{4}\d{5}[A-Z]$/.test(text)

/** State (01 to 38, 97, 99), PAN, number, Z, check digit: the form is enough, a mistyped one holds the PAN as well. */
const gstin: Check = ({ text }) =>
  /^(?:0[1-9]|[12]\d|3[0-8]|9[79])[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]$/.test(text)

const ifsc: Check = ({ text }) => /^[A-Z]{4}0[A-Z0-9]{6}$/.test(text)

/** Listing, industry, state, year, kind, number (Registrar of Companies). */
const cin: Check = ({ text }) => /^[LU]\d{5}[A-Z]{2}(?:18|19|20)\d{2}[A-Z]{3}\d{6}$/.test(text)

/** A letter and seven digits, as the Passport Seva portal prints them; a separator would make it a document number. */
const passport: Check = (candidate) =>
  /^[A-PR-WYZ][1-9]\d{6}$/.test(candidate.text) && (isWhole(candidate) || candidate.between === ' ')

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
  return isLuhnNumber(text.slice(3))
}

const iban: Check = ({ text }) => /^[A-Z]{2}\d{2}[A-Z0-9]+$/.test(text) && isIBAN(text)

/** A detector's check, and the lengths of the texts that it could say yes to. */
export interface Identifier {
  readonly check: Check
  readonly least: number
  readonly most: number
}

/** By detector; those that read a text otherwise (`@`, tokens) are not here. */
export const IDENTIFIERS: Partial<Record<Detector, Identifier>> = {
  phone_in: { check: phone, least: 10, most: 13 },
  aadhaar: { check: aadhaar, least: 12, most: 12 },
  card: { check: card, least: 13, most: 19 },
  pan: { check: pan, least: 10, most: 10 },
  tan: { check: tan, least: 10, most: 10 },
  gstin: { check: gstin, least: 15, most: 15 },
  ifsc: { check: ifsc, least: 11, most: 11 },
  cin: { check: cin, least: 21, most: 21 },
  passport: { check: passport, least: 8, most: 8 },
  voter_id: { check: voterId, least: 10, most: 10 },
  iban: { check: iban, least: 15, most: MAX_LENGTH },
}
