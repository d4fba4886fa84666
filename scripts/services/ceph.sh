#!/usr/bin/env bash
# ceph.sh start DIR [PORT] | stop DIR
# An S3 server of its own: Ceph's object gateway at 127.0.0.1, with a monitor and a store in memory behind it. Takes 42 ports
# from PORT on. Prints S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY. Everything is gone when it stops.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

ACCESS_KEY=testkey
SECRET_KEY=testsecret

start() {
  local dir port conf osd
  dir=$(absolute "$1")
  port=${2:-$(free_ports 42)}
  conf=$dir/ceph.conf
  osd=$(cat /proc/sys/kernel/random/uuid)
  rm -rf "${dir:?}"/{mon,osd,rgw,run}
  mkdir -p "$dir"/{mon,osd/0,rgw,log,run}
  write_conf "$dir" "$port" "$(cat /proc/sys/kernel/random/uuid)" >"$conf"
  touch "$dir/keyring"
  start_monitor "$dir" "$conf" $((port + 1))
  start_store "$dir" "$conf" "$osd"
  start_gateway "$dir" "$conf" "$port"
  printf '%s\n' "S3_ENDPOINT=http://127.0.0.1:$port" "S3_ACCESS_KEY_ID=$ACCESS_KEY" "S3_SECRET_ACCESS_KEY=$SECRET_KEY"
}

start_monitor() {
  local dir=$1 conf=$2 port=$3 fsid
  fsid=$(sed -n 's/^fsid = //p' "$conf")
  logged "$dir/log/monmap.log" monmaptool --create --clobber --fsid "$fsid" --addv a "[v1:127.0.0.1:$port]" "$dir/monmap"
  logged "$dir/log/mkfs-mon.log" ceph-mon -c "$conf" --mkfs -i a --monmap "$dir/monmap" --keyring "$dir/keyring"
  run_detached "$dir/run/mon.pid" "$dir/log/mon.out" ceph-mon -c "$conf" -i a -f
}

start_store() {
  local dir=$1 conf=$2 id=$3
  logged "$dir/log/mkfs-osd.log" ceph-osd -c "$conf" -i 0 --mkfs --osd-uuid "$id"
  wait_until 60 "$dir/run/mon.pid" "$dir/log/mon.out" timeout 20 ceph -c "$conf" osd new "$id" 0
  logged "$dir/log/crush.log" timeout 60 ceph -c "$conf" osd crush add osd.0 1.0 root=default host=localhost
  run_detached "$dir/run/osd.pid" "$dir/log/osd.out" ceph-osd -c "$conf" -i 0 -f
  wait_until 60 "$dir/run/osd.pid" "$dir/log/osd.out" eval "timeout 20 ceph -c '$conf' osd stat | grep -q '1 up'"
}

start_gateway() {
  local dir=$1 conf=$2 port=$3
  logged "$dir/log/admin.log" timeout 120 radosgw-admin -c "$conf" -n client.rgw user create --uid=test --display-name=test \
    --access-key="$ACCESS_KEY" --secret-key="$SECRET_KEY"
  run_detached "$dir/run/rgw.pid" "$dir/log/rgw.out" radosgw -c "$conf" -n client.rgw -f
  wait_until 60 "$dir/run/rgw.pid" "$dir/log/rgw.out" curl -sf -o /dev/null "http://127.0.0.1:$port/"
}

write_conf() {
  local dir=$1 port=$2 fsid=$3 lib
  lib=/usr/lib/$(uname -m)-linux-gnu
  cat <<CONF
[global]
fsid = $fsid
mon_host = v1:127.0.0.1:$((port + 1))
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
ms_bind_port_min = $((port + 2))
ms_bind_port_max = $((port + 40))
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = $dir/keyring
run_dir = $dir/run
admin_socket = $dir/run/\$name.asok
log_file = $dir/log/\$name.log
pid_file = $dir/run/\$name.own-pid
mon_cluster_log_file = $dir/log/cluster.log
plugin_dir = $lib/ceph
erasure_code_dir = $lib/ceph/erasure-code
osd_class_dir = $lib/rados-classes
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
mon_data_avail_warn = 2
[mon]
mon_data = $dir/mon
mon_osd_min_down_reporters = 1
[osd]
osd_data = $dir/osd/\$id
osd_objectstore = memstore
memstore_device_bytes = 6442450944
osd_max_object_name_len = 256
osd_max_object_namespace_len = 64
osd_crush_update_on_start = false
osd_class_update_on_start = false
[client.rgw]
rgw_data = $dir/rgw
rgw_thread_pool_size = 32
rgw_num_rados_handles = 1
rgw_enable_usage_log = false
rgw_enable_quota_threads = false
rgw_enable_gc_threads = false
rgw_enable_lc_threads = false
rgw_run_sync_thread = false
rgw_frontends = beast endpoint=127.0.0.1:$port
CONF
}

case ${1:-} in
start) start "${@:2}" ;;
stop) stop 0 "$2/run/rgw.pid" "$2/run/osd.pid" "$2/run/mon.pid" ;;
*) sed -n 2,4p "$0" >&2; exit 2 ;;
esac
