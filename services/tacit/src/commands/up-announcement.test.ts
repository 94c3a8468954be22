import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { announcement, keyHints, tokenKeyNotice } from './up-announcement.js'

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

t.test('machines are told that the clock stands still, why, and the command that goes on', async (t) => {
  const links = { beacons: 'b', product: 'p', privacy: 'q', sample: null }
  const running = {
    collector: 'c',
    dashboard: 'd',
    sample: false,
    notice: null,
    hints: [],
    jump: null,
    lacksKeeper: false,
  }
  const ready = { ...links, ready: true, dashboard: 'd', notice: null, clock: null }
  t.same(announcement(running, links, '/data'), ready)
  t.equal(announcement({ ...running, lacksKeeper: true }, links, '/data').ready, false)
  const jump = {
    atBoot: true,
    trusted: Date.parse('2025-11-29T08:37:00Z'),
    system: Date.parse('2026-11-29T08:37:39Z'),
  }
  const { clock, ...rest } = announcement({ ...running, jump }, links, '/data')
  t.same({ ...rest, clock: null }, { ...ready, ready: false })
  t.match(
    clock,
    /2026-11-29T08:37:39Z.*2025-11-29T08:37:00Z \(a jump ahead\).*tacit clock --confirm --data \/data\b/,
  )
})

t.test('what keys lack for real data is said until it is set', async (t) => {
  t.match(keyHints({ TACIT_KEEPER_URL: [] }), [/TACIT_MASTER_KEY_FILE/, /TACIT_AUDIT_MAIL_TO/])
  t.same(keyHints({ TACIT_KEEPER_URL: [], TACIT_MASTER_KEY_FILE: 'm', TACIT_AUDIT_HEADS_DIR: 'h' }), [])
  t.same(keyHints({ TACIT_KEEPER_URL: ['https://keeper:8443'] }), [], 'a keeper of its own has them')
  const sealing = { isMissing: false, text: 'It is sealed' }
  t.match(
    keyHints({ TACIT_KEEPER_URL: [], TACIT_MASTER_KEY_FILE: 'm', TACIT_AUDIT_HEADS_DIR: 'h' }, sealing),
    ['It is sealed'],
  )
})
