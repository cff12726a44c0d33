# What the load scripts share: tools, one server, a private PostgreSQL, and their end. Sourced after the options were
# read; needs `base` (a folder) and `program` (may be empty), sets `tools`, `program`, `work`, `key`, `token`, `basic`.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cargo build --release --locked --quiet --manifest-path "$here/Cargo.toml"
tools=${CARGO_TARGET_DIR:-$here/target}/release
if [ -z "$program" ]; then
  cargo build --release --locked --quiet --manifest-path "$top/Cargo.toml" --bin roundtower
  program=${CARGO_TARGET_DIR:-$top/target}/release/roundtower
fi

work=$(mktemp -d "$base/roundtower-load.XXXXXX")
key=load-run-write-key-0123456789
token=load-run-token-0123456789
basic=$(printf '%s:' "$key" | base64)
server= cluster=

# Ends the server that runs, by its pid, and waits for it.
stop() {
  [ -n "$server" ] || return 0
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
}

cleanup() {
  stop
  [ -z "$cluster" ] || as_postgres "$(pg_tool pg_ctl)" -D "$cluster" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# ready LOG: waits for the ready line of the server just started; sets `address`.
ready() {
  local deadline=$((SECONDS + 120))
  until address=$(sed -n 's|.*is ready on http://||p' "$1" | head -n 1) && [ -n "$address" ]; do
    kill -0 "$server" 2>/dev/null || { cat "$1" "$1.err" >&2; echo "the server ended before it was ready" >&2; exit 1; }
    [ $SECONDS -lt $deadline ] || { echo "no ready line within 120 s" >&2; exit 1; }
    sleep 0.02
  done
}

# start_roundtower FOLDER: with people and feed if `views` is true.
start_roundtower() { # FOLDER
  cat >"$work/config.toml" <<TOML
[http]
server_requests_per_second = 0
[[sources]]
name = "load"
write_key = "$key"
kind = "server"
[[tokens]]
name = "load"
token = "$token"
scope = "admin"
[views]
enabled = $views
TOML
  : >"$work/log"
  "$program" --config "$work/config.toml" --data "$1" --listen 127.0.0.1:0 >"$work/log" 2>"$work/log.err" &
  server=$!
  ready "$work/log"
}

# Debian keeps the programs of the cluster out of the path.
pg_tool() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] || found=$(command -v "$1" || true)
  [ -n "$found" ] || { echo "this needs $1 (Debian: apt install postgresql)" >&2; exit 1; }
  echo "$found"
}

# PostgreSQL refuses to run as root: there it becomes `nobody`.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid nobody --regid nogroup --clear-groups "$@"; else "$@"; fi
}

start_cluster() {
  cluster=$work/cluster
  mkdir "$cluster"
  chmod 711 "$work"
  [ "$(id -u)" != 0 ] || chown nobody:nogroup "$cluster"
  as_postgres "$(pg_tool initdb)" -D "$cluster/db" -A trust -U load --no-locale -E UTF8 >"$work/initdb.log"
  cat >>"$cluster/db/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$cluster'
shared_buffers = 2GB
max_wal_size = 8GB
synchronous_commit = on
CONF
  cluster=$cluster/db
  as_postgres "$(pg_tool pg_ctl)" -D "$cluster" -w -l "$cluster/../log" start >/dev/null
}
