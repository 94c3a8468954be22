/**
 * The child process: becomes a ClickHouse server and stays one for as long as its parent holds its stdin.
 * `node child.js DATA_DIR HTTP_PORT CONFIG_FILE [TCP_PORT]`; the last one for tests, whose servers ask each other. Undocumented by the makers of chdb: the package is pinned, and the
 * parent checks the version.
 */
import { createRequire } from 'node:module'
import { DataType, load, open } from 'ffi-rs'

const { libchdbPath } = createRequire(import.meta.url)('chdb/libchdb') as { libchdbPath(): string }
const [dataDir = '', port = '', configFile = '', tcpPort = ''] = process.argv.slice(2)

// The last statement ends when stdin does: when the parent lets go of it, or dies.
const listen = tcpPort === '' ? '' : 'SYSTEM START LISTEN TCP; '
const script = `SYSTEM START LISTEN HTTP; ${listen}SELECT * FROM file('-', 'LineAsString', 'line String') FORMAT Null`
const args = ['clickhouse', '--path', dataDir, '--http_port', port, '--listen_host', '127.0.0.1']
if (tcpPort !== '') args.push('--tcp_port', tcpPort)
args.push(`--config-file=${configFile}`, '--query', script)

open({ library: 'chdb', path: libchdbPath() })
load({
  library: 'chdb',
  funcName: 'query_stable_v2',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
})
process.exit(0)
