import t from 'tap'
import { labelOf, type Manifest, ofKind, type Peer, workloads } from './manifests.js'

const policies = ofKind('NetworkPolicy')
const names = workloads.map(({ metadata }) => metadata.name)

/** `a>b:port` of every conversation that a direction of the policies allows between workloads. */
function conversations(direction: 'ingress' | 'egress'): string[] {
  return policies.flatMap(({ spec }) => {
    const self = labelOf(spec.podSelector)
    if (self === undefined) return []
    const rules = direction === 'ingress' ? spec.ingress : spec.egress
    return (rules ?? []).flatMap((rule) => {
      const peers: readonly Peer[] = ('from' in rule ? rule.from : 'to' in rule ? rule.to : []) ?? []
      const others = peers.map(({ podSelector }) => labelOf(podSelector)).filter((name) => name !== undefined)
      return others.flatMap((other) =>
        rule.ports.map(({ port }) =>
          direction === 'ingress' ? `${other}>${self}:${String(port)}` : `${self}>${other}:${String(port)}`,
        ),
      )
    })
  })
}

const portsOf = ({ spec }: Manifest): readonly number[] =>
  spec.template.spec.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort))

t.test('nobody talks to anybody unless it is said', async (t) => {
  const general = policies.find(({ spec }) => spec.podSelector?.matchLabels === undefined && !spec.egress)
  t.same(general?.spec.policyTypes, ['Ingress', 'Egress'])
  t.same([general?.spec.ingress, general?.spec.egress], [undefined, undefined])
  const own = policies.map(({ spec }) => labelOf(spec.podSelector)).filter((name) => name !== undefined)
  t.same(own.toSorted(), names.toSorted(), 'each workload has one policy')
})

t.test('what one side may say the other may hear, at a port that is there', async (t) => {
  t.same(conversations('egress').toSorted(), conversations('ingress').toSorted())
  for (const conversation of conversations('ingress')) {
    const [, to, port] = /^[a-z]+>([a-z]+):(\d+)$/.exec(conversation) ?? []
    const workload = workloads.find(({ metadata }) => metadata.name === to)
    t.ok(workload !== undefined && portsOf(workload).includes(Number(port)), conversation)
  }
})

t.test(
  'only collectors and the dashboard are reached from outside, and collectors never reach ClickHouse',
  async (t) => {
    const outside = policies.filter(({ spec }) =>
      spec.ingress?.some(({ from = [] }) =>
        from.some(({ namespaceSelector }) => namespaceSelector !== undefined),
      ),
    )
    t.same(outside.map(({ metadata }) => metadata.name).toSorted(), ['collector', 'dashboard'])
    const said = conversations('ingress')
    t.same(said.filter((one) => one.startsWith('collector>')).toSorted(), [
      'collector>kafka:9092',
      'collector>keeper:8443',
    ])
    t.same(
      said.filter((one) => /^(keeper|clickhouse)>/.test(one)),
      [],
    )
  },
)
