/**
 * Fuzzing of rulebooks: random and mutated ones through the parser and all lints. None throws, none takes longer than
 * 50 ms, and none is refused without a finding that says where. A part is also searched for people and has its examples
 * tried, whatever else is wrong with it.
 */
import { checkRulebook } from '@tacit/cli'
import { catalogueNames, parseRulebook, RULEBOOK_FILE } from '@tacit/rulebook'
import { shipped } from '@tacit/rulebook/testing'
import t from 'tap'
import { seeded } from '../corpora/parts.js'
import { cpuMs, mutate, randomBytesOf } from '../support/mutate.js'

// The long form takes minutes; the runner bounds the file.
t.setTimeout(0)

const CASES = process.env['TACIT_TEST_FULL'] === '1' ? 5_000 : 500
const MOST_MS = 50
const random = seeded(3)

const SEEDS: readonly Readonly<Record<string, string>>[] = [shipped('erp'), shipped('website')]

/** A rulebook of which one file, mostly the rulebook itself, is mutated or random. */
function makeTexts(at: number): Readonly<Record<string, string>> {
  const texts = random.pick(SEEDS)
  const file = random.below(4) === 0 ? random.pick(Object.keys(texts)) : RULEBOOK_FILE
  const bytes = Buffer.from(texts[file] ?? '')
  const mutated = at % 20 === 0 ? randomBytesOf(random, 3_000) : mutate(bytes, random)
  return { ...texts, [file]: mutated.toString('utf8') }
}

function parse(texts: Readonly<Record<string, string>>): {
  readonly ms: number
  readonly sound: boolean
  readonly taken: boolean
} {
  const started = cpuMs()
  catalogueNames(texts[RULEBOOK_FILE] ?? '')
  const { findings, rulebook } = parseRulebook({ file: RULEBOOK_FILE, texts })
  const ms = cpuMs() - started
  const errors = findings.filter(({ severity }) => severity === 'error')
  const placed = errors.every(({ code, column, line }) => code !== '' && line >= 1 && column >= 1)
  return { ms, taken: rulebook !== null, sound: placed && (rulebook === null) === errors.length > 0 }
}

t.test(
  `${CASES.toLocaleString('en-GB')} rulebooks: no crash, no hang, no refusal without a reason`,
  async (t) => {
    for (const texts of SEEDS) for (let warm = 0; warm < 20; warm++) parse(texts)
    let slowest = 0
    let taken = 0
    let refused = 0
    for (let at = 0; at < CASES; at++) {
      const texts = makeTexts(at)
      let result = parse(texts)
      // The best of five: what else this machine does is not the rulebook's.
      for (let round = 0; round < 4 && result.ms > MOST_MS; round++) result = parse(texts)
      slowest = Math.max(slowest, result.ms)
      if (result.taken) taken++
      if (result.ms > MOST_MS) t.fail(`case ${String(at)} took ${result.ms.toFixed(0)} ms`)
      if (at % 4 === 0 && (checkRulebook(RULEBOOK_FILE, texts).rulebook !== null) !== result.taken) refused++
      if (!result.sound) t.fail(`case ${String(at)}: errors and refusal disagree, or an error has no place`)
    }
    t.comment(
      `slowest ${slowest.toFixed(1)} ms; ${String(taken)} taken; ${String(refused)} refused for their examples or lists`,
    )
    t.ok(refused < CASES / 8)
    t.ok(taken > CASES / 50 && taken < CASES - CASES / 10, 'some are taken, many refused')
  },
)
