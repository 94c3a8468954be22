import { readFileSync } from 'node:fs'
import t from 'tap'
import { noiseFigures } from './testing/figures.js'

t.test('the figures of docs/noise.md are what plans of these sites say', async (t) => {
  const page = readFileSync(new URL('../../../../docs/noise.md', import.meta.url), 'utf8')
  for (const [name, expected] of Object.entries(noiseFigures())) {
    const [, found] = page.split(`<!-- figures: ${name} -->\n\n`)
    t.equal(found?.split('\n\n', 1)[0]?.trimEnd(), expected, name)
  }
})
