/** For tests: rules that can never match, protect nobody, or coarsen nothing. */
import { type Case, inFile, rule } from './cases.js'
import { changed, shipped } from './shipped.js'

const erp = shipped('erp')
const website = shipped('website')
/** With a second site that nothing counts. */
const twoSites = changed(
  changed(
    erp,
    'sites:\n',
    'sites:\n  www: { origins: ["https://www.example.in"], identity: network, lawful_basis: exempt-measurement, region: in }\n',
  ),
  'min_tenants: 3',
  'min_tenants: 3\n  min_networks: 5',
)

export const IDLE_CASES: readonly Case[] = [
  // Origins that no browser sends
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"https://*.example.in"', '"https://*'),
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"https://ERP.example.in"', '"https://ERP'),
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"https://erp..example.in"', '"https://erp..'),
  rule(
    'RULE_VALUE_TWICE',
    '["https://erp.example.in"]',
    '["https://erp.example.in", \'https://erp.example.in\']',
    "'https://erp",
  ),
  // Allow-lists of what the field never is
  rule('RULE_PATTERN', 'pattern: quarter_hours', 'pattern: month', 'month }'),
  rule(
    'RULE_PATTERN',
    'cohort: { do: allow, pattern: month',
    'cohort: { do: allow, pattern: quarter_hours',
    'quarter_hours } # the month',
  ),
  rule(
    'RULE_PATTERN',
    'values: [admin, accounts, sales, operations]',
    'pattern: month',
    'month, otherwise: other }',
  ),
  rule('RULE_VALUE_TYPE', 'values: [admin, accounts,', 'values: [admin, 7,', '7, sales'),
  rule('RULE_VALUE_TYPE', 'pattern: quarter_hours', 'values: [330, "345"]', '"345"'),
  {
    ...inFile('roles.yaml', 'RULE_VALUE_TYPE', 'admin', 'true', 'true'),
    of: {
      ...changed(erp, 'values: [admin, accounts, sales, operations]', 'catalogue: roles.yaml'),
      'roles.yaml': 'values: [admin, sales]\n',
    },
  },
  // Buckets and rows that are too fine
  rule(
    'RULE_BUCKET_FINE',
    '[100, 300, 1000, 3000, 10000]',
    '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]',
    '[1, 2',
  ),
  rule('RULE_BUCKET_FINE', '[10, 30, 60, 300, 1800]', '[1, 2, 3, 4, 5, 60]', '[1, 2'),
  rule('RULE_MAX_BITS_MISSING', ', max_bits: 4', '', '{ do: generalise, to: [browser, os, device]'),
  rule(
    'RULE_ROW_BITS',
    'by: [app_version, model_class]',
    'by: [app_version, device, os, role]',
    '[app_version, device',
  ),
  // What protects or serves nobody
  rule('RULE_CLAUSE_UNKNOWN', '"10", "11"]', '"10", "77"]', '"77"'),
  rule('RULE_VALUE_TWICE', '"10", "11"]', '"10", \'10\']', "'10'"),
  rule('RULE_VALUE_TWICE', '[gpc, dnt, objected]', '[gpc, dnt, objected, dnt]', 'dnt]', website),
  rule('RULE_SITE_UNUSED', 'region: in }\n  erp', 'region: in } #\n  erp', 'www:', twoSites),
  rule(
    'RULE_THRESHOLD_UNUSED',
    '  min_tenants: 3\n',
    '  min_tenants: 3\n  min_networks: 5\n',
    'min_networks',
  ),
  rule(
    'RULE_THRESHOLD_UNUSED',
    '  min_networks: 5\n',
    '  min_networks: 5\n  max_share: 50%\n',
    'max_share',
    website,
  ),
  rule('RULE_NOTICE_SHORT', 'notice: { at: 2026-10-01 }', 'notice: { at: 2026-10-03 }', '2026-10-03'),
  // A catalogue without an event, and a step of what no rule keeps
  {
    ...inFile('events.yaml', 'RULE_EVENT_UNKNOWN', 'events: {', 'events:  {', '{}'),
    of: { ...website, 'events.yaml': 'events: {}\n' },
  },
  rule(
    'RULE_FUNNEL_STEP',
    'by: [path]\n    histogram: load_ms',
    'funnel: ["page:/login", "page:/dashboard"]',
    '"page:/login"',
    changed(
      erp,
      '  path: { do: template, catalogue: routes.yaml, otherwise: /other }\n',
      '  path: { do: drop, because: nobody asks }\n',
    ),
  ),
]
