/** Query strings: only the declared parameters, each at most once, dates that exist. Nothing of the input is echoed. */
import { TacitError, utcDay } from '@tacit/contracts'
import type { DayRange } from './realm.js'

export type Query<Name extends string> = Readonly<Partial<Record<Name, string>>>

export function malformed(detail: string): TacitError {
  return new TacitError('ERR_QUERY_MALFORMED', detail)
}

/**
 * @param longest characters of a value at most
 * @throws TacitError ERR_QUERY_MALFORMED for an unknown, repeated or overlong parameter
 */
export function readQuery<Name extends string>(
  raw: unknown,
  names: readonly Name[],
  longest = 256,
): Query<Name> {
  const known: Partial<Record<Name, string>> = {}
  for (const [key, value] of Object.entries(raw as Record<string, unknown>)) {
    const name = names.find((candidate) => candidate === key)
    if (name === undefined)
      throw malformed(`Only these parameters are offered here: ${names.join(', ') || 'none'}`)
    if (typeof value !== 'string') throw malformed(`Give ${name} once`)
    if (value.length === 0 || value.length > longest)
      throw malformed(`Give ${name} a value of 1 to ${String(longest)} characters`)
    known[name] = value
  }
  return known
}

/** Inclusive UTC days. @throws TacitError ERR_QUERY_MALFORMED */
export function readRange(query: Query<'from' | 'to'>): DayRange {
  const { from, to } = query
  for (const [name, day] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (day !== undefined && !isDay(day)) throw malformed(`Give ${name} as a UTC day, YYYY-MM-DD`)
  }
  if (from !== undefined && to !== undefined && from > to) throw malformed('from must not be after to')
  return { ...(from === undefined ? undefined : { from }), ...(to === undefined ? undefined : { to }) }
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const time = Date.parse(text)
  return !Number.isNaN(time) && utcDay(time) === text
}

/** One of `choices`. @throws TacitError ERR_QUERY_MALFORMED */
export function readChoice<Choice extends string>(
  name: string,
  value: string | undefined,
  choices: readonly Choice[],
): Choice | undefined {
  if (value === undefined) return undefined
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw malformed(`Give ${name} as one of: ${choices.join(', ')}`)
  return choice
}

/** A whole number; null where it is not given. @throws TacitError ERR_QUERY_MALFORMED */
export function readNumber(
  name: string,
  value: string | undefined,
  least: number,
  most: number,
): number | null {
  if (value === undefined) return null
  const number = Number(value)
  if (/^\d{1,15}$/.test(value) && number >= least && number <= most) return number
  throw malformed(`Give ${name} as a whole number from ${String(least)} to ${String(most)}`)
}
