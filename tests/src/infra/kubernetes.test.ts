import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compose } from './compose.js'
import { checkManifest, exposedSecrets, ROOT, unreadVariables } from './files.js'
import {
  BASE,
  base,
  environmentOf,
  foldersOf,
  kustomizationOf,
  labelOf,
  manifestFiles,
  manifestsIn,
  ofKind,
  OVERLAY,
  type PodSpec,
  workloads,
} from './manifests.js'

const podsOf = workloads.map(({ metadata, spec }): [string, PodSpec] => [metadata.name, spec.template.spec])
const containersOf = ({ initContainers = [], containers }: PodSpec) => [...initContainers, ...containers]

t.test('every manifest is what the Kubernetes API takes, and a typo is not', async (t) => {
  for (const path of [BASE, OVERLAY].flatMap(manifestFiles)) {
    for (const manifest of manifestsIn(path)) t.same(checkManifest(manifest), [], `${path} ${manifest.kind}`)
  }
  const typo = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec: { maxUnavailabel: 1 } }
  t.match(checkManifest(typo), [/maxUnavailabel/])
  t.match(checkManifest({ apiVersion: 'v1', kind: 'Service', metadata: { name: null } }), [
    /name must be string/,
  ])
  t.match(checkManifest({ apiVersion: 'v1', kind: 'Secret' }), [/no schema/])
})

t.test('every file of a kustomization is listed, and every one listed is there', async (t) => {
  for (const folder of foldersOf(OVERLAY)) {
    const { configMapGenerator = [], resources = [], ...rest } = kustomizationOf(folder)
    t.equal(`${rest.apiVersion} ${rest.kind}`, 'kustomize.config.k8s.io/v1beta1 Kustomization', folder)
    const files = [...resources, ...configMapGenerator.flatMap((generator) => generator.files)]
    for (const file of files) t.ok(existsSync(join(ROOT, folder, file)), `${folder} has ${file}`)
  }
  for (const folder of [BASE, OVERLAY]) {
    const listed = (kustomizationOf(folder).resources ?? []).filter((resource) => resource.endsWith('.yaml'))
    t.same(listed.map((name) => `${folder}/${name}`).toSorted(), manifestFiles(folder))
  }
})

t.test('the overlay changes what is there', async (t) => {
  const { images = [], patches = [] } = kustomizationOf(OVERLAY)
  for (const { target } of patches) {
    t.ok(
      base.some(({ kind, metadata }) => kind === target.kind && metadata.name === target.name),
      target.name,
    )
  }
  const used = new Set(podsOf.flatMap(([, pod]) => containersOf(pod)).map(({ image }) => image))
  for (const { name } of images) t.ok(used.has(name), name)
  for (const image of used)
    t.ok(/:\d+\.\d+\.\d+$/.test(image) || images.some(({ name }) => name === image), image)
})

t.test('the shape is that of docker-compose.yml: the same processes, images and variables', async (t) => {
  const ofCompose = new Set(Object.keys(compose.services).map((name) => name.replace(/-\d$/, '')))
  t.same(podsOf.map(([name]) => name).toSorted(), [...ofCompose].toSorted())
  for (const [name, { containers }] of podsOf) {
    const service = compose.services[name] ?? compose.services[`${name}-1`]
    const [container] = containers
    t.equal(container?.name, name)
    t.equal(container?.image, service?.image?.replace(/^tacit:.*/, 'tacit'), name)
    if (container?.image !== 'tacit') continue
    t.same(container.args, service?.command, `${name} is started with the same words`)
    // The proxy in front is the overlay's.
    const variables = Object.keys(service?.environment ?? {}).filter(
      (variable) => variable !== 'TACIT_TRUSTED_PROXIES',
    )
    t.same(Object.keys(environmentOf(container)).toSorted(), variables.toSorted(), name)
  }
})

t.test('a process of Tacit is given nothing that it does not read, and no secret but by file', async (t) => {
  for (const [name, { containers }] of podsOf) {
    for (const container of containers) {
      t.same(exposedSecrets(environmentOf(container)), [], name)
      if (container.image === 'tacit') t.same(unreadVariables(environmentOf(container)), [], name)
    }
  }
})

