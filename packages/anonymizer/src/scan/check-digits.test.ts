import fc from 'fast-check'
import t, { type Test } from 'tap'
import isIdentityCardModule from 'validator/lib/isIdentityCard.js'
import isLuhnNumberModule from 'validator/lib/isLuhnNumber.js'
import { holdsLuhn, holdsVerhoeff } from './check-digits.js'

const { default: isIdentityCard } = isIdentityCardModule as unknown as {
  default: (text: string, locale: 'IN') => boolean
}
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
