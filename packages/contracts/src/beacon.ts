/** The beacon's contract: `POST /v1/beacon`, as interface.md says. */
import { z } from 'zod'

export const LIMITS = {
  bodyBytes: 65_536,
  events: 100,
  props: 32,
  string: 256,
  /** a token is an envelope member of its own: longer than a string of the page, still bounded */
  token: 4_096,
  /** a consent framework's string lists vendors */
  framework: 4_096,
  ageMs: 86_400_000,
  depth: 6,
} as const

const text = z.string().max(LIMITS.string)
const prop = z.union([text, z.number(), z.boolean(), z.null()])

export const beaconEvent = z.strictObject({
  id: text.min(1),
  name: text.min(1),
  age: z.int().min(0).max(LIMITS.ageMs),
  path: text.optional(),
  from_path: text.optional(),
  props: z.record(text, prop).optional(),
})

const framework = z.string().min(1).max(LIMITS.framework).optional()

/** Google Consent Mode v2, as a page reads it; only `analytics_storage` counts. */
const consentMode = z.strictObject({
  analytics_storage: text.optional(),
  ad_storage: text.optional(),
  ad_user_data: text.optional(),
  ad_personalization: text.optional(),
  functionality_storage: text.optional(),
  personalization_storage: text.optional(),
  security_storage: text.optional(),
})

/** What the page says of consent: its own word, or a framework's. It can only refuse more than the token. */
const bodyConsent = z
  .strictObject({
    analytics: text.optional(),
    /** IAB TC string (TCF v2.3) */
    tcf: framework,
    /** IAB Global Privacy Platform string */
    gpp: framework,
    google: consentMode.optional(),
  })
  .refine((consent) => Object.values(consent).some((value) => value !== undefined))

export const beacon = z.strictObject({
  v: z.literal(1),
  site: text.min(1),
  token: z.string().max(LIMITS.token).optional(),
  consent: bodyConsent.optional(),
  client: z.strictObject({ utc_offset: z.number().optional(), language: text.optional() }).optional(),
  events: z.array(beaconEvent).min(1).max(LIMITS.events),
})

export type Beacon = z.infer<typeof beacon>
export type BeaconEvent = z.infer<typeof beaconEvent>
export type PropValue = z.infer<typeof prop>

/** Claims of the ERP's token that the decision reads; anything else in a token is ignored. */
export const tokenClaims = z.object({
  tenant: text.min(1),
  /** absent counts as a trial: only an established tenant's people count towards thresholds */
  standing: z.enum(['established', 'trial', 'internal']).default('trial'),
  sub: text.min(1),
  role: text.optional(),
  cohort: text.optional(),
  // What cannot be read here makes no forgery: the decision refuses it, each under its own reason.
  adult: z.boolean().optional().catch(undefined),
  region: text.optional().catch(undefined),
  consent: z
    .object({ analytics: text.optional(), policy: text.optional(), at: text.optional() })
    .optional()
    .catch({ analytics: 'malformed' }),
})

export type TokenClaims = z.infer<typeof tokenClaims>
