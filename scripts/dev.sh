#!/usr/bin/env bash
# Runs the gateway and the demo MCP server in the background, for whoever works on either.
#
#   scripts/dev.sh start | stop | restart | status | logs
#
# Everything is kept in .dev/: pid files, logs, and mcp-guard.toml, which is written at the first start and yours
# afterwards. Ports: DEV_PORT (3000), DEV_UPSTREAM_PORT (3100), DEV_ADMIN_PORT (9464).
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
state="$root/.dev"
guard="${CARGO_TARGET_DIR:-$root/target}/debug/mcp-guard"
port="${DEV_PORT:-3000}"
upstream_port="${DEV_UPSTREAM_PORT:-3100}"
admin_port="${DEV_ADMIN_PORT:-9464}"
services=(upstream gateway)
ready_deadline_s=15
stop_deadline_s=35

say() { printf 'dev: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# The pid of a service that runs. A pid file alone proves nothing: the number may be another process's by now.
pid_of() {
    local pid
    pid="$(cat "$state/$1.pid" 2>/dev/null)" || return 1
    case "$(readlink "/proc/$pid/exe" 2>/dev/null)" in
        */mcp-guard | */mcp-guard' (deleted)') printf '%s' "$pid" ;;
        *) return 1 ;;
    esac
}

write_configuration() {
    [ -e "$state/mcp-guard.toml" ] && return 0
    local key hash
    key="mcp_$(head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '=')"
    hash="$(printf '%s' "$key" | "$guard" hash-key | tail -n 1)"
    (
        umask 077
        printf '%s\n' "$key" >"$state/key"
        cat >"$state/mcp-guard.toml" <<TOML
[server]
port = $port

[server.admin]
port = $admin_port

[[auth.api_keys]]
id = "dev"
key_hash = "$hash"
allowed_tools = ["*"]

[upstream]
transport = "http"
url = "http://127.0.0.1:$upstream_port/mcp"

[audit]
file = "$state/audit.jsonl"
TOML
    )
}

# launch NAME ARGUMENT…
launch() {
    local name="$1"
    shift
    if pid_of "$name" >/dev/null; then
        say "$name runs already"
        return 0
    fi
    setsid "$guard" "$@" >>"$state/$name.log" 2>&1 </dev/null &
    printf '%s' "$!" >"$state/$name.pid"
}

wait_until_ready() {
    local end=$((SECONDS + ready_deadline_s))
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/ready"; do
        pid_of gateway >/dev/null || fail "the gateway ended: $(tail -n 3 "$state/gateway.log")"
        [ "$SECONDS" -lt "$end" ] || fail "the gateway is not ready after ${ready_deadline_s} s: see .dev/gateway.log"
        sleep 0.1
    done
}

start() {
    mkdir -p "$state"
    (cd "$root" && cargo build --quiet --bin mcp-guard)
    write_configuration
    launch upstream demo --server-only --port "$upstream_port"
    launch gateway --config "$state/mcp-guard.toml" run
    wait_until_ready
    status
    say "key: $(cat "$state/key" 2>/dev/null || echo 'see .dev/mcp-guard.toml')"
}

stop() {
    local name pid end
    for name in gateway upstream; do
        pid="$(pid_of "$name")" || { rm -f "$state/$name.pid"; continue; }
        kill "$pid"
        end=$((SECONDS + stop_deadline_s))
        while pid_of "$name" >/dev/null; do
            [ "$SECONDS" -lt "$end" ] || { say "$name did not stop in ${stop_deadline_s} s"; kill -9 "$pid"; break; }
            sleep 0.1
        done
        rm -f "$state/$name.pid"
        say "$name stopped"
    done
}

status() {
    local name pid stopped=0
    for name in "${services[@]}"; do
        if pid="$(pid_of "$name")"; then
            say "$name runs, pid $pid"
        else
            say "$name does not run"
            stopped=1
        fi
    done
    [ "$stopped" -eq 0 ] || return 1
    say "endpoint http://127.0.0.1:$port/mcp, metrics http://127.0.0.1:$admin_port/metrics"
}

case "${1:-}" in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
    status) status ;;
    logs) exec tail -n 50 -F "$state/gateway.log" "$state/upstream.log" ;;
    *) echo "usage: scripts/dev.sh start | stop | restart | status | logs" >&2; exit 2 ;;
esac
