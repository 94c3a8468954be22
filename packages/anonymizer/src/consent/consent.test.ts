import { DAY, HOUR } from '@tacit/contracts'
import fc from 'fast-check'
import t from 'tap'
import { createBodyConsentReader, refusalOfConsentMode, refusalOfState } from './index.js'
import { refusalOfGpp } from './gpp.js'
import { refusalOfTcf } from './tcf.js'

const NOW = Date.parse('2026-12-02T10:00:00Z')
const OLDEST = Date.parse('2025-11-02T10:00:00Z')
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const bits = (value: number, width: number): string => value.toString(2).padStart(width, '0')

function base64url(text: string): string {
  const padded = text.padEnd(Math.ceil(text.length / 24) * 24, '0')
  return (padded.match(/.{6}/g) ?? []).map((six) => BASE64URL[Number.parseInt(six, 2)]).join('')
}

interface Tc {
  readonly version?: number
  readonly created?: number
  readonly purposes?: readonly number[]
  readonly disclosed?: boolean
}

/** A TC string bit by bit, as the specification's table lists the fields (core string, version 2). */
function tcString({
  created = NOW - DAY,
  disclosed = true,
  purposes = [1, 9],
  version = 2,
}: Tc = {}): string {
  const deciseconds = bits(Math.round(created / 100), 36)
  const consents = Array.from({ length: 24 }, (_, at) => (purposes.includes(at + 1) ? '1' : '0')).join('')
  const core =
    bits(version, 6) +
    deciseconds +
    deciseconds +
    bits(1, 12) +
    bits(1, 12) +
    bits(1, 6) + // to bit 108
    bits(4, 6) +
    bits(13, 6) + // consent language, EN
    bits(1, 12) +
    bits(5, 6) +
    '1' +
    '0' + // vendor list, policy, service specific, stacks: to bit 140
    '0'.repeat(12) + // special features, bits 140 to 151
    consents + // bits 152 to 175
    '0'.repeat(24) + // legitimate interests, bits 176 to 199
    '0' +
    bits(8, 6) +
    bits(13, 6) + // purpose one treatment, country
    bits(0, 16) +
    '0' +
    bits(0, 16) +
    '0' +
    bits(0, 12) // no vendors, no restrictions
  const vendors = bits(1, 3) + bits(0, 16) + '0'
  return base64url(core) + (disclosed ? `.${base64url(vendors)}` : '')
}

t.test('a TC string passes with purposes 1 and 9, and refuses without either', async (t) => {
  t.equal(refusalOfTcf(tcString(), NOW, OLDEST), null)
  t.equal(
    refusalOfTcf(tcString({ purposes: Array.from({ length: 11 }, (_, at) => at + 1) }), NOW, OLDEST),
    null,
  )
  for (const purposes of [[], [1], [9], [1, 8, 10], [2, 9]]) {
    t.equal(refusalOfTcf(tcString({ purposes }), NOW, OLDEST), 'consent.denied', purposes.join())
  }
})

t.test('a TC string of after February 2026 must disclose its vendors; an older one need not', async (t) => {
  t.equal(refusalOfTcf(tcString({ disclosed: false }), NOW, OLDEST), 'consent.malformed')
  const created = Date.UTC(2026, 1, 28)
  t.equal(refusalOfTcf(tcString({ created, disclosed: false }), NOW, OLDEST), null)
})

t.test('a TC string that is stale, ahead of time, of another version or unreadable refuses', async (t) => {
  t.equal(refusalOfTcf(tcString({ created: OLDEST - DAY, disclosed: false }), NOW, OLDEST), 'consent.expired')
  t.equal(refusalOfTcf(tcString({ created: NOW + 2 * HOUR }), NOW, OLDEST), 'consent.future')
  t.equal(refusalOfTcf(tcString({ version: 1 }), NOW, OLDEST), 'consent.malformed')
  for (const text of [
    '',
    'C',
    'granted',
    '%%%',
    'A'.repeat(4096),
    `C${'_'.repeat(4000)}`,
    tcString().slice(0, 20),
  ]) {
    t.equal(refusalOfTcf(text, NOW, OLDEST), 'consent.malformed', text.slice(0, 20))
  }
})

t.test('the specification’s own example refuses: it consents to purposes 1 to 3', async (t) => {
  const example =
    'COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw'
  t.equal(refusalOfTcf(example, NOW, Date.UTC(2020, 0, 1)), 'consent.denied')
  t.equal(refusalOfTcf(example, NOW, OLDEST), 'consent.expired')
})

