/** The JVM's archive of loaded classes (AppCDS): halves the start of every later broker, where the JVM can make one. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { choosePorts, dataOf, fillData } from './layout.js'
import { type KafkaCommand, KafkaNode } from './node.js'
import { randomId, serverProperties } from './properties.js'

/** @param dir a folder to work in @returns the archive's path; null where none came of it, which is no failure */
export async function makeArchive(
  command: KafkaCommand,
  dir: string,
  template: string,
): Promise<string | null> {
  const archive = join(dir, 'classes.jsa')
  const nodeDir = join(dir, 'node')
  const clusterId = randomId()
  const ports = await choosePorts(1, null, false)
  const address = `127.0.0.1:${ports.get(1)?.clients ?? 0}`
  await fillData(dataOf(nodeDir), template, 1, clusterId)
  const node = new KafkaNode({
    id: 1,
    clusterId,
    address,
    proxy: null,
    command: { java: command.java, args: [`-XX:ArchiveClassesAtExit=${archive}`, ...command.args] },
    dir: nodeDir,
    properties: serverProperties({ id: 1, dataDir: dataOf(nodeDir), ports, security: null, extra: {} }),
    control: { brokers: [address], tls: null, sasl: null },
  })
  try {
    await node.start()
    await node.stop()
  } catch {
    return null
  } finally {
    await node.kill()
  }
  return existsSync(archive) ? archive : null
}
