/** A certificate authority for tests, made with the openssl command in a folder of the test's own. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TlsPaths } from '../remote/tls-files.js'

/** Why these tests cannot run here, for tap's `skip`; false where they can. */
export const withoutOpenssl: string | false =
  spawnSync('openssl', ['version']).status === 0 ? false : 'the openssl command is missing'

export interface Subject {
  /** SAN entries, e.g. `URI:tacit://collector/a`, `DNS:localhost`, `IP:127.0.0.1` */
  readonly names: readonly string[]
  /** `serverAuth` and `clientAuth` by default */
  readonly usage?: string
  /** days from now; default -1 and 30 */
  readonly from?: number
  readonly until?: number
}

export interface TestCa {
  /** the authority's own certificate */
  readonly certificate: string
  /** Makes a key (mode 0600) and a certificate signed by this authority; files are named by `name`. */
  issue(name: string, subject: Subject): TlsPaths
  /** The same, signed by itself; `ca` is this authority's. */
  selfSigned(name: string, subject: Subject): TlsPaths
}

const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const DAY_MS = 86_400_000

const CONFIG = (dir: string): string => `
[ca]
default_ca = test
[test]
new_certs_dir = ${dir}
database = ${dir}/index.txt
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
`

/** `YYMMDDHHMMSSZ`, what `openssl ca` wants. */
function asn1Time(days: number): string {
  const text = new Date(Date.now() + days * DAY_MS).toISOString()
  return `${text.slice(2, 19).replaceAll(/[-:T]/g, '')}Z`
}

function extensions({ names, usage = 'serverAuth,clientAuth' }: Subject): string {
  const san = names.length === 0 ? '' : `subjectAltName = ${names.join(',')}\n`
  return `basicConstraints = CA:FALSE\nextendedKeyUsage = ${usage}\n${san}`
}

/** Makes an authority in `dir`, a folder that the test removes. */
export function createTestCa(dir: string): TestCa {
  mkdirSync(dir, { recursive: true })
  const at = (file: string): string => join(dir, file)
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  }
  writeFileSync(at('openssl.cnf'), CONFIG(dir))
  writeFileSync(at('index.txt'), '')
  const selfSign = (name: string, days: number, ...more: readonly string[]): void =>
    openssl(
      'req',
      '-x509',
      '-config',
      'openssl.cnf',
      ...EC_KEY,
      '-days',
      String(days),
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      ...more,
    )
  selfSign('authority', 30, '-extensions', 'authority')

  return {
    certificate: at('authority.crt'),
    issue(name, subject) {
      writeFileSync(at(`${name}.ext`), extensions(subject))
      openssl(
        'req',
        '-new',
        '-config',
        'openssl.cnf',
        ...EC_KEY,
        '-subj',
        `/CN=${name}`,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
      )
      // `openssl ca`, because `openssl x509` of version 3.0 cannot date a certificate into the past.
      openssl(
        'ca',
        '-batch',
        '-notext',
        '-config',
        'openssl.cnf',
        '-cert',
        'authority.crt',
        '-keyfile',
        'authority.key',
        '-startdate',
        asn1Time(subject.from ?? -1),
        '-enddate',
        asn1Time(subject.until ?? 30),
        '-extfile',
        `${name}.ext`,
        '-in',
        `${name}.csr`,
        '-out',
        `${name}.crt`,
      )
      return { cert: at(`${name}.crt`), key: at(`${name}.key`), ca: at('authority.crt') }
    },
    selfSigned(name, { names }) {
      selfSign(name, 30, '-addext', `subjectAltName=${names.join(',')}`)
      return { cert: at(`${name}.crt`), key: at(`${name}.key`), ca: at('authority.crt') }
    },
  }
}
