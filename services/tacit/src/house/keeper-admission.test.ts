import { DrivenClock, MINUTE } from '@tacit/contracts'
import t from 'tap'
import { admissionAlarm, admissionText } from './keeper-admission.js'

t.test('each reason says what to do', async (t) => {
  const cases = [
    ['CERT_HAS_EXPIRED', /issue a new one/],
    ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', /TACIT_TLS_CERT_FILE/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /TACIT_TLS_CA_FILE/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /TACIT_TLS_CA_FILE/],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', /TLS 1\.3/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not trust this keeper/],
    ['SOMETHING_NEW', /handshake failed \(SOMETHING_NEW\)/],
  ] as const
  for (const [reason, says] of cases) t.match(admissionText(reason), says, reason)
})

t.test('the same is said once a minute, whoever knocks how often', async (t) => {
  const clock = new DrivenClock(0)
  const said: string[] = []
  const tell = admissionAlarm(clock, (message) => said.push(message))
  for (let times = 0; times < 1_000; times += 1) tell('CERT_HAS_EXPIRED')
  tell('ECONNRESET')
  t.equal(said.length, 2)
  clock.advanceTo(MINUTE)
  tell('CERT_HAS_EXPIRED')
  t.equal(said.length, 3)
})
