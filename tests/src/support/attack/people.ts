/** Everybody whom the ERP knows: the full list of users, as an insider has it, with the ERP's key of subjects. */

export interface ListedPerson {
  readonly tenant: string
  /** the ERP's own id */
  readonly user: string
}

export const TENANTS = 40
const PEOPLE_OF_TENANT = 50

/** The ERP's key that makes a subject of a user; the insider has it too. */
export const SUBJECT_KEY = Buffer.alloc(32, 'the key of the ERP, for subjects')

const tenantName = (tenant: number): string => `company-${String(tenant).padStart(2, '0')}`

/** 2,000 people of 40 tenants. */
export const PEOPLE: readonly ListedPerson[] = Array.from({ length: TENANTS }, (_none, tenant) =>
  Array.from({ length: PEOPLE_OF_TENANT }, (_no, user) => ({
    tenant: tenantName(tenant),
    user: `user-${String(user).padStart(4, '0')}`,
  })),
).flat()

/** A tenant beside them whose account is closed. */
export const LEAVING = 'company-that-leaves'
export const LEAVING_PEOPLE: readonly ListedPerson[] = Array.from({ length: 10 }, (_none, user) => ({
  tenant: LEAVING,
  user: `user-${String(user)}`,
}))
