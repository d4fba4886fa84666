#!/usr/bin/env bash
# mariadb.sh start DIR [PORT] | stop DIR
# A MariaDB of its own at 127.0.0.1, user root without password, all of it in DIR. Prints MYSQL_URL. Made for tests: fast, and
# not durable when the machine (not the server) ends. FLUSH_LOG=1 makes it so: the log is flushed, pages are written twice.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start() {
  local dir port socket
  dir=$(absolute "$1")
  port=${2:-$(free_ports 1)}
  socket=$dir/socket
  # The path of a socket holds 107 bytes at most.
  [ ${#socket} -lt 100 ] || socket=$(mktemp -d /tmp/mariadb.XXXXXX)/socket
  # A folder of its own: a server that starts removes the temporary tables of all others from a shared one.
  mkdir -p "$dir/tmp"
  if [ ! -d "$dir/data/mysql" ]; then
    mkdir -p "$dir/data"
    chmod 700 "$dir/data"
    logged "$dir/install.log" env TMPDIR="$dir/tmp" mariadb-install-db --no-defaults --datadir="$dir/data" --user="$(id -un)" --skip-test-db \
      --auth-root-authentication-method=normal
  fi
  run_detached "$dir/server.pid" "$dir/error.log" mariadbd --no-defaults --datadir="$dir/data" --tmpdir="$dir/tmp" --user="$(id -un)" \
    --socket="$socket" --pid-file="$dir/own.pid" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve \
    --character-set-server=utf8mb4 --innodb-flush-log-at-trx-commit="${FLUSH_LOG:-0}" --innodb-doublewrite="${FLUSH_LOG:-0}" \
    --innodb-buffer-pool-size=128M --innodb-log-file-size=48M --max-connections=300
  wait_until 60 "$dir/server.pid" "$dir/error.log" mariadb-admin --no-defaults -uroot -S "$socket" ping
  echo "MYSQL_URL=mysql://root@127.0.0.1:$port"
}

case ${1:-} in
start) start "${@:2}" ;;
stop) stop 15 "$2/server.pid" ;;
*) sed -n 2,3p "$0" >&2; exit 2 ;;
esac
