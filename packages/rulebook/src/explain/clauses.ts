/** The policy's promises, clause by clause, and what keeps them. Source: controls.md. */
import { NOTICE_DAYS } from '../diff/requirements.js'
import type { FieldRule, Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { sitesOf, storedPeriods } from './identity.js'
import { code, counted, duration, listed, sentence } from './words.js'

type Promise = (rulebook: Rulebook) => readonly [promise: string, control: string]

/** Whether these rules know people: where nobody signs in, there is nobody to be known. */
const knowsPeople = (rulebook: Rulebook): boolean => sitesOf(rulebook, 'signed').length > 0

/** What becomes of the things that describe a device, as far as these rules read them. */
function coarse(rulebook: Rulebook): string {
  const { client_ip: address, user_agent: agent, utc_offset: offset } = rulebook.fields
  const kept = (rule: FieldRule | undefined): boolean => rule !== undefined && rule.do !== 'drop'
  const left = [
    ...(kept(agent) ? ['the families of browser and device'] : []),
    ...(address?.do === 'truncate'
      ? [
          address.keeps === 'country'
            ? 'the country of the internet address'
            : 'the first bits of the internet address',
        ]
      : []),
    ...(kept(offset) ? ['the quarter hour of the time zone'] : []),
  ]
  const most =
    left.length === 0 ? 'Nothing of them can be left as a value.' : `What can be left: ${listed(left)}.`
  const devices =
    sitesOf(rulebook, 'network').length === 0
      ? ''
      : ' Besides, address and browser together make the code of the device.'
  return `${most}${devices}`
}

const PROMISES: Readonly<Record<string, Promise>> = {
  '2a': ({ scan }) => [
    'Names, contacts, payment details and content serve the service only.',
    scan === null
      ? 'They are no fields of these rules, and a field leaves only what its rule allows.'
      : 'They are no fields of these rules. Where one slips into a text, the search finds it and the event is dropped, not masked.',
  ],
  '2b': (rulebook) => [
    'Device, browser, internet address and time zone are used in coarse form only, and usage as statistics.',
    `${coarse(rulebook)} Only ${counted(rulebook.statistics.length, 'declared statistic')} can ever be published.`,
  ],
  '3': (rulebook) => [
    'Usage data serves to improve the services.',
    `There is one purpose, ${code(rulebook.purpose.id)}. It is part of every code, so records of another purpose could not be joined to these. Nothing can be exported by person.`,
  ],
  '4': ({ purpose }) => [
    'Analytics can be refused, and the service goes on.',
    `There is no cookie, and nothing is stored in the browser. ${sentence(listed(['a page that says no', ...(purpose.refuseWhen.has('gpc') ? ['Global Privacy Control'] : []), ...(purpose.refuseWhen.has('dnt') ? ['Do Not Track'] : [])], 'or'))} means that nothing is kept; the page works as before.`,
  ],
  '5': () => [
    'Data is not sold or shared.',
    'Nothing leaves the machines that run it; there is no other recipient.',
  ],
  '6': () => [
    'Data is protected on its way and where it lies.',
    'Records travel and rest in sealed batches; roles can read published numbers only; keys are held apart.',
  ],
  '7': (rulebook) => [
    'Data is kept no longer than needed.',
    `Sealed batches live for ${duration(rulebook.keep.logMs)}, the records of a ${storedPeriods(rulebook, 'or')} until ${duration(rulebook.epochs.destroyKeyAfterMs)} after its end, published numbers for ${counted(rulebook.keep.releasedMonths, 'month')}.`,
  ],
  '8': (rulebook) => [
    'People can object, withdraw consent, and have their data deleted.',
    `${knowsPeople(rulebook) ? 'Whoever objects, withdraws consent or closes an account is refused before anything is stored, as soon as the ERP’s tokens say `denied` or no longer come.' : 'A page that says no is believed before anything is stored.'} Once the key of a ${storedPeriods(rulebook, 'or')} is destroyed, nothing of it can be attributed to anybody any more.`,
  ],
  '9': (rulebook) => [
    'Data stays where people were told.',
    `${knowsPeople(rulebook) ? `A token of another region than ${code(rulebook.region)} is refused; keys` : 'Keys'} and records stay in the region.`,
  ],
  '10': (rulebook) => [
    'No data of minors is collected.',
    knowsPeople(rulebook)
      ? 'The ERP’s token must say that a person is an adult. Where it does not, nothing is kept. No age is ever sent.'
      : 'Nobody’s age is asked or sent, and nobody is known here; a device’s visits are counted without knowing whose it is.',
  ],
  '11': ({ sites }) => [
    'People are told of changes in time.',
    `A change that loosens these rules needs two signatures and a notice of its own, ${counted(NOTICE_DAYS, 'day')} before.${Object.values(sites).some(({ lawfulBasis }) => lawfulBasis === 'consent') ? ' It needs a newer policy too, so that consent that was given before does not cover it.' : ''}`,
  ],
  '12': () => [
    'There is somebody to ask.',
    'These rules and their hash are public, on the page that names whom to write to.',
  ],
}

/** The clauses that a rulebook says it serves, each with its control. */
export function clauseBlocks(rulebook: Rulebook): readonly Block[] {
  const rows = rulebook.policy.clauses.map((clause) => {
    const known = Object.hasOwn(PROMISES, clause) ? PROMISES[clause] : undefined
    const [promise, control] = known?.(rulebook) ?? [
      'A clause that Tacit knows no control for.',
      'Somebody else must see to it.',
    ]
    return [clause, promise, control]
  })
  return [
    text(
      `These rules serve the public privacy policy of ${rulebook.policy.version}. Here is what keeps each of its promises.`,
    ),
    table(['Clause', 'What is promised', 'What keeps the promise'], rows),
  ]
}
