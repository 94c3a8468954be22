/**
 * YAML, read strictly: one document of plain maps, lists and scalars, where what is read is what is seen.
 *
 * Anchors, aliases, tags, merge keys, directives, second documents, duplicate keys, keys that are not text and
 * invisible characters are findings with their place. The token stream is looked at before anything is composed, so
 * depth is bounded before the first recursion (yaml's lexer and parser keep their own stack; its composer recurses).
 */
import { type CST, Composer, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml'
import type { FindingCode } from './codes.js'
import type { Place, Report } from './findings.js'
import { isMap as isPlainMap, valueAt } from './leaves.js'
import { parserWords, type YamlFault, yamlFault } from './yaml-faults.js'

export type Path = readonly (string | number)[]

/** Characters of a file; the ERP's own is a fiftieth of it. */
export const MAX_CHARACTERS = 262_144
/** Nested maps and lists; the language needs five. */
const MAX_DEPTH = 24

interface YamlNode {
  readonly at: number
  readonly keyAt: number
  /** the value cannot be known (an alias): checks of its content would only repeat that */
  readonly unknown: boolean
  readonly children: Map<string | number, YamlNode>
}

/** A file that was read: its plain value and where each part of it stands. */
export interface YamlSource {
  readonly file: string
  /** plain JSON data; undefined where an alias stood */
  readonly value: unknown
  /** The place of a value or its key; of the nearest parent where there is none. */
  place(path: Path, part?: 'key' | 'value'): Place
  /** Whether the value at `path`, or anything above it, could not be read. */
  isUnknown(path: Path): boolean
  /** Reads a mistyped key of the map at `path` as the one that was meant, from now on; it stands where it stood. */
  rename(path: Path, from: string, to: string): void
}

const SYNTAX: Partial<Record<CST.Token['type'], readonly [FindingCode, string]>> = {
  anchor: ['RULE_YAML_ANCHOR', 'An anchor (&) is not allowed.'],
  alias: ['RULE_YAML_ALIAS', 'An alias (*) is not allowed.'],
  tag: ['RULE_YAML_TAG', 'A tag (!) is not allowed.'],
  directive: ['RULE_YAML_DIRECTIVE', 'A directive (%) is not allowed.'],
}

/** Keys that JavaScript gives a meaning of their own. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/** Controls, formatting characters (zero-width, direction-changing) and line separators that no line counter knows. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const INDIC = /[\u0900-\u0dff]/

/** Offsets of characters that a reader cannot see. Tab, line ends, a mark at the start, and joiners within Indic words are fine. */
function hiddenCharacters(text: string): readonly number[] {
  return [...text.matchAll(INVISIBLE)]
    .filter(({ 0: character, index }) => {
      if (character === '\t' || character === '\n' || character === '\r') return false
      if (character === '\ufeff') return index > 0
      const joiner = character === '\u200c' || character === '\u200d'
      return !(joiner && INDIC.test(text[index - 1] ?? ''))
    })
    .map(({ index }) => index)
}

/** Nested tokens of a token, in no order. */
function tokensWithin(token: CST.Token): readonly (CST.Token | null | undefined)[] {
  switch (token.type) {
    case 'document':
      return [...token.start, token.value, ...(token.end ?? [])]
    case 'block-map':
    case 'block-seq':
    case 'flow-collection':
      return token.items.flatMap((item) => [...item.start, item.key, ...(item.sep ?? []), item.value])
    case 'block-scalar':
      return token.props
    default:
      return []
  }
}

/** Reports refused syntax; answers whether the tokens are flat enough to be composed. */
function checkTokens(tokens: readonly CST.Token[], at: (offset: number) => Place, report: Report): boolean {
  const stack = tokens.map((token) => ({ token, depth: 0 }))
  let documents = 0
  let flat = true
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { token, depth } = next
    const refused = SYNTAX[token.type]
    if (refused !== undefined) report(refused[0], at(token.offset), refused[1])
    if (depth > MAX_DEPTH) {
      if (flat) report('RULE_TOO_LARGE', at(token.offset), `More than ${MAX_DEPTH} levels deep.`)
      flat = false
      continue
    }
    for (const inner of tokensWithin(token)) if (inner) stack.push({ token: inner, depth: depth + 1 })
  }
  for (const token of tokens) {
    if (token.type !== 'document') continue
    documents += 1
    if (documents === 2) {
      report('RULE_YAML_DOCUMENTS', at(token.offset), 'A second document (---) is not allowed.')
    }
  }
  return flat
}

/** Errors of the composer that the token check has said already. */
const ALREADY_SAID: ReadonlySet<string> = new Set([
  'TAG_RESOLVE_FAILED',
  'BAD_ALIAS',
  'BAD_DIRECTIVE',
  'MULTIPLE_DOCS',
])

/**
 * The first fault of a text that is no YAML, or null. What follows it is noise of the same mistake: seven more errors
 * at lines that are right.
 */
