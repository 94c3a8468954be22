/**
 * One site's release of one window, as a pure conversation: counted trees in; out come unions that have to be counted
 * first, or cells that passed the independent checker. Hours are released with their day.
 */
import {
  boundsOf,
  type ClaimedTree,
  type Claims,
  type Draft,
  floorTo,
  orderedBound,
  type TreeMeta,
  withinClaims,
} from './capacity.js'
import { draftsOf, type TreeNoise } from './cells.js'
import { checkWindow, type Verdict } from './checker.js'
import { type Cut, cutTree, type Questions } from './cut.js'
import { type FunnelStep, funnelDrafts } from './funnel.js'
import {
  type Cell,
  type CountedNode,
  type CountedUnion,
  dimsKey,
  OTHER,
  shownDims,
  type Thresholds,
} from './types.js'

/** A tree of a window as it was counted. */
export interface CountedTree extends TreeMeta {
  /** of every depth (and hour), over cleaned rows */
  readonly nodes: readonly CountedNode[]
  /** what was asked for and counted so far */
  readonly unions: readonly CountedUnion[]
  /** cleaned rows that it looks at, counted apart */
  readonly cleanedRows: number
  /** nodes that must not stand alone though they pass: a declared sensitive event that everybody did */
  readonly hides?: (node: CountedNode) => boolean
  /** what is added to its numbers; none where noise is off */
  readonly noise?: TreeNoise
}

/** A funnel of a window as it was counted. */
export interface CountedFunnel {
  readonly id: string
  readonly steps: readonly FunnelStep[]
  readonly noise?: TreeNoise
}

export interface WindowInput {
  readonly trees: readonly CountedTree[]
  readonly funnels: readonly CountedFunnel[]
  readonly thresholds: Thresholds
  /** of a week or a month: for each statistic the published cells of each of its days */
  readonly days?: ReadonlyMap<string, readonly (readonly Cell[])[]>
}

export interface ReleasedWindow {
  /** cells of each tree, in the order of the trees */
  readonly trees: readonly (readonly Cell[])[]
  /** cells of each funnel, in the order of the funnels */
  readonly funnels: readonly (readonly Cell[])[]
  /** what the independent checker says of it; only what it takes may be committed */
  readonly verdict: Verdict
  /** ms of cutting, and of checking */
  readonly took: { readonly cut: number; readonly check: number }
}

interface CutTree extends ClaimedTree {
  readonly cut: Cut
  readonly noise?: TreeNoise
}

/** Each round lowers what some group may say by a step at least; more rounds than this is a mistake. */
const MOST_ROUNDS = 100

/** The cut of a tree whose groups may say no more than `claims`. */
function cutWithin(tree: CountedTree, claims: Claims, { thresholds }: WindowInput): CutTree | Questions {
  const { kind, nodes, noise, spec, window } = tree
  const hides = (node: CountedNode): boolean => {
    if (tree.hides?.(node) === true) return true
    const claim = claims.get(dimsKey(shownDims(node.dims)))
    // Above the plain rows a group has no number that could be lowered.
    return claim !== undefined && (claim < thresholds.step || node.dims.length < spec.plain)
  }
  const cut = cutTree({ ...tree, thresholds, hides })
  if ('ask' in cut) return cut
  const drafts = withinClaims(draftsOf(spec, cut, thresholds, noise), claims, thresholds)
  return { spec, window, kind, nodes, claims, drafts, cut, ...(noise === undefined ? {} : { noise }) }
}

/** What the others leave to be said of the groups of a tree, where that is less than before. */
function claimsOf(
  tree: CutTree,
  trees: readonly CutTree[],
  { days, thresholds }: WindowInput,
): Claims | null {
  if (tree.window === 'hour') return null
  const boundOfGroup = boundsOf(tree, trees, thresholds, days?.get(tree.spec.id))
  const claims = new Map(tree.claims)
  let isLess = false
  for (const { dims, users } of tree.nodes) {
    const shown = shownDims(dims)
    const bound = boundOfGroup(shown)
    // Noise may say more people than there are.
    const said = tree.noise === undefined ? users : Number.POSITIVE_INFINITY
    if (bound === null || bound >= Math.min(said, claims.get(dimsKey(shown)) ?? said)) continue
    claims.set(dimsKey(shown), bound)
    isLess = true
  }
  return isLess ? claims : null
}

