/** Small checks of unknown values that also tell the type, put together to the forms of heads and proofs. */
export type Guard<T> = (value: unknown) => value is T

/** @param pattern from `^` to `$`, over printable ASCII only */
export function matching(pattern: RegExp): Guard<string> {
  return (value): value is string => typeof value === 'string' && pattern.test(value)
}

/** A whole number from 0 to `most`. */
export function naturalUpTo(most: number): Guard<number> {
  return (value): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most
}

/** A list of what `guard` takes, for which `holds` too. */
export function listOf<T>(guard: Guard<T>, holds: (list: readonly T[]) => boolean): Guard<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(guard) && holds(value)
}

/** An object with exactly these members, in any order. */
export function shaped<T extends object>(
  members: { readonly [Member in keyof T]: Guard<T[Member]> },
): Guard<T> {
  const checks = Object.entries<Guard<unknown>>(members)
  return (value): value is T => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const object = value as Readonly<Record<string, unknown>>
    if (Object.keys(object).length !== checks.length) return false
    for (const [name, check] of checks) {
      if (!Object.hasOwn(object, name) || !check(object[name])) return false
    }
    return true
  }
}
