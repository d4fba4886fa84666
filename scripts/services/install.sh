#!/usr/bin/env bash
# install.sh [PACKAGE...]: installs the servers and the browser that the tests use, and what else is named, from Debian's packages. Needs root.
# The packages start no service of their own.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
programs=(mariadb-server galera-4 rsync redis-server nginx-light radosgw ceph-mon ceph-osd curl chromium)
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${programs[@]}" "$@" >/dev/null
