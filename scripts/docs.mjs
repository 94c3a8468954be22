// Writes the pages of docs/ that are made from the program.
import { writeFileSync } from 'node:fs'
import { configurationPage } from '../services/tacit/dist/house/configuration-page.js'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage())
