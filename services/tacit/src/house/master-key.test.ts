import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { masterKeyOf, sealingOf } from './master-key.js'

t.test('a credential that systemd does not hand over is missed, and one that it does is said', async (t) => {
  const folder = t.testdir({ 'tacit-master-kay': '' })
  t.equal(sealingOf({}), null)
  t.equal(sealingOf({ CREDENTIALS_DIRECTORY: '' }), null)
  t.match(sealingOf({ CREDENTIALS_DIRECTORY: folder }), {
    isMissing: true,
    text: /not sealed.*tacit-master-key/,
  })
  writeFileSync(join(folder, 'tacit-master-key'), '')
  t.match(sealingOf({ CREDENTIALS_DIRECTORY: folder }), { isMissing: false, text: /is sealed/ })
  t.match(masterKeyOf({ CREDENTIALS_DIRECTORY: folder }), { credentialFile: /tacit-master-key$/ })
})
