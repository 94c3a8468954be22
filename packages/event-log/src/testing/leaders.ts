/** Moves the leaders of partitions while every broker is alive: what a rolling restart does, without one. */
import type { Admin } from 'kafkajs'
import { until } from './until.js'

/** Brokers that start with these soon give a partition to the first of its replicas. */
export const QUICK_ELECTIONS = {
  'auto.leader.rebalance.enable': 'true',
  'leader.imbalance.check.interval.seconds': '1',
  'leader.imbalance.per.broker.percentage': '0',
}

const NODES = [1, 2, 3]

/** The leader of each partition, in their order. */
export async function leadersOf(admin: Admin, topic: string): Promise<number[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitions = [...(topics[0]?.partitions ?? [])].sort((a, b) => a.partitionId - b.partitionId)
  return partitions.map(({ leader }) => leader)
}

/** Gives the leader of partition 0 that partition no more, but its next node; resolves when that is done. */
export async function moveLeader(admin: Admin, topic: string): Promise<void> {
  const leaders = await leadersOf(admin, topic)
  const [from = 1] = leaders
  const to = (from % NODES.length) + 1
  const partitionAssignment = leaders.map((leader, partition) => {
    const first = partition === 0 ? to : leader
    return { partition, replicas: [first, ...NODES.filter((node) => node !== first)] }
  })
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
  await until(async () => (await leadersOf(admin, topic).catch(() => [from]))[0] === to)
}

/** Gives every partition to the next node; resolves when that is done. */
export async function moveAllLeaders(admin: Admin, topic: string): Promise<void> {
  const wanted = (await leadersOf(admin, topic)).map((leader) => (leader % NODES.length) + 1)
  const partitionAssignment = wanted.map((first, partition) => {
    return { partition, replicas: [first, ...NODES.filter((node) => node !== first)] }
  })
  await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] })
  const done = (leaders: readonly number[]) =>
    wanted.every((leader, partition) => leaders[partition] === leader)
  await until(async () => done(await leadersOf(admin, topic).catch(() => [])))
}
