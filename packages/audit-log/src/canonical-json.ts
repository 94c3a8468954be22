/**
 * JSON in the one form of RFC 8785 (JCS), so that a hash or a signature covers a value and not one way to write it.
 * @param value null, booleans, finite numbers, well-formed strings, and arrays and plain objects of these
 * @throws TypeError on anything else, and on a lone surrogate (RFC 8785, 3.2.2.2), also in a key
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
      // JSON.stringify writes numbers as ECMAScript does, which is the RFC's own rule; but NaN and Infinity as null.
      if (!Number.isFinite(value)) throw new TypeError('JSON has no such number')
      return JSON.stringify(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? `[${value.map(canonicalJson).join(',')}]` : members(value)
    default:
      throw new TypeError('JSON has no such value')
  }
}

function members(value: object): string {
  const object = value as Readonly<Record<string, unknown>>
  let out = ''
  for (const name of ordered(Object.keys(object))) {
    out += `${out === '' ? '' : ','}${text(name)}:${canonicalJson(object[name])}`
  }
  return `{${out}}`
}

/** By UTF-16 code units (RFC 8785, 3.2.3), as `<` and `sort` without a function compare; mostly they are so already. */
function ordered(names: string[]): string[] {
  for (let at = 1; at < names.length; at += 1) {
    if ((names[at - 1] ?? '') > (names[at] ?? '')) return names.sort()
  }
  return names
}

/** Printable ASCII that needs no escape: nearly everything here, so it is worth a way of its own. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/

function text(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`
  if (LONE_SURROGATE.test(value)) throw new TypeError('JSON has no lone surrogate')
  return JSON.stringify(value)
}
