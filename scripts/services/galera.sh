#!/usr/bin/env bash
# galera.sh start DIR [NODES] [PORT] | kill DIR NODE | rejoin DIR NODE | stop DIR
# A MariaDB Galera cluster of three nodes (or NODES) at 127.0.0.1, ten ports for each from PORT on, user root without
# password. Prints GALERA_URLS, commas between. Nodes count from 0: `kill` crashes one, `rejoin` starts it again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# As root, the state transfer's rsync would drop to a user who cannot write: then the nodes run as mysql.
user=$(id -un)
as=()
if [ "$user" = root ]; then
  user=mysql
  as=(setpriv --reuid=mysql --regid=mysql --clear-groups)
fi

start() {
  local dir nodes port node urls=()
  dir=$(absolute "$1")
  nodes=${2:-3}
  port=${3:-$(free_ports $((nodes * 10)))}
  echo "nodes=$nodes port=$port" >"$dir/cluster"
  for ((node = 0; node < nodes; node++)); do
    if [ "$node" = 0 ]; then start_node "$dir" 0 --wsrep-new-cluster; else start_node "$dir" "$node"; fi
    urls+=("mysql://root@127.0.0.1:$((port + 10 * node))")
  done
  (IFS=,; echo "GALERA_URLS=${urls[*]}")
}

# start_node DIR NODE [OPTION]: of its ten ports the first is for SQL, the others for the cluster.
start_node() {
  local dir=$1 node=$2 extra=${3:-} own nodes port peers=() peer
  # shellcheck source=/dev/null
  . "$dir/cluster"
  own=$dir/node$node
  mkdir -p "$own/data" "$own/tmp"
  [ "$user" = "$(id -un)" ] || chown -R "$user": "$own"
  # The others are given all of it by the first.
  if [ "$node" = 0 ] && [ ! -d "$own/data/mysql" ]; then
    logged "$dir/install$node.log" env TMPDIR="$own/tmp" "${as[@]}" mariadb-install-db --no-defaults --datadir="$own/data" --user="$user" \
      --skip-test-db --auth-root-authentication-method=normal
  fi
  for ((peer = 0; peer < nodes; peer++)); do peers+=("127.0.0.1:$((port + 10 * peer + 1))"); done
  port=$((port + 10 * node))
  run_detached "$dir/node$node.pid" "$dir/node$node.log" "${as[@]}" mariadbd --no-defaults --user="$user" --datadir="$own/data" --tmpdir="$own/tmp" \
    --socket="$own/socket" --pid-file="$own/own.pid" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve \
    --character-set-server=utf8mb4 --binlog-format=ROW --innodb-autoinc-lock-mode=2 --innodb-flush-log-at-trx-commit=0 \
    --innodb-buffer-pool-size=96M --innodb-log-file-size=32M --max-connections=150 --wsrep-on=ON \
    --wsrep-provider="$(galera_library)" --wsrep-cluster-name=registry "--wsrep-cluster-address=gcomm://$(IFS=,; echo "${peers[*]}")" \
    --wsrep-node-name="node$node" --wsrep-node-address="127.0.0.1:$((port + 1))" --wsrep-sst-method=rsync \
    --wsrep-sst-receive-address="127.0.0.1:$((port + 3))" --wsrep-slave-threads=2 \
    "--wsrep-provider-options=$(provider_options "$port")" ${extra:+"$extra"}
  wait_until 90 "$dir/node$node.pid" "$dir/node$node.log" is_synced "$own/socket"
}

galera_library() { find /usr/lib/galera /usr/lib -maxdepth 1 -name libgalera_smm.so -print -quit 2>/dev/null; }

# With QUICK_EVICTION a crashed node is given up after two seconds: the usual times are made for networks, and for machines that stall.
provider_options() {
  printf '%s;' "gmcast.listen_addr=tcp://127.0.0.1:$(($1 + 1))" "ist.recv_addr=127.0.0.1:$(($1 + 2))" gcache.size=32M pc.recovery=false
  [ -z "${QUICK_EVICTION:-}" ] ||
    printf '%s;' evs.keepalive_period=PT0.5S evs.suspect_timeout=PT2S evs.inactive_timeout=PT4S evs.inactive_check_period=PT0.5S
}

is_synced() {
  [ "$(mariadb --no-defaults -N -uroot -S "$1" -e "show status like 'wsrep_local_state_comment'" | cut -f2)" = Synced ]
}

case ${1:-} in
start) start "${@:2}" ;;
kill) crash "$2/node$3.pid" ;;
rejoin) start_node "$(absolute "$2")" "$3" ;;
stop) stop 10 "$2"/node*.pid ;;
*) sed -n 2,4p "$0" >&2; exit 2 ;;
esac
