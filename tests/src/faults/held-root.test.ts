/**
 * Reconcile before destroying (INV-26), through a whole realm: real keeper, real aggregator, real ClickHouse, a clock
 * that the test moves. Rows are taken from staging by hand, so that a window's counts do not add up.
 */
import type { AuditEntry } from '@tacit/audit-log'
import { openHouse } from '@tacit/cli'
import { DAY, HOUR, MINUTE } from '@tacit/contracts'
import { shippedRulebook } from '@tacit/rulebook/testing'
import t from 'tap'
import { query } from '../support/server-query.js'
import { grantedClaims } from '../support/tokens.js'

// The runner has a limit for the file.
t.setTimeout(0)

const FIRST = Date.parse('2026-12-14T00:00:00Z')
const NEVER = 'day:2026-12-14'
const LATER = 'day:2026-12-15'
const TENANTS = 6
const PEOPLE = 36
const TAKEN = 5

type House = Awaited<ReturnType<typeof openHouse>>
type Realm = Awaited<ReturnType<House['openRealm']>>

/** One page view of each person. */
async function sendDay({ commit, intake }: Realm, now: number): Promise<void> {
  for (let at = 0; at < PEOPLE; at++) {
    await intake.take(
      {
        v: 1,
        site: 'erp',
        events: [{ id: `e-${now}-${at}`, name: 'page_view', age: 0, path: '/customers' }],
      },
      {
        source: 'beacon',
        address: null,
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36',
        origin: 'https://erp.example.in',
        gpc: false,
        dnt: false,
        claims: grantedClaims(now, { tenant: `t-${at % TENANTS}`, sub: `p-${at}` }),
      },
    )
  }
  await commit.drain()
}

async function entriesOf({ keeper }: Realm, key: string): Promise<readonly string[]> {
  const file = await keeper.audit.read('entries', 0, 4_194_304)
  return file
    .toString('latin1')
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { entry: AuditEntry }).entry)
    .filter(({ object }) => 'key' in object && object.key === key)
    .map(({ action, object }) => ('reconciled' in object ? `${action} ${object.reconciled}` : action))
}

