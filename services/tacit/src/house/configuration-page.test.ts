import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { configurationPage } from './configuration-page.js'
import { environmentSchema } from './environment.js'
import { ROOT } from './layout.js'

t.test('docs/configuration.md is what the schema says; `npm run docs` makes it anew', async (t) => {
  t.equal(readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8'), configurationPage())
})

t.test('each setting has a description', async (t) => {
  for (const [name, setting] of Object.entries(environmentSchema.shape)) t.ok(setting.description, name)
})
