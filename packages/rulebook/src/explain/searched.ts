/** What texts are searched for, and what happens where something is found. */
import type { Detector, Rulebook } from '../types.js'
import { type Block, list, text } from './document.js'
import { codes, sentence } from './words.js'

const DETECTED: Readonly<Record<Detector, string>> = {
  email: 'e-mail addresses',
  upi: 'UPI payment ids',
  phone_in: 'Indian mobile numbers',
  pan: 'income tax numbers (PAN)',
  tan: 'tax deduction numbers (TAN)',
  gstin: 'goods and services tax numbers (GSTIN)',
  cin: 'company numbers (CIN)',
  aadhaar: 'Aadhaar numbers',
  voter_id: 'voter id numbers',
  passport: 'passport numbers',
  ifsc: 'bank branch codes (IFSC)',
  iban: 'international bank account numbers (IBAN)',
  card: 'payment card numbers',
  jwt: 'sign-in tokens (JWT)',
  random_token: 'long random codes',
}

/** Fields whose published values nobody listed beforehand: a name could stand in them. */
function openFields({ fields }: Rulebook): readonly string[] {
  return Object.entries(fields)
    .filter(([, rule]) => rule.do === 'template' && 'generic' in rule && rule.generic.words === 'any')
    .map(([field]) => field)
}

export function searchBlocks(rulebook: Rulebook): readonly Block[] {
  const open = openFields(rulebook)
  const warning =
    open.length === 0
      ? ''
      : ` Take care: of ${codes(open)} only what looks like a number or a code is taken out, so a name that stands in the address of a page stays there, and is published where enough ask for that page.`
  if (rulebook.scan === null) {
    return [
      text(
        `These rules do not search texts for personal details. What keeps them out is that a field is published only as its rule above leaves it.${warning}`,
      ),
    ]
  }
  return [
    text(
      `Pages sometimes put personal details where they do not belong. So every text of an event is searched before a record is made of it: values, and the names they are sent under, whether a rule names them or not, and also where they are encoded or written in another script. One find, and the whole event is dropped. It is counted what kind of thing was found in which field; what was found is kept nowhere.${warning}`,
    ),
    text('We look for:'),
    list(rulebook.scan.detectors.map((detector) => sentence(`${DETECTED[detector]}.`))),
  ]
}
