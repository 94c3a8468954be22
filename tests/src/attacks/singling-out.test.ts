/**
 * Attack (a): predicates that the released cells suggest isolate exactly one person no more often than the same attacker
 * does with the cells of another town (A. Cohen and K. Nissim, "Towards formalizing the GDPR's notion of singling out",
 * PNAS 117 (15), 2020: what counts is success beyond a predicate's own weight).
 */
import t from 'tap'
import { range } from '../support/worlds/shape.js'
import {
  inCell,
  publishBare,
  publishTown,
  type TownCells,
  type Townsman,
  townOf,
} from '../support/worlds/town.js'
import { type Random, randomOf } from '../support/worlds/world.js'

const PEOPLE = 400
const TOWNS = 12
const PREDICATES = 400

interface Clue {
  readonly share: number
  readonly holds: (person: Townsman) => boolean
}

function cluesOf({ features, pages }: TownCells): Clue[] {
  const of = (kind: 'pages' | 'features', cells: TownCells['pages']) =>
    cells.flatMap((cell) => {
      const holds = inCell(kind, cell)
      return holds === null || cell.users === null ? [] : [{ share: cell.users / PEOPLE, holds }]
    })
  return [...of('pages', pages), ...of('features', features)]
}

/** A conjunction of clues of which the numbers say that about one person is left. */
function predicateOf(random: Random, clues: readonly Clue[]): (person: Townsman) => boolean {
  // A number of people that is one needs no second clue.
  const single = clues.filter(({ share }) => Math.round(share * PEOPLE) === 1)
  const first = single[Math.floor(random() * single.length)]
  if (first !== undefined) return first.holds
  const chosen: Clue[] = []
  let expected = PEOPLE
  while (expected > 1.5 && chosen.length < 6) {
    const clue = clues[Math.floor(random() * clues.length)]
    if (clue === undefined) break
    const negated = random() < 0.3
    chosen.push(negated ? { share: 1 - clue.share, holds: (person) => !clue.holds(person) } : clue)
    expected *= negated ? 1 - clue.share : clue.share
  }
  return (person) => chosen.every(({ holds }) => holds(person))
}

/** How often an attacker with these cells isolates exactly one of the town's people. */
function success(seed: number, cells: TownCells, town: readonly Townsman[]): number {
  const random = randomOf(seed)
  const clues = cluesOf(cells)
  const hits = range(PREDICATES).filter(() => town.filter(predicateOf(random, clues)).length === 1)
  return hits.length / PREDICATES
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length

const towns = range(TOWNS).map((index) => {
  const town = townOf(randomOf(9_000 + index), PEOPLE)
  const stranger = townOf(randomOf(19_000 + index), PEOPLE)
  return { index, town, stranger }
})

t.test(
  'predicates from released cells single out nobody more often than those from another town',
  async (t) => {
    const own = mean(towns.map(({ index, town }) => success(index, publishTown(town), town)))
    const baseline = mean(
      towns.map(({ index, stranger, town }) => success(index, publishTown(stranger), town)),
    )
    t.comment(`singling out: ${(100 * own).toFixed(1)} %, baseline ${(100 * baseline).toFixed(1)} %`)
    t.ok(own - baseline <= 0.05, `${own} against ${baseline}`)
  },
)

t.test('the same attacker singles people out where every group is published', async (t) => {
  const own = mean(towns.map(({ index, town }) => success(index, publishBare(town), town)))
  const baseline = mean(towns.map(({ index, stranger, town }) => success(index, publishBare(stranger), town)))
  t.comment(`without thresholds: ${(100 * own).toFixed(1)} %, baseline ${(100 * baseline).toFixed(1)} %`)
  t.ok(own > 0.9, `${own}`)
  t.ok(own - baseline > 0.3, `${own} against ${baseline}`)
})
