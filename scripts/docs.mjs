// Writes the files of the repository that are made from the program.
import { writeFileSync } from 'node:fs'
import { generatedPages } from '../services/tacit/dist/house/generated-pages.js'

for (const [path, text] of Object.entries(generatedPages())) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text)
}
