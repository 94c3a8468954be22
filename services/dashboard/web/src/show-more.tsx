import { count } from './format.js'

interface ShowMoreProps {
  /** rows that are not shown yet */
  readonly left: number
  readonly onMore: () => void
}

/** The button below a long table; nothing where every row is shown. */
export function ShowMore({ left, onMore }: ShowMoreProps) {
  if (left <= 0) return null
  return (
    <button type="button" class="button more" onClick={onMore}>
      Show more ({count(left)} left)
    </button>
  )
}
