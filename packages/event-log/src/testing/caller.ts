/** A caller as the collector is one: one record after the other, and every answered one is an obligation. */
import { topicName } from '../kafka/admin.js'
import type { KafkaOptions } from '../kafka/connection.js'
import type { KafkaLog } from '../kafka/log.js'
import { thisHour } from './kafka-log.js'
import { numbered } from './lines.js'
import { disorder, numbersOf, readTopic, tally } from './topic.js'

/** Every tenth record is of reach `all`. */
export class Caller {
  readonly sent: number[] = []
  readonly marks = new Set<number>()
  /** ms that the slowest append took */
  slowest = 0
  #next = 1

  async append(log: KafkaLog, count: number, bytes?: number): Promise<void> {
    for (let left = count; left > 0; left--) {
      const number = this.#next++
      if (number % 10 === 0) this.marks.add(number)
      const started = performance.now()
      await log.append(numbered(number, bytes), thisHour(), this.marks.has(number) ? 'all' : 'one')
      this.slowest = Math.max(this.slowest, performance.now() - started)
      this.sent.push(number)
    }
  }

  /** What is wrong with what is in the topic: null where nothing is. */
  async faults(kafka: KafkaOptions): Promise<object | null> {
    const found = (await readTopic(kafka, topicName(kafka, 'log'))).filter(({ text }) => text !== 'mark')
    const { invented, lost } = tally(this.sent, this.#next - 1, numbersOf(found))
    const broken = disorder(found, this.sent, this.marks)
    return lost.length + invented + broken.length === 0 ? null : { lost, invented, broken }
  }
}
