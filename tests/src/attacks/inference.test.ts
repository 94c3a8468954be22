/**
 * Attack (c): who knows which features a person used guesses the role from the released cells. What any release of such
 * a town tells about people in general is no secret of anybody: the base rate is the same attacker's success with people
 * who are not in the data (M. Giomi et al., "A Unified Framework for Quantifying Privacy Risk in Synthetic Data", 2023).
 */
import t from 'tap'
import { range } from '../support/worlds/shape.js'
import {
  publishBare,
  publishTown,
  ROLES,
  type TownCells,
  type Townsman,
  townOf,
} from '../support/worlds/town.js'
import { randomOf } from '../support/worlds/world.js'

const PEOPLE = 240
const TOWNS = 20

/** The role that the cells of a person's features speak for most; a cell of one person decides alone. */
function guess({ features }: TownCells, known: ReadonlySet<string>): string | null {
  const votes = new Map<string, number>()
  for (const role of ROLES) {
    let vote = 0
    for (const feature of known) {
      const all = features.find(({ dims }) => dims.length === 1 && dims[0] === feature)?.users ?? 0
      const own =
        features.find(({ dims }) => dims.length === 2 && dims[0] === feature && dims[1] === role)?.users ?? 0
      if (all > 0) vote += Math.log((own + 0.01) / (all + 0.01 * ROLES.length))
    }
    votes.set(role, vote)
  }
  const best = [...votes].toSorted((left, right) => right[1] - left[1])
  return best[0]?.[0] ?? null
}

const success = (cells: TownCells, people: readonly Townsman[]): number =>
  people.filter(({ features, role }) => guess(cells, new Set(features.keys())) === role).length /
  people.length

const mean = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0) / numbers.length

const towns = range(TOWNS).map((index) => ({
  members: townOf(randomOf(5_000 + index), PEOPLE),
  others: townOf(randomOf(15_000 + index), PEOPLE),
}))

function gain(publish: (town: readonly Townsman[]) => TownCells): { members: number; others: number } {
  const released = towns.map(({ members, others }) => ({ cells: publish(members), members, others }))
  return {
    members: mean(released.map(({ cells, members }) => success(cells, members))),
    others: mean(released.map(({ cells, others }) => success(cells, others))),
  }
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

t.test('roles of people in the data are guessed no better than those of people who are not', async (t) => {
  const { members, others } = gain((town) => publishTown(town))
  t.comment(`role guessed: ${percent(members)} of members, ${percent(others)} of others`)
  t.ok(others > 0.3, 'the release is of use: more than chance')
  t.ok(members - others <= 0.05, `${members} against ${others}`)
})

t.test('the same attacker does better with members where every group is published', async (t) => {
  // Rare features only: there the cells are of single people.
  const { members, others } = gain((town) => publishBare(town))
  t.comment(`without thresholds: ${percent(members)} of members, ${percent(others)} of others`)
  t.ok(members - others > 0.05, `${members} against ${others}`)
})
