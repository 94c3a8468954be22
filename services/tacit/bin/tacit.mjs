#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/cli.js', import.meta.url)
if (!existsSync(built)) {
  process.stderr.write('tacit: not built yet; run `npm run setup` in the clone first\n')
  process.exit(3)
}
// A reader that goes away (`| head`) ends the printing, not the work.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error
  })
}
const { runCli } = await import(built.href)
process.exitCode = await runCli(process.argv.slice(2))
