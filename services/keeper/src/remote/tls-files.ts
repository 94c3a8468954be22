/**
 * Certificate, key and CA of one side of a mutual TLS 1.3 connection: read, checked, and read again when they change.
 *
 * Invariants
 * - What is in use is a whole set: the key fits the certificate. A set that is half written or refused leaves the
 *   former in use, and is looked at again a minute later.
 * - A private key that others on the machine may read is not used.
 * - The PEM of the key is zeroed once OpenSSL has it.
 * Recovery: none is needed, the files are the state.
 */
import { constants, createHash, X509Certificate } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { MINUTE, TacitError } from '@tacit/contracts'

/** Paths of PEM files. */
export interface TlsPaths {
  /** own certificate, with the chain if there is one (`TACIT_TLS_CERT_FILE`) */
  readonly cert: string
  /** own private key, readable by nobody but its owner (`TACIT_TLS_KEY_FILE`) */
  readonly key: string
  /** those who may have signed the other side's certificate (`TACIT_TLS_CA_FILE`) */
  readonly ca: string
}

/** The same three in memory; they are copied, and stay the caller's to zero. */
export interface TlsBuffers {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

export type TlsSource = TlsPaths | TlsBuffers

/** Hands a whole set to OpenSSL, at once: the key is zeroed when this returns. */
export type UseTls = (options: SecureContextOptions) => void

export interface TlsFilesOptions {
  /** Told why a new set is not used; the former stays. */
  readonly refused?: (error: TacitError) => void
  /** how often files are looked at, ms; default one minute */
  readonly everyMs?: number
}

export interface TlsFiles {
  /** Looks at the files now. */
  look(): void
  close(): void
}

/** No certificate, chain or list of authorities is larger. */
const MAX_BYTES = 1_048_576
const OTHERS_MAY = 0o077

/**
 * `SSL_OP_CLEANSE_PLAINTEXT`, SSL_CTX_set_options(3) of OpenSSL 3: what was decrypted is zeroed once it is read.
 * Node passes it on but does not name it.
 */
const SSL_OP_CLEANSE_PLAINTEXT = 0x2

/**
 * What both sides ask of OpenSSL besides their certificates. No tickets: nobody comes back on a former handshake, so
 * that certificates are looked at with every connection.
 */
const TLS_RULES = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  secureOptions: SSL_OP_CLEANSE_PLAINTEXT | constants.SSL_OP_NO_TICKET,
} as const satisfies SecureContextOptions

/**
 * Reads the three and hands them to `use`, and again whenever files changed.
 * @throws TacitError ERR_TLS_FILES: one cannot be read, the key is open to others, or key and certificate do not fit
 */
export function openTlsFiles(source: TlsSource, use: UseTls, options: TlsFilesOptions = {}): TlsFiles {
  let digest = load(source, use, '')
  const look = (): void => {
    try {
      digest = load(source, use, digest)
    } catch (error) {
      options.refused?.(error instanceof TacitError ? error : refusal('They cannot be used', error))
    }
  }
  const timer = isPaths(source) ? setInterval(look, options.everyMs ?? MINUTE) : undefined
  timer?.unref()
  return { look, close: () => clearInterval(timer) }
}

/**
 * Uses the set unless it is the former.
 * @param former digest of the set in use @returns digest of the set that is in use now
 */
function load(source: TlsSource, use: UseTls, former: string): string {
  const { cert, key, ca } = isPaths(source) ? read(source) : copyOf(source)
  try {
    const digest = digestOf([cert, key, ca])
    if (digest !== former) {
      const options = { ...TLS_RULES, cert, key, ca }
      assertFits(options)
      use(options)
    }
    return digest
  } finally {
    key.fill(0)
  }
}

function digestOf(parts: readonly Buffer[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(createHash('sha256').update(part).digest())
  return hash.digest('hex')
}

function assertFits(set: SecureContextOptions & TlsBuffers): void {
  try {
    // An empty file of authorities would mean all that Node trusts.
    for (const pem of [set.cert, set.ca]) void new X509Certificate(pem)
    createSecureContext(set)
  } catch (error) {
    throw refusal(
      'TACIT_TLS_CERT_FILE, TACIT_TLS_KEY_FILE and TACIT_TLS_CA_FILE must be PEM, and the key the one of the certificate',
      error,
    )
  }
}

function read(paths: TlsPaths): TlsBuffers {
  const cert = readPem(paths.cert, 'TACIT_TLS_CERT_FILE')
  const ca = readPem(paths.ca, 'TACIT_TLS_CA_FILE')
  return { cert, ca, key: readPem(paths.key, 'TACIT_TLS_KEY_FILE', true) }
}

/** @param secret whether it must be closed to group and others */
function readPem(path: string, name: string, secret = false): Buffer {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    throw refusal(`${name}: the file cannot be opened`, error)
  }
  try {
    // The open file is asked, not its name, so that what is read is what was checked.
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size > MAX_BYTES) throw refusal(`${name}: this is no PEM file`)
    if (secret && (stat.mode & OTHERS_MAY) !== 0) {
      throw refusal(`${name}: group or others may read or write the key; take that away (chmod 600)`)
    }
    const bytes = Buffer.allocUnsafeSlow(stat.size)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0))
  } catch (error) {
    throw error instanceof TacitError ? error : refusal(`${name}: the file cannot be read`, error)
  } finally {
    closeSync(file)
  }
}

function copyOf({ cert, key, ca }: TlsBuffers): TlsBuffers {
  const copy = Buffer.allocUnsafeSlow(key.length)
  key.copy(copy)
  return { cert, key: copy, ca }
}

function isPaths(source: TlsSource): source is TlsPaths {
  return typeof source.key === 'string'
}

function refusal(message: string, cause?: unknown): TacitError {
  return new TacitError('ERR_TLS_FILES', message, { cause })
}
