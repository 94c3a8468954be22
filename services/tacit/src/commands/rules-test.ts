/** `rules test`: the examples of a rulebook, each side by side with what its rules do. */
import { Command } from 'commander'
import { counted } from '../counted.js'
import { type ExampleResult, runExamples } from '../house/examples.js'
import { ERP_RULEBOOK } from '../house/layout.js'
import { readParsedRulebook } from '../house/rulebook-files.js'
import { EXIT, print, printJson, table } from '../output.js'

const compact = (value: unknown): string => JSON.stringify(value)

function rows(results: readonly ExampleResult[]): string[][] {
  return results.map(({ expected, found, holds, in: given, number }) => [
    String(number),
    holds ? 'holds' : 'FAILS',
    compact(given),
    compact(expected),
    holds ? '' : compact(found),
  ])
}

export function rulesTestCommand(): Command {
  return new Command('test')
    .description('Run the examples of a rulebook: what comes in, what must come out, and what does')
    .argument('[file]', 'the rulebook', ERP_RULEBOOK)
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExample:\n  $ npx tacit rules test rulebooks/erp/rulebook.yaml\n\nAn example is written so, `null` says that nothing is left:\n  - { in: { path: "/a/x@y.in" }, out: { dropped: pii.email } }\n  - { in: { path: "/customers/12" }, out: { path: "/customers/:id" } }\n',
    )
    .action((file: string, { json }: { readonly json?: boolean }) => {
      const results = runExamples(readParsedRulebook(file))
      const failed = results.filter(({ holds }) => !holds).length
      if (json === true) printJson({ ok: failed === 0, examples: results })
      else if (results.length === 0) print('The rulebook has no examples. Add some under `examples:`.')
      else {
        print(table(['example', '', 'in', 'expected', 'found'], rows(results)))
        print(`\n${results.length - failed} of ${counted(results.length, 'example holds', 'examples hold')}.`)
      }
      if (failed > 0) process.exitCode = EXIT.failed
    })
}
