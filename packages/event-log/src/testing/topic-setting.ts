/** Changes one setting of a topic as an operator does, and back. */
import kafkajs from 'kafkajs'
import { topicName } from '../kafka/admin.js'
import { type KafkaOptions, kafkaClient } from '../kafka/connection.js'

/** Sets it on the log's topic, leaving the others; gives what puts it back. */
export async function setOnLog(
  options: KafkaOptions,
  setting: string,
  value: string,
): Promise<() => Promise<void>> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topicName(options, 'log') }
  const admin = kafkaClient(options).admin()
  await admin.connect()
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] })
  await admin.disconnect()
  const before = (resources[0]?.configEntries ?? [])
    .filter(({ isDefault, readOnly }) => !isDefault && !readOnly)
    .map((entry) => ({ name: entry.configName, value: entry.configValue }))
  // `alterConfigs` drops every setting that it is not given
  const put = async (configEntries: typeof before) => {
    const another = kafkaClient(options).admin()
    await another.connect()
    await another.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries }] })
    await another.disconnect()
  }
  await put([...before.filter(({ name }) => name !== setting), { name: setting, value }])
  return () => put(before)
}
