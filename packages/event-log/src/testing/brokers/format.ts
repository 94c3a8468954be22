/** Kafka's own format command: the first contents of a data folder, users included. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGuarded } from './guarded.js'
import { META } from './layout.js'
import type { KafkaCommand } from './node.js'
import { randomId, serverProperties } from './properties.js'

const FORMAT_WITHIN_MS = 60_000

/**
 * Formats `data` in `dir` for one node; other nodes of the same cluster may start from copies.
 * @param more arguments, such as users
 */
export async function format(
  command: KafkaCommand,
  dir: string,
  more: readonly string[] = [],
): Promise<string> {
  const data = join(dir, 'formatted')
  const settings = join(dir, 'format.properties')
  const ports = new Map([[1, { clients: 1, advertised: 1, internal: 2, controller: 3 }]])
  await writeFile(settings, serverProperties({ id: 1, dataDir: data, ports, security: null, extra: {} }))
  const args = [
    ...command.args,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    randomId(),
    '-c',
    settings,
    ...more,
  ]
  const { code, output } = await runGuarded(command.java, args, { cwd: dir, timeoutMs: FORMAT_WITHIN_MS })
  if (code !== 0) throw new Error(`Kafka's format command failed:\n${output}`)
  await rm(join(data, META))
  return data
}
