/** A parent to be killed: starts a server in DIR, prints where it is, begins a long insert, and waits. */
import { connect } from '../connection.js'
import { startEmbeddedServer } from '../embedded/server.js'

const [dir = ''] = process.argv.slice(2)
const server = await startEmbeddedServer({ dir })
const connection = connect(server.address, 'kill')
await connection.command('CREATE DATABASE IF NOT EXISTS kill')
await connection.command('CREATE TABLE IF NOT EXISTS kill.slow (n UInt64) ENGINE = MergeTree ORDER BY n')
const insert = connection.command(
  'INSERT INTO kill.slow SELECT number + sleepEachRow(0.05) FROM numbers(30) SETTINGS max_block_size = 1',
)
process.stdout.write(`${JSON.stringify({ pid: server.pid() })}\n`)
await insert
await new Promise((resolve) => setTimeout(resolve, 60_000))
