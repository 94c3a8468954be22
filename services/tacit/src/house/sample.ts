/**
 * The sample: a month of made-up ERP traffic in a realm of its own, played through the real path, and the small ERP
 * that signs tokens for it. Whatever is shown of it is marked as sample.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAddress, readSignals } from '@tacit/anonymizer'
import { DAY, DrivenClock, epochOf, HOUR, systemClock, type TokenClaims, utcDay } from '@tacit/contracts'
import { createTokenIssuer, generateTokenKeys, TOKEN_LIFE_S } from '@tacit/erp-token'
import { RULEBOOK_FILE, type Rulebook, withSample } from '@tacit/rulebook'
import { importJWK, type JWK, SignJWT } from 'jose'
import { sampleTraffic } from '../sample/traffic.js'
import { DrivenRun } from './driven.js'
import type { House } from './house.js'
import type { RealmLayout } from './layout.js'
import type { Realm } from './realm.js'
import { checkRulebook, requireRulebook, storeRulebook } from './rulebook-files.js'

export const SAMPLE_SITE = 'sample'
const KEY_ID = 'sample-erp'
/** Beacons between two waits for the disk. */
const FLUSH_EVERY = 2_000

export interface SampleSize {
  readonly seed: number
  readonly tenants: number
  readonly users: number
  readonly days: number
}

/** End (ms) of the simulated month: of the last week that lies wholly in the past. */
export function sampleEnd(now: number): number {
  return epochOf('week', now).start
}

/** The sample's rulebook: the ERP's, with a site of its own, the sample page's origins, and dates that hold now. */
export function sampleRulebook(
  erp: Rulebook,
  origins: readonly string[],
  now: number,
  days: number,
): Rulebook {
  const effective = sampleEnd(now) - (days + 1) * DAY
  const expires = new Date(now)
  expires.setUTCMonth(expires.getUTCMonth() + 11)
  const texts = withSample(erp.sources, {
    site: SAMPLE_SITE,
    origins,
    effective: utcDay(effective),
    expires: utcDay(expires.getTime()),
  })
  return requireRulebook(checkRulebook(RULEBOOK_FILE, texts), 'The sample rulebook')
}

const privateKeyFile = (layout: RealmLayout) => join(layout.dir, 'erp-key.json')

/** The file with the public key of the sample ERP; makes the key pair where there is none. */
export async function sampleTokenKeys(layout: RealmLayout): Promise<string> {
  const file = join(layout.dir, 'token-keys.json')
  if (existsSync(file) && existsSync(privateKeyFile(layout))) return file
  mkdirSync(layout.dir, { recursive: true, mode: 0o700 })
  const { jwks, signingKey } = await generateTokenKeys(KEY_ID)
  writeFileSync(privateKeyFile(layout), JSON.stringify(signingKey), { mode: 0o600 })
  writeFileSync(file, JSON.stringify(jwks), { mode: 0o600 })
  return file
}

/** Signs tokens as the sample ERP would. */
export async function sampleSigner(layout: RealmLayout): Promise<(claims: TokenClaims) => Promise<string>> {
  const key = await importJWK(JSON.parse(readFileSync(privateKeyFile(layout), 'utf8')) as JWK, 'EdDSA')
  return (claims) => {
    const issued = Math.floor(Date.now() / 1000)
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: KEY_ID })
      .setAudience('tacit')
      .setIssuedAt(issued)
      .setExpirationTime(issued + TOKEN_LIFE_S)
      .sign(key)
  }
}

