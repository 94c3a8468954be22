#!/usr/bin/env bash
# infra/kubernetes/create-secrets.sh FOLDER [OPTION OF kubectl …]
#
# Hands the files that infra/make-secrets.sh made to the cluster, each process its own and no more. Secrets that are there
# stay as they are: kubectl refuses. `--namespace tacit` goes to kubectl; `--dry-run=client --output yaml` only shows.
set -euo pipefail
folder="${1:?the folder of infra/make-secrets.sh}"
shift

# secret NAME FILE…
secret() {
  local name="$1" files=() file
  shift
  for file in "$@"; do files+=("--from-file=$folder/$file"); done
  kubectl create secret generic "$name" "${files[@]}" "${options[@]}"
  # Between documents, where they are shown.
  case " ${options[*]} " in *" --output yaml "*) echo --- ;; esac
}

# each ROLE: the names of the files of every ROLE-1, ROLE-2, …
each() {
  (cd "$folder" && ls "$1"-[0-9]*.pem "$1"-[0-9]*.key)
}

options=("$@")
secret keeper-tls keys-ca.pem keeper.pem keeper.key probe.pem probe.key
mapfile -t collectors < <(each collector)
secret collector-tls keys-ca.pem "${collectors[@]}"
mapfile -t aggregators < <(each aggregator)
secret aggregator-tls keys-ca.pem "${aggregators[@]}"
secret dashboard-tls keys-ca.pem dashboard.pem dashboard.key
secret kafka-client transport-ca.pem kafka-password
secret kafka-server transport-ca.pem kafka-keystore.pem kafka-cluster-id kafka-scram
secret clickhouse-client transport-ca.pem clickhouse-password
secret clickhouse-dashboards transport-ca.pem clickhouse-dashboards-password
secret clickhouse-server transport-ca.pem clickhouse.pem clickhouse.key clickhouse-password.xml
