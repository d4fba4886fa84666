#!/usr/bin/env bash
# services.sh up [NAME...] | env | down
# Starts the servers that tests and examples/scaled use, at free ports of 127.0.0.1: mariadb, redis, ceph and galera, or those
# named. Prints what to export: eval "$(npm run --silent services -- up)". Their data lies in one folder, SERVICES_DIR, and is
# removed by `down`. scripts/services/install.sh installs them on Debian.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

dir=${SERVICES_DIR:-${TMPDIR:-/tmp}/serverless-registry-services-$(id -u)}

up() {
  local names=("$@") name port offset pids=() failed=0
  [ ${#names[@]} -gt 0 ] || names=(mariadb redis ceph galera)
  [ ! -e "$dir/env" ] || { say "they run already (npm run services -- env), or were not stopped (npm run services -- down)"; return 1; }
  absolute "$dir" >/dev/null
  # Started ones are waited for, so that none appears after its folder is gone.
  trap 'trap "" INT TERM; wait || true; down; exit 130' INT TERM
  # Chosen together, so that no two of them choose the same.
  port=$(free_ports 74)
  for name in "${names[@]}"; do
    case $name in
    mariadb) offset=0 ;;
    redis) offset=1 ;;
    ceph) offset=2 ;;
    galera) offset=44 ;;
    *) say "there is no $name"; return 2 ;;
    esac
    if [ "$name" = galera ]; then
      "$here/galera.sh" start "$dir/galera" 3 $((port + offset)) >"$dir/galera.env" &
    else
      "$here/$name.sh" start "$dir/$name" $((port + offset)) >"$dir/$name.env" &
    fi
    pids+=($!)
  done
  for name in "${pids[@]}"; do wait "$name" || failed=1; done
  if [ "$failed" = 1 ]; then
    down
    return 1
  fi
  { cat "$dir"/*.env; ! command -v nginx >/dev/null || echo "NGINX=$(command -v nginx)"; } >"$dir/env"
  trap - INT TERM
  show
}

show() {
  [ -e "$dir/env" ] || { say "none runs; npm run services -- up"; return 1; }
  sed 's/^/export /' "$dir/env"
}

down() {
  local name
  for name in galera ceph redis mariadb; do
    [ ! -d "$dir/$name" ] || "$here/$name.sh" stop "$dir/$name" || true
  done
  rm -rf "${dir:?}"
}

case ${1:-} in
up) up "${@:2}" ;;
env) show ;;
down) down ;;
*) sed -n 2,5p "$0" >&2; exit 2 ;;
esac
