/** For tests: windows, measures, rates, steps and noise that would break disclosure, or say nothing. */
import { type Case, rule } from './cases.js'
import { FILE, shipped, type Texts } from './shipped.js'
import { whole } from './whole.js'

const erp = shipped('erp')
const everything = whole()
const NOISE = 'noise: { unit: user-day, mechanism: laplace, epsilon: 1, cap_per_year: 400 }'
const GAUSSIAN = 'noise: { unit: user-day, mechanism: gaussian, rho: 0.015, delta: 1e-6, cap_per_year: 5 }'
const gaussian: Texts = { ...everything, [FILE]: (everything[FILE] ?? '').replace(NOISE, GAUSSIAN) }

const of = (texts: Texts) => (code: Case['code'], before: string, after: string, at?: string) =>
  rule(code, before, after, at, texts)
const all = of(everything)
const gauss = of(gaussian)

export const RELEASE_CASES: readonly Case[] = [
  // Windows by shape
  all(
    'RULE_WINDOW',
    'Load time,        window: day,',
    'Load time,        window: week,',
    'week,              where: { kind: timing }',
  ),
  all('RULE_WINDOW', 'Load time,        window: day,', 'Load time, window: [day, hour],', '[day, hour],'),
  all(
    'RULE_WINDOW',
    'Invoice funnel,   window: day,',
    'Invoice funnel,   window: [day, month],',
    '[day, month],              funnel',
  ),
  all(
    'RULE_RETENTION',
    'Weekly retention, window: week,',
    'Weekly retention, window: [week, day],',
    '[week, day],',
  ),
  all(
    'RULE_SUM_OF_DAYS',
    'Feature adoption, window: [day, week],',
    'Feature adoption, window: [week],',
    '[week],',
  ),
  all(
    'RULE_SUM_OF_DAYS',
    'Pages,            window: [hour, day],',
    'Pages, window: [hour, month],',
    '[hour, month],',
  ),
  all(
    'RULE_PEOPLE_ONLY',
    'measures: [users, events, visits, time_s]',
    'measures: [events, visits]',
    '[events, visits]',
  ),
  all(
    'RULE_STATISTIC_SHAPE',
    'by: [path], histogram: load_ms',
    'by: [path], drill: [device], histogram: load_ms',
    '[device], histogram',
  ),
  all(
    'RULE_PEOPLE_ONLY',
    'histogram: load_ms',
    'histogram: load_ms, measures: [users, visits]',
    '[users, visits]',
  ),
  all(
    'RULE_PEOPLE_ONLY',
    'by: [from_path, path], measures: [users]',
    'by: [from_path, path], measures: [users, visits]',
    '[users, visits]',
  ),
  all(
    'RULE_LIVE',
    'window: 5m,               measures: [users]',
    'window: 5m, measures: [users, time_s]',
    '5m, measures',
  ),
  // Measures
  all(
    'RULE_MEASURE',
    'by: [event_name], drill: [role], measures: [users, events]',
    'by: [event_name], measures: [users, visits]',
    '[users, visits]',
  ),
  all(
    'RULE_MEASURE',
    '  visit_start: { do: allow, values: [true] }\n',
    '',
    '[users, events, visits, time_s]',
  ),
  all(
    'RULE_MEASURE',
    'visit_start: { do: allow, values: [true] }',
    'visit_start: { do: allow, values: [1] }',
    '[users, events, visits, time_s]',
  ),
  all(
    'RULE_MEASURE',
    'time_spent_s: { do: bucket, edges: [10, 30, 60, 300, 1800] }',
    'time_spent_s: { do: allow, values: [10, 20] }',
    '[users, events, visits, time_s]',
  ),
  all(
    'RULE_ADDITIVE_TWICE',
    'by: [device, os, browser], measures: [users]',
    'by: [device], where: { kind: page_view }, measures: [users, visits]',
    '[users, visits]',
  ),
  all(
    'RULE_ADDITIVE_TWICE',
    'by: [device, os, browser], measures: [users]',
    'by: [device], where: { kind: page_view }, measures: [time_s]',
    '[time_s]',
  ),
  // Rates
  all('RULE_PER', 'per: pages', 'per: pagez', 'pagez'),
  all('RULE_PER', 'per: pages', 'per: errors', 'errors }'),
  all('RULE_PER', 'per: pages', 'per: features', 'features }'),
  all('RULE_PER', 'per: pages', 'per: navigation', 'navigation }'),
  all('RULE_PER', 'per: pages', 'per: visitors', 'visitors }'),
  all('RULE_PER', 'measures: [users, events], per: pages', 'measures: [users], per: pages', 'pages }'),
  all('RULE_PER', 'Errors,           window: day,', 'Errors,           window: [day, week],', 'pages }'),
  all('RULE_PER', 'histogram: load_ms }', 'histogram: load_ms, per: errors }', 'errors }'),
  // The step and noise
  all('RULE_STEP', 'step: 20', 'step: 5', '5, noise'),
  rule('RULE_NOISE_ADVISED', '  noise: off\n', '', 'release:', erp),
  rule('RULE_VALUE', '  noise: off\n', '  noise: on\n', 'on\n\nkeep', erp),
  all('RULE_VALUE', 'epsilon: 1,', 'epsilon: .inf,', '.inf'),
  all('RULE_UNKNOWN_KEY', 'epsilon: 1,', 'epsilom: 1,', 'epsilom'),
  all('RULE_NOISE', 'epsilon: 1, ', '', '{ unit: user-day, mechanism: laplace, cap'),
  all('RULE_NOISE', 'epsilon: 1,', 'epsilon: 0,', '0, cap'),
  all('RULE_NOISE', 'epsilon: 1,', 'epsilon: 1, rho: 0.1,', 'rho: 0.1'),
  gauss('RULE_NOISE', 'delta: 1e-6', 'delta: 0.001', '0.001'),
  gauss('RULE_NOISE', 'delta: 1e-6', 'delta: 0', '0, cap'),
  gauss('RULE_NOISE', ', delta: 1e-6', '', '{ unit: user-day, mechanism: gaussian'),
  gauss('RULE_NOISE', 'rho: 0.015', 'rho: -1', '-1, delta'),
  all('RULE_NOISE_CAP', 'cap_per_year: 400', 'cap_per_year: 0.5', '0.5'),
  gauss('RULE_NOISE_CAP', 'cap_per_year: 5', 'cap_per_year: 0.01', '0.01 }'),
  all('RULE_NOISE_WEAK', 'epsilon: 1,', 'epsilon: 20,', '20, cap'),
  gauss('RULE_NOISE_WEAK', 'rho: 0.015', 'rho: 3', '3, delta'),
]
