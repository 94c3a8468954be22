/** `docs/configuration.md`, made from the settings' schema, so that the page and the program say the same. */
import { environmentSchema } from './environment.js'

/** A setting's default as a person would write it. */
function defaultOf(name: string): string {
  const result = environmentSchema.safeParse({})
  const value = result.success ? (result.data as Record<string, unknown>)[name] : undefined
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none'
  return `\`${String(value)}\``
}

/** The page's text, Markdown. */
export function configurationPage(): string {
  const rows = Object.entries(environmentSchema.shape).map(
    ([name, setting]) => `| \`${name}\` | ${setting.description ?? ''} | ${defaultOf(name)} |`,
  )
  return [
    '# Configuration',
    '',
    '<!-- Made by `npm run docs` from services/tacit/src/house/environment.ts; a test keeps it current. -->',
    '',
    'What is collected, kept and published is the [rulebook](../rulebooks/erp/rulebook.yaml). The rest is a few variables.',
    'A variable that begins with `TACIT_` and that nothing reads refuses to boot and names the nearest right one.',
    'Secrets come from files. `tacit up` uses none of Kafka’s and ClickHouse’s, and says so where one is set.',
    '',
    '| variable | what it sets | default |',
    '|---|---|---|',
    ...rows,
    '',
    'Tests read `TACIT_TEST_LOGS` (a folder with access logs), `TACIT_TEST_FULL=1` (the long runs), `TACIT_TEST_AUDIT=1`',
    '(every world of the attacks), `TACIT_TEST_SEED` and `TACIT_TEST_CHROMIUM`; the program ignores everything that begins with `TACIT_TEST_`.',
    '',
    'The data directory (`--data`, `.tacit` by default) holds everything: keys (mode 0600), the log of sealed batches, the',
    'state, ClickHouse, the copy of the rulebook it was made under, and the secret of the dashboard’s access tokens.',
    '',
  ].join('\n')
}
