import type { TcpProxy } from './tcp-proxy.js'

/** How a client reaches brokers: the first three members of the adapter's own options. */
export interface Access {
  /** `host:port` of each */
  readonly brokers: readonly string[]
  /** PEM texts; null for plaintext */
  readonly tls: { readonly ca: string; readonly cert?: string; readonly key?: string } | null
  /** SCRAM-SHA-512; null where nobody asks for a password */
  readonly sasl: { readonly username: string; readonly password: string } | null
}

export interface BrokerOptions {
  /** default 1; three keep three copies of everything, two of which must be there */
  readonly nodes?: 1 | 3
  /** more settings for server.properties, or others: of every node, or of each */
  readonly properties?:
    | Readonly<Record<string, string>>
    | ((node: number) => Readonly<Record<string, string>>)
  /** clients reach every node through a TcpProxy; the nodes reach each other without */
  readonly proxied?: boolean
  /** default plaintext */
  readonly security?: 'plaintext' | 'sasl_ssl'
  /** names of users beside the administrator, with `sasl_ssl` */
  readonly users?: readonly string[]
  /** users may do only what ACLs allow, with `sasl_ssl`; the administrator may do everything */
  readonly acls?: boolean
  /** a folder that is kept and can be started from again; absent: a temporary one */
  readonly data?: string
  /** port of the first node, the others follow; absent: any that are free */
  readonly port?: number
  /** the JVM's options in place of the small heap and quick start that tests want */
  readonly jvm?: readonly string[]
  /** is told what takes long (fetching Kafka, once) */
  readonly progress?: (text: string) => void
}

/** One broker, which is a controller too. Signals concern exactly its own process. */
export interface BrokerNode {
  /** from 1 */
  readonly id: number
  /** where clients are told to go: `host:port`, the proxy's where there is one */
  readonly address: string
  readonly proxy: TcpProxy | null
  /** null while it does not run */
  readonly pid: number | null
  readonly isAlive: boolean
  /** SIGKILL; resolves when it is gone */
  kill(): Promise<void>
  /** SIGTERM: gives away its leaderships first; resolves when it is gone. Takes seconds. */
  stop(): Promise<void>
  /**
   * Starts it with its data on its ports; resolves when it takes part and answers. Where the others are down too,
   * start them together: a majority is needed.
   */
  start(): Promise<void>
  /** SIGSTOP: it holds its connections and answers nothing. */
  pause(): void
  /** SIGCONT */
  resume(): void
  /** the end of what it printed since its start */
  log(): string
}

export interface Brokers {
  /** bootstrap list: `host:port` of every node */
  readonly brokers: readonly string[]
  readonly nodes: readonly BrokerNode[]
  readonly clusterId: string
  /** How a user comes in; without a name the administrator. */
  access(user?: string): Access
  /** Resolves when all nodes take part and every partition has all its replicas in sync. Rejects after a minute. */
  whole(): Promise<void>
  /** Ends all nodes and proxies at once, removes a temporary folder. Safe to call twice. */
  stop(): Promise<void>
}
