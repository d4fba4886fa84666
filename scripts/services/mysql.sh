#!/usr/bin/env bash
# mysql.sh fetch FOLDER | start DIR FOLDER [PORT] | stop DIR
# A MySQL of Oracle's, which Debian has in `unstable` only: `fetch` unpacks it and its libraries into FOLDER and installs nothing;
# it needs root and amd64. `start` starts one at 127.0.0.1, user root without password, all of it in DIR, and prints MYSQL_URL.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

fetch() {
  local folder apt mirror options
  folder=$(absolute "$1")
  apt=$folder/.apt
  # shellcheck disable=SC2016 # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -E '/debian/?$' | sort -u | head -n 1)
  mkdir -p "$apt"/etc/apt/{apt.conf.d,preferences.d,trusted.gpg.d,sources.list.d} "$apt"/var/lib/apt/lists/partial \
    "$apt"/var/cache/apt/archives/partial "$apt/var/lib/dpkg"
  # Perl is what its tools are written in; the server does without.
  printf '%s\n' 'Package: perl' 'Status: install ok installed' 'Priority: optional' 'Section: perl' 'Maintainer: x <x@x>' \
    'Architecture: amd64' 'Multi-Arch: allowed' 'Version: 9999:1' 'Description: taken as present' '' >"$apt/var/lib/dpkg/status"
  printf '%s\n' 'Types: deb' "URIs: $mirror" 'Suites: sid' 'Components: main' \
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >"$apt/etc/apt/sources.list.d/debian.sources"
  options=(-qq -o "Dir=$apt" -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o APT::Install-Recommends=false
    -o Acquire::Languages=none -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0)
  apt-get "${options[@]}" update
  logged "$apt/log" apt-get "${options[@]}" -y --download-only install mysql-server-core
  unpack "$folder" "$apt"/var/cache/apt/archives/*.deb
  rm -rf "$apt"
}

unpack() {
  local folder=$1 name package
  for name in bin sbin lib lib64; do
    mkdir -p "$folder/usr/$name"
    [ -e "$folder/$name" ] || ln -s "usr/$name" "$folder/$name"
  done
  for package in "${@:2}"; do dpkg-deb -x "$package" "$folder"; done
}

start() {
  local dir folder port socket server
  dir=$(absolute "$1")
  folder=$(absolute "$2")
  port=${3:-$(free_ports 1)}
  socket=$dir/socket
  [ ${#socket} -lt 100 ] || socket=$(mktemp -d /tmp/mysql.XXXXXX)/socket
  # By its own loader: its libraries are newer than the system's.
  server=("$folder/lib64/ld-linux-x86-64.so.2" --library-path "$folder/usr/lib/x86_64-linux-gnu:$folder/usr/lib/mysql/private"
    "$folder/usr/sbin/mysqld" --no-defaults --basedir="$folder/usr" --datadir="$dir/data" --user="$(id -un)"
    --lc-messages-dir="$folder/usr/share/mysql" --character-sets-dir="$folder/usr/share/mysql/charsets"
    --plugin-dir="$folder/usr/lib/mysql/plugin" --secure-file-priv=NULL --log-error="$dir/error.log")
  if [ ! -d "$dir/data/mysql" ]; then
    mkdir -p "$dir/data"
    chmod 700 "$dir/data"
    "${server[@]}" --initialize-insecure || {
      tail -n 20 "$dir/error.log" >&2
      return 1
    }
  fi
  mkdir -p "$dir/tmp"
  run_detached "$dir/server.pid" "$dir/server.out" "${server[@]}" --tmpdir="$dir/tmp" --socket="$socket" --port="$port" --bind-address=127.0.0.1 \
    --mysqlx=OFF --pid-file="$dir/own.pid" --skip-log-bin --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF \
    --innodb-buffer-pool-size=128M --max-connections=300
  wait_until 60 "$dir/server.pid" "$dir/error.log" answers "$port"
  echo "MYSQL_URL=mysql://root@127.0.0.1:$port"
}

case ${1:-} in
fetch) fetch "$2" ;;
start) start "${@:2}" ;;
stop) stop 15 "$2/server.pid" ;;
*) sed -n 2,4p "$0" >&2; exit 2 ;;
esac
