/** One broker: a JVM of its own that can be ended, paused and started again. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { membersSeenBy } from './control.js'
import { type Guarded, spawnGuarded } from './guarded.js'
import type { Access, BrokerNode } from './shapes.js'
import type { TcpProxy } from './tcp-proxy.js'

/** Generous: a machine under load may take its time; a broker that dies is noticed at once. */
const READY_WITHIN_MS = 120_000
const ASK_EVERY_MS = 40
const STOP_WITHIN_MS = 30_000
const SETTINGS = 'server.properties'

/** How Kafka is started on this machine. */
export interface KafkaCommand {
  readonly java: string
  /** the JVM's options, the class path included */
  readonly args: readonly string[]
}

export interface NodeOptions {
  readonly id: number
  readonly clusterId: string
  readonly address: string
  readonly proxy: TcpProxy | null
  readonly command: KafkaCommand
  /** the node's own folder, for its settings */
  readonly dir: string
  readonly properties: string
  /** how we reach this node's own listener */
  readonly control: Access
}

/** What a JVM needs of our environment: no secret, and no options meant for other programs. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env
  return { TZ: 'UTC', ...(PATH && { PATH }), ...(HOME && { HOME }), ...(LANG && { LANG }) }
}

export class KafkaNode implements BrokerNode {
  readonly #options: NodeOptions
  #process: Guarded | null = null

  constructor(options: NodeOptions) {
    this.#options = options
  }

  get id(): number {
    return this.#options.id
  }

  get address(): string {
    return this.#options.address
  }

  get proxy(): TcpProxy | null {
    return this.#options.proxy
  }

  get isAlive(): boolean {
    return this.#process?.isAlive ?? false
  }

  get pid(): number | null {
    return this.#process?.isAlive ? this.#process.pid : null
  }

  log(): string {
    return this.#process?.output() ?? ''
  }

  async start(): Promise<void> {
    const { id, command, dir, properties } = this.#options
    if (this.isAlive) throw new Error(`broker ${id} runs already`)
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, SETTINGS), properties, { mode: 0o600 })
    const child = spawnGuarded(command.java, [...command.args, 'kafka.Kafka', join(dir, SETTINGS)], {
      cwd: dir,
      env: environment(),
    })
    this.#process = child
    await this.#ready(child)
  }

  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL')
    await this.#process?.gone
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (child === null) return
    child.signal('SIGTERM')
    const timer = setTimeout(() => child.signal('SIGKILL'), STOP_WITHIN_MS)
    await child.gone
    clearTimeout(timer)
  }

  pause(): void {
    this.#process?.signal('SIGSTOP')
  }

  resume(): void {
    this.#process?.signal('SIGCONT')
  }

  /** Whether this node answers, belongs to this cluster, and all of `ids` take part in its eyes. */
  async sees(ids: readonly number[]): Promise<boolean> {
    const seen = await membersSeenBy(this.#options.control)
    return (
      seen !== null && seen.clusterId === this.#options.clusterId && ids.every((id) => seen.ids.includes(id))
    )
  }

  async #ready(child: Guarded): Promise<void> {
    const { id } = this.#options
    const deadline = performance.now() + READY_WITHIN_MS
    while (child.isAlive) {
      if (await this.sees([id])) return
      if (performance.now() > deadline) break
      await Promise.race([child.gone, sleep(ASK_EVERY_MS)])
    }
    const what = child.isAlive
      ? `does not answer within ${READY_WITHIN_MS / 1000} s`
      : 'ended while it started'
    await this.kill()
    throw new Error(`broker ${id} ${what}:\n${child.output().trimEnd().split('\n').slice(-20).join('\n')}`)
  }
}
