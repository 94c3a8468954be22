/** For tests: a rulebook that says everything the language can say, with its catalogues. */
import { FILE, shipped, type Texts } from './shipped.js'

const WHOLE = `rulebook: erp-whole
version: 2026.11.1
policy: { version: "2026-11-01", clauses: ["2b", "3", "4", "7", "8", "9", "10", "11"] }
effective: 2026-11-01
notice: { at: 2026-10-01 }
expires: 2027-11-30
default: drop

purpose:
  id: product-usage-stats
  consent: analytics
  max_consent_age: 13 months
  refuse_when: [gpc, dnt, objected, tenant_opted_out, account_closed, not_adult, wrong_region]

sites:
  erp:     { origins: ["https://erp.example.in"], identity: signed, lawful_basis: consent, region: in }
  website: { origins: ["https://www.example.in"], identity: network, lawful_basis: exempt-measurement, region: in }

epochs: { streams: [day, week, month], lateness: 1h, destroy_key_after: 48h, timezone: UTC }

fields:
  client_ip:  { do: truncate, ipv4: 16, ipv6: 32, then: country }
  user_id:    { do: pseudonym, scope: [tenant, purpose, epoch] }
  tenant_id:  { do: pseudonym, scope: [purpose, epoch] }
  timestamp:  { do: coarsen, to: 1h }
  path:       { do: template, catalogue: routes.yaml, otherwise: /other }
  from_path:  { do: template, catalogue: routes.yaml, otherwise: /other }
  user_agent: { do: generalise, to: [browser, os, device], max_bits: 4 }
  utc_offset: { do: allow, pattern: quarter_hours }
  language:   { do: allow, values: [en-IN, hi-IN], otherwise: other }
  event_name: { do: allow, catalogue: events.yaml, otherwise: drop_event }
  role:       { do: allow, values: [admin, accounts, sales, operations], otherwise: other }
  cohort:     { do: allow, pattern: month }
  load_ms:    { do: bucket, edges: [100, 300, 1000, 3000, 10000] }
  visit_start: { do: allow, values: [true] }
  time_spent_s: { do: bucket, edges: [10, 30, 60, 300, 1800] }
  app_version: { do: allow, catalogue: apps.yaml, otherwise: other }
  device_model: { do: generalise, to: [model_class], max_bits: 2 }
  search_text: { do: drop, because: free text }

scan: { detectors: [email, phone_in, pan, aadhaar, gstin, upi, ifsc, iban, card], on_hit: drop_event }

statistics:
  live:        { site: erp, title: Right now,        window: 5m,               measures: [users] }
  pages:       { site: erp, title: Pages,            window: [hour, day],      where: { kind: page_view }, by: [path], drill: [device], measures: [users, events, visits, time_s] }
  features:    { site: erp, title: Feature adoption, window: [day, week],      where: { kind: feature },   by: [event_name], drill: [role], measures: [users, events] }
  navigation:  { site: erp, title: Navigation paths, window: day,              where: { kind: page_view }, by: [from_path, path], measures: [users] }
  apps:        { site: erp, title: App versions,     window: week,             where: { kind: device }, by: [app_version, model_class], measures: [users] }
  devices:     { site: erp, title: Devices,          window: day,              by: [device, os, browser], measures: [users] }
  speed:       { site: erp, title: Load time,        window: day,              where: { kind: timing }, by: [path], histogram: load_ms }
  invoice:     { site: erp, title: Invoice funnel,   window: day,              funnel: ["page:/invoices/new", "event:invoice.save", "event:invoice.send"] }
  retention:   { site: erp, title: Weekly retention, window: week,             retention: { cohort: cohort } }
  errors:      { site: erp, title: Errors,           window: day,              where: { kind: error }, by: [path], measures: [users, events], per: pages }
  visitors:    { site: website, title: Countries,    window: [day, month],     where: { kind: page_view }, by: [country], measures: [users], people: floored }

release: { min_users: 10, min_tenants: 3, min_networks: 5, max_share: 50%, max_person_share: 25%, max_events_per_person: 20 per kind and day, step: 20, noise: { unit: user-day, mechanism: laplace, epsilon: 1, cap_per_year: 400 } }
keep:    { log: 24h, staging: epoch + 48h, released: 25 months, audit: 400 days, spool: 2 GiB }
bots:    drop
assets:  drop
region:  in

examples:
  - { in: { path: "/customers/12345/invoice/INV-9" }, out: { path: "/customers/:id/invoice/:no" } }
  - { in: { path: "/a/x@y.in" }, out: { dropped: pii.email } }
  - { in: { client_ip: "203.0.113.77" }, out: { country: ZZ } }
`

/** The texts, with the catalogues of the shipped ERP rulebook. */
export function whole(): Texts {
  const texts = shipped('erp')
  const events = (texts['events.yaml'] ?? '').replace(
    /payroll\.run: \{ kind: feature[^}]*\}/,
    'payroll.run: { kind: feature, sensitive: true }',
  )
  return { ...texts, 'events.yaml': events, [FILE]: WHOLE }
}
