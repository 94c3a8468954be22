/**
 * Pairs a person's rows of one stream with the same person's rows of another, by whatever lies beside the content.
 *
 * Content itself narrows: who was on the same pages with the same device is in the same class. Within a class of n people, guessing finds one person on average, whatever n is (the fixed points
 * of a random permutation: mean 1, variance 1, and a class of one is found for certain). So who has the content alone
 * finds as many as there are classes, and who has something better finds more.
 */
import { type Draw, shuffled } from './random.js'

/** What the attacker has of one stored row. */
export interface SeenRow {
  readonly person: string
  /** what rows of both streams say */
  readonly content: string
  /** where it lies in its store: rows are compared by it in turn */
  readonly place: readonly (string | number)[]
  /** what he takes for the moment at which it came, e.g. an hour, a part; absent where nothing says it */
  readonly moment?: number
}

export interface Found {
  readonly people: number
  /** whom he paired rightly */
  readonly hits: number
  /** how many he finds on average who has the content alone */
  readonly chance: number
  /** `chance` + 5 standard errors: beyond it he comes by luck once in some 50,000 attacks (the number is about Poisson's) */
  readonly bound: number
}

interface Suspect {
  readonly person: string
  readonly contents: ReadonlySet<string>
  /** `moment content`, of each row */
  readonly moments: ReadonlySet<string>
}

function compare(a: SeenRow['place'], b: SeenRow['place']): number {
  for (let at = 0; at < a.length; at++) {
    const [x = 0, y = 0] = [a[at], b[at]]
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

function suspectsOf(rows: readonly SeenRow[]): readonly Suspect[] {
  const byPerson = new Map<string, SeenRow[]>()
  for (const row of [...rows].sort((a, b) => compare(a.place, b.place))) {
    const known = byPerson.get(row.person)
    if (known === undefined) byPerson.set(row.person, [row])
    else known.push(row)
  }
  return [...byPerson].map(([person, own]) => ({
    person,
    contents: new Set(own.map(({ content }) => content)),
    moments: new Set(
      own.flatMap(({ content, moment }) => (moment === undefined ? [] : `${String(moment)} ${content}`)),
    ),
  }))
}

/** Classes of people whom the content alone does not tell apart. */
function classesOf(rows: readonly SeenRow[]): ReadonlyMap<string, readonly Suspect[]> {
  const classes = new Map<string, Suspect[]>()
  for (const suspect of suspectsOf(rows)) {
    const name = [...suspect.contents].sort().join(' ')
    const known = classes.get(name)
    if (known === undefined) classes.set(name, [suspect])
    else known.push(suspect)
  }
  return classes
}

function likeness(a: Suspect, b: Suspect): number {
  let same = 0
  for (const moment of a.moments) if (b.moments.has(moment)) same++
  return 2 * same - a.moments.size - b.moments.size
}

/** Pairs a class: the most alike first, and in the order of their places where nothing else tells. */
function pair(left: readonly Suspect[], right: readonly Suspect[]): readonly (readonly [Suspect, Suspect])[] {
  const pairs = left.flatMap((a, x) => right.map((b, y) => ({ a, b, x, y, score: likeness(a, b) })))
  pairs.sort((p, q) => q.score - p.score || Math.abs(p.x - p.y) - Math.abs(q.x - q.y) || p.x - q.x)
  const taken = new Set<Suspect>()
  const chosen: [Suspect, Suspect][] = []
  for (const { a, b } of pairs) {
    if (taken.has(a) || taken.has(b)) continue
    taken.add(a).add(b)
    chosen.push([a, b])
  }
  return chosen
}

/**
 * @param left rows of one stream @param right rows of the other
 * @param truth pseudonym in the one → pseudonym of the same person in the other
 * @param draw null: in the order of places; else places count for nothing
 */
export function attack(
  left: readonly SeenRow[],
  right: readonly SeenRow[],
  truth: ReadonlyMap<string, string>,
  draw: Draw | null = null,
): Found {
  const others = classesOf(right)
  let hits = 0
  let chance = 0
  let variance = 0
  let people = 0
  for (const [name, mine] of classesOf(left)) {
    people += mine.length
    const theirs = others.get(name) ?? []
    if (theirs.length > 0) chance += 1
    if (theirs.length > 1) variance += 1
    const mixed = draw === null ? mine : shuffled(mine, draw)
    for (const [a, b] of pair(mixed, theirs)) if (truth.get(a.person) === b.person) hits++
  }
  return { people, hits, chance, bound: chance + 5 * Math.sqrt(variance) }
}
