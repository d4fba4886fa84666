#!/usr/bin/env bash
# redis.sh start DIR [PORT] | stop DIR
# A Redis of its own at 127.0.0.1 that keeps everything in memory and forgets nothing early. Prints REDIS_URL.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start() {
  local dir port
  dir=$(absolute "$1")
  port=${2:-$(free_ports 1)}
  run_detached "$dir/server.pid" "$dir/redis.log" redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no \
    --dir "$dir" --maxmemory 128mb --maxmemory-policy noeviction --loglevel warning
  wait_until 20 "$dir/server.pid" "$dir/redis.log" redis-cli -p "$port" ping
  echo "REDIS_URL=redis://127.0.0.1:$port"
}

case ${1:-} in
start) start "${@:2}" ;;
stop) stop 5 "$2/server.pid" ;;
*) sed -n 2,3p "$0" >&2; exit 2 ;;
esac
