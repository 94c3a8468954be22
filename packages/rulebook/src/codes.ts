/**
 * Every finding the parser and the linter can make: its stable code, how grave it is, why it matters (a law, or an
 * attack) and how to mend it. Match on the code, never on a message.
 */
import { type CodeEntry, error, warning } from './code-entry.js'
import { RELEASE_FINDINGS } from './release-codes.js'

const SIGNED_AS_SEEN = 'What the privacy team signs must mean exactly what it shows, on one reading.'
const DIFFERENCING =
  'Two ways to count the same rows can be subtracted from one another (differencing attack).'
const STORAGE_LIMIT =
  'Personal data may not be kept longer than its purpose needs (GDPR Art. 5(1)(e), DPDP Act s. 8(7)).'

export const FINDINGS = {
  // The file as YAML
  RULE_YAML_SYNTAX: error(
    `${SIGNED_AS_SEEN} What does not read is mended first; other findings of the file come after.`,
    'Mend the line that the message names.',
  ),
  RULE_DUPLICATE_KEY: error(`${SIGNED_AS_SEEN} Of two equal keys only one would count.`, 'Keep one of them.'),
  RULE_YAML_ANCHOR: error(
    `${SIGNED_AS_SEEN} An anchor makes text elsewhere depend on this line.`,
    'Remove the anchor and write the value out.',
  ),
  RULE_YAML_ALIAS: error(`${SIGNED_AS_SEEN} An alias hides what the rule says.`, 'Write the value out.'),
  RULE_YAML_TAG: error(
    `${SIGNED_AS_SEEN} A tag changes the type of what follows.`,
    'Remove the tag; put text in quotes where needed.',
  ),
  RULE_YAML_MERGE: error(
    `${SIGNED_AS_SEEN} A merge key brings in keys from elsewhere.`,
    'Write the keys out.',
  ),
  RULE_YAML_DOCUMENTS: error(
    `${SIGNED_AS_SEEN} Of several documents only one would count.`,
    'Keep one document in the file.',
  ),
  RULE_YAML_DIRECTIVE: error(
    `${SIGNED_AS_SEEN} A directive changes how the file is read.`,
    'Remove the line that begins with %.',
  ),
  RULE_YAML_KEY: error(
    SIGNED_AS_SEEN,
    'Use a plain text key, in quotes where it looks like a number or true.',
  ),
  RULE_YAML_HIDDEN: error(
    `${SIGNED_AS_SEEN} Invisible and direction-changing characters make a reader see another text.`,
    'Remove the invisible character.',
  ),
  RULE_TOO_LARGE: error(
    'A rulebook that nobody can read whole cannot be signed.',
    'Make the file smaller or flatter.',
  ),
  RULE_TOO_MANY_FINDINGS: error('Only the first findings are shown.', 'Mend those shown and check again.'),
  RULE_FILE_TEXT: error(
    'A rulebook is a text that people read before they sign it.',
    'Name a rulebook; `tacit rules init` writes a first one.',
  ),
  RULE_FILE_MISSING: error('Without a rulebook nothing may be read.', 'Name an existing file.'),
  // The language
  RULE_UNKNOWN_KEY: error(
    'A key that is not understood would be a rule that nobody enforces.',
    'Remove the key, or write its right name.',
  ),
  RULE_MISSING_KEY: error('There are no silent defaults: what is not said is not decided.', 'Add the key.'),
  RULE_VALUE: error(
    'A value that is not understood would be a rule that nobody enforces.',
    'Write one of the values that the message names.',
  ),
  RULE_NAME: error(
    'Names become columns, addresses and menu entries, so they hold nothing that needs escaping.',
    'Begin with a lower-case letter; go on with lower-case letters, digits and underscores (in event names dots and hyphens too), at most 48.',
  ),
  RULE_LISTED_PERSON: error(
    'What a rulebook lists is published as it stands and passes unsearched: an identifier in it is a person in every table (GDPR Art. 4(1), DPDP Act s. 2(t)).',
    'Take it out, or put a parameter or a general word in its place.',
  ),
  RULE_EXAMPLE: error(
    'An example is what the privacy team was shown: where it does not hold, the rules do something else.',
    'Mend the rule, or the example, whichever is wrong; `tacit rules test` shows both sides.',
  ),
  RULE_BITS_MEASURED: error(
    'Dimensions that tell more than log2(N/k) bits single out fewer than k of N people (privacy budget of a row).',
    'Take a dimension out, list fewer values, or count a larger population.',
  ),
  RULE_CATALOGUE_NAME: error(
    'A catalogue is hashed and signed with its rulebook, so it lies beside it.',
    'Name a file in the same folder, like `routes.yaml`.',
  ),
  RULE_CATALOGUE_MISSING: error(
    'Without its catalogue the rule would let nothing or everything through.',
    'Put the file beside the rulebook.',
  ),
  // Fields
  RULE_FIELD_REQUIRED: error(
    'Every record needs a coarse hour and a known event; people and tenants are only ever pseudonyms.',
    'Add a rule for the field.',
  ),
  RULE_FIELD_TRANSFORM: error(
    'Each source has transforms that are known to be safe for it; others would let it through.',
    'Use a transform that the message names, or `drop`.',
  ),
  RULE_ALLOW_OPEN: error(
    'A field that passes as it is carries whatever the page puts into it: names, addresses, free text.',
    'State exactly one of `values`, `catalogue` or `pattern`.',
  ),
  RULE_PATTERN: error(
    'A pattern that the field never has lets nothing through: a rule that does something else than it says.',
    'Use the pattern of the field, or a list of values.',
  ),
  RULE_VALUE_TYPE: error(
    'A value counts with its type (`true` is not `"true"`): of another type it never matches.',
    'Write text in quotes, and numbers without.',
  ),

  RULE_TEMPLATE_SOURCE: error(
    'Paths hold ids of customers and invoices; only a catalogue or the generic rule takes them out.',
    'State `catalogue` and `otherwise`, or `generic`.',
  ),
  RULE_WORDS_ANY: warning(
    'Segments that look like words stay as they are: a name or a slug in an address would be kept until the thresholds stop it.',
    'Use a catalogue of routes where the site has one, or a file of approved words.',
  ),
  RULE_TRUNCATION_FINE: error(
    'An office often owns its /24, and a /48 can be one customer (RFC 6177): finer is an address of someone.',
    'Keep at most 24 bits of IPv4 and 48 of IPv6; 16 and 32 are better.',
  ),
  RULE_COARSENING: error(
    'Fine times link a record to a log of the ERP; uneven steps smear an event over two windows.',
    'Use 1h; at least 15m, at most 24h, and a step that divides the day.',
  ),
  RULE_PSEUDONYM_SCOPE: error(
    'A pseudonym that outlives its epoch, or joins tenants or purposes, is an identifier (GDPR Art. 4(5)).',
    'Use [tenant, purpose, epoch] for people and [purpose, epoch] for tenants.',
  ),
  RULE_GENERALISE_TO: error(
    'Only closed families are coarse enough to publish.',
    'Use browser, os, device for user_agent and model_class for device_model.',
  ),
  RULE_MAX_BITS: error(
    'Of a thousand people a row of more than 6.6 bits singles out fewer than ten (log2(N/k)).',
    'Use at most 6 bits; 4 is the usual.',
  ),
  RULE_MAX_BITS_MISSING: warning(
    'A rare combination of coarse families is a fingerprint all the same; a row of a device is to tell 4 bits at most (GDPR recital 26).',
    'Add `max_bits: 4`: rarer combinations are counted as `other`.',
  ),
  RULE_ROW_BITS: warning(
    'Dimensions that tell more than log2(N/k) bits single out fewer than k of N people (privacy budget of a row).',
    'Take a dimension out, or list fewer values; `rules check --data` judges by who was counted.',
  ),

  RULE_SCAN_MISSING: warning(
    'Pages put e-mail addresses and numbers of identity cards into paths and names by mistake; nothing looks for them.',
    'Declare `scan: { detectors: [email, phone_in, pan, aadhaar, …], on_hit: drop_event }`.',
  ),
  RULE_SCAN_DETECTORS: warning(
    'An identifier that is not searched for is only stopped by the allow-lists and the thresholds.',
    'Add the detectors that the message names.',
  ),
  RULE_BUCKET_EDGES: error(
    'Overlapping buckets count one event twice.',
    'List whole numbers in rising order.',
  ),
  RULE_BUCKET_FINE: warning(
    'Exact durations tell one machine, and one person, from the next (fingerprinting by timing).',
    'Use a few wide steps, like [100, 300, 1000, 3000, 10000].',
  ),

  RULE_EVENT_UNKNOWN: error(
    'An event that no catalogue names has no kind, and nobody declared what it may carry.',
    'Use `catalogue: events.yaml, otherwise: drop_event`.',
  ),
  RULE_VALUE_RESERVED: error(
    '`(other)` is the pooled cell: a value of that name would merge with it.',
    'Choose another word.',
  ),
  RULE_VALUE_TWICE: error(SIGNED_AS_SEEN, 'Keep each value once.'),
  RULE_ROUTE_SYNTAX: error(
    'A route that cannot match as it reads hides which pages are counted.',
    'Write `/words/:param`, with letters, digits, dots, hyphens and underscores.',
  ),
  RULE_ROUTE_SHADOWED: error(
    'Of two routes with the same shape only one would ever be counted.',
    'Keep one of them.',
  ),
  RULE_ROUTE_RAW_ID: error(
    'A raw id in the catalogue would be published as a page of its own.',
    'Put a parameter like :id in its place.',
  ),
  RULE_WORD_RAW_ID: error(
    'A word that looks like an id would be published as a page of its own.',
    'Take it out of the list of words.',
  ),
  // Statistics
  RULE_STATISTIC_SHAPE: error(
    'A statistic that says two things, or half of one, would be computed in a way that nobody reviewed.',
    'State `by` and `measures`, or one of histogram, funnel and retention, or `window: 5m` with users alone.',
  ),
  RULE_HISTOGRAM_FIELD: error(
    'Shares of exact values are the values of people; only buckets are coarse enough.',
    'Name a field with `do: bucket`.',
  ),
  RULE_FUNNEL_STEP: error(
    'A step that no event can take makes a funnel that is empty for ever, and a promise that is false.',
    'Name a route of the catalogue of `path` (`page:/invoices/new`) or an event of the catalogue (`event:invoice.save`).',
  ),
  RULE_RETENTION: error(
    'Who came back is told by a coarse cohort from the token, over weeks or months, never by following a person.',
    'Use a week or month window, and a cohort field with `do: allow, pattern: month` or a short list.',
  ),
  RULE_LIVE: error(
    'Minutes are so short that any detail names somebody: only the number of people, in steps of min_users, is safe.',
    'Use `window: 5m, measures: [users]` and nothing else.',
  ),
  RULE_PEOPLE_ONLY: error(
    `${DIFFERENCING} Page views are published once, by page; how people go from page to page carries people only.`,
    'Use `measures: [users]`.',
  ),
  RULE_WINDOW: error(
    'A window that a statistic cannot have would be a promise that nothing keeps: histograms and funnels read single events, which only days have; who came back is told by weeks and months alone.',
    'Use hour, day, week or month for people and events, `window: day` for a histogram or a funnel, week or month for a retention.',
  ),
  RULE_SUM_OF_DAYS: error(
    `${DIFFERENCING} Events of a week or a month are sums of published days, and never counted again.`,
    'Add `day` to the windows of the statistic, or leave it `measures: [users]`.',
  ),
  RULE_MEASURE: error(
    'A measure of what no rule keeps, or of events that have none, would be zero for ever and read as a fact.',
    'Count `visits` and `time_s` with `where: { kind: page_view }`; give `visit_start` the rule `{ do: allow, values: [true] }` and `time_spent_s` a rule with `do: bucket`.',
  ),
  RULE_PER: error(
    'A rate is made of two published numbers of the same thing: without the other one, or with one of another dimension, it would have to be counted, and would be a number that nobody reviewed.',
    'Name a statistic of the same site with `events` and `day`, whose `by` is the same or its first dimensions, and count `events` by the day here.',
  ),
  RULE_EXACT_LEVEL: error(
    `${DIFFERENCING} Exact people are safe at one level of one tree of days.`,
    'Use `people: exact` with `window: day`, without `drill`.',
  ),
  RULE_TITLE_TWICE: error(
    'Two menu entries of one name cannot be told apart by who reads them.',
    'Give each statistic of a site a title of its own.',
  ),
  RULE_DIMENSION_EMPLOYER: error(
    'A cut network beside a tenant is the office of one employer: such a row is about a few known people.',
    'Use `then: country`, or leave the dimension out for signed sites.',
  ),
  RULE_STATISTIC_SITE: error(
    'A statistic belongs to one site, whose thresholds protect it.',
    'Name a site of this rulebook.',
  ),
  RULE_STATISTIC_DIMENSION: error(
    'A field that no rule names never leaves memory, so nothing can be counted by it.',
    'Add a rule for the field, or count by another one.',
  ),
  RULE_STATISTIC_PERSON: error(
    'A statistic by person or tenant is a list of persons or tenants.',
    'Count by something that many people share.',
  ),
  RULE_STATISTIC_KIND: error(
    'The statistic would be empty for ever, and its menu entry a false promise.',
    'Declare an event of that kind in the events catalogue, or drop the statistic.',
  ),
  RULE_ADDITIVE_TWICE: error(
    `${DIFFERENCING} Events of a kind are published once.`,
    'Leave `events` in one statistic of the site and kind, and `[users]` in the others.',
  ),
  RULE_EXACT_TWICE: error(
    `${DIFFERENCING} Exact people are safe at one level of one tree only.`,
    'Leave `people: exact` in one statistic of the site.',
  ),
  RULE_EXACT_BESIDE: error(
    `${DIFFERENCING} Two exact numbers prove by how many people two groups differ; anything that bounds how they overlap then pins those people.`,
    'Floor people (leave out `people: exact`), or leave out the other statistic.',
  ),
  RULE_DRILL_BESIDE: warning(
    'People by the values of a drill alone add up to those of a whole group, which says more of what the drill withholds: on small sites both together pinned a few people in two of a hundred made-up worlds (docs/disclosure.md).',
    'Read it in the drill, or count by more dimensions together, such as device, os and browser.',
  ),
  RULE_DIMENSION_TWICE: error(
    'Two things under one name cannot be told apart in what is published.',
    'Name each dimension once.',
  ),
  RULE_DIMENSION_RESERVED: error(
    'The name belongs to a column of every record or every answer.',
    'Choose another name.',
  ),
  RULE_DIMENSION_TOKEN: error(
    'Role and cohort come from the signed token; a network site has none, and must not learn them.',
    'Leave the dimension out for network sites.',
  ),
  RULE_DIMENSION_NETWORK: warning(
    'A cut network beside a tenant is often the office of one employer.',
    'Count by something coarser.',
  ),
  // Sites and purpose
  RULE_SITES_EMPTY: error('Without a site every event is dropped.', 'Declare a site.'),
  RULE_SITE_UNUSED: warning(
    'What is collected needs a purpose (GDPR Art. 5(1)(b)): of a site that no statistic counts, no record is made.',
    'Add a statistic of the site, or take the site out.',
  ),
  RULE_CLAUSE_UNKNOWN: warning(
    'A promise of the policy that these rules do not keep must be kept by somebody else.',
    'Name clauses that Tacit has a control for: 2a, 2b, 3 to 12.',
  ),
  RULE_BASIS: error(
    'Signed sites process on consent; only a site without accounts can claim the audience-measurement exemption (ePrivacy Art. 5(3), CNIL).',
    'Use `lawful_basis: consent` with `identity: signed`, and `exempt-measurement` with `network`.',
  ),
  RULE_ORIGIN: error(
    'Other pages could send events in the name of the site.',
    'Write a bare https origin like https://erp.example.in, in lower case and without a path; http only for localhost.',
  ),
  RULE_ORIGIN_SHARED: error(
    'One page counted under two identities lets a device be joined to an account.',
    'Give each origin to one kind of identity.',
  ),
  RULE_REGION: error(
    'Keys and records stay in the region; a site of another region would have every event refused.',
    'Use the region of the rulebook.',
  ),
  RULE_REFUSE_WHEN: error(
    'These refusals are what people were promised (GDPR Art. 21, DPDP Act s. 6 and 9, Global Privacy Control).',
    'Add the signal to `refuse_when`.',
  ),
  RULE_CONSENT_AGE: error(
    'Consent goes stale; regulators ask for it anew after 13 months at the latest (CNIL).',
    'Use 13 months or less.',
  ),
  // Time
  RULE_EXPIRY: error(
    'Rules are looked at again every year; an expired rulebook stops ingest.',
    'Let it expire after it takes effect and at most 13 months later.',
  ),
  RULE_EXPIRED: warning(
    'Rules are looked at again every year; an expired rulebook stops ingest.',
    'Review it, and set a new `effective` and `expires`.',
  ),
  RULE_NOTICE: error(
    'People are told before a change takes effect (privacy policy, clause 11).',
    'Put the notice on or before the day it takes effect.',
  ),
  RULE_NOTICE_SHORT: warning(
    'People are told of a change that loosens the rules 30 days before (privacy policy, clause 11): sooner it is not activated.',
    'Leave it where the change only tightens; else let it take effect later.',
  ),

  RULE_LATENESS: error('Windows must wait for honest stragglers, and must close.', 'Use between 1m and 24h.'),
  RULE_KEY_LIFE: error(
    `${STORAGE_LIMIT} A key that dies before its window closes loses the statistics.`,
    'Use more than `lateness` and at most 72h.',
  ),
  RULE_STAGING: error(STORAGE_LIMIT, 'Use at least `destroy_key_after` and at most epoch + 72h.'),
  RULE_STREAM_UNUSED: warning(
    'No statistic needs that linkage window, so it makes no record.',
    'Leave the stream out until a statistic has that window.',
  ),
  RULE_STREAM_MISSING: error(
    'A window is counted from records that can be linked for as long; a stream that is not listed makes none.',
    'Add the stream to `epochs.streams`, or give the statistic another window.',
  ),
  RULE_KEEP_LOG: error(STORAGE_LIMIT, 'Use at most 24h.'),
  RULE_KEEP_RELEASED: error(
    'Audience statistics are kept 25 months at most (CNIL).',
    'Use at most 25 months.',
  ),
  RULE_KEEP_AUDIT: error(
    'What was done with personal data must be provable for a year (DPDP Rules).',
    'Use between 365 and 1100 days.',
  ),
  RULE_KEEP_SPOOL: error(
    'With less a short outage loses events; more lets a long one fill the disk with records of people.',
    'Use from 16 MiB to 64 GiB; 1 GiB is the usual.',
  ),
  ...RELEASE_FINDINGS,
} as const satisfies Record<string, CodeEntry>

export type FindingCode = keyof typeof FINDINGS
