/** Certificates and passwords of a cluster with `sasl_ssl`, made anew for each. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Access } from './shapes.js'
import { BrokersUnavailable } from './unavailable.js'

const run = promisify(execFile)
const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
export const ADMIN = 'admin'

export interface Credentials {
  /** file with a broker's key and certificate, for 127.0.0.1 and localhost */
  readonly keystore: string
  /** file with the authority's certificate */
  readonly truststore: string
  /** PEM texts for clients; their certificate matters only where a broker asks for one */
  readonly tls: NonNullable<Access['tls']>
  /** of each user, the administrator included */
  readonly passwords: ReadonlyMap<string, string>
}

async function openssl(dir: string, ...args: readonly string[]): Promise<void> {
  try {
    await run('openssl', args, { cwd: dir })
  } catch (cause) {
    throw new BrokersUnavailable(
      'The openssl command, which makes the certificates, is missing or fails. Install it.',
      {
        cause,
      },
    )
  }
}

async function issue(dir: string, name: string, extensions: string): Promise<void> {
  await writeFile(join(dir, `${name}.ext`), extensions)
  await openssl(
    dir,
    'req',
    '-new',
    ...EC_KEY,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
  )
  const signing = [
    '-CA',
    'ca.crt',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '30',
    '-extfile',
    `${name}.ext`,
  ]
  await openssl(dir, 'x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`)
}

/** @param dir a private folder of the cluster @throws BrokersUnavailable without openssl */
export async function makeCredentials(dir: string, users: readonly string[]): Promise<Credentials> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await openssl(
    dir,
    'req',
    '-x509',
    ...EC_KEY,
    '-days',
    '30',
    '-subj',
    '/CN=test',
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
  )
  await issue(
    dir,
    'broker',
    'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n',
  )
  await issue(dir, 'client', 'extendedKeyUsage=clientAuth\n')
  const read = (name: string): Promise<string> => readFile(join(dir, name), 'utf8')
  const keystore = join(dir, 'broker.pem')
  await writeFile(keystore, (await read('broker.key')) + (await read('broker.crt')), { mode: 0o600 })
  return {
    keystore,
    truststore: join(dir, 'ca.crt'),
    tls: { ca: await read('ca.crt'), cert: await read('client.crt'), key: await read('client.key') },
    passwords: new Map([ADMIN, ...users].map((user) => [user, randomBytes(18).toString('base64url')])),
  }
}

/** What Kafka's format command takes to know these users. */
export function scramArguments({ passwords }: Credentials): string[] {
  return [...passwords].flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ])
}
