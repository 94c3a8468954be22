/** Changes of field rules: what more or less of a field may leave memory. */
import type { FieldRule } from '../types.js'
import { compareNumber, compareRest, compareSet, equal } from './compare.js'
import { diffTemplate } from './routes.js'
import type { Say } from './types.js'

/** Higher lets more through; within one kind the parameters decide. */
const OPENNESS: Readonly<Record<FieldRule['do'], number>> = {
  drop: 0,
  pseudonym: 1,
  coarsen: 1,
  truncate: 1,
  bucket: 1,
  generalise: 1,
  template: 1,
  allow: 1,
}

type Rule<K extends FieldRule['do']> = Extract<FieldRule, { readonly do: K }>

function diffTruncate(say: Say, at: string, from: Rule<'truncate'>, to: Rule<'truncate'>): void {
  for (const bits of ['ipv4', 'ipv6'] as const) {
    compareNumber(say, `${at}.${bits}`, from[bits], to[bits], 'loosen', {
      up: 'More of the address is kept.',
      down: 'Less of the address is kept.',
    })
  }
  if (from.keeps === to.keeps) return
  if (to.keeps === 'country')
    say(`${at}.then`, 'tighten', from.keeps, to.keeps, 'Only the country of the network is kept.')
  else say(`${at}.then`, 'loosen', from.keeps, to.keeps, 'The network itself is kept instead of its country.')
}

function diffGeneralise(say: Say, at: string, from: Rule<'generalise'>, to: Rule<'generalise'>): void {
  const unbounded = Number.POSITIVE_INFINITY
  // Under a budget the usual combinations keep their names and the rest is `other`. With a family less there are fewer
  // combinations, so some that were `other` get their names back.
  const budget = from.maxBits !== undefined
  compareSet(
    say,
    `${at}.to`,
    from.to,
    to.to,
    { class: 'loosen', says: (name) => `The ${name} is kept.` },
    budget
      ? {
          class: 'loosen',
          says: (name) =>
            `The ${name} is no longer kept; combinations of the others that max_bits made \`other\` may have their names again.`,
        }
      : { class: 'tighten', says: (name) => `The ${name} is no longer kept.` },
  )
  compareNumber(
    say,
    `${at}.max_bits`,
    from.maxBits ?? unbounded,
    to.maxBits ?? unbounded,
    'loosen',
    { up: 'More combinations may leave.', down: 'Fewer combinations may leave.' },
    (bits) => (bits === unbounded ? 'no bound' : bits),
  )
}

const isValue = (rule: Rule<'allow'>, text: string | undefined): boolean =>
  (rule.values ?? []).some((value) => String(value) === text)

function diffAllow(say: Say, at: string, from: Rule<'allow'>, to: Rule<'allow'>): void {
  if (from.pattern !== to.pattern || (from.values === undefined) !== (to.values === undefined)) {
    // A closed list and an open form cannot be ranked by what they let through.
    say(at, 'loosen', from.pattern ?? 'values', to.pattern ?? 'values', 'Other values pass than before.')
  } else if (from.values !== undefined && to.values !== undefined) {
    compareSet(
      say,
      `${at}.values`,
      from.values,
      to.values,
      { class: 'loosen', says: (value) => `The value ${value} passes.` },
      { class: 'tighten', says: (value) => `The value ${value} no longer passes.` },
    )
  }
  if (from.otherwise === to.otherwise) return
  const rank = (otherwise: string | undefined): number =>
    otherwise === 'drop_event' ? 0 : otherwise === undefined ? 1 : 2
  // A word that is a value too hides who has that value among the rest; under another word they stand alone.
  if (rank(from.otherwise) === 2 && isValue(from, from.otherwise)) {
    say(
      `${at}.otherwise`,
      'loosen',
      from.otherwise,
      to.otherwise,
      `The value ${String(from.otherwise)} no longer stands for what is not listed as well.`,
    )
    return
  }
  const [before, after] = [rank(from.otherwise), rank(to.otherwise)]
  const kind = after > before ? 'loosen' : after < before ? 'tighten' : 'neutral'
  say(`${at}.otherwise`, kind, from.otherwise, to.otherwise, 'What is not listed fares otherwise.')
}

