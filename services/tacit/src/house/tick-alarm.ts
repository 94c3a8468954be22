/** What a keeper reports of keys that did not go as they should, said to whoever watches. */
import type { Keeper, TickReport } from '@tacit/keeper'

/** What a start found, and did. */
export function alarmOfStart(
  { isAuditCut, recovered }: Pick<Keeper, 'isAuditCut' | 'recovered'>,
  alarm: (message: string) => void,
): void {
  alarmOf(recovered, alarm)
  if (isAuditCut) {
    alarm(
      'the last line of the audit log could not be read, and is cut: after a crash that is an entry which nobody was told of; after none, somebody or the disk changed it',
    )
  }
}

/** @param alarm is given labels of epochs and hours, nothing of a key */
export function alarmOf(
  { failed, lost }: Pick<TickReport, 'failed' | 'lost'>,
  alarm: (message: string) => void,
): void {
  if (failed.length > 0)
    alarm(
      `the destruction of ${failed.join(', ')} failed and is tried again; until it is done, these keys outlive their time`,
    )
  if (lost.length > 0)
    alarm(
      `the key file of ${lost.join(', ')} is gone or damaged: the key counts as destroyed, and what lies under it is lost`,
    )
}
