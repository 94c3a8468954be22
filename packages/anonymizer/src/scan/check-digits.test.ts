import fc from 'fast-check'
import t, { type Test } from 'tap'
import isIBANModule from 'validator/lib/isIBAN.js'
import isIdentityCardModule from 'validator/lib/isIdentityCard.js'
import isLuhnNumberModule from 'validator/lib/isLuhnNumber.js'
import { holdsLuhn, holdsMod97, holdsVerhoeff } from './check-digits.js'

const { default: isIdentityCard } = isIdentityCardModule as unknown as {
  default: (text: string, locale: 'IN') => boolean
}
const { default: isIBAN } = isIBANModule as unknown as { default: (text: string) => boolean }
const { default: isLuhnNumber } = isLuhnNumberModule as unknown as { default: (text: string) => boolean }

const RUNS = 20_000

/** Of random digits a tenth. */
function share(t: Test, held: number): void {
  t.ok(held > RUNS * 0.08 && held < RUNS * 0.12, `${String(held)} of ${String(RUNS)} hold`)
}

const digits = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: least, maxLength: most })

t.test('Verhoeff’s check digit holds exactly where validator says so', async (t) => {
  let held = 0
  fc.assert(
    fc.property(fc.constantFrom(...'23456789'), digits(11, 11), (first, rest) => {
      const holds = holdsVerhoeff(first + rest)
      if (holds) held++
      return holds === isIdentityCard(first + rest, 'IN')
    }),
    { seed: 3, numRuns: RUNS },
  )
  share(t, held)
})

t.test('Luhn’s check digit holds exactly where validator says so', async (t) => {
  let held = 0
  fc.assert(
    fc.property(digits(7, 19), (text) => {
      const holds = holdsLuhn(text)
      if (holds) held++
      return holds === isLuhnNumber(text)
    }),
    { seed: 3, numRuns: RUNS },
  )
  share(t, held)
})

t.test('an IBAN’s check digits hold exactly where validator says so', async (t) => {
  let held = 0
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 98 }), digits(18, 18), (check, account) => {
      const text = `DE${String(check).padStart(2, '0')}${account}`
      const holds = holdsMod97(text)
      if (holds) held++
      return holds === isIBAN(text)
    }),
    { seed: 3, numRuns: RUNS },
  )
  t.ok(held > RUNS * 0.005 && held < RUNS * 0.02, `${String(held)} of ${String(RUNS)} hold`)
  t.ok(holdsMod97('GB82WEST12345698765432') && holdsMod97('MT84MALT011000012345MTLCAST001S'), 'with letters')
})
