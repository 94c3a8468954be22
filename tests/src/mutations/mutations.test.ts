/**
 * Mutation check: each rule of the ERP's rulebook broken in turn, and the engine that obeys it. Every mutant must be
 * refused by the linter, contradict an example of the rulebook, or break a promise; the list is printed.
 */
import { AssertionError } from 'node:assert'
import * as anonymizer from '@tacit/anonymizer'
import { runExamples } from '@tacit/cli'
import { parseRulebook, type Rulebook } from '@tacit/rulebook'
import { loaded, shipped } from '@tacit/rulebook/testing'
import t, { type Test } from 'tap'
import { COMPILED_MUTATIONS } from './compiled-mutations.js'
import { createEngineBuilder, engineMutations } from './engine-mutations.js'
import { PROMISES } from './promises.js'
import { createSubject, type Engine } from './subject.js'
import { TEXT_MUTATIONS, type Texts } from './text-mutations.js'

const FILE = 'rulebook.yaml'

/** Promises that some mutant broke: one that none breaks would say nothing. */
const seenBroken = new Set<string>()

/** The promises that do not hold, in words; an error of another kind is told apart. */
function brokenPromises(rulebook: Rulebook, engine: Engine): readonly string[] {
  const subject = createSubject(rulebook, engine)
  return PROMISES.flatMap(({ holds, name }) => {
    try {
      holds(subject)
      return []
    } catch (error) {
      if (!(error instanceof AssertionError)) return [`failure under: ${name}`]
      seenBroken.add(name)
      return [`promise: ${name}`]
    }
  })
}

/** The first promise that a mutant breaks, and of how many. */
function brokenPromise(rulebook: Rulebook, engine: Engine): string | null {
  const [first, ...others] = brokenPromises(rulebook, engine)
  if (first === undefined) return null
  return others.length === 0 ? first : `${first} (and ${String(others.length)} more)`
}

function failedExample(rulebook: Rulebook): string | null {
  const failed = runExamples(rulebook).find(({ holds }) => !holds)
  return failed === undefined ? null : `example ${String(failed.number)}: ${JSON.stringify(failed.in)}`
}

/** What kills a rulebook as a text, or null. */
function killerOfTexts(texts: Texts): string | null {
  const { findings, rulebook } = parseRulebook({ file: FILE, texts })
  if (rulebook === null) {
    const error = findings.find(({ severity }) => severity === 'error')
    return `rules check: ${error?.code ?? 'no finding'}`
  }
  return failedExample(rulebook) ?? brokenPromise(rulebook, anonymizer)
}

const texts: Texts = shipped('erp')
const rulebook = loaded(shipped('erp'))

interface Row {
  readonly mutation: string
  readonly killer: string | null
}

/** Prints the table, and names the survivors. */
function report(t: Test, rows: readonly Row[]): void {
  for (const { killer, mutation } of rows) {
    t.comment(`${mutation.replaceAll(/\s+/g, ' ')}  ⟶  ${killer ?? 'NOTHING'}`)
  }
  const survivors = rows.filter(({ killer }) => killer === null).map(({ mutation }) => mutation)
  t.same(survivors, [], `all of ${String(rows.length)} mutants are killed`)
  t.equal(new Set(rows.map(({ mutation }) => mutation)).size, rows.length, 'each has a name of its own')
}

t.test('the shipped rulebook under the engine as it is is killed by nothing', async (t) => {
  t.equal(killerOfTexts(texts), null)
  t.equal(
    new Set(PROMISES.map(({ name }) => name)).size,
    PROMISES.length,
    'each promise has a name of its own',
  )
})

t.test('an engine that was copied without a change is killed by nothing', async (t) => {
  t.equal(brokenPromise(rulebook, await createEngineBuilder(t.testdir())(null)), null)
})

t.test('each rule of the rulebook, changed as somebody could write it, is missed', async (t) => {
  const rows = TEXT_MUTATIONS.map(({ mutate, name }) => ({
    mutation: name,
    killer: killerOfTexts(mutate(texts)),
  }))
  report(t, rows)
})

t.test('each rule that the linter keeps is missed without the linter too', async (t) => {
  const rows = COMPILED_MUTATIONS.map(({ mutate, name }) => ({
    mutation: name,
    killer: brokenPromise(mutate(rulebook), anonymizer),
  }))
  report(t, rows)
})

t.test('each step of the engine that obeys the rules is missed', async (t) => {
  const build = createEngineBuilder(t.testdir())
  const rows: Row[] = []
  for (const mutation of engineMutations(rulebook)) {
    rows.push({ mutation: mutation.name, killer: brokenPromise(rulebook, await build(mutation)) })
  }
  report(t, rows)
})

t.test('each promise is broken by some mutant', async (t) => {
  const idle = PROMISES.map(({ name }) => name).filter((name) => !seenBroken.has(name))
  t.same(idle, [])
})
