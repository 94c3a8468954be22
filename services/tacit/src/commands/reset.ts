import { Command } from 'commander'
import { openHouse } from '../house/house.js'
import { removeSample } from '../house/sample.js'
import { print, printJson, UsageError } from '../output.js'

interface ResetOptions {
  readonly sample?: boolean
  readonly data: string
  readonly json?: boolean
}

export function resetCommand(): Command {
  return new Command('reset')
    .description('Remove the sample data: its site, keys, log and tables; real data is not touched')
    .option('--sample', 'remove the sample data')
    .option('--data <dir>', 'data directory', '.tacit')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExample (stop `tacit up` first):\n  $ npx tacit reset --sample\n')
    .action(async ({ data, json, sample }: ResetOptions) => {
      if (sample !== true) throw new UsageError('say what to remove: tacit reset --sample')
      const house = await openHouse(data)
      try {
        const removed = await removeSample(house)
        if (json) printJson({ removed })
        else print(removed ? 'The sample data is removed.' : 'There was no sample data.')
      } finally {
        await house.close()
      }
    })
}
