/** For tests: one change of a shipped rulebook for each thing that the linter finds. */
import type { FindingCode } from '../codes.js'
import { changed, shipped, type Texts } from './shipped.js'

const erp = shipped('erp')
const website = shipped('website')
const WEBSITE = `sites:
  website:
    origins: ["https://www.example.in"]
    identity: network
    lawful_basis: exempt-measurement
    region: in
`

export interface Case {
  readonly code: FindingCode
  readonly of: Texts
  /** the piece replaced, what replaces it, and where the finding stands (default: where the new piece does) */
  readonly change: readonly [string, string, string?]
  readonly file?: string
}

export const rule = (code: FindingCode, before: string, after: string, at?: string, of = erp): Case => ({
  code,
  of,
  change: at === undefined ? [before, after] : [before, after, at],
})
export const inFile = (
  file: string,
  code: FindingCode,
  before: string,
  after: string,
  at?: string,
): Case => ({
  ...rule(code, before, after, at),
  file,
})

export const CASES: readonly Case[] = [
  // The language
  rule('RULE_UNKNOWN_KEY', 'default: drop', 'defalt: drop', 'defalt'),
  rule('RULE_UNKNOWN_KEY', 'ipv4: 16', 'ipv5: 16', 'ipv5'),
  rule('RULE_UNKNOWN_KEY', 'words: any', 'wordz: any', 'wordz', website),
  rule('RULE_MISSING_KEY', 'assets: drop\n', '', '# yaml-language-server'),
  rule('RULE_MISSING_KEY', ', ipv6: 32', '', 'client_ip:'),
  rule('RULE_MISSING_KEY', 'do: drop, because: free text', 'do: drop', 'search_text:'),
  rule('RULE_MISSING_KEY', '    title: Pages\n', '', 'pages:\n'),
  rule('RULE_VALUE', 'default: drop', 'default: allow', 'allow #'),
  rule('RULE_VALUE', 'lateness: 1h', 'lateness: one hour', 'one hour'),
  rule('RULE_VALUE', 'audit: 400 days', 'audit: 400 days, spool: 1 GB', '1 GB'),
  rule('RULE_VALUE', 'max_share: 50%', 'max_share: 150%', '150%'),
  rule('RULE_VALUE', 'effective: 2026-11-01', 'effective: 2026-11-31', '2026-11-31'),
  rule('RULE_VALUE', 'version: "2026-11-01"', 'version: "2026-13-01"', '"2026-13-01"'),
  rule('RULE_VALUE', 'kind: timing', 'kind: timings', 'timings'),
  rule('RULE_VALUE', 'ipv4: 16', 'ipv4: 16.5', '16.5'),
  rule('RULE_VALUE', 'do: truncate', 'do: trunkate', 'trunkate'),
  rule('RULE_STREAM_MISSING', 'streams: [day, week]', 'streams: [week]', '[week]'),
  rule('RULE_NAME', '  search_text:', '  "Search Text":', '"Search Text"'),
  inFile('events.yaml', 'RULE_NAME', 'bulk.import', 'Bulk Import', 'Bulk Import'),
  rule('RULE_CATALOGUE_NAME', 'catalogue: apps.yaml', 'catalogue: ../apps.yaml', '../apps'),
  rule('RULE_CATALOGUE_NAME', 'catalogue: apps.yaml', 'catalogue: rulebook.yaml', 'rulebook.yaml, otherwise'),
  rule('RULE_CATALOGUE_MISSING', 'catalogue: apps.yaml', 'catalogue: none.yaml', 'none.yaml'),
  rule('RULE_CATALOGUE_MISSING', 'words: any', 'words: words.yaml', 'words.yaml', website),
  // Fields
  rule('RULE_FIELD_REQUIRED', '  timestamp: { do: coarsen, to: 1h }\n', '', 'fields:'),
  rule(
    'RULE_FIELD_REQUIRED',
    'user_id: { do: pseudonym, scope: [tenant, purpose, epoch] }',
    'user_id: { do: drop, because: x }',
    'user_id:',
  ),
  rule('RULE_FIELD_TRANSFORM', 'do: coarsen, to: 1h', 'do: drop, because: x', 'drop, because: x'),
  rule(
    'RULE_FIELD_TRANSFORM',
    'do: truncate, ipv4: 16, ipv6: 32, then: country',
    'do: allow, values: [a]',
    'allow, values: [a]',
  ),
  rule(
    'RULE_FIELD_TRANSFORM',
    'do: drop, because: free text',
    'do: pseudonym, scope: [epoch]',
    'pseudonym, scope: [epoch]',
  ),
  rule('RULE_ALLOW_OPEN', 'do: allow, pattern: month', 'do: allow', '{ do: allow } # the month'),
  rule(
    'RULE_ALLOW_OPEN',
    'do: allow, pattern: month',
    'do: allow, pattern: month, values: [a]',
    '{ do: allow, pattern: month',
  ),
  rule(
    'RULE_TEMPLATE_SOURCE',
    '{ do: template, generic: { words: any } }',
    '{ do: template }',
    '{ do: template }',
    website,
  ),
  rule(
    'RULE_TEMPLATE_SOURCE',
    'generic: { words: any }',
    'generic: { words: any }, otherwise: /x',
    '{ do: template',
    website,
  ),
  rule('RULE_WORDS_ANY', 'bots: count', 'bots: drop', 'any } }', website),
  rule('RULE_TRUNCATION_FINE', 'ipv4: 16', 'ipv4: 25', '25, ipv6'),
  rule('RULE_TRUNCATION_FINE', 'ipv6: 32', 'ipv6: 49', '49, then'),
  rule('RULE_COARSENING', 'do: coarsen, to: 1h', 'do: coarsen, to: 10m', '10m'),
  rule('RULE_COARSENING', 'do: coarsen, to: 1h', 'do: coarsen, to: 7h', '7h'),
  rule('RULE_PSEUDONYM_SCOPE', '[tenant, purpose, epoch]', '[tenant, purpose]', '[tenant, purpose]'),
  rule(
    'RULE_PSEUDONYM_SCOPE',
    'scope: [purpose, epoch]',
    'scope: [tenant,  purpose, epoch]',
    '[tenant,  purpose',
  ),
  rule('RULE_GENERALISE_TO', 'to: [browser, os, device]', 'to: [browser, version]', 'version], max'),
  rule('RULE_MAX_BITS', 'max_bits: 4', 'max_bits: 7', '7 }'),
  rule('RULE_SCAN_MISSING', 'bots: count', 'bots: drop', '# yaml-language-server', website),
  rule('RULE_SCAN_DETECTORS', '    - pan\n', '', 'detectors:\n'),
  rule('RULE_VALUE_TWICE', '    - pan\n', '    - email # two\n', 'email # two'),
  {
    ...inFile('words.yaml', 'RULE_WORD_RAW_ID', 'blog', 'deadbeef7', 'deadbeef7'),
    of: {
      ...changed(website, 'words: any', 'words: words.yaml'),
      'words.yaml': 'words: [articles, blog]\n',
    },
  },
  rule('RULE_BUCKET_EDGES', 'edges: [100, 300,', 'edges: [300, 100,', '[300, 100'),
  rule('RULE_EVENT_UNKNOWN', 'otherwise: drop_event', 'otherwise: other', '{ do: allow, catalogue: events'),
  rule(
    'RULE_EVENT_UNKNOWN',
    'catalogue: events.yaml',
    'values: [page_view]',
    '{ do: allow, values: [page_view]',
  ),
  rule('RULE_VALUE_RESERVED', 'sales, operations]', 'sales, (other)]', '(other)]'),
  rule('RULE_VALUE_RESERVED', 'operations], otherwise: other', 'operations], otherwise: (other)', '(other)'),
  inFile('apps.yaml', 'RULE_VALUE_RESERVED', '"8.1.0"', '"(other)"', '"(other)"'),
  rule('RULE_VALUE_TWICE', 'values: [admin, accounts,', 'values: [admin, admin,', 'admin, sales'),
  inFile('apps.yaml', 'RULE_VALUE_TWICE', '"8.2.0"', "'8.1.0'", "'8.1.0'"),
  inFile('routes.yaml', 'RULE_ROUTE_SYNTAX', '- /login', '- login', 'login'),
  inFile('routes.yaml', 'RULE_ROUTE_SYNTAX', '- /login', '- /log in', '/log in'),
  inFile('routes.yaml', 'RULE_ROUTE_SYNTAX', '- /login', '- /login/', '/login/'),
  inFile('routes.yaml', 'RULE_ROUTE_SYNTAX', '- /login', '- /login/:ID', '/login/:ID'),
  inFile('routes.yaml', 'RULE_ROUTE_SYNTAX', '- /login', '- "/login?x=:y"', '"/login'),
  inFile(
    'routes.yaml',
    'RULE_ROUTE_SHADOWED',
    '- /help/:topic',
    '- /help/:topic\n  - /help/:page',
    '/help/:page',
  ),
  inFile('routes.yaml', 'RULE_ROUTE_SHADOWED', '- /login', '- /login\n  - "/login"', '"/login"'),
  inFile('routes.yaml', 'RULE_ROUTE_RAW_ID', '- /login', '- /login/48211', '/login/48211'),
  inFile('routes.yaml', 'RULE_ROUTE_RAW_ID', '- /login', '- /login/deadbeef7', '/login/deadbeef7'),
  // Statistics
  rule('RULE_STATISTIC_SITE', 'site: erp\n    title: Errors', 'site: erq\n    title: Errors', 'erq'),
  rule('RULE_STATISTIC_DIMENSION', 'by: [app_version, ', 'by: [app_versions, ', 'app_versions'),
  rule('RULE_STATISTIC_DIMENSION', 'by: [app_version, ', 'by: [search_text, ', 'search_text, '),
  rule('RULE_STATISTIC_DIMENSION', 'by: [app_version, ', 'by: [user_agent, ', 'user_agent, '),
  rule(
    'RULE_STATISTIC_DIMENSION',
    '  path: { do: template, generic: { words: any } }\n',
    '',
    'path]',
    website,
  ),
  rule('RULE_STATISTIC_PERSON', 'by: [app_version, ', 'by: [user_id, ', 'user_id, '),
  rule('RULE_STATISTIC_PERSON', 'drill: [role]', 'drill: [tenant_id]', 'tenant_id]'),
  rule('RULE_STATISTIC_KIND', 'kind: page_view }', 'kind: timing }', 'timing }', website),
  rule(
    'RULE_ADDITIVE_TWICE',
    'by: [from_path, path]\n    measures: [users]',
    'by: [from_path, path]\n    measures: [events] ',
    '[events] ',
  ),
  rule(
    'RULE_ADDITIVE_TWICE',
    'by: [device, os, browser]\n    measures: [users]',
    'by: [device, os, browser]\n    measures: [events] ',
    '[events] ',
  ),
  rule(
    'RULE_EXACT_TWICE',
    'browser]\n    measures: [users]',
    'browser]\n    measures: [users]\n    people: exact # two',
    'exact # two',
    website,
  ),
  rule(
    'RULE_EXACT_BESIDE',
    '  devices:\n    site: website\n    title: Devices\n    window: day\n',
    '  devices:\n    site: website\n    title: Devices\n    window: day\n    where: { kind: page_view }\n',
    'devices:',
    website,
  ),
  rule(
    'RULE_DRILL_BESIDE',
    'by: [device, os, browser]\n    measures: [users]',
    'by: [device]\n    measures: [users] # alone',
    '[device]\n    measures: [users] # alone',
  ),
  rule(
    'RULE_DIMENSION_TWICE',
    'drill: [device]',
    'drill: [path]',
    'path]\n    measures: [users, events, visits, time_s]\n  features',
  ),
  rule(
    'RULE_DIMENSION_TWICE',
    '  search_text: { do: drop, because: free text }',
    '  browser: { do: allow, values: [a] }',
    'browser: {',
  ),
  rule(
    'RULE_DIMENSION_TWICE',
    'path: { do: template, catalogue: routes.yaml, otherwise: /other }\n  from',
    'path: { do: template, catalogue: routes.yaml, otherwise: /login }\n  from',
    '/login }',
  ),
  rule(
    'RULE_DIMENSION_RESERVED',
    '  search_text: { do: drop, because: free text }',
    '  person: { do: allow, values: [a] }',
    'person: {',
  ),
  {
    ...rule('RULE_DIMENSION_NETWORK', 'by: [device, os, browser]', 'by: [client_ip]', 'client_ip]', website),
    of: changed(website, 'fields:\n', 'fields:\n  client_ip: { do: truncate, ipv4: 16, ipv6: 32 }\n'),
  },
  {
    ...rule('RULE_DIMENSION_EMPLOYER', 'by: [app_version, ', 'by: [client_ip, ', 'client_ip, '),
    of: changed(erp, ', then: country', ''),
  },
  rule(
    'RULE_STATISTIC_SHAPE',
    'window: day\n    where: { kind: timing }',
    'window: 5m\n    where: { kind: timing }',
    'speed: # shares',
  ),
  rule(
    'RULE_STATISTIC_SHAPE',
    'by: [path]\n    histogram: load_ms',
    'by: [path]\n    histogram: load_ms\n    funnel: ["page:/login", "page:/dashboard"]',
    'speed: # shares',
  ),
  rule(
    'RULE_STATISTIC_SHAPE',
    'by: [path]\n    histogram: load_ms',
    'by: [load_ms] #\n    funnel: ["page:/login", "page:/dashboard"]',
    '[load_ms] #',
  ),
  rule('RULE_HISTOGRAM_FIELD', 'by: [path]\n    histogram: load_ms', 'histogram: role', 'role\n  apps'),
  rule(
    'RULE_FUNNEL_STEP',
    'by: [path]\n    histogram: load_ms',
    'funnel: ["page:/login", "event:invoice.burn"]',
    '"event:invoice.burn"',
  ),
  rule(
    'RULE_FUNNEL_STEP',
    'by: [path]\n    histogram: load_ms',
    'funnel: ["page:/log-in", "event:invoice.save"]',
    '"page:/log-in"',
  ),
  rule(
    'RULE_RETENTION',
    'window: day\n    where: { kind: timing }\n    by: [path]\n    histogram: load_ms',
    'window: month\n    retention: { cohort: load_ms }',
    'load_ms }',
  ),
  rule(
    'RULE_RETENTION',
    'by: [path]\n    histogram: load_ms',
    'retention: { cohort: cohort }',
    'day\n    where: { kind: timing }',
  ),
  rule('RULE_LIVE', 'title: Errors\n    window: day', 'title: Errors\n    window: 5m', '5m'),
  rule(
    'RULE_PEOPLE_ONLY',
    'by: [from_path, path]\n    measures: [users]',
    'by: [from_path, path]\n    measures: [users, events] #',
    '[users, events] #',
  ),
  rule(
    'RULE_EXACT_LEVEL',
    'drill: [device]\n    measures: [users, events, visits, time_s]',
    'drill: [device]\n    people: exact\n    measures: [users, events, visits, time_s]',
    'exact',
  ),
  rule('RULE_TITLE_TWICE', 'title: Errors', 'title: Pages #', 'Pages #'),
  rule(
    'RULE_DETAIL',
    'by: [app_version, model_class]',
    'by: [app_version, os, browser, device, role]',
    '[app_version, os',
  ),
  // Sites and purpose
  rule('RULE_SITES_EMPTY', WEBSITE, 'sites: {}\n', '{}', website),
  rule('RULE_BASIS', 'lawful_basis: consent', 'lawful_basis: exempt-measurement', 'exempt-measurement'),
  rule(
    'RULE_BASIS',
    'lawful_basis: exempt-measurement',
    'lawful_basis: consent',
    'consent\n    region',
    website,
  ),
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"http://erp.example.in"', '"http://erp'),
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"https://erp.example.in/"', '"https://erp'),
  rule('RULE_ORIGIN', '"https://erp.example.in"', '"*"', '"*"'),
  rule('RULE_REGION', 'lawful_basis: consent, region: in', 'lawful_basis: consent, region: eu', 'eu }'),
  rule(
    'RULE_REFUSE_WHEN',
    'objected, tenant_opted_out, account_closed, not_adult',
    'objected, tenant_opted_out, account_closed',
    'refuse_when',
  ),
  rule('RULE_REFUSE_WHEN', '[gpc, dnt, objected]', '[dnt, objected]', 'refuse_when', website),
  rule('RULE_CONSENT_AGE', 'max_consent_age: 13 months', 'max_consent_age: 14 months', '14 months'),
  // Time
  rule('RULE_EXPIRY', 'expires: 2027-11-30', 'expires: 2027-12-02', '2027-12-02'),
  rule('RULE_EXPIRY', 'expires: 2027-11-30', 'expires: 2026-11-01', '2026-11-01 #'),
  rule('RULE_NOTICE', 'notice: { at: 2026-10-01 }', 'notice: { at: 2026-11-02 }', '2026-11-02'),
  rule('RULE_LATENESS', 'lateness: 1h', 'lateness: 25h', '25h'),
  rule('RULE_KEY_LIFE', 'destroy_key_after: 48h', 'destroy_key_after: 1h', '1h, timezone'),
  rule('RULE_KEY_LIFE', 'destroy_key_after: 48h', 'destroy_key_after: 73h', '73h'),
  rule('RULE_STAGING', 'staging: epoch + 48h', 'staging: epoch + 73h', 'epoch + 73h'),
  rule('RULE_STAGING', 'staging: epoch + 48h', 'staging: epoch + 47h', 'epoch + 47h'),
  rule('RULE_STREAM_UNUSED', 'streams: [day, week]', 'streams: [day, week, month]', 'month]'),
  rule('RULE_KEEP_LOG', 'log: 24h', 'log: 25h', '25h'),
  rule('RULE_KEEP_RELEASED', 'released: 25 months', 'released: 26 months', '26 months'),
  rule('RULE_KEEP_AUDIT', 'audit: 400 days', 'audit: 30 days', '30 days'),
  rule('RULE_KEEP_SPOOL', 'audit: 400 days', 'audit: 400 days, spool: 15 MiB', '15 MiB'),
  rule('RULE_KEEP_SPOOL', 'audit: 400 days', 'audit: 400 days, spool: 65537 MiB', '65537 MiB'),
  // Release
  rule('RULE_MIN_USERS', 'min_users: 10', 'min_users: 4', '4\n  min_tenants'),
  rule('RULE_MIN_TENANTS', 'min_tenants: 3', 'min_tenants: 1', '1\n  max_share'),
  rule('RULE_MIN_TENANTS', '  min_tenants: 3\n', '', 'release:'),
  rule('RULE_MIN_NETWORKS', '  min_networks: 5\n', '', 'release:', website),
  rule('RULE_SHARE', '  max_share: 50%\n', '', 'release:'),
  rule('RULE_SHARE', 'max_share: 50%', 'max_share: 80%', '80%'),
  rule('RULE_PERSON_SHARE', 'max_person_share: 25%', 'max_person_share: 80%', '80%'),
  rule('RULE_CAP', '20 per kind and day', '10001 per kind and day', '10001'),
]
