/** An aggregator that shares its log and its state with others of its kind, on brokers. */
import {
  Aggregator,
  type AggregatorOptions,
  AggregatorState,
  CONSUMER_GROUP,
  groupMember,
} from '@tacit/aggregator'
import { type KafkaLog, type KafkaOptions, openReports } from '@tacit/event-log'
import { openSharedJournal } from './kafka.js'
import { untilAvailable } from './patience.js'

export interface GroupAggregatorOptions extends Omit<AggregatorOptions, 'log' | 'membership' | 'state'> {
  readonly kafka: KafkaOptions
  readonly log: KafkaLog
  /** for its copy of what they share, made anew, and what it sets aside */
  readonly dir: string
}

export interface GroupAggregator {
  readonly aggregator: Aggregator
  /** Whether it takes part: the group has it, and what they share is followed. */
  takesPart(): boolean
  close(): Promise<void>
}

/** Waits until brokers answer. @throws TacitError ERR_LOG_TOPIC */
export async function openGroupAggregator({
  dir,
  kafka,
  ...options
}: GroupAggregatorOptions): Promise<GroupAggregator> {
  const { alarm, log, warehouse } = options
  const { journal, state } = await AggregatorState.share(dir, (apply) =>
    openSharedJournal(kafka, alarm, apply),
  )
  try {
    const reports = await untilAvailable('Kafka', () => openReports({ kafka, alarm }), alarm)
    const membership = groupMember({ log, reports, journal, warehouse, state, alarm })
    return {
      aggregator: new Aggregator({ ...options, membership, state }),
      takesPart: () => !log.isOutside(CONSUMER_GROUP) && !journal.hasEnded,
      async close() {
        await reports.close()
        await state.close()
      },
    }
  } catch (error) {
    await state.close()
    throw error
  }
}
