/** What only kubectl can say of the manifests; it needs no cluster for that. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compose } from './compose.js'
import { checkManifest, documentsIn, ROOT } from './files.js'
import { BASE, base, type Manifest, manifestFiles, manifestsIn, OVERLAY, workloads } from './manifests.js'

const TIMEOUT_MS = 60_000

function run(
  command: string,
  args: readonly string[],
): { code: number | null; output: string; said: string } {
  const { status, stderr, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    // It asks no cluster, and must not find one.
    env: { ...process.env, KUBECONFIG: '/dev/null' },
  })
  return { code: status, output: stdout ?? '', said: stderr ?? '' }
}

const skip = run('kubectl', ['version', '--client']).code === 0 ? false : 'kubectl is missing'

t.test('the overlay builds, and what it builds is what the API takes', { skip }, async (t) => {
  const { code, output, said } = run('kubectl', ['kustomize', OVERLAY])
  t.equal(code, 0, said)
  const built = documentsIn(output) as readonly Manifest[]
  for (const manifest of built)
    t.same(checkManifest(manifest), [], `${manifest.kind} ${manifest.metadata.name}`)
  const written = base.length + manifestFiles(OVERLAY).flatMap(manifestsIn).length
  t.equal(built.length, written + 2, 'with the two configurations that are generated')
  t.match(output, /image: images\.example\.com\/tacit:0\.1\.0/)
  t.match(output, /storageClassName: without-snapshots/)
  t.equal(run('kubectl', ['kustomize', BASE]).code, 0)
})

t.test(
  'the cluster is given each secret that a pod mounts, with the files that it asks for',
  { skip },
  async (t) => {
    const folder = t.testdir({})
    const names = [...Object.keys(compose.secrets), 'collector-3.pem', 'collector-3.key']
    for (const name of names) writeFileSync(join(folder, name), 'a secret')
    const script = join(ROOT, 'infra/kubernetes/create-secrets.sh')
    const { code, output, said } = run(script, [folder, '--dry-run=client', '--output', 'yaml'])
    t.equal(code, 0, said)
    const made = (documentsIn(output) as readonly (Manifest | null)[]).filter((one) => one !== null)
    const filesOf = (secret: string) =>
      Object.keys(made.find(({ metadata }) => metadata.name === secret)?.data ?? {}).toSorted()
    const mounted = workloads.flatMap(({ spec }) =>
      spec.template.spec.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret.secretName])),
    )
    t.same(made.map(({ metadata }) => metadata.name).toSorted(), [...new Set(mounted)].toSorted())
    t.same([...new Set(made.flatMap(({ metadata }) => filesOf(metadata.name)))].toSorted(), names.toSorted())
    t.same(filesOf('collector-tls').filter((name) => name.endsWith('.key')).length, 3)
    t.same(filesOf('kafka-client'), ['kafka-password', 'transport-ca.pem'])
    t.same(filesOf('clickhouse-dashboards'), ['clickhouse-dashboards-password', 'transport-ca.pem'])
    t.same(filesOf('clickhouse-client'), ['clickhouse-password', 'transport-ca.pem'])
    t.notOk(filesOf('kafka-server').includes('kafka-password'))
  },
)
