/**
 * Settings from the environment, one schema. A `TACIT_*` variable that nothing reads is refused, and the nearest right
 * name is said: a typo must not leave a limit at its default.
 */
import { TacitError } from '@tacit/contracts'
import { editDistance } from '@tacit/rulebook'
import { z } from 'zod'

const count = (fallback: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, 'a whole number above 0')
    .default(String(fallback))
    .transform(Number)

/** A comma-separated list; blanks and empty items do not count. */
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )

export const environmentSchema = z.object({
  TACIT_TOKEN_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'what verifies the ERP’s tokens: a JSON Web Key Set (file), or a folder of `<kid>.jwk.json` and `<kid>.pem`; keys of type OKP (Ed25519) or oct of at least 32 bytes; looked at again while it runs',
    ),
  TACIT_APPROVERS_FILE: z
    .string()
    .optional()
    .describe(
      'the Ed25519 public keys of those who may approve a rulebook, at least two: a folder of `<kid>.jwk.json` as `tacit rules keygen` writes them, or a JSON Web Key Set (file), each with a kid; `tacit up` and the verbs of `tacit rules` need the same',
    ),
  TACIT_MASTER_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'the file of the keys that wrap roots, mode 0600, made where there is none; by default in the data directory: for more than trying name a place that is in no backup and in no snapshot (docs/keys.md)',
    ),
  TACIT_AUDIT_HEADS_DIR: z
    .string()
    .optional()
    .describe(
      'a folder, best on another machine, into which every signed head of the audit log is written, those that were signed while it could not be reached too (the newest 1,000)',
    ),
  TACIT_AUDIT_WITNESS_URL: z
    .string()
    .optional()
    .describe(
      'https address of a witness, to which every signed head of the audit log is sent by POST, in order, those that were signed while it did not answer too (the newest 1,000)',
    ),
  TACIT_AUDIT_MAIL_TO: z
    .string()
    .regex(/^[^\s<>,;:"@]{1,64}@[A-Za-z0-9.-]{1,253}$/, 'one mail address')
    .optional()
    .describe('who is sent the newest signed head of the audit log once a UTC day; the privacy team, say'),
  TACIT_AUDIT_MAIL_COMMAND: z
    .string()
    .default('sendmail -t')
    .describe('what sends that mail: a program with its arguments that takes the message on standard input'),
  TACIT_KEEPER_URL: list.describe(
    'a keeper of its own (`tacit keeper`) that `tacit up` asks for the keys of real data: `https://host:8443`, its standby too, comma separated; by default the keeper is in the same process',
  ),
  TACIT_TLS_CERT_FILE: z
    .string()
    .optional()
    .describe(
      'PEM: the certificate by which `tacit keeper` and who asks it prove who they are, with `URI:tacit://keeper/NAME`, or `URI:tacit://collector/NAME` and `URI:tacit://aggregator/NAME`, in its subject alternative names; the three files are looked at again every minute',
    ),
  TACIT_TLS_KEY_FILE: z.string().optional().describe('PEM: the private key of that certificate, mode 0600'),
  TACIT_TLS_CA_FILE: z
    .string()
    .optional()
    .describe('PEM: the authorities that may have signed the other side’s certificate, and no others'),
  KAFKA_BROKERS: list
    .refine((brokers) => brokers.every((broker) => /^[^\s/@]+:[1-9]\d{0,4}$/.test(broker)), 'host:port, …')
    .describe(
      'brokers of the log, `host:port`, comma separated: for `tacit collector`, `tacit aggregator` and `tacit dashboard` (docs/distributed.md)',
    ),
  TACIT_KAFKA_TLS: z
    .enum(['on', 'off'])
    .default('off')
    .describe('whether brokers are spoken to over TLS; only brokers on loopback may be without'),
  TACIT_KAFKA_CA_FILE: z
    .string()
    .optional()
    .describe('PEM: the authorities that may have signed the brokers’ certificates'),
  TACIT_KAFKA_CERT_FILE: z
    .string()
    .optional()
    .describe('PEM: a certificate by which this process proves to the brokers who it is'),
  TACIT_KAFKA_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'PEM: the private key of that certificate; mode 0600, or 0640 for a group, and refused where others may read it',
    ),
  TACIT_KAFKA_USERNAME: z.string().min(1).optional().describe('SASL user name (SCRAM-SHA-512)'),
  TACIT_KAFKA_PASSWORD_FILE: z
    .string()
    .optional()
    .describe(
      'the file that holds its password; mode 0600, or 0640 for a group, and refused where others may read it',
    ),
  TACIT_KAFKA_TOPIC_PREFIX: z
    .string()
    .regex(/^[a-zA-Z0-9_-]{1,100}$/, 'letters, digits, `_` and `-`')
    .default('tacit')
    .describe('the topics are `<prefix>.log`, `<prefix>.reports` and `<prefix>.state`'),
  TACIT_KAFKA_PARTITIONS: count(6).describe('partitions of the log’s topic where it has to be made'),
  TACIT_KAFKA_REPLICATION: count(3).describe(
    'copies of each record where topics have to be made, and at least so many where they are; 1 for a single broker. From 3 on two copies are acknowledged before a 204',
  ),
  CLICKHOUSE_URL: list
    .refine(
      (urls) => urls.every((url) => z.url({ protocol: /^https?$/ }).safeParse(url).success),
      'https://host:8443, …',
    )
    .describe(
      'the ClickHouse server that aggregators and dashboards share: `https://host:8443`; of a cluster every host, comma separated; only those on loopback may be spoken to over `http`',
    ),
  TACIT_CLICKHOUSE_CLUSTER: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, 'a name as in `remote_servers`')
    .optional()
    .describe(
      'the name of the cluster in ClickHouse’s `remote_servers`, whose hosts CLICKHOUSE_URL names: tables are made ON CLUSTER in Replicated engines; by default it is one server. Decided before the first start (docs/distributed.md)',
    ),
  CLICKHOUSE_USERNAME: z.string().min(1).default('tacit').describe('its user'),
  TACIT_CLICKHOUSE_PASSWORD_FILE: z
    .string()
    .optional()
    .describe(
      'the file that holds that user’s password; mode 0600, or 0640 for a group, and refused where others may read it',
    ),
  TACIT_TRUSTED_PROXIES: list.describe(
    'CIDRs, comma separated, of reverse proxies whose X-Forwarded-For is believed',
  ),
  TACIT_NAT64_PREFIXES: list.describe(
    'IPv6 prefixes, comma separated, in which your network’s NAT64 writes IPv4 addresses (RFC 6052: /32, /40, /48, /56, /64 or /96); the well-known ones are read without',
  ),
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

const isOurs = (name: string): boolean => name.startsWith('TACIT_') && !name.startsWith(TEST_PREFIX)

/** What `tacit up` says where settings of a distributed deployment are set; null where none is. Their values are not said. */
export function unusedByUp(env: NodeJS.ProcessEnv): string | null {
  const set = Object.keys(environmentSchema.shape).filter(
    (name) => /^(TACIT_)?(KAFKA|CLICKHOUSE)_/.test(name) && (env[name] ?? '') !== '',
  )
  if (set.length === 0) return null
  return `\`tacit up\` does not use ${set.join(', ')}: its log and its ClickHouse are its own, in the data directory (with brokers: docs/distributed.md)`
}

/** @throws TacitError ERR_CONFIG_INVALID naming the variable, never its value */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const known = Object.keys(environmentSchema.shape)
  for (const name of Object.keys(env)) {
    if (!isOurs(name) || known.includes(name)) continue
    const nearest = [...known].sort((a, b) => editDistance(name, a) - editDistance(name, b))[0]
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
