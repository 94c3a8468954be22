/** What the operator of a keeper is told of connections that were turned away: why, and what to do about it. */
import { type Clock, MINUTE } from '@tacit/contracts'

/** OpenSSL's names of reasons (openssl-verification-options(1), SSL alerts) and Node's. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired: issue a new one for it'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: look at the clocks of both machines'],
  [
    /PEER_DID_NOT_RETURN_A_CERTIFICATE/,
    'it showed no certificate: set TACIT_TLS_CERT_FILE and TACIT_TLS_KEY_FILE there',
  ],
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_(UNTRUSTED|SIGNATURE_FAILURE|REJECTED))/,
    'nobody in TACIT_TLS_CA_FILE signed its certificate: issue one by that authority, or add its authority here',
  ],
  [/^INVALID_PURPOSE$/, 'its certificate is not for clients: it needs the extended key usage clientAuth'],
  [
    /UNSUPPORTED_PROTOCOL|WRONG_VERSION_NUMBER|HTTP_REQUEST|VERSION_TOO_LOW/,
    'it does not speak TLS 1.3: only that is spoken here',
  ],
  [
    /^ECONNRESET$|ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+)/,
    'it ended the handshake, perhaps because it does not trust this keeper: look at TACIT_TLS_CA_FILE there, and at this certificate',
  ],
]

/** @param reason OpenSSL's or Node's name: a fixed word, nothing that anybody sent */
export function admissionText(reason: string): string {
  const [, text] = REASONS.find(([pattern]) => pattern.test(reason)) ?? []
  return `a connection was turned away: ${text ?? 'its handshake failed'} (${reason})`
}

/** Says each reason at most once a minute: whoever knocks must not fill a disk. */
export function admissionAlarm(clock: Clock, alarm: (message: string) => void): (reason: string) => void {
  const said = new Map<string, number>()
  return (reason) => {
    const text = admissionText(reason)
    const now = clock.now()
    if (now - (said.get(text) ?? Number.NEGATIVE_INFINITY) < MINUTE) return
    // Reasons are OpenSSL's, a few dozen; the bound is for what nobody foresaw.
    if (said.size >= 100) said.clear()
    said.set(text, now)
    alarm(text)
  }
}
