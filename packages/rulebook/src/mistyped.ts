/**
 * Mistyped keys, each said once: where a map has a key that is not known, and lacks the one that is nearest to it, the
 * value is read under the right name from there on. So `min_user` is one finding and not a missing `min_users` too, and
 * `statistic:` hides nothing of what stands below it. The finding is an error, so nothing ever runs under it.
 */
import { z } from 'zod'
import type { Report } from './findings.js'
import { reportUnknownKey } from './issues.js'
import { isMap, mapSchema, valueAt } from './leaves.js'
import { nearest } from './nearest.js'
import type { Path, YamlSource } from './yaml.js'

/** Reports and corrects the mistyped keys of what stands at a path, and below it. */
export function correctKeys(source: YamlSource, path: Path, schema: z.core.$ZodType, report: Report): void {
  const value = valueAt(source.value, path)
  if (schema instanceof z.ZodOptional) return correctKeys(source, path, schema.def.innerType, report)
  if (schema instanceof z.ZodArray && Array.isArray(value)) {
    for (const index of value.keys()) correctKeys(source, [...path, index], schema.element, report)
  } else if (schema instanceof z.ZodRecord && isMap(value)) {
    for (const key of Object.keys(value)) correctKeys(source, [...path, key], schema.valueType, report)
  } else if (isMap(value)) {
    if (schema instanceof z.ZodDiscriminatedUnion) correctChoice(source, path, schema, report)
    const map = mapSchema(schema, value)
    if (map !== null) correctMap(source, path, map, report)
  }
}

/** The key that says which map it is: `do`. It is looked for among the keys of all of them. */
function correctChoice(
  source: YamlSource,
  path: Path,
  { def, options }: z.ZodDiscriminatedUnion,
  report: Report,
): void {
  const stated = valueAt(source.value, path)
  if (!isMap(stated) || Object.hasOwn(stated, def.discriminator)) return
  const known = new Set(options.flatMap((map) => (map instanceof z.ZodObject ? Object.keys(map.shape) : [])))
  const meant = Object.keys(stated).find(
    (key) => !known.has(key) && nearest(key, [...known]) === def.discriminator,
  )
  if (meant === undefined) return
  reportUnknownKey(source, [...path, meant], [...known], report)
  source.rename(path, meant, def.discriminator)
}

function correctMap(source: YamlSource, path: Path, { shape }: z.ZodObject, report: Report): void {
  const known = Object.keys(shape)
  const stated = valueAt(source.value, path)
  for (const key of isMap(stated) ? Object.keys(stated) : []) {
    if (Object.hasOwn(shape, key)) continue
    const meant = nearest(key, known)
    if (meant === null || valueAt(source.value, [...path, meant]) !== undefined) continue
    if (source.isUnknown([...path, meant]) || source.isUnknown([...path, key])) continue
    reportUnknownKey(source, [...path, key], known, report)
    source.rename(path, key, meant)
  }
  for (const [key, inner] of Object.entries(shape)) correctKeys(source, [...path, key], inner, report)
}
