/** What a budget means: from one notion of differential privacy to another. For texts and the ledger, never for draws. */

/**
 * The epsilon of rho-zCDP at a delta: rho + 2 √(rho ln(1/delta)) (Bun, Steinke 2016, proposition 1.3). Over days rho adds
 * up, and the epsilon of the sum is far less than the sum of epsilons.
 */
export function epsilonOf(rho: number, delta: number): number {
  return rho + 2 * Math.sqrt(rho * Math.log(1 / delta))
}

/** The rho of a pure epsilon: epsilon²/2 (Bun, Steinke 2016, proposition 1.4). */
export function rhoOf(epsilon: number): number {
  return (epsilon * epsilon) / 2
}
