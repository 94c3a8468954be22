/**
 * How much one user-day can change what is published: all that one pseudonym did on one UTC day on one site, there or not.
 *
 * What the proofs stand on
 * - Cleaning keeps at most `rows` rows of a person per kind and day, whole user-days do not disturb each other, and the cut
 *   puts each row in at most one block. So over the blocks of a tree, and over its nodes of any one depth (an hourly tree
 *   too: a row has one hour), a user-day is in at most `rows` cells, and its rows in them add up to at most `rows`.
 * - People of a cell: a user-day changes a cell by at most one, and at most `rows` cells. L1 ≤ rows, L2² ≤ rows.
 * - Rows of a cell (events, visits, a histogram's bucket): L1 ≤ rows; all may be in one cell, so L2² ≤ rows². Seconds
 *   likewise, times the largest bucket's.
 * - A statistic of all kinds: `rows` is the cap times the kinds.
 * - Weeks and months keep at most `memberships` distinct cells of a person, statistic and window, the first in an order that
 *   does not depend on what there is. Without one of the days, cells can go, and others move up in their place: at most
 *   `memberships` each way, L1 ≤ 2·memberships, L2² likewise. No set of days of one person changes more than that, which
 *   is why a person's whole week is charged once.
 * - Funnel: a person is in steps 0 … i: L1 ≤ steps. Retention: an account was made in one month, so it is in one cohort.
 * Source of the method: Dwork, Roth, "The Algorithmic Foundations of Differential Privacy", 2014, 3.3 and appendix A.
 */

/** Of one number of one depth of a tree, over all its cells together. */
export interface Sensitivity {
  /** cells that a user-day can change */
  readonly l0: number
  readonly l1: number
  readonly l2Squared: bigint
}

/** People of cells, of which a user-day changes at most `cells`, by one each. */
export function peopleSensitivity(cells: number): Sensitivity {
  return { l0: cells, l1: cells, l2Squared: BigInt(cells) }
}

/** What a user-day's rows add up to. @param each the most that one row adds: 1, or seconds */
export function additiveSensitivity(rows: number, each = 1): Sensitivity {
  const l1 = rows * each
  return { l0: rows, l1, l2Squared: BigInt(l1) * BigInt(l1) }
}
