#!/usr/bin/env bash
# Runs the set of compose.yaml here, without containers: MariaDB, Ceph's S3, Redis, nginx and three instances of the registry, all
# at 127.0.0.1. Ctrl-C ends it and removes everything. PORT (8080) is nginx's. `run.sh check` publishes, downloads and ends.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
services=$root/scripts/services
. "$services/lib.sh"

dir=$(mktemp -d)
export SERVICES_DIR=$dir/services TMPDIR=$dir
port=${PORT:-8080}
instances=()

cleanup() {
  "$services/nginx.sh" stop "$dir/nginx"
  stop 12 "${instances[@]}"
  "$services/services.sh" down
  rm -rf "$dir"
}
trap cleanup EXIT

start_instance() {
  local port=$1
  PORT=$port run_detached "$dir/instance-$port.pid" "$dir/instance-$port.log" node --max-semi-space-size=1 \
    "$root/examples/standalone/dist/main.js"
  instances+=("$dir/instance-$port.pid")
}

make_bucket() {
  curl -sf -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" "$S3_ENDPOINT/archives"
}

# Publishes at one address, and downloads at the others what was published.
check() {
  local token archive=$root/examples/library-only/hello-component.zip
  curl -sf "$1/register" -H 'content-type: application/json' -o /dev/null \
    -d '{ "username": "ada", "email": "ada@example.com", "password": "correct horse battery" }'
  token=$(curl -sf "$1/login" -H 'content-type: application/json' \
    -d '{ "username": "ada", "password": "correct horse battery" }' | sed 's/.*"token":"\([^"]*\)".*/\1/')
  curl -sf -X PUT "$1/hello-component/releases/tags/1.0.0" -H "authorization: Bearer $token" --data-binary "@$archive" -o /dev/null
  for address in "$@"; do
    curl -sf "$address/hello-component/zipball/1.0.0" | cmp - "$archive"
    echo "$address has it"
  done
}

cd "$root"
node --conditions=@serverless-registry/source scripts/build-js.ts
echo "Starting MariaDB, Ceph and Redis…"
settings=$("$services/services.sh" up mariadb ceph redis)
eval "$settings"
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$S3_SECRET_ACCESS_KEY REDIS_URL
make_bucket

export DATABASE_URL=$MYSQL_URL/serverless_registry STORAGE_URL="s3://archives/registry?endpoint=$S3_ENDPOINT&region=us-east-1"
SERVER_SECRET=$(head -c 48 /dev/urandom | base64)
export SERVER_SECRET PUBLIC_URL=http://localhost:$port TRUST_PROXY=127.0.0.1
node examples/standalone/dist/init.js --type mysql --host "${MYSQL_URL#*@}" --user root --database serverless_registry

first=$(free_ports 3)
for offset in 0 1 2; do start_instance $((first + offset)); done
for offset in 0 1 2; do
  name=instance-$((first + offset))
  wait_until 30 "$dir/$name.pid" "$dir/$name.log" curl -sf "http://127.0.0.1:$((first + offset))/readyz"
done
"$services/nginx.sh" start "$dir/nginx" "$port" "$first" $((first + 1)) $((first + 2)) >/dev/null
echo "The registry: http://localhost:$port    (its instances: ports $first to $((first + 2)); logs in $dir)"

if [ "${1:-}" = check ]; then
  check "http://localhost:$port" "http://127.0.0.1:$first" "http://127.0.0.1:$((first + 1))" "http://127.0.0.1:$((first + 2))"
else
  echo "Ctrl-C ends it."
  while is_running "$dir/nginx/server.pid"; do sleep 1; done
fi
