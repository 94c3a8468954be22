import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { tokenKeyNotice } from './up-announcement.js'

t.test('that every beacon of a signed site will be refused is said once, at the start', async (t) => {
  const erp = shippedRulebook('erp')
  const site = erp.sites['erp']
  if (site === undefined) throw new Error('no site')
  t.equal(
    tokenKeyNotice(erp, {}),
    'No token keys: every beacon of `erp` will be refused; set TACIT_TOKEN_KEYS_FILE',
  )
  const two = { sites: { ...erp.sites, shop: { ...site, id: 'shop' } } }
  t.match(tokenKeyNotice(two, {}), 'of `erp`, `shop` will be')
  t.equal(tokenKeyNotice(erp, { TACIT_TOKEN_KEYS_FILE: 'keys' }), null)
  t.equal(tokenKeyNotice(shippedRulebook('website'), {}), null, 'nobody brings a token there')
})