function diffBucket(say: Say, at: string, from: Rule<'bucket'>, to: Rule<'bucket'>): void {
  if (equal(from.edges, to.edges)) return
  const before = new Set(from.edges)
  const after = new Set(to.edges)
  const coarser = to.edges.every((edge) => before.has(edge)) && !from.edges.every((edge) => after.has(edge))
  say(
    `${at}.edges`,
    coarser ? 'tighten' : 'loosen',
    from.edges.join(', '),
    to.edges.join(', '),
    coarser ? 'The steps are coarser.' : 'The steps are finer, or lie elsewhere.',
  )
}

function diffScope(say: Say, at: string, from: Rule<'pseudonym'>, to: Rule<'pseudonym'>): void {
  compareSet(
    say,
    `${at}.scope`,
    from.scope,
    to.scope,
    { class: 'tighten', says: (scope) => `Codes differ by ${scope} as well.` },
    { class: 'loosen', says: (scope) => `Codes no longer differ by ${scope}.` },
  )
}

function diffCoarsen(say: Say, at: string, from: Rule<'coarsen'>, to: Rule<'coarsen'>): void {
  if (from.toMs === to.toMs) return
  // Steps of three hours tell two o'clock from three, which steps of two hours do not.
  const coarser = to.toMs % from.toMs === 0
  const minutes = (ms: number): string => `${String(ms / 60_000)}m`
  say(
    `${at}.to`,
    coarser ? 'tighten' : 'loosen',
    minutes(from.toMs),
    minutes(to.toMs),
    coarser ? 'Times are coarser.' : 'Times are finer, or their steps begin elsewhere.',
  )
}

/** What the rules above compare, of each kind of rule. */
const CLASSED: { readonly [K in FieldRule['do']]: readonly string[] } = {
  truncate: ['ipv4', 'ipv6', 'keeps'],
  pseudonym: ['scope'],
  coarsen: ['toMs'],
  template: ['routes', 'otherwise', 'generic'],
  generalise: ['to', 'maxBits'],
  allow: ['values', 'pattern', 'otherwise'],
  bucket: ['edges'],
  drop: ['because'],
}

/** The change of one field's rule, or of its having one. */
export function diffField(say: Say, field: string, from: FieldRule, to: FieldRule): void {
  if (equal(from, to)) return
  const at = `fields.${field}`
  if (from.do === to.do)
    compareRest<Record<string, unknown>>(say, at, { ...from }, { ...to }, ['do', ...(CLASSED[from.do] ?? [])])
  if (from.do === 'drop' && to.do === 'drop') {
    if (from.because !== to.because)
      say(`${at}.because`, 'neutral', from.because, to.because, 'The reason reads otherwise.')
    return
  }
  if (from.do === 'truncate' && to.do === 'truncate') return diffTruncate(say, at, from, to)
  if (from.do === 'template' && to.do === 'template') return diffTemplate(say, at, from, to)
  if (from.do === 'generalise' && to.do === 'generalise') return diffGeneralise(say, at, from, to)
  if (from.do === 'allow' && to.do === 'allow') return diffAllow(say, at, from, to)
  if (from.do === 'bucket' && to.do === 'bucket') return diffBucket(say, at, from, to)
  if (from.do === 'pseudonym' && to.do === 'pseudonym') return diffScope(say, at, from, to)
  if (from.do === 'coarsen' && to.do === 'coarsen') return diffCoarsen(say, at, from, to)
  // Two transforms of different kinds cannot be ranked; only dropping is surely tighter.
  const kind = OPENNESS[to.do] < OPENNESS[from.do] ? 'tighten' : 'loosen'
  say(
    `${at}.do`,
    kind,
    from.do,
    to.do,
    kind === 'tighten' ? 'The field is dropped.' : 'Something else is done to the field.',
  )
}
