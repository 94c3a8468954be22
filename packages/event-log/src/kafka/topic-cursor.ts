/**
 * A group's cursor as it is committed: the offset, and as its metadata the id of the topic, then a space and the boundary
 * where a step is open. So a cursor that was committed for a topic of the same name that is gone is known for what it is;
 * the broker deletes it with the topic, but a commit that was under way comes afterwards.
 */
import type { Cursor } from '../port.js'

/** 32 hexadecimal digits and a space */
export const TOPIC_LENGTH = 33

export interface TopicCursor extends Cursor {
  /** null where it is not known: Kafka gives topics no ids, or it is of an earlier version of this code */
  readonly topic: string | null
}

/** @param boundary the metadata, as Kafka has it */
export function decodeCursor({ boundary: metadata, position }: Cursor): TopicCursor {
  const [, topic, boundary = null] = /^([0-9a-f]{32})(?: ([^]*))?$/.exec(metadata ?? '') ?? []
  return topic === undefined ? { position, topic: null, boundary: metadata } : { position, topic, boundary }
}

export function encodeCursor({ boundary, position, topic }: TopicCursor): Cursor {
  if (topic === null) return { position, boundary }
  return { position, boundary: boundary === null ? topic : `${topic} ${boundary}` }
}
