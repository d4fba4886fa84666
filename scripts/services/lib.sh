# shellcheck shell=bash
# What the scripts of the servers share. Sourced, not run.

export PATH="$PATH:/usr/sbin:/sbin" # where Debian puts servers

say() { echo "services: $*" >&2; }

# absolute DIR: makes a folder and prints its whole path. Others may look in: as root, a cluster runs as another user.
absolute() { mkdir -p "$1" && (cd "$1" && pwd); }

# free_ports [COUNT]: the first of COUNT ports next to each other that nobody listens at. All lie below those that the
# kernel gives to outgoing connections, and those that tests take (scripts/test/free-port.ts), so that none of these can take one
# before its server starts.
free_ports() {
  local count=${1:-1} first port
  for _ in $(seq 200); do
    first=$((20000 + RANDOM % 5900))
    for ((port = first; port < first + count; port++)); do
      ! answers "$port" || continue 2
    done
    echo "$first"
    return
  done
  say "found no $count free ports"
  return 1
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# run_detached PID_FILE LOG COMMAND...: starts a server that outlives this script.
run_detached() {
  local pid_file=$1 log=$2
  shift 2
  setsid "$@" </dev/null >>"$log" 2>&1 &
  echo $! >"$pid_file"
}

# logged LOG COMMAND...: runs a command whose output matters only when it fails.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    say "failed: $*"
    tail -n 40 "$log" >&2
    return 1
  }
}

# wait_until SECONDS PID_FILE LOG COMMAND...: until the command succeeds; fails early when the server has ended.
wait_until() {
  local seconds=$1 pid_file=$2 log=$3 end
  shift 3
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ] || ! is_running "$pid_file"; then
      say "no answer to: $*"
      tail -n 20 "$log" >&2 || true
      return 1
    fi
    sleep 0.05
  done
}

is_running() { kill -0 "$(cat "$1" 2>/dev/null)" 2>/dev/null; }

# crash PID_FILE: ends a server without a chance to tidy up.
crash() {
  kill -KILL "$(cat "$1")"
  while is_running "$1"; do sleep 0.05; done
}

# stop SECONDS PID_FILE...: asks the servers to end, and ends those that do not within the time.
stop() {
  local seconds=$1 file end
  shift
  for file in "$@"; do [ ! -e "$file" ] || kill -TERM "$(cat "$file")" 2>/dev/null || true; done
  end=$((SECONDS + seconds))
  for file in "$@"; do
    while is_running "$file" && [ "$SECONDS" -lt "$end" ]; do sleep 0.05; done
    ! is_running "$file" || kill -KILL "$(cat "$file")" 2>/dev/null || true
  done
  # They may still write to their folders until they are gone.
  end=$((SECONDS + 5))
  for file in "$@"; do
    while is_running "$file" && [ "$SECONDS" -lt "$end" ]; do sleep 0.05; done
    rm -f "$file"
  done
}
