/**
 * A kafkajs client of the log.
 *
 * Invariants
 * - Without TLS nothing leaves the machine: seeds must be loopback, and so must every broker that the cluster advertises
 *   later, because each socket is opened here.
 * - kafkajs logs nothing: its lines carry addresses. What goes wrong is said through `alarm`, in fixed words.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { TacitError } from '@tacit/contracts'
import { type ISocketFactoryArgs, Kafka, logLevel } from 'kafkajs'
import { defuseIdleTimer } from './idle-timer.js'

export interface KafkaOptions {
  /** `host:port`, each */
  readonly brokers: readonly string[]
  /** PEM texts; null for plaintext, which only loopback takes. `cert` and `key` are for mutual TLS. */
  readonly tls: { readonly ca: string; readonly cert?: string; readonly key?: string } | null
  /** SASL with SCRAM-SHA-512; null for none */
  readonly sasl: { readonly username: string; readonly password: string } | null
  /** Topics are `<prefix>.log`, `<prefix>.reports` and `<prefix>.state`. */
  readonly prefix: string
  /** partitions of a log topic that is made here */
  readonly partitions: number
  /** replicas that each partition must have: 3, or 1 for a single broker */
  readonly replication: number
}

/** The open sockets of a client. kafkajs cannot be stopped where it waits for an answer; without sockets it ends soon. */
export class Sockets {
  readonly #open = new Set<Socket>()
  #isCut = false

  get isCut(): boolean {
    return this.#isCut
  }

  add(socket: Socket): void {
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
  }

  /** Ends them as the network would, so that what waits for an answer is rejected; there are no others after it. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#open) socket.destroy(new Error('the client was dropped'))
  }
}

/** A broker that takes longer than this to shake hands counts as down. */
const CONNECT_MS = 3_000
/** Brokers answer within milliseconds; groups and fetches bring longer limits of their own. */
const REQUEST_MS = 15_000
const KEEP_ALIVE_MS = 60_000
/** A session is renewed with the first request after so little is left of it. */
const REAUTHENTICATE_MS = 3_000
/** Short, because callers try again themselves, and know better than the client what is worth it. */
const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 }

/**
 * A client that connects when it is used.
 * @param sockets where given, holds the client's open sockets: who finds that the client hangs can cut them
 * @throws TacitError ERR_CONFIG_INVALID for plaintext beyond loopback, what is no `host:port`, and no prefix of topics
 */
export function kafkaClient(options: KafkaOptions, sockets?: Sockets): Kafka {
  checkKafkaOptions(options)
  defuseIdleTimer()
  const { sasl, tls } = options
  return new Kafka({
    clientId: 'tacit',
    brokers: [...options.brokers],
    ...(sasl === null ? {} : { sasl: { mechanism: 'scram-sha-512', ...sasl } }),
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: CONNECT_MS,
    reauthenticationThreshold: REAUTHENTICATE_MS,
    requestTimeout: REQUEST_MS,
    enforceRequestTimeout: true,
    retry: RETRY,
    logLevel: logLevel.NOTHING,
    logCreator: () => () => undefined,
    socketFactory: (destination) => {
      if (sockets?.isCut) throw new Error('the client was dropped')
      const socket = openSocket(destination, tls)
      // kafkajs ends a socket that is gone anew with each attempt to reach its broker, and each adds a listener
      socket.setMaxListeners(0)
      sockets?.add(socket)
      return socket
    },
  })
}

/** Whether a host name or address is of this machine only: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith('127.')
  return host === '::1' || host.toLowerCase() === 'localhost'
}

/**
 * Refuses brokers beyond loopback in plaintext; for those that the cluster advertises.
 * @throws TacitError ERR_CONFIG_INVALID
 */
export function requireLoopback(hosts: readonly string[], { tls }: KafkaOptions): void {
  if (tls !== null || hosts.every(isLoopback)) return
  throw new TacitError(
    'ERR_CONFIG_INVALID',
    'Kafka is not on this machine, and its connection is not encrypted: set TACIT_KAFKA_TLS=on and TACIT_KAFKA_CA_FILE to the authority that signed the brokers’ certificates',
  )
}

/**
 * What can be said of options before anybody is asked.
 * @throws TacitError ERR_CONFIG_INVALID as {@link kafkaClient}
 */
export function checkKafkaOptions(options: KafkaOptions): void {
  const hosts = options.brokers.map((broker) => {
    // kafkajs splits at the first colon, so an address of version 6 cannot be given
    const [, host, port] = /^([^\s:[\]]+):(\d{1,5})$/.exec(broker) ?? []
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw notBrokers()
    return host
  })
  if (hosts.length === 0) throw notBrokers()
  requireLoopback(hosts, options)
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(options.prefix)) {
    throw new TacitError(
      'ERR_CONFIG_INVALID',
      'TACIT_KAFKA_TOPIC_PREFIX takes 1 to 200 letters, digits, dots, hyphens and underscores',
    )
  }
}

function notBrokers(): TacitError {
  return new TacitError(
    'ERR_CONFIG_INVALID',
    'KAFKA_BROKERS takes host:port, separated by commas; for an IPv6 address give a name',
  )
}

/** kafkajs turns what is thrown here into a connection error. */
function openSocket({ host, onConnect, port }: ISocketFactoryArgs, tls: KafkaOptions['tls']): Socket {
  if (tls === null && !isLoopback(host)) throw new Error('plaintext beyond loopback is refused')
  const socket =
    tls === null
      ? connectPlain({ host, port }, onConnect)
      : connectTls(
          {
            host,
            port,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...tls,
            minVersion: 'TLSv1.2',
            rejectUnauthorized: true,
          },
          onConnect,
        )
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.setNoDelay(true)
  return socket
}
