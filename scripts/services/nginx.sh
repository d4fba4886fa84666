#!/usr/bin/env bash
# nginx.sh start DIR PORT SERVER_PORT... | run DIR PORT SERVER_PORT... | stop DIR
# nginx at 127.0.0.1:PORT as a load balancer before the registry's instances at those ports, with the settings of
# examples/scaled/proxy.conf, all of it in DIR. `run` stays in the foreground.
# To who sends X-Show-Upstream it names in X-Upstream who answered.
# NGINX names another program than nginx.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

nginx=${NGINX:-nginx}
unset NGINX # nginx would take it for a list of open sockets

start() {
  local dir
  dir=$(absolute "$1")
  write_conf "$dir" "${@:2}"
  run_detached "$dir/server.pid" "$dir/nginx.log" "$nginx" -p "$dir/" -e "$dir/error.log" -c "$dir/nginx.conf"
  wait_until 10 "$dir/server.pid" "$dir/nginx.log" answers "$2"
  echo "NGINX_URL=http://127.0.0.1:$2"
}

run() {
  local dir
  dir=$(absolute "$1")
  write_conf "$dir" "${@:2}"
  exec "$nginx" -p "$dir/" -e stderr -c "$dir/nginx.conf"
}

# One process, so that nothing is left of it whichever way it ends.
write_conf() {
  local dir=$1 port=$2 settings
  settings=$(cd "$(dirname "$0")/../../examples/scaled" && pwd)/proxy.conf
  mkdir -p "$dir"/{body,proxy,fastcgi,uwsgi,scgi}
  cat >"$dir/nginx.conf" <<CONF
$([ "$(id -u)" != 0 ] || echo 'user root;')
daemon off;
master_process off;
pid $dir/own.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $dir/body;
  proxy_temp_path $dir/proxy;
  fastcgi_temp_path $dir/fastcgi;
  uwsgi_temp_path $dir/uwsgi;
  scgi_temp_path $dir/scgi;
  map \$http_x_show_upstream \$shown_upstream {
    default \$upstream_addr;
    "" "";
  }
  upstream registry {
$(printf '    server 127.0.0.1:%s max_fails=1 fail_timeout=1s;\n' "${@:3}")
    keepalive 32;
  }
  server {
    listen 127.0.0.1:$port;
    keepalive_requests 1000000;
    add_header X-Upstream \$shown_upstream always;
    include $settings;
  }
}
CONF
}

case ${1:-} in
start) start "${@:2}" ;;
run) run "${@:2}" ;;
stop) stop 5 "$2/server.pid" ;;
*) sed -n 2,6p "$0" >&2; exit 2 ;;
esac
