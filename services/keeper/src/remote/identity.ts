/**
 * Who is who: a certificate says `tacit://<role>/<name>` in URI entries of its subject alternative name, one for each
 * role that its holder has. A certificate without any is nobody's.
 */

/** `standby` is a keeper that copies from the primary; `keeper` is who others ask. */
export type Role = 'collector' | 'aggregator' | 'operator' | 'standby' | 'keeper'

/** One role of a certificate's holder. */
export interface Principal {
  readonly role: Role
  /** what is put on record: `<role>/<name>` */
  readonly name: string
}

/** Host names and names of pods fit. */
const ENTRY = /^URI:tacit:\/\/(collector|aggregator|operator|standby|keeper)\/([a-z0-9][a-z0-9._-]{0,62})$/

/**
 * Reads the names of a certificate, in its order.
 * @param subjectAltName as Node gives it: `URI:tacit://collector/a, DNS:localhost`
 */
export function principalsOf(subjectAltName: string | undefined): readonly Principal[] {
  // Node quotes an entry that has a comma or worse in it (CVE-2021-44532). No entry of ours needs that, and whoever
  // wrote one may have meant the part after the comma to be taken for an entry of its own.
  if (subjectAltName === undefined || subjectAltName.includes('"')) return []
  return subjectAltName.split(', ').flatMap((entry) => {
    const [, role, name] = ENTRY.exec(entry) ?? []
    return role === undefined ? [] : [{ role: role as Role, name: `${role}/${name}` }]
  })
}

/** Who a certificate is among `roles`: the first of these that it names, whatever its own order. */
export function principalAmong(
  principals: readonly Principal[],
  roles: readonly Role[],
): Principal | undefined {
  for (const wanted of roles) {
    const found = principals.find(({ role }) => role === wanted)
    if (found !== undefined) return found
  }
  return undefined
}
