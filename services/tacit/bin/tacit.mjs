#!/usr/bin/env node
import { existsSync } from 'node:fs'

const built = new URL('../dist/index.js', import.meta.url)
if (!existsSync(built)) {
  process.stderr.write('tacit: not built yet; run `npm run setup` in the clone first\n')
  process.exit(3)
}
const { runCli } = await import(built.href)
process.exitCode = await runCli(process.argv.slice(2))
