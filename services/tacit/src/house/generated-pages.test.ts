import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { environmentSchema } from './environment.js'
import { generatedPages } from './generated-pages.js'
import { ROOT } from './layout.js'

for (const [path, text] of Object.entries(generatedPages())) {
  t.test(`${path} is what the program says; \`npm run docs\` makes it anew`, async (t) => {
    t.equal(readFileSync(join(ROOT, path), 'utf8'), text)
  })
}

t.test('each setting has a description', async (t) => {
  for (const [name, setting] of Object.entries(environmentSchema.shape)) t.ok(setting.description, name)
})
