/** One finding: how grave it is, why it matters and how to mend it. */
export interface CodeEntry {
  readonly severity: 'error' | 'warning'
  readonly why: string
  readonly fix: string
}

export const error = (why: string, fix: string): CodeEntry => ({ severity: 'error', why, fix })
export const warning = (why: string, fix: string): CodeEntry => ({ severity: 'warning', why, fix })