t.test('every pod is confined as the restricted standard asks, and has no token', async (t) => {
  for (const [name, pod] of podsOf) {
    t.match(pod.securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }, name)
    t.same([pod.automountServiceAccountToken, pod.enableServiceLinks], [false, false], name)
    const account = ofKind('ServiceAccount').find(({ metadata }) => metadata.name === pod.serviceAccountName)
    t.equal(account?.automountServiceAccountToken, false, name)
    for (const container of containersOf(pod)) {
      t.same(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      const { limits = {}, requests = {} } = container.resources
      t.match(requests, { cpu: /^(\d+m|\d+)$/, memory: /^\d+[MG]i$/ }, `${name} asks for what it needs`)
      t.match(limits, { memory: /^\d+[MG]i$/ }, `${name} has a bound`)
    }
  }
})

t.test('every container that stays has three probes at a port that it has', async (t) => {
  for (const [name, { containers }] of podsOf) {
    for (const { livenessProbe, ports = [], readinessProbe, startupProbe } of containers) {
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
        t.ok(probe?.exec ?? probe?.tcpSocket ?? probe?.httpGet, name)
        const port = probe?.httpGet?.port
        t.ok(port === undefined || ports.some((other) => other.name === port), `${name} has ${String(port)}`)
      }
      // Who is not ready is not killed for it.
      if (startupProbe?.httpGet !== undefined) {
        t.same([readinessProbe?.httpGet?.path, livenessProbe?.httpGet?.path], ['/readyz', '/healthz'], name)
      }
    }
  }
})

t.test(
  'who has several replicas has a disruption budget, and collectors an autoscaler and their spread',
  async (t) => {
    const [scaler] = ofKind('HorizontalPodAutoscaler')
    t.match(scaler?.spec, { scaleTargetRef: { kind: 'StatefulSet', name: 'collector' }, minReplicas: 2 })
    const several = workloads.filter(
      ({ metadata, spec }) => metadata.name === 'collector' || (spec.replicas ?? 1) > 1,
    )
    t.same(several.map(({ metadata }) => metadata.name).toSorted(), ['aggregator', 'collector', 'kafka'])
    const budgets = ofKind('PodDisruptionBudget').map(({ spec }) => labelOf(spec.selector))
    t.same(budgets.toSorted(), ['aggregator', 'collector', 'kafka'])
    const collector = workloads.find(({ metadata }) => metadata.name === 'collector')
    t.equal(collector?.spec.replicas, undefined, 'the number is the autoscaler’s')
    t.equal(collector?.spec.template.spec.topologySpreadConstraints?.length, 2)
  },
)

t.test('every volume that is mounted is there, and every account, claim and set of settings', async (t) => {
  const generated = foldersOf(BASE).flatMap((folder) => kustomizationOf(folder).configMapGenerator ?? [])
  const configMaps = [...generated, ...ofKind('ConfigMap').map(({ metadata }) => metadata)].map(
    ({ name }) => name,
  )
  for (const { metadata, spec } of workloads) {
    const pod = spec.template.spec
    const claims = (spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name)
    const volumes = [...claims, ...pod.volumes.map(({ name }) => name)]
    const mounted = containersOf(pod).flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name))
    t.same([...new Set(mounted)].toSorted(), volumes.toSorted(), metadata.name)
    for (const { configMap, persistentVolumeClaim, secret } of pod.volumes) {
      // The rulebook and the ERP's public keys are the operator's: docs/deployment.md.
      const known = [...configMaps, 'rulebook', 'token-keys']
      if (configMap !== undefined) t.ok(known.includes(configMap.name), configMap.name)
      if (secret !== undefined) t.equal(secret.defaultMode, 0o440, secret.secretName)
      const claim = persistentVolumeClaim?.claimName
      t.ok(
        claim === undefined || ofKind('PersistentVolumeClaim').some((other) => other.metadata.name === claim),
      )
    }
  }
})

t.test('each file that a process is told of lies on a mount', async (t) => {
  for (const [name, { containers }] of podsOf) {
    for (const container of containers) {
      const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => `${mountPath}/`)
      const told = Object.values(environmentOf(container)).filter((value) => value?.startsWith('/'))
      for (const path of told)
        t.ok(
          mounts.some((at) => `${String(path)}/`.startsWith(at)),
          `${name} finds ${String(path)}`,
        )
    }
  }
})