t.test(
  'counts that do not add up hold a root for a day at most, aloud, and let it go at once when they do',
  async (t) => {
    let now = FIRST + 12 * HOUR
    const captured = t.capture(process.stderr, 'write')
    let said = ''
    const alarms = (): string => {
      said += captured()
        .map(({ args }) => String(args[0]))
        .join('')
      return said
    }
    const house = await openHouse(t.testdir())
    t.teardown(() => house.close())
    const layout = house.layout.realm('main')
    const realm = await house.openRealm({
      layout,
      // Rows of weeks would wait for others to be mixed with, and those of the day with them.
      rulebook: { ...shippedRulebook('erp'), stored: ['day'] },
      clock: { now: () => now },
      ratePerToken: Number.MAX_SAFE_INTEGER,
    })
    const table = `${layout.database}.staging_day`
    const goTo = async (time: number): Promise<void> => {
      now = time
      await realm.commit.watermark(now)
      await realm.destroyDue()
      await realm.aggregator.advance(now)
    }
    const stateOf = async (label: string) => (await realm.keeper.keys()).find(({ id }) => id === label)?.state
    /** Takes rows of an epoch away, and keeps them aside. */
    const takeRows = async (epoch: string): Promise<void> => {
      const day = `epoch = '${epoch.slice('day:'.length)}'`
      await query(house, `CREATE TABLE IF NOT EXISTS ${layout.database}.aside AS ${table}`)
      await query(
        house,
        `INSERT INTO ${layout.database}.aside SELECT * FROM ${table} WHERE ${day} LIMIT ${TAKEN}`,
      )
      const taken = `person IN (SELECT person FROM ${layout.database}.aside WHERE ${day})`
      await query(house, `ALTER TABLE ${table} DELETE WHERE ${day} AND ${taken} SETTINGS mutations_sync = 2`)
    }

    for (const [epoch, start] of [
      [NEVER, FIRST],
      [LATER, FIRST + DAY],
    ] as const) {
      await goTo(start + 12 * HOUR)
      await sendDay(realm, now)
      await goTo(start + 14 * HOUR)
      t.equal(await realm.warehouse.stagedRows('day', epoch), PEOPLE)
      await takeRows(epoch)
      t.equal(await realm.warehouse.stagedRows('day', epoch), PEOPLE - TAKEN)
    }

    await goTo(FIRST + DAY + DAY + HOUR)
    for (const epoch of [NEVER, LATER]) {
      t.match(realm.state.window('day', epoch), {
        accepted: PEOPLE,
        staged: PEOPLE - TAKEN,
        reconciled: false,
      })
      t.match(
        alarms(),
        new RegExp(`window ${epoch} does not reconcile: .*${PEOPLE}.*${PEOPLE - TAKEN}`),
        'an alarm',
      )
    }

    const dies = FIRST + DAY + 48 * HOUR
    await goTo(dies)
    t.equal(await stateOf(NEVER), 'closed', 'the root is kept beyond its time')
    t.equal(await realm.warehouse.stagedRows('day', NEVER), PEOPLE - TAKEN, 'and with it its rows')
    await goTo(dies + 24 * HOUR - MINUTE)
    t.equal(await stateOf(NEVER), 'closed')
    await goTo(dies + 24 * HOUR)
    t.equal(await stateOf(NEVER), 'destroyed', 'a day later it dies all the same')
    t.equal(await realm.warehouse.stagedRows('day', NEVER), 0)
    t.same(await entriesOf(realm, NEVER), [
      'key.created',
      'key.handed',
      'key.closed',
      'key.held',
      'key.destroying',
      'key.destroyed no',
    ])
    t.match(
      realm.state.window('day', NEVER),
      { accepted: PEOPLE, staged: PEOPLE - TAKEN, reconciled: false, dropped: true },
      'the difference stays on record',
    )
    t.match(alarms(), new RegExp(`window ${NEVER} was dropped with its key though it never reconciled`))

    // The other day's root is past its time by now, and held.
    t.equal(await stateOf(LATER), 'closed')
    const day = `epoch = '${LATER.slice('day:'.length)}'`
    await query(house, `INSERT INTO ${table} SELECT * FROM ${layout.database}.aside WHERE ${day}`)
    await goTo(now + HOUR)
    t.match(realm.state.window('day', LATER), { staged: PEOPLE, reconciled: true })
    await goTo(now + MINUTE)
    t.equal(await stateOf(LATER), 'destroyed', 'with its counts right it goes with the next check')
    t.same((await entriesOf(realm, LATER)).slice(-4), [
      'key.held',
      'key.reconciled',
      'key.destroying',
      'key.destroyed yes',
    ])
    t.notMatch(alarms(), new RegExp(`window ${LATER} was dropped`))
  },
)

t.test(
  'sealed batches die by the clock, also while ClickHouse is down and nothing can be settled',
  async (t) => {
    let now = FIRST + 12 * HOUR
    t.capture(process.stderr, 'write')
    const house = await openHouse(t.testdir())
    const realm = await house.openRealm({
      layout: house.layout.realm('main'),
      rulebook: shippedRulebook('erp'),
      clock: { now: () => now },
      ratePerToken: Number.MAX_SAFE_INTEGER,
    })
    const received = now
    await sendDay(realm, now)
    await house.server.stop()
    now = received + DAY - 1
    await realm.destroyDue()
    await t.rejects(realm.aggregator.stage(), { code: 'ERR_WAREHOUSE_QUERY' }, 'its key lives a day')
    now = received + DAY
    await realm.destroyDue()
    await realm.aggregator.stage()
    t.match(
      realm.state.window('day', NEVER),
      { accepted: PEOPLE, expired: PEOPLE },
      'this process can no longer open them either',
    )
    t.equal((await realm.keeper.keys()).find(({ epoch }) => epoch?.startsWith('hour:'))?.state, 'destroyed')
    await realm.close()
    await house.close()
  },
)
