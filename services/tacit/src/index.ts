export { DrivenRun } from './house/driven.js'
export { runExamples } from './house/examples.js'
export { openHouse } from './house/house.js'
export { checkRulebook, storedRulebook } from './house/rulebook-files.js'
