/** `infra/clickhouse/server`, on the real server that chdb carries. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { grantsXml, profileXml, type Role } from './roles.js'
import { BY, DAY_START, line, PLAN } from './testing/rows.js'
import { startServers } from './testing/servers.js'
import { openWarehouse } from './warehouse.js'

const FOLDER = fileURLToPath(new URL('../../../infra/clickhouse/server/', import.meta.url))
const [config, users] = ['config.xml', 'users.xml'].map((name) => readFileSync(join(FOLDER, name), 'utf8'))
if (config === undefined || users === undefined) throw new Error('a file is missing')

const USERS: Readonly<Record<string, { readonly profile: Role; readonly roles: readonly Role[] }>> = {
  tacit: { profile: 'aggregator', roles: ['ingest', 'aggregator'] },
  tacit_dashboards: { profile: 'dashboards', roles: ['dashboards'] },
  tacit_privacy: { profile: 'privacy', roles: ['privacy'] },
}

/** What stands between the tags, without the space around its lines. @param within the tag around it */
function blockOf(text: string, within: string, tag: string): string {
  const around = new RegExp(`<${within}>([\\s\\S]*?)\\n {2}</${within}>`).exec(text)?.[1] ?? ''
  const block = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(around)?.[1] ?? ''
  return block.replace(/^\s+|\s+$/gm, '')
}

/** The expressions of a configuration, which RE2 and JavaScript read alike. */
function maskingRules(text: string): readonly (readonly [RegExp, string])[] {
  const rules = text.matchAll(/<regexp>(.+?)<\/regexp><replace>(.+?)<\/replace>/g)
  return [...rules].map(([, from = '', to = '']) => [new RegExp(from, 'g'), to])
}

t.test('users and profiles are those of the roles, and there are no others', async (t) => {
  for (const [name, { profile, roles }] of Object.entries(USERS)) {
    t.equal(blockOf(users, 'profiles', profile), profileXml(profile).join('\n'), profile)
    const user = blockOf(users, 'users', name)
    const grants = /<grants>\n([\s\S]*)\n<\/grants>/.exec(user)?.[1] ?? ''
    t.equal(grants, grantsXml(roles, { database: 'tacit', cluster: null }).join('\n'), name)
    t.match(user, `<profile>${profile}</profile>`)
    t.match(user, `<password_sha256_hex incl="${name}_password"/>`)
  }
  const named = [...users.matchAll(/incl="(\w+)_password"/g)].map(([, name]) => name)
  t.same(named, Object.keys(USERS))
  t.notMatch(users, /<default>\s*<(no_)?password|access_management/)
})

t.test('no table that could hold a value of a person is configured but the query log', async (t) => {
  const tables = [...config.matchAll(/<(\w+_log)>/g)].map(([, name]) => name)
  t.same(tables, ['query_log'])
  t.match(config, /<core_dump><size_limit>0</)
  t.match(blockOf(`<all>${config}\n  </all>`, 'all', 'query_log'), /TTL event_date \+ INTERVAL 7 DAY DELETE/)
})

t.test(
  'aggregators and dashboards work as these users, and who looks is logged without values',
  async (t) => {
    const secrets = join(t.testdir(), 'passwords.xml')
    const hash = (name: string): string => createHash('sha256').update(`of ${name}`).digest('hex')
    const hashes = Object.keys(USERS).map((name) => `<${name}_password>${hash(name)}</${name}_password>`)
    writeFileSync(secrets, `<clickhouse>${hashes.join('')}</clickhouse>`)
    const ofEngine =
      '<default><no_password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default>'
    const own = users
      .replace('/run/secrets/clickhouse-password.xml', secrets)
      .replace('<users>', `<users>${ofEngine}`)
    const logs = ['query_log', 'query_masking_rules'].map(
      (tag) => `<${tag}>${blockOf(`<all>${config}\n  </all>`, 'all', tag)}</${tag}>`,
    )
    const [url = ''] = await startServers(t, 1, own, logs.join(''))
    const open = (name: string) => {
      const opened = openWarehouse({ url, username: name, password: `of ${name}` }, 'tacit', {
        retryWaitsMs: [],
      })
      t.teardown(() => opened.close())
      return opened
    }
    const ask = async (name: string, statement: string): Promise<string> => {
      const authorization = `Basic ${Buffer.from(name === 'default' ? 'default:' : `${name}:of ${name}`).toString('base64')}`
      return (await fetch(url, { method: 'POST', body: statement, headers: { authorization } })).text()
    }
    const aggregator = open('tacit')
    await aggregator.migrate([PLAN])
    await aggregator.land('day', [line({ person: 'person-of-the-log' })], 'rows', BY)
    t.match(
      await aggregator.settle('day', [DAY_START + 9 * 3_600_000], {
        deduplicate: true,
        resume: true,
        queryId: 'q',
      }),
      [{ rows: 1 }],
    )
    t.same(await open('tacit_dashboards').releasedWindows(), [])
    const pseudonym = 'ab'.repeat(16)
    await ask(
      'tacit_privacy',
      `SELECT count() FROM tacit.cells WHERE statistic = 'a person''s \\'name\\'' AND manifest != '${pseudonym}' -- ${pseudonym}`,
    )
    t.match(await ask('tacit_privacy', 'SELECT count() FROM tacit.staging_day'), /ACCESS_DENIED/)
    await ask('default', 'SYSTEM FLUSH LOGS')
    const log = await ask(
      'default',
      "SELECT user, query FROM system.query_log WHERE user LIKE 'tacit%' ORDER BY ALL FORMAT TSVRaw",
    )
    const who = new Set(log.split('\n').flatMap((entry) => /^tacit\w*/.exec(entry) ?? []))
    t.same([...who], ['tacit_privacy'], 'people who look are logged, and Tacit’s own statements are not')
    t.match(log, /FROM tacit\.staging_day/, 'what they tried, too')
    // clickhouse-local does not mask: the rules are applied here as a server does before a statement is written down.
    const masked = maskingRules(config).reduce((text, [from, to]) => text.replace(from, to), log)
    t.match(masked, /statistic = '\?'/)
    t.match(log, pseudonym, 'control')
    t.notMatch(masked, /name|ababab/)
    t.notMatch(log, 'person-of-the-log')
    t.match(
      await ask('default', 'SHOW CREATE TABLE system.query_log'),
      /TTL event_date \+ toIntervalDay\(7\)/,
    )
  },
)