t.test('a GPP string refuses where any of its sections does', async (t) => {
  // DBABMA: header with section 2 (TCF EU); DBABTA: section 6 (uspv1); DBABLA: section 7 (usnat)
  t.equal(refusalOfGpp(`DBABMA~${tcString()}`, NOW, OLDEST), null)
  t.equal(refusalOfGpp(`DBABMA~${tcString({ purposes: [1] })}`, NOW, OLDEST), 'consent.denied')
  t.equal(refusalOfGpp('DBABTA~1YNN', NOW, OLDEST), null, 'did not opt out of sale')
  t.equal(refusalOfGpp('DBABTA~1YYN', NOW, OLDEST), 'consent.denied')
  t.equal(refusalOfGpp('DBABTA~1---', NOW, OLDEST), null, 'does not apply')
  for (const text of ['', 'D', 'DBAA', 'DBABMA', 'DBABMA~', '~~~~', tcString(), `D${'_'.repeat(4000)}`]) {
    t.equal(refusalOfGpp(text, NOW, OLDEST), 'consent.malformed', text.slice(0, 20))
  }
})

t.test('the opt-outs of a state and its GPC segment refuse', async (t) => {
  const { GppModel } = await import('@iabgpp/cmpapi')
  const encoded = (section: string, field: string, value: unknown): string => {
    const model = new GppModel()
    model.setFieldValue(section, field, value)
    return model.encode()
  }
  for (const section of ['usnat', 'usca', 'usva', 'usco', 'usct']) {
    t.equal(refusalOfGpp(encoded(section, 'SaleOptOut', 1), NOW, OLDEST), 'consent.denied', section)
    t.equal(refusalOfGpp(encoded(section, 'SaleOptOut', 2), NOW, OLDEST), null, section)
  }
  t.equal(refusalOfGpp(encoded('usnat', 'TargetedAdvertisingOptOut', 1), NOW, OLDEST), 'consent.denied')
  t.equal(refusalOfGpp(encoded('usca', 'Gpc', true), NOW, OLDEST), 'signal.gpc')
  const consents = Array.from({ length: 24 }, (_, at) => at === 0 || at === 8)
  t.equal(refusalOfGpp(encoded('tcfcav1', 'PurposesExpressConsent', consents), NOW, OLDEST), null)
  t.equal(refusalOfGpp(encoded('tcfcav1', 'CmpId', 1), NOW, OLDEST), 'consent.denied')
})

t.test('of Google Consent Mode only analytics_storage counts', async (t) => {
  t.equal(refusalOfConsentMode({ analytics_storage: 'granted', ad_storage: 'denied' }), null)
  t.equal(refusalOfConsentMode({ analytics_storage: 'denied', ad_storage: 'granted' }), 'consent.denied')
  t.equal(refusalOfConsentMode({ ad_storage: 'granted' }), 'consent.unknown')
  t.equal(refusalOfConsentMode({ analytics_storage: 'yes' }), 'consent.malformed')
})

t.test('a body never grants: whatever is added to it, a refusal stays one', (t) => {
  const read = createBodyConsentReader(13)
  const part = {
    analytics: fc.constantFrom(undefined, 'granted', 'denied', 'unknown', 'x'),
    tcf: fc.constantFrom(undefined, tcString(), tcString({ purposes: [1] }), 'x'),
    gpp: fc.constantFrom(undefined, 'DBABTA~1YNN', 'DBABTA~1YYN', 'x'),
    google: fc.constantFrom(undefined, { analytics_storage: 'granted' }, { analytics_storage: 'denied' }),
  }
  fc.assert(
    fc.property(fc.record(part), ({ analytics, google, gpp, tcf }) => {
      const alone = [
        analytics === undefined ? null : refusalOfState(analytics),
        google === undefined ? null : refusalOfConsentMode(google),
        tcf === undefined ? null : refusalOfTcf(tcf, NOW, OLDEST),
        gpp === undefined ? null : refusalOfGpp(gpp, NOW, OLDEST),
      ].filter((refusal) => refusal !== null)
      const together = read({ analytics, google, gpp, tcf }, NOW)
      return alone.length === 0 ? together === null : together !== null && alone.includes(together)
    }),
    { seed: 5, numRuns: 400 },
  )
  t.equal(read(undefined, NOW), null, 'no word of the page says nothing')
  t.end()
})

t.test('whatever a framework’s string is, it is answered quickly and quietly', (t) => {
  const said: string[] = []
  const silenced = (['log', 'warn', 'error', 'info'] as const).map((name) => [name, console[name]] as const)
  for (const [name] of silenced) console[name] = (text: unknown) => said.push(String(text))
  const alphabet = fc.constantFrom(...BASE64URL, '.', '~', 'D', 'C', '%')
  try {
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 4096 }), fc.boolean(), (text, header) => {
        const start = process.cpuUsage()
        const answers = [
          refusalOfTcf(text, NOW, OLDEST),
          refusalOfGpp(header ? `DBABMA~${text}` : text, NOW, OLDEST),
        ]
        return answers.every((answer) => answer !== undefined) && process.cpuUsage(start).user < 250_000
      }),
      { seed: 6, numRuns: 400 },
    )
  } finally {
    for (const [name, original] of silenced) console[name] = original
  }
  t.same(said, [])
  t.end()
})
