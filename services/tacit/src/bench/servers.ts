/** Servers of the benchmarks, each a process of its own, and what they used under load. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { TacitError } from '@tacit/contracts'
import { load, type LoadResult } from './load.js'
import type { BenchServerKind, BenchUsage } from './server.js'

export const CONNECTIONS = 64

export interface Server {
  readonly child: ChildProcess
  readonly port: number
  usage(): Promise<BenchUsage>
}

export function canPin(): boolean {
  return spawnSync('taskset', ['-c', '0', 'true']).status === 0
}

/** Keeps this process, which makes the load, off the servers' core. */
export function pinLoad(): void {
  pinTo('1')
}

/** What is measured next, in this process and its children, has all cores again. */
export function unpinLoad(): void {
  pinTo(`0-${String(cpus().length - 1)}`)
}

/** @param list of cores, as taskset(1) takes it */
function pinTo(list: string): void {
  spawnSync('taskset', ['-acp', list, String(process.pid)])
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T))
    child.once('exit', () => reject(new TacitError('ERR_INTERNAL', 'A benchmark server ended early')))
  })
}

/** @param env more of it, for who needs brokers */
export async function startServer(
  kind: BenchServerKind,
  jwks: unknown,
  pin: boolean,
  env: NodeJS.ProcessEnv = {},
): Promise<Server> {
  const script = fileURLToPath(new URL('./server.js', import.meta.url))
  const node = [process.execPath, script, kind]
  const [command = '', ...args] = pin ? ['taskset', '-c', '0', ...node] : node
  const child = spawn(command, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  })
  child.setMaxListeners(0)
  child.send(jwks as object)
  const { port } = await nextMessage<{ port: number }>(child)
  return {
    child,
    port,
    async usage() {
      const answer = nextMessage<BenchUsage>(child)
      child.send({})
      return answer
    },
  }
}

/** One server under load for a while. */
export interface Round extends LoadResult {
  readonly cpuUsPerRequest: number
  readonly rssMb: number
}

/** @throws TacitError where an answer was not 204 */
export async function measure(
  server: Server,
  requests: readonly Buffer[],
  seconds: number,
  connections = CONNECTIONS,
): Promise<Round> {
  const before = await server.usage()
  const result = await load(server.port, requests, connections, seconds)
  const after = await server.usage()
  if (result.others > 0)
    throw new TacitError(
      'ERR_INTERNAL',
      `${result.others} answers were not 204: the figures would mean nothing`,
    )
  return { ...result, cpuUsPerRequest: (after.cpuUs - before.cpuUs) / result.answers, rssMb: after.rssMb }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

export const round2 = (value: number): number => Math.round(value * 100) / 100