/** Signs tokens of made-up visitors of the sample page, as an ERP's back end would. */
export function samplePageTokens(
  layout: RealmLayout,
  rulebook: () => Rulebook,
): (consent: 'granted' | 'denied') => Promise<string> {
  const signingKey = { ...(JSON.parse(readFileSync(privateKeyFile(layout), 'utf8')) as JWK), kid: KEY_ID }
  return (analytics) => {
    const { policy, region } = rulebook()
    // Each visit is somebody else: the key that makes the subject is drawn anew.
    const issuer = createTokenIssuer({
      signingKey,
      subjectKey: randomBytes(32),
      region,
      policy: policy.version,
    })
    return issuer.issue({
      tenant: `sample-page-${randomInt(3)}`,
      user: 'visitor',
      standing: 'trial',
      role: 'sales',
      cohort: utcDay(Date.now()).slice(0, 7),
      adult: true,
      consent: { analytics, at: new Date(Date.now() - HOUR) },
    })
  }
}

const completeFile = (layout: RealmLayout) => join(layout.dir, 'complete.json')

/** Whether the sample was played to its end. */
export function sampleIsComplete(layout: RealmLayout): boolean {
  return existsSync(completeFile(layout))
}

/** Removes the sample: its folder (keys, log, state, rulebook) and its database. */
export async function removeSample(house: House): Promise<boolean> {
  const layout = house.layout.realm('sample')
  const existed = existsSync(layout.dir)
  // The mark goes first: a removal that is cut short is finished by the next start.
  rmSync(completeFile(layout), { force: true })
  await house.dropDatabase(layout.database)
  rmSync(layout.dir, { recursive: true, force: true })
  return existed
}

export interface SamplePlayed {
  readonly events: number
  readonly days: number
}

/**
 * Plays the sample into an empty realm under a driven clock, and closes it again.
 * @param onProgress called with the days that are done
 */
export async function playSample(
  house: House,
  rulebook: Rulebook,
  size: SampleSize,
  onProgress: (days: number) => void,
): Promise<SamplePlayed> {
  const layout = house.layout.realm('sample')
  const now = systemClock.now()
  const end = sampleEnd(now)
  const clock = new DrivenClock(end - size.days * DAY)
  storeRulebook(layout.rulebook, rulebook)
  const realm = await house.openRealm({
    layout,
    rulebook,
    clock,
    service: 'simulate',
    ratePerToken: Number.MAX_SAFE_INTEGER,
  })
  const run = new DrivenRun(realm, clock)
  const events = await playTraffic(realm, run, clock, size, end, onProgress)
  await run.advanceTo(Math.min(now, end + rulebook.epochs.destroyKeyAfterMs))
  await run.pause()
  await house.closeRealm(realm)
  writeFileSync(completeFile(layout), `${JSON.stringify({ ...size, end: utcDay(end) })}\n`, { mode: 0o600 })
  return { events, days: size.days }
}

async function playTraffic(
  realm: Realm,
  run: DrivenRun,
  clock: DrivenClock,
  size: SampleSize,
  end: number,
  onProgress: (days: number) => void,
): Promise<number> {
  const origin = realm.rulebook.sites[SAMPLE_SITE]?.origins[0] ?? ''
  const policy = realm.rulebook.policy.version
  const start = clock.now()
  let deadline = run.deadlineAfter(start)
  let events = 0
  let beacons = 0
  for (const sample of sampleTraffic({ ...size, end, site: SAMPLE_SITE, origin, policy })) {
    if (sample.time >= deadline) {
      await run.advanceTo(sample.time)
      deadline = run.deadlineAfter(sample.time)
      onProgress(Math.floor((sample.time - start) / DAY))
    } else clock.advanceTo(sample.time)
    const signals = readSignals(Object.entries(sample.headers).flat())
    const taken = realm.intake.take(sample.body, {
      source: 'beacon',
      address: parseAddress(sample.ip),
      userAgent: sample.headers['user-agent'] ?? '',
      origin: sample.headers['origin'] ?? null,
      ...signals,
      claims: sample.claims,
    })
    if (taken instanceof Promise) await taken
    events += sample.body.events.length
    if (++beacons % FLUSH_EVERY === 0) await realm.commit.drain()
  }
  await realm.commit.drain()
  return events
}
