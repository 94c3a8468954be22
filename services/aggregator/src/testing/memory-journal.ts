/** For tests: a journal in memory that several processes share, with Kafka's rule of who may write. */
import { TacitError } from '@tacit/contracts'
import type { Journal, JournalChange } from '@tacit/event-log'

type Apply = (changes: readonly JournalChange[]) => Promise<void>

/** What is shared. */
export interface MemoryTopic {
  /** A process's journal: the `openJournal` of a shared state. */
  open(apply: Apply): Promise<Journal>
}

export function memoryTopic(): MemoryTopic {
  const written: (readonly JournalChange[])[] = []
  const readers: Apply[] = []
  let owner = 0
  let term = 0
  let processes = 0
  return {
    async open(apply) {
      for (const changes of written) await apply(changes)
      readers.push(apply)
      const self = ++processes
      return {
        async own() {
          owner = self
          term++
        },
        get isOwner() {
          return owner === self
        },
        get term() {
          return term
        },
        async write(changes) {
          if (owner !== self) throw new TacitError('ERR_LOG_FENCED')
          written.push(changes)
          for (const reader of readers) await reader(changes)
        },
        async close() {
          readers.splice(readers.indexOf(apply), 1)
        },
      }
    },
  }
}
