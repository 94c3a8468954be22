/**
 * When the finest window of an event ends: from its end and the rulebook's `lateness` on, the event is late for every
 * window (interface.md, "Beacon"). Compiled once for each site and kind of event.
 */
import { DAY, epochOf, HOUR, type Stream } from '@tacit/contracts'
import { type ClosingWindow, type EventKind, finestWindow, type Rulebook } from '@tacit/rulebook'

/** The end (ms) of the window that holds a time (ms). */
export type WindowEnd = (time: number) => number

/** Ends of a stream's epochs; as events are of now, the last one is nearly always asked for again. */
function epochEnd(stream: Stream): WindowEnd {
  let epoch = epochOf(stream, 0)
  return (time) => {
    if (time < epoch.start || time >= epoch.end) epoch = epochOf(stream, time)
    return epoch.end
  }
}

const ENDS: Readonly<Record<ClosingWindow, WindowEnd>> = {
  hour: (time) => time - (time % HOUR) + HOUR,
  day: (time) => time - (time % DAY) + DAY,
  week: epochEnd('week'),
  month: epochEnd('month'),
}

/** An event that no statistic counts is late with its day, by which the ledger is read. */
export const DAY_END: WindowEnd = ENDS.day

/** The end of the finest window in which a site's events of a kind are counted. */
export function compileWindowEnd(rulebook: Rulebook, site: string, kind: EventKind): WindowEnd {
  return ENDS[finestWindow(rulebook, site, kind) ?? 'day']
}
