/** The parts of a Compose file that the tests look at; that they have these shapes is the schema's to say. */
import { COMPOSE_FILE, documentsIn, KAFKA_3_FILE, textOf } from './files.js'

export interface ServiceSecret {
  readonly source: string
  readonly target: string
}

export interface Service {
  readonly image?: string
  readonly build?: object
  readonly extends?: { readonly file: string; readonly service: string }
  readonly user?: string
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly networks?: readonly string[]
  readonly volumes?: readonly string[]
  readonly secrets?: readonly (string | ServiceSecret)[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly cap_add?: readonly string[]
  readonly privileged?: boolean
  readonly security_opt?: readonly string[]
  readonly ulimits?: { readonly core?: number }
  readonly mem_limit?: string
  readonly memswap_limit?: string
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const read = (path: string): Compose => documentsIn(textOf(path))[0] as Compose

export const compose = read(COMPOSE_FILE)
export const threeNodes = read(KAFKA_3_FILE)
export const services = Object.entries(compose.services)

/** Those that run a verb of Tacit. */
export const ofTacit = services.filter(([, { image }]) => image?.startsWith('tacit:') === true)

/** The secrets of a service with the name of the file that it sees. */
export function secretsOf({ secrets = [] }: Service): readonly ServiceSecret[] {
  return secrets.map((secret) => (typeof secret === 'string' ? { source: secret, target: secret } : secret))
}
