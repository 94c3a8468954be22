/** Made-up Indian identifiers of each detector, valid in form and check digit; the check digits are computed here, apart from the product. */
import type { Detector } from '@tacit/rulebook'
import type { Random } from './parts.js'

const DIGITS = '0123456789'
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

export const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.pick([...DIGITS])).join('')

const letters = (random: Random, count: number): string =>
  Array.from({ length: count }, () => random.pick([...LETTERS])).join('')

/** The dihedral group of order ten: multiplication, as Verhoeff's check digit needs it. */
function product(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b - 5) % 5) + 5
  return b < 5 ? ((a - 5 - b + 5) % 5) + 5 : (a - b + 5) % 5
}

const PERMUTATION = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4] as const

/** A digit after the permutation was applied to it so many times. */
function permuted(digit: number, times: number): number {
  let value = digit
  for (let i = 0; i < times % 8; i++) value = PERMUTATION[value] as number
  return value
}

/** Whether the last digit is Verhoeff's check digit (J. Verhoeff, 1969). */
export function holdsVerhoeff(text: string): boolean {
  let check = 0
  for (let i = 0; i < text.length; i++) check = product(check, permuted(Number(text.at(-1 - i)), i))
  return check === 0
}

/** Whether the last digit is Luhn's check digit (ISO/IEC 7812-1). */
export function holdsLuhn(text: string): boolean {
  let sum = 0
  for (let i = 0; i < text.length; i++) {
    const digit = Number(text.at(-1 - i)) * (i % 2 === 1 ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return sum % 10 === 0
}

const checked = (text: string, holds: (text: string) => boolean): string =>
  [...DIGITS].map((digit) => text + digit).find(holds) ?? text

const pan = (random: Random): string =>
  `${letters(random, 3)}${random.pick([...'ABCFGHJLPT'])}${letters(random, 1)}${digits(random, 4)}${letters(random, 1)}`

function iban(random: Random): string {
  const account = digits(random, 18)
  // DE00 behind the account, letters as 10 to 35: ISO 7064, mod 97-10.
  const check = 98n - (BigInt(`${account}131400`) % 97n)
  return `DE${String(check).padStart(2, '0')}${account}`
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Letters and digits in turn often enough to be no word; both occur for sure. */
export const hexadecimal = (random: Random, length: number): string =>
  `a7${Array.from({ length: length - 2 }, () => random.pick([...'0123456789abcdef'])).join('')}`

/** One identifier of each detector. */
export const IDENTIFIER: Readonly<Record<Detector, (random: Random) => string>> = {
  email: (random) => `${random.mark().slice(0, 8)}.${random.mark().slice(0, 4)}@example.in`,
  upi: (random) => `${random.mark().slice(0, 10)}@okaxis`,
  phone_in: (random) => `${random.pick([...'6789'])}${digits(random, 9)}`,
  pan,
  aadhaar: (random) => checked(`${random.pick([...'23456789'])}${digits(random, 10)}`, holdsVerhoeff),
  gstin: (random) => `27${pan(random)}1Z${random.pick([...DIGITS])}`,
  cin: (random) => `L${digits(random, 5)}MH19${digits(random, 2)}PLC${digits(random, 6)}`,
  tan: (random) => `${letters(random, 4)}${digits(random, 5)}${letters(random, 1)}`,
  ifsc: (random) => `${letters(random, 4)}0${digits(random, 6)}`,
  iban,
  card: (random) => checked(`4${digits(random, 14)}`, holdsLuhn),
  voter_id: (random) => `X${letters(random, 2)}${digits(random, 7)}`,
  passport: (random) =>
    `${random.pick([...'KLMNPRSTZ'])}${random.pick([...'123456789'])}${digits(random, 6)}`,
  jwt: (random) =>
    `${part({ alg: 'none' })}.${part({ sub: random.mark().slice(0, 6) })}.${random.mark().slice(0, 6)}`,
  random_token: (random) => hexadecimal(random, 40),
}
