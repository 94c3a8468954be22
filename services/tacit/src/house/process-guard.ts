/**
 * A process that holds keys gives its memory to nobody: no core dump, no heap snapshot, no diagnostic report, no
 * debugger (INV-10).
 *
 * Invariants
 * - What Node offers by option or environment is refused by name before any key is opened: a guard that silently undid
 *   it would leave whoever set it to believe that it works.
 * - What a signal could start is off: SIGUSR1 starts no debugger. One that came before this guard ran has opened it, and
 *   is refused.
 * - A core that the kernel writes in spite of the limit (where it is piped to a program, the limit does not count) holds
 *   no page of memory, here and in the processes started from here: they inherit the filter.
 * `--cpu-prof` stays allowed: a profile holds names of functions, no values.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { url as debuggerUrl } from 'node:inspector'
import { TacitError } from '@tacit/contracts'

/** Options of Node 20 (`node --help`) that write memory or what travels to a file or a socket. */
const EXPOSING =
  /^--(inspect|experimental-network-inspection|heapsnapshot|heap-prof|track-heap-objects|build-snapshot|diagnostic-dir|report-|abort-on-uncaught-exception|tls-keylog|trace-tls|trace-event)/
/** Variables that make Node print what it sends and receives. */
const EXPOSING_VARIABLES = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE']

const CORE_FILTER = '/proc/self/coredump_filter'
const LIMITS = '/proc/self/limits'
const NO_CORE_FILE = /^Max core file size +0 +0 /m
const PRLIMIT_TIMEOUT_MS = 2_000

/** How a process was started. */
export interface ProcessStart {
  /** options of Node on the command line */
  readonly execArgv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** the address where a debugger can attach now */
  readonly debugger: string | undefined
}

/** Node takes `_` for `-` in the names of its options. @returns the name without its value */
const optionName = (argument: string): string =>
  (argument.split('=', 1)[0] ?? '').replaceAll(/['"\\]/g, '').replaceAll('_', '-')

/** What must be taken out of the start of a process, in words; null where nothing must. */
export function exposureOf(start: ProcessStart): string | null {
  const given = start.execArgv.map(optionName).find((name) => EXPOSING.test(name))
  if (given !== undefined) return `${given} on the command line of node`
  const inherited = (start.env['NODE_OPTIONS'] ?? '').split(/\s+/).map(optionName)
  const found = inherited.find((name) => EXPOSING.test(name))
  if (found !== undefined) return `${found} in NODE_OPTIONS`
  const variable = EXPOSING_VARIABLES.find((name) => (start.env[name] ?? '') !== '')
  if (variable !== undefined) return `${variable} in the environment`
  return start.debugger === undefined ? null : 'the debugger'
}

const ignore = (): void => undefined

/**
 * The first thing that a verb does. Costs one or two milliseconds.
 * @throws TacitError ERR_PROCESS_EXPOSED where it was started in a way that shows its memory
 */
export function guardProcess(): void {
  // Node starts its debugger in its own handler of this signal; a listener takes that handler's place.
  if (!process.listeners('SIGUSR1').includes(ignore)) process.on('SIGUSR1', ignore)
  if (process.report !== undefined) {
    process.report.reportOnFatalError = false
    process.report.reportOnSignal = false
    process.report.reportOnUncaughtException = false
  }
  emptyCore()
  const exposure = exposureOf({
    execArgv: process.execArgv,
    env: process.env,
    debugger: debuggerUrl(),
  })
  if (exposure === null) return
  throw new TacitError(
    'ERR_PROCESS_EXPOSED',
    `Take out ${exposure} and start again: it would show the memory of this process, keys included`,
  )
}

/** No kind of page goes into a core (core(5), "Controlling which mappings are written"). @returns whether it is so */
function emptyCore(): boolean {
  try {
    writeFileSync(CORE_FILTER, '0')
    return true
  } catch {
    return false
  }
}

/**
 * Sets the limit of a core's size to 0, for good, here and in the processes started from here. It takes a program of
 * util-linux and some 10 ms: for what runs long.
 * @returns whether no core will hold memory of this process, by the limit or by the filter; false on other systems than
 * Linux, where the limit is what the shell says (`ulimit -c`)
 */
export function forbidCores(): boolean {
  return limitsCores() || emptyCore()
}

function limitsCores(): boolean {
  try {
    if (NO_CORE_FILE.test(readFileSync(LIMITS, 'utf8'))) return true
    const args = ['--pid', String(process.pid), '--core=0:0']
    spawnSync('prlimit', args, { stdio: 'ignore', timeout: PRLIMIT_TIMEOUT_MS })
    return NO_CORE_FILE.test(readFileSync(LIMITS, 'utf8'))
  } catch {
    return false
  }
}
