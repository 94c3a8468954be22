/**
 * IAB Global Privacy Platform. Of its sections those of Europe and Canada state consent, those of the United States
 * opt-outs of sale, sharing and targeted advertising. First-party analytics is none of these; that an opt-out refuses it
 * all the same is our stricter choice, as it is for Global Privacy Control.
 */
import { consentLibrary } from './library.js'
import type { Refusal } from './refusal.js'
import { refusalOfTcf } from './tcf.js'

const OPTED_OUT = 1
const OPT_OUTS = ['SaleOptOut', 'SharingOptOut', 'TargetedAdvertisingOptOut'] as const
const UNITED_STATES = /^us[a-z]{2,3}$/
/** Store and access; understand audiences (TCF Canada). */
const PURPOSES = [1, 9] as const

type Section = Readonly<Record<string, unknown>>

function refusalOfCanada(section: Section): Refusal {
  const consented = (name: string, purpose: number): boolean => {
    const list = section[name]
    return Array.isArray(list) && list[purpose - 1] === true
  }
  const all = PURPOSES.every(
    (purpose) => consented('PurposesExpressConsent', purpose) || consented('PurposesImpliedConsent', purpose),
  )
  return all ? null : 'consent.denied'
}

function refusalOfSection(name: string, section: Section): Refusal {
  if (name === 'tcfcav1') return refusalOfCanada(section)
  if (name === 'uspv1') return section['OptOutSale'] === 'Y' ? 'consent.denied' : null
  if (!UNITED_STATES.test(name)) return null
  if (OPT_OUTS.some((field) => section[field] === OPTED_OUT)) return 'consent.denied'
  return section['Gpc'] === true ? 'signal.gpc' : null
}

/**
 * Why a GPP string refuses analytics, or null where it does not. A section that nobody knows says nothing for
 * analytics either: consent comes from the ERP's token alone.
 */
export function refusalOfGpp(text: string, now: number, oldest: number): Refusal {
  // Type 3, six bits: "D". A TC string begins with "C" and has a key of its own.
  if (!text.startsWith('D')) return 'consent.malformed'
  try {
    const library = consentLibrary()
    const model = new library.GppModel(text)
    for (const id of model.getSectionIds()) {
      const name = library.Sections.SECTION_ID_NAME_MAP.get(id)
      if (name === undefined) continue
      const refusal =
        name === 'tcfeuv2'
          ? refusalOfTcf(model.encodeSection(name), now, oldest)
          : refusalOfSection(name, model.getSection(name) as Section)
      if (refusal !== null) return refusal
    }
    return model.getSectionIds().length === 0 ? 'consent.malformed' : null
  } catch {
    return 'consent.malformed'
  }
}
