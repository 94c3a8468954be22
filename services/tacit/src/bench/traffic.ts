/** The requests of the collector's benchmark: 2,000 people, varied paths and agents, two events a beacon, real tokens. */
import { randomBytes } from 'node:crypto'
import { DAY, HOUR, rfc3339, type TokenClaims } from '@tacit/contracts'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { sampleTraffic } from '../sample/traffic.js'

const PEOPLE = 2_000
const REQUESTS = 8_000
const TOKEN_LIFE_S = 15 * 60

export interface BenchTraffic {
  readonly requests: readonly Buffer[]
  /** verifies the tokens */
  readonly jwks: { readonly keys: readonly JWK[] }
  readonly bytesPerRequest: number
}

/**
 * Builds whole HTTP requests, so that the load costs its core little.
 * @param site of a rulebook with the given origin and policy
 */
export async function benchTraffic(
  site: string,
  origin: string,
  policy: string,
  region: string,
): Promise<BenchTraffic> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
  const now = Date.now()
  const issued = Math.floor(now / 1000)
  const sign = (claims: TokenClaims) =>
    new SignJWT({ ...claims, region, consent: { analytics: 'granted', policy, at: rfc3339(now - HOUR) } })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'bench' })
      .setAudience('tacit')
      .setIssuedAt(issued)
      .setExpirationTime(issued + TOKEN_LIFE_S)
      .sign(privateKey)
  const tokens = new Map<TokenClaims, string>()
  const requests: Buffer[] = []
  const end = now - (now % DAY)
  for (const sample of sampleTraffic({
    seed: 7,
    tenants: 40,
    users: PEOPLE,
    days: 20,
    end,
    site,
    origin,
    policy,
  })) {
    if (requests.length >= REQUESTS) break
    const events = sample.body.events.filter(({ path }) => path !== undefined).slice(0, 2)
    const [first] = events
    if (first === undefined || sample.claims.adult !== true) continue
    let token = tokens.get(sample.claims)
    if (token === undefined) {
      if (tokens.size >= PEOPLE) continue
      token = await sign(sample.claims)
      tokens.set(sample.claims, token)
    }
    const pair = [first, events[1] ?? first].map((event) => ({
      ...event,
      age: event.age % 10_000,
      id: randomBytes(8).toString('hex'),
    }))
    const body = JSON.stringify({
      v: 1,
      site,
      token,
      consent: { analytics: 'granted' },
      client: { utc_offset: 330, language: 'en-IN' },
      events: pair,
    })
    requests.push(
      Buffer.from(
        `POST /v1/beacon HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\norigin: ${origin}\r\n` +
          `user-agent: ${sample.headers['user-agent']}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      ),
    )
  }
  const bytes = requests.reduce((sum, request) => sum + request.length, 0)
  return {
    requests,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'EdDSA' }] },
    bytesPerRequest: Math.round(bytes / requests.length),
  }
}
