/**
 * Every text that a rulebook and its catalogues list, with its place: what they list is published as it stands, and
 * passes unsearched. Examples are left out, since they show what must be dropped; so are comments.
 */
import { catalogueNames } from './parse.js'
import type { Place } from './findings.js'
import { isMap } from './leaves.js'
import { type Path, readYaml, type YamlSource } from './yaml.js'

export interface ListedText {
  readonly text: string
  /** keys from the root of its file */
  readonly path: Path
  readonly place: Place
}

/** Sections that publish nothing. */
const UNPUBLISHED: ReadonlySet<string> = new Set(['examples'])
/** Lists whose numbers are steps, not values. */
const STEPS: ReadonlySet<string | number> = new Set(['edges'])

function* textsOf(source: YamlSource, value: unknown, path: Path): Generator<ListedText> {
  if (typeof value === 'string') {
    yield { text: value, path, place: source.place(path) }
  } else if (typeof value === 'number') {
    if (!STEPS.has(path.at(-2) ?? '')) yield { text: String(value), path, place: source.place(path) }
  } else if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) yield* textsOf(source, entry, [...path, index])
  } else if (isMap(value)) {
    for (const [key, entry] of Object.entries(value)) {
      const inner = [...path, key]
      if (path.length === 0 && UNPUBLISHED.has(key)) continue
      yield { text: key, path, place: source.place(inner, 'key') }
      yield* textsOf(source, entry, inner)
    }
  }
}

/** The texts of a rulebook and of the catalogues that it names; nothing of a file that is no YAML. */
export function* listedTexts(file: string, texts: Readonly<Record<string, string>>): Generator<ListedText> {
  const names = [file, ...catalogueNames(texts[file] ?? '')]
  for (const name of names) {
    const text = Object.hasOwn(texts, name) ? texts[name] : undefined
    const source = text === undefined ? null : readYaml(name, text, () => undefined)
    if (source !== null) yield* textsOf(source, source.value, [])
  }
}
