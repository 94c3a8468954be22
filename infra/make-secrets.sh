#!/usr/bin/env bash
# infra/make-secrets.sh [--collectors N] [--aggregators N] [--days N] [--renew] [FOLDER]
#
# Makes what docker-compose.yml and infra/kubernetes name as secrets, in a folder that git and Docker ignore
# (infra/secrets): two authorities, certificates, passwords. Needs bash and openssl 3.
#
# Invariants
# - Nothing that is there is overwritten; the folder appears whole or not at all. --renew makes certificates and their
#   keys anew, by the same authorities and into the same files (a running process looks at its own every minute), and
#   leaves passwords alone; more collectors or aggregators may be asked for with it.
# - Keys and passwords have mode 0600 in a folder of mode 0700; certificates are public.
# - Two authorities: who may ask the keeper is signed by keys-ca and nobody else; transport-ca signs Kafka's and
#   ClickHouse's listeners. Their keys lie in authority/, which nothing mounts: take it off the machine.
set -euo pipefail
umask 077

fail() {
  echo "make-secrets: $*" >&2
  exit 2
}

collectors=2 aggregators=2 days=365 renew=no
folder="$(dirname "${BASH_SOURCE[0]}")/secrets"
while [ $# -gt 0 ]; do
  case "$1" in
    --collectors | --aggregators | --days)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,3}$ ]] || fail "$1 takes a whole number above 0"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    --renew) renew=yes && shift ;;
    -*) fail "there is no option $1" ;;
    *) folder="$1" && shift ;;
  esac
done

if [ "$renew" = no ] && [ -e "$folder" ]; then
  echo "make-secrets: $folder is there and stays as it is; --renew makes new certificates" >&2
  exit 1
fi
[ "$renew" = no ] || [ -f "$folder/authority/keys-ca.key" ] || fail "$folder/authority is missing: bring it back first"

# Beside the folder, so that the last step is one rename.
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/.secrets-XXXXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/authority"
[ "$renew" = no ] || cp "$folder"/authority/* "$work/authority/"

new_key() {
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

# authority NAME SUBJECT
authority() {
  [ "$renew" = no ] || return 0
  new_key "$work/authority/$1.key"
  openssl req -x509 -new -key "$work/authority/$1.key" -subj "/CN=$2" -days 3650 \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign' \
    -out "$work/authority/$1.pem"
}

# certificate AUTHORITY NAME USAGE SAN[,SAN…]: NAME.pem and NAME.key; the subject is CN=NAME
certificate() {
  new_key "$work/$2.key"
  openssl req -new -key "$work/$2.key" -subj "/CN=$2" -out "$work/$2.csr"
  printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' \
    "$3" "$4" >"$work/$2.ext"
  openssl x509 -req -in "$work/$2.csr" -CA "$work/authority/$1.pem" -CAkey "$work/authority/$1.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$days" -extfile "$work/$2.ext" -out "$work/$2.pem" 2>/dev/null
  rm "$work/$2.csr" "$work/$2.ext"
}

# The names that others call a listener by: in docker-compose.yml, and behind a service of Kubernetes.
hosts() {
  printf 'DNS:localhost'
  printf ',DNS:%s' "$@"
}

# Standard output: 256 bits in letters and digits that need no quoting anywhere.
password() {
  openssl rand -hex 32
}

# Standard output: the SHA-256 of a password's file, without its line end.
hash_of() {
  tr -d '\n' <"$1" | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

authority keys-ca 'Tacit keys'
authority transport-ca 'Tacit transport'

certificate keys-ca keeper serverAuth "$(hosts keeper),URI:tacit://keeper/main"
# The health check's: a name that may ask for nothing but the keeper's state.
certificate keys-ca probe clientAuth URI:tacit://probe/health
certificate keys-ca dashboard clientAuth URI:tacit://operator/dashboard
for ((n = 1; n <= collectors; n++)); do
  certificate keys-ca "collector-$n" clientAuth "URI:tacit://collector/c$n"
done
for ((n = 1; n <= aggregators; n++)); do
  certificate keys-ca "aggregator-$n" clientAuth "URI:tacit://aggregator/a$n"
done

# One name for all brokers: they know each other as User:CN=kafka (infra/kafka/server.properties).
certificate transport-ca kafka serverAuth,clientAuth \
  "$(hosts kafka kafka-1 kafka-2 kafka-3 kafka-1.kafka kafka-2.kafka kafka-3.kafka)"
certificate transport-ca clickhouse serverAuth "$(hosts clickhouse)"
# Kafka reads a key and its certificate from one file.
cat "$work/kafka.key" "$work/kafka.pem" >"$work/kafka-keystore.pem"
rm "$work/kafka.key" "$work/kafka.pem"
cp "$work/authority/keys-ca.pem" "$work/authority/transport-ca.pem" "$work/"

if [ "$renew" = no ]; then
  password >"$work/kafka-password"
  # Arguments of kafka-storage, one a line, which it reads from a file: on a command line others could read them.
  printf -- '--add-scram\nSCRAM-SHA-512=[name=tacit,password=%s]\n' "$(cat "$work/kafka-password")" \
    >"$work/kafka-scram"
  # No secret, but this cluster's own; base64url of 16 bytes that does not begin like an option.
  printf 'A%s\n' "$(openssl rand -base64 16 | tr '+/' '-_' | cut -c 2-22)" >"$work/kafka-cluster-id"
  password >"$work/clickhouse-password"
  password >"$work/clickhouse-dashboards-password"
  # Of the privacy team, which looks at the server itself: no process has it.
  password >"$work/authority/clickhouse-privacy-password"
  # The server is given the hashes alone, as substitutions for infra/clickhouse/server/users.xml.
  printf '<clickhouse><tacit_password>%s</tacit_password><tacit_dashboards_password>%s</tacit_dashboards_password><tacit_privacy_password>%s</tacit_privacy_password></clickhouse>\n' \
    "$(hash_of "$work/clickhouse-password")" "$(hash_of "$work/clickhouse-dashboards-password")" \
    "$(hash_of "$work/authority/clickhouse-privacy-password")" >"$work/clickhouse-password.xml"
fi

# A container sees the file's own owner: 1000 in the images of Tacit and Kafka, 101 in ClickHouse's.
settle() {
  chmod 0644 "$1"/*.pem
  chmod 0600 "$1"/*.key "$1/kafka-keystore.pem"
  [ "$(id -u)" = 0 ] || return 0
  find "$1" -mindepth 1 -maxdepth 1 -type f -exec chown 1000:1000 {} +
  chown 101:101 "$1"/clickhouse.* "$1/clickhouse-password.xml"
}

if [ "$renew" = no ]; then
  settle "$work"
  mv "$work" "$folder"
else
  # Written into the files that are there: what a container has mounted is the file, not its name.
  for file in "$work"/*.pem "$work"/*.key; do
    cp "$file" "$folder/$(basename "$file")"
  done
  settle "$folder"
fi
echo "make-secrets: $folder is ready. Keep $folder/authority somewhere else."
if [ "$(id -u)" != 0 ]; then
  echo "make-secrets: not root, so each file belongs to user $(id -u). For docker-compose.yml run, as root:" >&2
  echo "  chown 1000:1000 $folder/*.* $folder/kafka-* && chown 101:101 $folder/clickhouse.* $folder/clickhouse-password.xml" >&2
fi
