#!/usr/bin/env bash
# Starts one node of Kafka in the image apache/kafka, whose own start script wants to write into its image.
#
# NODE_ID      this node's number
# NODE_NAME    the name that others reach it by
# VOTERS       every node: 1@kafka-1:9094,2@kafka-2:9094,…
# REPLICATION  copies of Kafka's own topics: 1 on a single node, 3 on three
#
# Formats an empty volume once, with the one user that clients have. How many nodes there are is decided by then.
set -euo pipefail
ulimit -c 0
bin="${KAFKA_HOME:-/opt/kafka}/bin"
here="$(dirname "${BASH_SOURCE[0]}")"
config="${LOG_DIR:?}/server.properties"
# No log files, not of the garbage collector either: LOG_DIR is small.
export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=$here/log4j2.properties" EXTRA_ARGS='-name kafkaServer'
in_sync=$((REPLICATION > 1 ? REPLICATION - 1 : 1))

{
  cat "$here/server.properties"
  echo "node.id=$NODE_ID"
  echo "controller.quorum.voters=$VOTERS"
  echo "advertised.listeners=CLIENT://$NODE_NAME:9092,BROKER://$NODE_NAME:9093"
  echo "default.replication.factor=$REPLICATION"
  echo "min.insync.replicas=$in_sync"
  for topic in offsets.topic transaction.state.log share.coordinator.state.topic; do
    echo "$topic.replication.factor=$REPLICATION"
  done
  echo "transaction.state.log.min.isr=$in_sync"
  echo "share.coordinator.state.topic.min.isr=$in_sync"
} >"$config"

# The password is an argument that kafka-storage reads from a file: `@FILE`. It prints what it made of that, which is for no log.
"$bin/kafka-storage.sh" format --ignore-formatted --config "$config" \
  --cluster-id "$(cat /run/secrets/kafka-cluster-id)" @/run/secrets/kafka-scram >/dev/null
exec "$bin/kafka-server-start.sh" "$config"
