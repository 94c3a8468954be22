/** Findings of `release`: thresholds, steps and noise. */
import { type CodeEntry, error, warning } from './code-entry.js'

const DOMINANCE =
  'One contributor behind most of a cell can be read out of it (dominance rule of statistical disclosure control).'
const REIDENTIFY = 'Fine detail singles people out in small groups (GDPR recital 26).'
const SMALL_GROUP =
  'A cell of a few people is about those people (threshold rule of statistical disclosure control).'

export const RELEASE_FINDINGS = {
  RULE_MIN_USERS: error(SMALL_GROUP, 'Use at least 5; 10 is the usual.'),
  RULE_MIN_TENANTS: error(
    'A cell of one tenant is a report on that company and its staff.',
    'State `min_tenants`, at least 2; 3 is the usual.',
  ),
  RULE_MIN_NETWORKS: error(
    'Devices are cheap: one household or script can look like ten people.',
    'State `min_networks`, at least 2; 5 is the usual.',
  ),
  RULE_SHARE: error(DOMINANCE, 'State `max_share`, at most 75%; 50% is the usual.'),
  RULE_PERSON_SHARE: error(DOMINANCE, 'Use at most 75% where a signed site is declared; 25% is the usual.'),
  RULE_THRESHOLD_UNUSED: warning(
    'A threshold that holds for no site protects nobody, and reads as if it did.',
    'Take it out, or declare the site that it is for.',
  ),
  RULE_STEP: error(
    'Two numbers that are one step apart prove that between them is a group of at least one person and of fewer than a step: below k that is a small group (measured: rounding to steps of five breaks one small world in two).',
    'Leave `step` out, which makes it `min_users`, or use at least `min_users`.',
  ),
  RULE_NOISE: error(
    'Noise protects by as much as its numbers say, and by nothing where they are missing, zero, or a delta that is no small chance (differential privacy).',
    'State `epsilon` with laplace, `rho` and a `delta` of at most 1e-5 with gaussian, each more than 0.',
  ),
  RULE_NOISE_CAP: error(
    'A budget that the first day exceeds publishes nothing at all, and reads as if it did (budget of differential privacy).',
    'Use a `cap_per_year` of at least one day; 365 days need 365 times as much.',
  ),
  RULE_NOISE_WEAK: warning(
    'With so large an epsilon the numbers change with one person almost as they would without noise (differential privacy).',
    'Use an epsilon of 1 or 2 a day, or `noise: off`, which says what it is.',
  ),
  RULE_NOISE_ADVISED: warning(
    'A company’s staff is a closed group that knows itself: “the same group, one fewer today” is softened by steps, and bounded by noise alone (differencing over time).',
    'State `noise: { unit: user-day, mechanism: laplace, epsilon: 1, cap_per_year: 365 }`, or `noise: off` where that is decided.',
  ),
  RULE_CAP: error(
    'One person or script must not be able to move a published number at will.',
    'Use between 1 and 10000 per kind and day.',
  ),
  RULE_DETAIL: error(REIDENTIFY, 'Use at most 4 dimensions in `by` and 4 in `drill`.'),
} as const satisfies Record<string, CodeEntry>
