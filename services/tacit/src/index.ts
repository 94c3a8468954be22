export { runCli } from './cli.js'
export { openHouse } from './house/house.js'
export { storedRulebook } from './house/rulebook-files.js'
