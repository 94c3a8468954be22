/** The manifests of infra/kubernetes, and the parts of them that the tests look at; shapes are the schema's to say. */
import { join, normalize } from 'node:path'
import { documentsIn, filesBelow, textOf } from './files.js'

export const BASE = 'infra/kubernetes/base'
export const OVERLAY = 'infra/kubernetes/overlays/example'

interface Named {
  readonly name: string
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string }
  readonly exec?: { readonly command: readonly string[] }
  readonly tcpSocket?: object
}

export interface Container extends Named {
  readonly image: string
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value?: string }[]
  readonly envFrom?: readonly { readonly configMapRef: Named }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly resources: {
    readonly requests?: Readonly<Record<string, string>>
    readonly limits?: Readonly<Record<string, string>>
  }
  readonly securityContext: object
  readonly volumeMounts?: readonly (Named & { readonly mountPath: string })[]
}

interface Volume extends Named {
  readonly secret?: { readonly secretName: string; readonly defaultMode: number }
  readonly configMap?: Named & { readonly optional?: boolean }
  readonly persistentVolumeClaim?: { readonly claimName: string }
}

export interface PodSpec {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken: boolean
  readonly enableServiceLinks: boolean
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly initContainers?: readonly Container[]
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[]
}

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
}

export interface Peer {
  readonly podSelector?: Selector
  readonly namespaceSelector?: Selector
}

/** Of every kind what is looked at; a workload has `template`, a policy `podSelector`, and so on. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Named
  readonly automountServiceAccountToken?: boolean
  readonly data?: Readonly<Record<string, string>>
  readonly spec: {
    readonly replicas?: number
    readonly selector?: Selector & Readonly<Record<string, unknown>>
    readonly template: { readonly spec: PodSpec }
    readonly volumeClaimTemplates?: readonly { readonly metadata: Named }[]
    readonly scaleTargetRef?: Named & { readonly kind: string }
    readonly minReplicas?: number
    readonly maxReplicas?: number
    readonly podSelector?: Selector
    readonly policyTypes?: readonly string[]
    readonly ingress?: readonly {
      readonly from?: readonly Peer[]
      readonly ports: readonly { port: number }[]
    }[]
    readonly egress?: readonly {
      readonly to?: readonly Peer[]
      readonly ports: readonly { port: number }[]
    }[]
  }
}

export interface Kustomization {
  readonly apiVersion: string
  readonly kind: string
  readonly namespace?: string
  readonly resources?: readonly string[]
  readonly configMapGenerator?: readonly (Named & { readonly files: readonly string[] })[]
  readonly images?: readonly (Named & { readonly newTag?: string })[]
  readonly patches?: readonly { readonly target: Named & { readonly kind: string }; readonly patch: string }[]
}

export const manifestsIn = (path: string): readonly Manifest[] =>
  documentsIn(textOf(path)) as readonly Manifest[]

export const kustomizationOf = (folder: string): Kustomization =>
  documentsIn(textOf(`${folder}/kustomization.yaml`))[0] as Kustomization

/** The folders of a kustomization and of what it builds on, itself first. */
export function foldersOf(folder: string): string[] {
  const below = (kustomizationOf(folder).resources ?? []).filter((resource) => !resource.endsWith('.yaml'))
  return [folder, ...below.flatMap((resource) => foldersOf(normalize(join(folder, resource))))]
}

/** YAML files of a folder but the kustomization. */
export const manifestFiles = (folder: string): string[] =>
  filesBelow(folder).filter((path) => path.endsWith('.yaml') && !path.endsWith('/kustomization.yaml'))

export const base = manifestFiles(BASE).flatMap(manifestsIn)
export const ofKind = (kind: string): readonly Manifest[] => base.filter((manifest) => manifest.kind === kind)
export const workloads = base.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment')
export const labelOf = (selector: Selector | undefined): string | undefined =>
  selector?.matchLabels?.['app.kubernetes.io/name']

/** A container's environment, of its sets and its own. */
export function environmentOf({ env = [], envFrom = [] }: Container): Record<string, string | undefined> {
  const sets = envFrom.map(({ configMapRef }) => {
    const set = ofKind('ConfigMap').find(({ metadata }) => metadata.name === configMapRef.name)
    if (set?.data === undefined) throw new Error(`there is no ConfigMap ${configMapRef.name}`)
    return set.data
  })
  return Object.assign({}, ...sets, Object.fromEntries(env.map(({ name, value }) => [name, value])))
}
