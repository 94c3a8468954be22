/** A rulebook's examples, held against what its rules do. */
import { compileFieldTrial } from '@tacit/anonymizer'
import { type Finding, findingAt, type Rulebook, type Trial, type TrialExample } from '@tacit/rulebook'
import { countriesFor } from './countries.js'

export interface ExampleResult {
  /** from 1 */
  readonly number: number
  readonly in: Readonly<Record<string, unknown>>
  readonly expected: Readonly<Record<string, unknown>>
  /** of what is expected, what was found */
  readonly found: Readonly<Record<string, string | null>>
  readonly holds: boolean
}

/** What a value of an example is as a column's text; null and '' say that nothing is left. */
function shown(value: unknown): string | null {
  return value === null || value === undefined || value === '' ? null : String(value)
}

/** Runs every example of a rulebook. Nothing of it needs a key or a store. */
export function runExamples(
  rulebook: Rulebook,
  examples: readonly TrialExample[] = rulebook.examples.map((example, index) => ({ ...example, index })),
): readonly ExampleResult[] {
  if (examples.length === 0) return []
  const countries = countriesFor(rulebook)
  const trial = compileFieldTrial(rulebook, {
    clock: { now: () => 0 },
    ...(countries === undefined ? {} : { countries }),
  })
  return examples.map((example) => {
    const { dropped, values } = trial(example.in)
    const found: Record<string, string | null> = {}
    for (const key of Object.keys(example.out)) {
      found[key] = key === 'dropped' ? dropped : shown(values[key])
    }
    // An event that is dropped has no values: that must have been expected.
    if (dropped !== null) found['dropped'] = dropped
    const keys = new Set([...Object.keys(example.out), ...Object.keys(found)])
    const holds = [...keys].every((key) => shown(example.out[key]) === shown(found[key]))
    return { number: example.index + 1, in: example.in, expected: example.out, found, holds }
  })
}

/** The findings of the examples that do not hold. @param source the rulebook's text, and the name that findings carry */
export function exampleFindings(
  { examples, rulebook }: Trial,
  source: { readonly file: string; readonly text: string },
): readonly Finding[] {
  return runExamples(rulebook, examples)
    .filter(({ holds }) => !holds)
    .map(({ expected, found, number }) =>
      findingAt(
        'RULE_EXAMPLE',
        source,
        ['examples', number - 1],
        `Example ${String(number)} expects ${JSON.stringify(expected)} and finds ${JSON.stringify(found)}.`,
      ),
    )
}
