// The bundle's entry: see verify-command.ts.
import { runVerify } from './verify-command.js'

const { code, out, err } = runVerify(process.argv.slice(2))
process.stdout.write(out)
process.stderr.write(err)
process.exitCode = code