/** Cuts all trees, again and again until none says what another leaves unsaid. */
function cutAll(input: WindowInput): readonly (CutTree | Questions)[] {
  let claims: readonly Claims[] = input.trees.map(() => new Map())
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const found = input.trees.map((tree, at) => cutWithin(tree, claims[at] ?? new Map(), input))
    const cuts = found.flatMap((one) => ('ask' in one ? [] : [one]))
    if (cuts.length < found.length) return found
    const next = cuts.map((tree) => claimsOf(tree, cuts, input))
    if (next.every((one) => one === null)) return cuts
    claims = cuts.map((tree, at) => next[at] ?? tree.claims)
  }
  throw new Error('capacity does not come to an end')
}

/** The unions of each tree that have to be counted next; none of any where all is known. */
export function questionsOf(input: WindowInput): readonly Questions['ask'][] {
  return cutAll(input).map((one) => ('ask' in one ? one.ask : []))
}

/** Which tree of a window counts a step of a funnel by itself, and how it reads there. */
function treeOf(trees: readonly CutTree[], window: string, label: string) {
  const [, of, value = ''] = /^(page|event):(.*)$/s.exec(label) ?? []
  const level = of === 'page' ? 'path' : 'event_name'
  const tree = trees.find(
    ({ kind, spec, window: own }) =>
      own === window && kind !== null && spec.levels[0] === level && spec.plain === 1 && !spec.histogram,
  )
  return { tree: tree ?? null, dims: [value] }
}

/**
 * People who did a step of a funnel are among those of that page or event, and did it in some hour: where others leave less
 * to be said of them, the funnel says no more.
 */
function withinTrees(drafts: readonly Draft[], trees: readonly CutTree[], thresholds: Thresholds): Cell[] {
  const { step } = thresholds
  const hours: { readonly hours: CutTree | null; readonly dims: readonly string[] }[] = []
  let most = Number.POSITIVE_INFINITY
  return drafts.flatMap(({ cell }) => {
    const label = cell.dims[0] ?? ''
    const day = treeOf(trees, 'day', label)
    const hourly = treeOf(trees, 'hour', label)
    hours.push({ hours: hourly.tree, dims: hourly.dims })
    const claim = day.tree?.claims.get(dimsKey(day.dims)) ?? Number.POSITIVE_INFINITY
    most = Math.min(most, claim, orderedBound(hours, thresholds) ?? Number.POSITIVE_INFINITY)
    const users = floorTo(Math.min(cell.users ?? 0, most), step)
    return users < step ? [] : [{ ...cell, users }]
  })
}

/** Cells in a stable order, whatever order rows were counted in: by hour, then by values, pools last. */
function inOrder(drafts: readonly Draft[]): readonly Cell[] {
  const key = ({ dims, hour }: Cell) =>
    JSON.stringify([hour ?? -1, dims.length, ...dims.map((value) => (value === OTHER ? '\uffff' : value))])
  return drafts
    .map(({ cell }) => ({ cell, key: key(cell) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ cell }) => cell)
}

/**
 * The cells of a window. Call it when {@link questionsOf} asks nothing more.
 * @throws Error where a union is still to be counted
 */
export function releaseWindow(input: WindowInput): ReleasedWindow {
  const { days, funnels, thresholds, trees } = input
  const started = performance.now()
  const cuts = cutAll(input).map((one) => {
    if ('ask' in one) throw new Error('a union is still to be counted')
    return one
  })
  const steps = funnels.map((funnel) =>
    withinTrees(funnelDrafts(funnel.steps, thresholds, funnel.noise), cuts, thresholds),
  )
  const cells = cuts.map(({ drafts }) => inOrder(drafts))
  const cutAt = performance.now()
  const checked = trees.map((tree, at) => ({
    ...tree,
    unions: cuts[at]?.cut.unions ?? [],
    claims: cuts[at]?.claims ?? new Map(),
    cells: cells[at] ?? [],
  }))
  const checkedFunnels = funnels.map((funnel, at) => ({ ...funnel, cells: steps[at] ?? [] }))
  const verdict = checkWindow(checked, thresholds, days, checkedFunnels)
  return {
    trees: cells,
    funnels: steps,
    verdict,
    took: { cut: cutAt - started, check: performance.now() - cutAt },
  }
}
