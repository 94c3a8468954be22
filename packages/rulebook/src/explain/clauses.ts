/** The policy's promises, clause by clause, and what keeps them. Source: controls.md. */
import type { Rulebook } from '../types.js'
import { type Block, table, text } from './document.js'
import { counted, duration, number } from './words.js'

type Promise = (rulebook: Rulebook) => readonly [promise: string, control: string]

const PROMISES: Readonly<Record<string, Promise>> = {
  '2a': () => [
    'Names, contacts, payment details and content serve the service only.',
    'They are no fields of these rules. Where one slips into a text, detectors find it and the event is dropped, not masked.',
  ],
  '2b': (rulebook) => [
    'Device, browser, address and time zone are used in coarse form; usage as statistics.',
    `Each is reduced in memory to a family, a network, a country or a step. Only ${counted(rulebook.statistics.length, 'declared statistic')} can ever be published.`,
  ],
  '3': (rulebook) => [
    'Usage data serves to improve the services.',
    `There is one purpose, \`${rulebook.purpose.id}\`. It is part of every code, so records of another purpose could not be joined to these. Nothing can be exported by person.`,
  ],
  '4': () => [
    'Analytics can be refused, and the service goes on.',
    'There is no cookie and no stored number. A page that says no, Global Privacy Control or Do Not Track means that nothing is kept; the page works as before.',
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
    `Sealed batches live ${duration(rulebook.keep.logMs)}, a day’s records until ${duration(rulebook.epochs.destroyKeyAfterMs)} after the day, published numbers ${counted(rulebook.keep.releasedMonths, 'month')}.`,
  ],
  '8': () => [
    'People can object, withdraw consent, and have their data deleted.',
    'An objection, a withdrawal or a closed account is honoured before anything is stored. After a day’s key has died nothing can be attributed to anybody any more.',
  ],
  '9': (rulebook) => [
    'Data stays where people were told.',
    `A token of another region than \`${rulebook.region}\` is refused; keys and records stay in the region.`,
  ],
  '10': () => [
    'No data of minors is collected.',
    'The ERP’s token must say that a person is an adult. Where it does not, nothing is kept. No age is ever sent.',
  ],
  '11': () => [
    'People are told of changes in time.',
    `A change that loosens these rules needs two signatures and a notice of ${number(30)} days, and consent that was given before does not cover it.`,
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
