/** What there is to read: a list beside the page, or one chooser where the screen is narrow. */
import type { CatalogueEntry } from './api.js'

export const addressOf = (entry: CatalogueEntry): string =>
  `#/statistics/${[entry.realm, entry.site, entry.id].map(encodeURIComponent).join('/')}`

interface Link {
  readonly href: string
  readonly text: string
  /** nothing is published there yet */
  readonly empty: boolean
}

interface Group {
  readonly key: string
  readonly title: string
  readonly sample: boolean
  readonly empty: boolean
  readonly links: readonly Link[]
}

function groupsOf(entries: readonly CatalogueEntry[], reviews: boolean): readonly Group[] {
  const keys = [...new Set(entries.map(({ realm, site }) => `${realm}\n${site}`))]
  const groups = keys.map((key): Group => {
    const group = entries.filter(({ realm, site }) => `${realm}\n${site}` === key)
    const sample = group.some((entry) => entry.sample)
    const links = group.map((entry) => ({
      href: addressOf(entry),
      text: entry.title,
      empty: entry.latest === null,
    }))
    return { key, title: group[0]?.site ?? '', sample, links, empty: links.every(({ empty }) => empty) }
  })
  if (!reviews) return groups
  const realms = [...new Map(entries.map(({ realm, sample }) => [realm, sample]))]
  const desk = realms.flatMap(([realm, sample]) => {
    const suffix = sample && realms.length > 1 ? ' (sample)' : ''
    return [
      { href: `#/ledger/${realm}`, text: `Ledger${suffix}`, empty: false },
      { href: `#/rules/${realm}`, text: `Rules${suffix}`, empty: false },
      { href: `#/keys/${realm}`, text: `Keys and evidence${suffix}`, empty: false },
    ]
  })
  return [...groups, { key: 'desk', title: 'Privacy desk', sample: false, empty: false, links: desk }]
}

export interface NavigationProps {
  readonly entries: readonly CatalogueEntry[]
  /** address of the open page */
  readonly current: string
  /** whether the reader may see the privacy desk */
  readonly reviews: boolean
}

export function Navigation({ entries, current, reviews }: NavigationProps) {
  const groups = groupsOf(entries, reviews)
  return (
    <nav aria-label="Statistics and reviews">
      <Chooser groups={groups} current={current} />
      {groups.map(({ key, title, sample, empty, links }) => (
        <div key={key} class={empty ? 'quiet' : ''}>
          <h2>
            {title}
            {sample && <b class="badge">Sample data</b>}
            {empty && <small>no data yet</small>}
          </h2>
          <ul>
            {links.map((link) => (
              <li key={link.href}>
                <a href={link.href} aria-current={link.href === current ? 'page' : undefined}>
                  {link.text}
                  {link.empty && !empty && <small>no data yet</small>}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

function Chooser({ groups, current }: { readonly groups: readonly Group[]; readonly current: string }) {
  return (
    <select
      aria-label="Page"
      value={current}
      onChange={(event) => {
        location.hash = event.currentTarget.value
      }}
    >
      {groups.map(({ key, title, sample, empty, links }) => (
        <optgroup key={key} label={`${title}${sample ? ', sample data' : ''}${empty ? ', no data yet' : ''}`}>
          {links.map(({ href, text }) => (
            <option key={href} value={href}>
              {text}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  )
}
