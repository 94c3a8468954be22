/**
 * Settings from the environment, one schema. A `TACIT_*` variable that nothing reads is refused, and the nearest right
 * name is said: a typo must not leave a limit at its default.
 */
import { TacitError } from '@tacit/contracts'
import { z } from 'zod'

const count = (fallback: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'a whole number above 0')
    .default(String(fallback))
    .transform(Number)

export const environmentSchema = z.object({
  TACIT_TOKEN_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'JSON Web Key Set (file) that verifies the ERP’s tokens: keys of type OKP (Ed25519) or oct, each with a kid',
    ),
  TACIT_TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((cidr) => cidr.trim())
        .filter((cidr) => cidr !== ''),
    )
    .describe('CIDRs, comma separated, of reverse proxies whose X-Forwarded-For is believed'),
  TACIT_RATE_PER_TOKEN: count(100).describe(
    'events a minute and token; beyond it they are dropped as `rate`',
  ),
  TACIT_RATE_PER_PEER: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'a whole number above 0')
    .transform(Number)
    .optional()
    .describe(
      'requests a minute and peer address, beyond it 429; 6,000 by default, and then not for loopback peers',
    ),
  TACIT_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address that the collector and the dashboard listen on'),
})

export type Environment = z.infer<typeof environmentSchema>

/** Read by the test suite and the shipped scripts, never by the product. */
const TEST_PREFIX = 'TACIT_TEST_'

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, substitution))
    }
    row = next
  }
  return row[b.length] as number
}

/** @throws TacitError ERR_CONFIG_INVALID naming the variable, never its value */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const known = Object.keys(environmentSchema.shape)
  for (const name of Object.keys(env)) {
    if (!name.startsWith('TACIT_') || name.startsWith(TEST_PREFIX) || known.includes(name)) continue
    const nearest = [...known].sort((a, b) => distance(name, a) - distance(name, b))[0]
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      `Nothing reads the variable ${name}; did you mean ${nearest}? Unset it, or correct it.`,
    )
  }
  const result = environmentSchema.safeParse(env)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    `The variable ${String(issue?.path[0])} is not right: ${issue?.message}`,
  )
}
