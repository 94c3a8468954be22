/** `rules schema`: what editors need to complete and check a rulebook. */
import { catalogueJsonSchema, rulebookJsonSchema } from '@tacit/rulebook'
import { Command } from 'commander'
import { printJson } from '../output.js'

export function rulesSchemaCommand(): Command {
  return new Command('schema')
    .description('The JSON Schema of a rulebook, so that editors complete and check it')
    .option('--catalogue', 'of a catalogue instead')
    .option('--json', 'for machines, which it always is')
    .addHelpText(
      'after',
      '\nExample (first line of a rulebook, for the YAML extension of most editors):\n  # yaml-language-server: $schema=rulebook.schema.json\n  $ npx tacit rules schema > rulebook.schema.json\n',
    )
    .action(({ catalogue }: { readonly catalogue?: boolean }) => {
      printJson(catalogue === true ? catalogueJsonSchema() : rulebookJsonSchema())
    })
}
