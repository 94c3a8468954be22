/** `tacit simulate`: sample ERP traffic, played into the sample's stores or sent to a running collector. */
import { existsSync } from 'node:fs'
import { systemClock, TacitError, type TokenClaims, utcDay } from '@tacit/contracts'
import { Command } from 'commander'
import { counted } from '../counted.js'
import { openHouse } from '../house/house.js'
import { dataLayout, ERP_RULEBOOK } from '../house/layout.js'
import { readRulebook, requireRulebook, storedRulebook } from '../house/rulebook-files.js'
import {
  playSample,
  SAMPLE_SITE,
  sampleEnd,
  sampleIsComplete,
  sampleRulebook,
  sampleSigner,
  sampleTokenKeys,
  type SampleSize,
} from '../house/sample.js'
import { print, printJson, progress, UsageError } from '../output.js'
import { SAMPLE_DEFAULTS, type SampleBeacon, sampleTraffic } from '../sample/traffic.js'

interface SimulateOptions {
  readonly days?: string
  readonly tenants: string
  readonly users: string
  readonly seed: string
  readonly to?: string
  readonly data: string
  readonly json?: boolean
}

/** Requests under way at once; a collector on this machine is asked for more than a page would, not for a flood. */
const CONCURRENCY = 32
const MAX_RETRIES = 20
/** A token is used for this long, then signed anew; it lives for 15 minutes. */
const TOKEN_USE_MS = 10 * 60_000

export function simulateCommand(): Command {
  return new Command('simulate')
    .description(
      'Sample ERP traffic, the same for the same seed: into the sample’s stores, or to a running collector',
    )
    .option('--days <n>', 'days of traffic (default 35, five whole weeks; with --to 1)')
    .option('--tenants <n>', 'tenants', String(SAMPLE_DEFAULTS.tenants))
    .option('--users <n>', 'people', String(SAMPLE_DEFAULTS.users))
    .option('--seed <n>', 'seed', String(SAMPLE_DEFAULTS.seed))
    .option('--to <url>', 'a running collector that serves the sample site, e.g. http://127.0.0.1:8080')
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npx tacit simulate --days 7 --seed 42 --data /tmp/week\n  $ npx tacit simulate --to http://127.0.0.1:8080\n',
    )
    .action(simulate)
}

function numberOf(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name} must be a whole number`)
  return Number(text)
}

async function simulate(options: SimulateOptions): Promise<void> {
  const size: SampleSize = {
    seed: numberOf(options.seed, '--seed'),
    tenants: numberOf(options.tenants, '--tenants'),
    users: numberOf(options.users, '--users'),
    days: numberOf(options.days ?? (options.to === undefined ? String(SAMPLE_DEFAULTS.days) : '1'), '--days'),
  }
  if (options.to === undefined) await playInto(options, size)
  else await sendTo(options.to, options, size)
}

async function playInto(options: SimulateOptions, size: SampleSize): Promise<void> {
  const house = await openHouse(options.data)
  try {
    const layout = house.layout.realm('sample')
    if (sampleIsComplete(layout)) {
      throw new TacitError(
        'ERR_DATA_IN_USE',
        'This data directory holds sample data already; remove it first: tacit reset --sample',
      )
    }
    const erp = requireRulebook(readRulebook(ERP_RULEBOOK), ERP_RULEBOOK)
    const rulebook = sampleRulebook(
      erp,
      ['http://127.0.0.1:8081', 'http://localhost:8081'],
      systemClock.now(),
      size.days,
    )
    await sampleTokenKeys(layout)
    const bar = progress(size.days, 'days')
    const played = await playSample(house, rulebook, size, (days) => bar.update(days, 'of sample traffic'))
    bar.stop()
    if (options.json) printJson({ ...size, ...played, until: utcDay(sampleEnd(systemClock.now())) })
    else
      print(
        `${counted(played.events, 'event')} of ${counted(played.days, 'day')}, until ${utcDay(sampleEnd(systemClock.now()))}.`,
      )
  } finally {
    await house.close()
  }
}

interface Sent {
  beacons: number
  events: number
  /** answers by status */
  readonly answers: Record<string, number>
}

/** Signs each person's claims once every ten minutes. */
function tokenCache(
  sign: (claims: TokenClaims) => Promise<string>,
): (claims: TokenClaims) => Promise<string> {
  const tokens = new WeakMap<TokenClaims, { token: string; until: number }>()
  return async (claims) => {
    const known = tokens.get(claims)
    if (known !== undefined && known.until > Date.now()) return known.token
    const token = await sign(claims)
    tokens.set(claims, { token, until: Date.now() + TOKEN_USE_MS })
    return token
  }
}

async function sendTo(url: string, options: SimulateOptions, size: SampleSize): Promise<void> {
  if (!URL.canParse('/v1/beacon', url))
    throw new UsageError('--to must be an address such as http://127.0.0.1:8080')
  const layout = dataLayout(options.data).realm('sample')
  const rulebook = existsSync(layout.rulebook) ? storedRulebook(layout.rulebook) : null
  if (rulebook === null) {
    throw new TacitError(
      'ERR_INPUT_FILE',
      'There is no sample in this data directory to sign tokens for; start `npx tacit up --sample` on it, or name another with --data',
    )
  }
  const token = tokenCache(await sampleSigner(layout))
  const traffic = sampleTraffic({
    ...size,
    end: sampleEnd(systemClock.now()),
    site: SAMPLE_SITE,
    origin: rulebook.sites[SAMPLE_SITE]?.origins[0] ?? '',
    policy: rulebook.policy.version,
  })
  const sent: Sent = { beacons: 0, events: 0, answers: {} }
  const target = new URL('/v1/beacon', url)
  const worker = async () => {
    for (let next = traffic.next(); !next.done; next = traffic.next())
      await send(target, next.value, token, sent)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  if (options.json) printJson(sent)
  else
    print(
      `${counted(sent.beacons, 'beacon')} with ${counted(sent.events, 'event')} sent; answers: ${Object.entries(
        sent.answers,
      )
        .map(([status, count]) => `${count} × ${status}`)
        .join(', ')}`,
    )
}

async function send(
  target: URL,
  sample: SampleBeacon,
  token: (claims: TokenClaims) => Promise<string>,
  sent: Sent,
): Promise<void> {
  const body = JSON.stringify({ ...sample.body, token: await token(sample.claims) })
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(target, {
      method: 'POST',
      headers: { ...sample.headers, 'content-type': 'text/plain' },
      body,
    }).catch(() => null)
    const status = answer === null ? 'no answer' : String(answer.status)
    if (status === '204' || (status !== '503' && status !== 'no answer') || attempt >= MAX_RETRIES) {
      sent.beacons++
      sent.events += sample.body.events.length
      sent.answers[status] = (sent.answers[status] ?? 0) + 1
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}
