/**
 * Families within a budget of bits: with `max_bits: b` at most 2^b different rows of the generalised dimensions can ever
 * leave, so their joint entropy is at most b bits, whatever the population (log2 of the number of values bounds it).
 * The usual combinations keep their row; any other becomes `other` in every dimension, one row for all of them.
 * Source: privacy.md 2.7.
 */
import type { Browser, Device, ModelClass, Os, UserAgent } from './user-agent.js'

type Row = Readonly<Record<string, string>>

/** What an ERP's people use, the usual first: desks before phones before tablets, by their browsers' shares. */
const USUAL: readonly (readonly [Browser, Os, Device])[] = [
  ['chrome', 'windows', 'desktop'],
  ['chrome', 'android', 'mobile'],
  ['edge', 'windows', 'desktop'],
  ['safari', 'ios', 'mobile'],
  ['chrome', 'macos', 'desktop'],
  ['safari', 'macos', 'desktop'],
  ['firefox', 'windows', 'desktop'],
  ['chrome', 'linux', 'desktop'],
  ['firefox', 'linux', 'desktop'],
  ['safari', 'ios', 'tablet'],
  ['chrome', 'android', 'tablet'],
  ['chrome', 'ios', 'mobile'],
  ['edge', 'android', 'mobile'],
  ['firefox', 'macos', 'desktop'],
  ['edge', 'macos', 'desktop'],
  ['firefox', 'android', 'mobile'],
]
const USUAL_MODELS: readonly ModelClass[] = ['phone', 'desktop', 'tablet']

const DIMENSIONS = ['browser', 'os', 'device'] as const

function project(row: readonly [Browser, Os, Device], to: readonly string[]): Row {
  return Object.fromEntries(
    DIMENSIONS.map((name, at) => [name, row[at]] as const).filter(([name]) => to.includes(name)),
  ) as Row
}

const keyOf = (row: Row): string => JSON.stringify(row)

/** The first rows that a budget has room for, beside the one of all others. */
function within<T>(rows: readonly T[], maxBits: number): readonly T[] {
  return rows.slice(0, Math.max(0, Math.floor(2 ** maxBits) - 1))
}

/**
 * Compiles the families of a user agent.
 * @param to dimensions of browser, os, device
 * @param maxBits budget of their rows together; undefined: no bound but the families themselves
 * @returns the dimensions of an agent; the same object for the same agent
 */
export function compileFamilies(to: readonly string[], maxBits?: number): (agent: UserAgent) => Row {
  const others: Row = Object.fromEntries(to.map((name) => [name, 'other']))
  const projected = [
    ...new Map(USUAL.map((row) => project(row, to)).map((row) => [keyOf(row), row])).values(),
  ]
  const kept =
    maxBits === undefined
      ? null
      : new Set(
          within(
            projected.filter((row) => keyOf(row) !== keyOf(others)),
            maxBits,
          ).map(keyOf),
        )
  const rows = new WeakMap<UserAgent, Row>()
  return (agent) => {
    let row = rows.get(agent)
    if (row === undefined) {
      const own = project([agent.browser, agent.os, agent.device], to)
      row = kept === null || kept.has(keyOf(own)) ? own : others
      rows.set(agent, row)
    }
    return row
  }
}

/** The class of a model within a budget of bits. */
export function compileModelClass(maxBits?: number): (model: ModelClass) => ModelClass {
  if (maxBits === undefined) return (model) => model
  const kept = new Set(within(USUAL_MODELS, maxBits))
  return (model) => (kept.has(model) ? model : 'other')
}
