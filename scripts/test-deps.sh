#!/usr/bin/env bash
# Installs what the tests need into tests/.cache: a Node 22, both conformance suites, the SDK clients, an OpenID provider, what
# drives a browser, and the servers that the gateway is put in front of. Runs again at no cost when nothing changed; a part whose
# version changed is installed anew.
#
#   scripts/test-deps.sh            everything
#   scripts/test-deps.sh --no-apt   leave the system's packages alone
#
# Versions are in tests/versions.env. Packages come from whatever registries npm, pip and apt are configured for.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="$root/tests/.cache"
# shellcheck source=../tests/versions.env
source "$root/tests/versions.env"

say() { printf 'test-deps: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# Installs the packages (name=command pairs) whose command is missing. A package that nobody can install is only named:
# the tests that need it say so themselves.
apt_packages() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair#*=}" >/dev/null 2>&1 || missing+=("${pair%%=*}")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "not installed and no apt-get here: ${missing[*]}"
        return 0
    fi
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0)
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            say "not installed and not root: ${missing[*]}"
            return 0
        fi
        apt=(sudo "${apt[@]}")
    fi
    say "apt: ${missing[*]}"
    "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && return 0
    "${apt[@]}" update -qq
    "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# stale DIR STAMP: whether DIR must be installed anew. `installed DIR STAMP` says that it has been.
stale() { [ "$(cat "$1/.installed" 2>/dev/null)" != "$2" ]; }
installed() { printf '%s' "$2" >"$1/.installed"; }

# npm_part NAME PACKAGE@VERSION…: one folder a part, so that no part changes what another resolves to.
npm_part() {
    local part="$1" dir="$cache/$1"
    shift
    stale "$dir" "$*" || return 0
    say "npm: $*"
    rm -rf "$dir"
    mkdir -p "$dir"
    printf '{"private":true,"type":"module"}\n' >"$dir/package.json"
    (cd "$dir" && npm install --silent --no-audit --no-fund --no-package-lock --save-exact "$@") ||
        fail "npm could not install $* (part $part)"
    installed "$dir" "$*"
}

# python_venv NAME VERSION: a virtual environment with that version of the SDK.
python_venv() {
    local dir="$cache/$1" stamp="mcp==$2"
    stale "$dir" "$stamp" || return 0
    say "pip: $stamp"
    rm -rf "$dir"
    python3 -m venv "$dir" || fail "python3 cannot make a virtual environment (Debian: python3-venv)"
    "$dir/bin/pip" install --quiet --disable-pip-version-check "$stamp" ||
        fail "pip could not install $stamp"
    installed "$dir" "$stamp"
}

# The Python SDK's conformance server is in the source distribution only.
python_conformance_server() {
    local dir="$cache/python-conformance" stamp="mcp==$PYTHON_SDK"
    stale "$dir" "$stamp" || return 0
    say "pip: source of $stamp"
    rm -rf "$dir"
    mkdir -p "$dir/sdist"
    # No build isolation and no dependencies: the archive is wanted, not a build of it.
    "$cache/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary mcp \
        --dest "$dir/sdist" "$stamp" || fail "pip could not download the source of $stamp"
    tar -xf "$dir/sdist"/mcp-*.tar.gz -C "$dir" --strip-components=1 --wildcards '*/examples/servers/everything-server'
    test -f "$dir/examples/servers/everything-server/mcp_everything_server/server.py" ||
        fail "the source of $stamp no longer holds examples/servers/everything-server"
    rm -rf "$dir/sdist"
    installed "$dir" "$stamp"
}

if [ "${1:-}" != "--no-apt" ]; then
    apt_packages curl=curl jq=jq nginx-light=nginx haproxy=haproxy openssl=openssl valgrind=valgrind chromium=chromium
fi
command -v npm >/dev/null 2>&1 || fail "npm is missing (Node 20 or newer)"
command -v python3 >/dev/null 2>&1 || fail "python3 is missing (3.11 or newer)"

mkdir -p "$cache"
# One run at a time: two of them would install into the same folders.
exec 9>"$cache/.lock"
flock 9

npm_part node22 "node@$NODE_22"
npm_part conformance-stable "@modelcontextprotocol/conformance@$CONFORMANCE_STABLE"
npm_part conformance-next "@modelcontextprotocol/conformance@$CONFORMANCE_NEXT"
npm_part typescript "@modelcontextprotocol/sdk@$TYPESCRIPT_SDK" "@modelcontextprotocol/client@$TYPESCRIPT_CLIENT"
npm_part server-everything "@modelcontextprotocol/server-everything@$SERVER_EVERYTHING"
npm_part server-filesystem "@modelcontextprotocol/server-filesystem@$SERVER_FILESYSTEM"
npm_part oidc-provider "oidc-provider@$OIDC_PROVIDER"
npm_part browser "playwright-core@$PLAYWRIGHT_CORE"
python_venv venv "$PYTHON_SDK"
python_venv venv-1 "$PYTHON_SDK_1"
python_conformance_server
say "ready in ${cache#"$root"/}"
