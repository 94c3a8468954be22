/** Where the ports of a cluster are, and what its nodes are configured with. */
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { metaProperties, type NodePorts } from './properties.js'
import { freePorts } from './ports.js'

/** Names the node and the cluster that a data folder belongs to. */
export const META = 'meta.properties'

/** The node's data folder inside the node's own. */
export const dataOf = (nodeDir: string): string => join(nodeDir, 'data')

/**
 * Ports for nodes 1 to `nodes`.
 * @param first port of the first node's clients, the other nodes' follow; null: any
 */
export async function choosePorts(
  nodes: number,
  first: number | null,
  proxied: boolean,
): Promise<Map<number, NodePorts>> {
  const free = await freePorts(nodes * 4)
  const chosen = new Map<number, NodePorts>()
  for (let id = 1; id <= nodes; id++) {
    const [own = 0, internal = 0, controller = 0, before = 0] = free.splice(0, 4)
    const advertised = first === null ? own : first + id - 1
    const clients = proxied && first !== null ? own : advertised
    chosen.set(id, {
      clients,
      advertised: proxied && first === null ? before : advertised,
      internal,
      controller,
    })
  }
  return chosen
}

/** Gives a node's data folder the contents of a formatted one. @param template made by Kafka's own format command */
export async function fillData(dir: string, template: string, id: number, clusterId: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  await cp(template, dir, { recursive: true })
  await writeFile(join(dir, META), metaProperties(id, clusterId))
}
