/** An authority, and the settings by which `tacit keeper` and `tacit up` prove to each other who they are. */
import { createTestCa, type Subject, type TestCa } from '@tacit/keeper/testing'

export const KEEPER_NAMES = ['IP:127.0.0.1', 'DNS:localhost', 'URI:tacit://keeper/one']
export const UP_NAMES = ['URI:tacit://collector/a', 'URI:tacit://aggregator/a']

type Settings = Readonly<Record<string, string>>

export interface KeeperCertificates {
  readonly ca: TestCa
  /** for `tacit keeper` */
  readonly keeper: Settings
  /** for `tacit up`, which is collector and aggregator */
  readonly up: Settings
  /** of another subject, by this authority or another one */
  settings(name: string, subject: Subject, by?: TestCa): Settings
}

/** @param dir a folder of the test's own */
export function createKeeperCertificates(dir: string): KeeperCertificates {
  const ca = createTestCa(dir)
  const settings = (name: string, subject: Subject, by: TestCa = ca): Settings => {
    const { cert, key } = by.issue(name, subject)
    return {
      TACIT_TLS_CERT_FILE: cert,
      TACIT_TLS_KEY_FILE: key,
      TACIT_TLS_CA_FILE: ca.certificate,
    }
  }
  return {
    ca,
    keeper: settings('keeper', { names: KEEPER_NAMES, usage: 'serverAuth' }),
    up: settings('up', { names: UP_NAMES, usage: 'clientAuth' }),
    settings,
  }
}