function firstFault(
  document: Document.Parsed,
  text: string,
  at: (offset: number) => Place,
): (YamlFault & { readonly file: string }) | null {
  const problems = [...document.errors, ...document.warnings].filter(({ code }) => !ALREADY_SAID.has(code))
  const [first] = problems.toSorted((a, b) => a.pos[0] - b.pos[0])
  if (first === undefined) return null
  const place = at(first.pos[0])
  const seen = yamlFault(text, place.line)
  if (seen !== null) return { ...seen, file: place.file }
  const [message, fix] = parserWords(first.code)
  return { ...place, message, fix }
}

interface Built {
  readonly value: unknown
  readonly node: YamlNode
}

/** Plain data of a composed node, with the places of its parts. */
function build(item: unknown, keyAt: number, at: (offset: number) => Place, report: Report): Built {
  const children = new Map<string | number, YamlNode>()
  const offset = (thing: unknown): number =>
    isScalar(thing) || isMap(thing) || isSeq(thing) || isAlias(thing) ? (thing.range?.[0] ?? keyAt) : keyAt
  const node = (unknown: boolean): YamlNode => ({ at: offset(item), keyAt, unknown, children })
  if (isAlias(item)) return { value: undefined, node: node(true) }
  if (isScalar(item)) return { value: item.value, node: node(false) }
  if (isSeq(item)) {
    const value = item.items.map((entry, index) => {
      const built = build(entry, offset(entry), at, report)
      children.set(index, built.node)
      return built.value
    })
    return { value, node: node(false) }
  }
  if (!isMap(item)) return { value: null, node: node(false) }
  const value: Record<string, unknown> = {}
  for (const pair of item.items) {
    const place = at(offset(pair.key))
    const key = isScalar(pair.key) ? pair.key.value : undefined
    if (isAlias(pair.key)) continue
    if (typeof key !== 'string' || FORBIDDEN_KEYS.has(key)) {
      report('RULE_YAML_KEY', place, 'This key is not plain text.')
    } else if (key === '<<') {
      report('RULE_YAML_MERGE', place, 'A merge key (<<) is not allowed.')
    } else if (children.has(key)) {
      report('RULE_DUPLICATE_KEY', place, `The key \`${key}\` stands here a second time.`)
    } else {
      const built = build(pair.value, offset(pair.key), at, report)
      children.set(key, built.node)
      value[key] = built.value
    }
  }
  return { value, node: node(false) }
}

function source(file: string, root: Built, at: (offset: number) => Place): YamlSource {
  const find = (path: Path): { node: YamlNode; depth: number; unknown: boolean } => {
    let node = root.node
    let unknown = node.unknown
    let depth = 0
    for (const step of path) {
      const child = node.children.get(step)
      if (child === undefined) break
      node = child
      unknown ||= child.unknown
      depth += 1
    }
    return { node, depth, unknown }
  }
  return {
    file,
    value: root.value,
    place: (path, part = 'value') => {
      const { node, depth } = find(path)
      return at(part === 'key' || depth < path.length ? node.keyAt : node.at)
    },
    isUnknown: (path) => find(path).unknown,
    rename: (path, from, to) => {
      const map = valueAt(root.value, path)
      const { children } = find(path).node
      const node = children.get(from)
      if (!isPlainMap(map) || node === undefined) return
      map[to] = map[from]
      delete map[from]
      children.set(to, node)
      children.delete(from)
    },
  }
}

/**
 * Reads one file. Null where it is no YAML at all (its findings say where); other findings still leave a value, so
 * that one run finds everything.
 * @param file the name that findings carry
 */
export function readYaml(file: string, text: string, report: Report): YamlSource | null {
  if (text.length > MAX_CHARACTERS) {
    const message = `The file has more than ${MAX_CHARACTERS} characters.`
    report('RULE_TOO_LARGE', { file, line: 1, column: 1 }, message)
    return null
  }
  const lines = new LineCounter()
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(1, line), column: Math.max(1, col) }
  }
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  for (const offset of hiddenCharacters(text)) {
    report('RULE_YAML_HIDDEN', at(offset), 'An invisible character stands here.')
  }
  const refused: Parameters<Report>[] = []
  const isFlat = checkTokens(tokens, at, (...finding) => refused.push(finding))
  const document = isFlat ? compose(tokens, text.length) : undefined
  const fault = document === undefined ? null : firstFault(document, text, at)
  // Behind the fault, brackets and quotation marks are not read as they were meant.
  for (const finding of refused) if (fault === null || finding[1].line <= fault.line) report(...finding)
  if (fault !== null) report('RULE_YAML_SYNTAX', fault, fault.message, fault.fix)
  if (document === undefined || fault !== null) return null
  return source(file, build(document.contents, 0, at, report), at)
}

/** The first document of a text; others are findings already. */
function compose(tokens: readonly CST.Token[], length: number): Document.Parsed | undefined {
  const options = { prettyErrors: false, uniqueKeys: false, logLevel: 'silent', merge: false } as const
  const [document] = [...new Composer(options).compose(tokens, true, length)]
  return document as Document.Parsed | undefined
}
