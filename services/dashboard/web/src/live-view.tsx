/** How many people there are right now: one number that is asked for again and again. */
import { useEffect } from 'preact/hooks'
import type { StatisticAnswer } from './api.js'
import { count, momentName } from './format.js'
import { Empty } from './load.js'

const AGAIN_MS = 30_000

export interface LiveViewProps {
  readonly answer: StatisticAnswer
  readonly least: number
  /** asks for the number anew */
  readonly again: () => void
}

export function LiveView({ again, answer, least }: LiveViewProps) {
  useEffect(() => {
    const timer = setTimeout(again, AGAIN_MS)
    return () => clearTimeout(timer)
  }, [answer])
  const [row] = answer.rows
  if (row === undefined) {
    return (
      <Empty title="No number yet">
        It appears once five minutes have passed in which people could come.
      </Empty>
    )
  }
  const users = row['users']
  return (
    <section class="card live" aria-label="Right now">
      <p role="status">
        <b>{typeof users === 'number' ? `≥ ${count(users)}` : `fewer than ${count(least)}, or not known`}</b>
        <span>people in the five minutes from {momentName(String(row['window_start']))}</span>
      </p>
      <p class="note">
        Rounded down to a multiple of {String(row['floor'])}; only this one number is kept, and each new one
        takes its place.
      </p>
    </section>
  )
}
