#!/bin/bash
# What bench/http.sh, bench/ledger.sh and bench/client.sh share; it is read by them, with `here`, the
# folder of all of them, and `name`.
# shellcheck disable=SC2154 # those two
top=$(dirname "$here")
out=$here/out          # results
built=$top/build/$name # programs and logs
# shellcheck disable=SC2034 # they use it
load=$top/build/release/bench/http-load

die() {
    printf '%s: %s\n' "$name" "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

# ---- packages ----

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() { # package...
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "$@" >&2
}

# Install what is missing of them; false: it can't be had.
need() { # package...
    local package missing=()
    command -v dpkg-query >/dev/null || return 0 # no Debian: whether it builds will show
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    install_packages "${missing[@]}" || {
        as_root apt-get update -q >&2 && install_packages "${missing[@]}"
    }
}

# Build the load generator, which needs what troupe needs.
build_load() {
    # shellcheck disable=SC2046 # words are wanted
    need $("$here/http/troupe/run.sh" packages) || die "the load generator's packages can't be installed"
    {
        cmake -S "$top" --preset release && cmake --build "$top/build/release" --target http-load
    } >"$built/load-build.log" 2>&1 || die "the load generator does not build; see $built/load-build.log"
}

# Build it, unless it is as it was; false: it is left out.
build_peer() { # peer
    local folder=$built/$1 packages
    mkdir -p "$folder"
    packages=$("$here/$name/$1/run.sh" packages)
    # shellcheck disable=SC2086 # words are wanted
    need $packages || {
        say "without $1: its packages can't be installed"
        return 1
    }
    if [ "$1" != troupe ] && [ -e "$folder/.built" ] &&
        [ -z "$(find "$here/$name/$1" -newer "$folder/.built")" ]; then
        return 0
    fi
    say "building $1"
    timeout 900 "$here/$name/$1/run.sh" build "$folder" >"$built/$1.log" 2>&1 || {
        say "without $1: it does not build; see $built/$1.log"
        return 1
    }
    : >"$folder/.built"
}

machine() {
    printf 'machine: %s, %s cores, Linux %s\n' \
        "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
}

write_versions() { # peer...
    local peer
    {
        machine
        for peer in "$@"; do
            "$here/$name/$peer/run.sh" version | sed "s/^/$peer: /"
        done
    } >"$out/$name-versions.txt"
}

# ---- cores ----

# The cores that this process may use, whatever their numbers.
find_cores() {
    local range
    cores=()
    for range in $(taskset -cp $$ | sed 's/.*: //; s/,/ /g'); do
        mapfile -t -O ${#cores[@]} cores < <(seq "${range%-*}" "${range#*-}")
    done
    [ ${#cores[@]} -ge 2 ] || die "two cores are needed: one for the server, one for the load"
}

# ---- what runs ----

server= # process ids; empty: nothing
generator=

# Which of them are there still.
alive() { # pid...
    local pid
    for pid in "$@"; do
        ! kill -0 "$pid" 2>/dev/null || printf '%s\n' "$pid"
    done
}

# End a process, and what it has started: kindly, then by force.
stop() { # pid
    local tries all
    # shellcheck disable=SC2207 # numbers
    all=("$1" $(cat /proc/"$1"/task/*/children 2>/dev/null || true))
    kill -TERM "$1" 2>/dev/null || true
    for ((tries = 0; tries < 30; tries++)); do
        # shellcheck disable=SC2207 # numbers
        all=($(alive "${all[@]}"))
        [ ${#all[@]} -gt 0 ] || break
        sleep 0.1
    done
    [ ${#all[@]} -eq 0 ] || kill -KILL "${all[@]}" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

clean_up() {
    [ -z "$generator" ] || stop "$generator"
    [ -z "$server" ] || stop "$server"
    generator='' server=''
}

# See to it that nothing stays behind.
clean_up_at_exit() {
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
}

# Wait until the server takes connections; false: it has ended, or took too long.
await_server() {
    local tries
    for ((tries = 0; tries < 150; tries++)); do
        kill -0 "$server" 2>/dev/null || return 1
        ! (: <>/dev/tcp/127.0.0.1/"$port") 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

# Run a load on its core. In the background, so that a signal ends this script at once.
with_load() { # seconds-at-most command...
    local rc=0
    timeout "$1" setpriv --pdeathsig TERM taskset -c "${cores[1]}" "${@:2}" \
        >"$built/load.txt" 2>"$built/load.log" &
    generator=$!
    wait "$generator" || rc=$?
    generator=
    [ $rc = 0 ] || {
        say "the load ended with $rc"
        tail -n 3 "$built/load.log" >&2
    }
    return $rc
}

# The answer's body, and its status at the end.
ask() { # path curl-argument...
    curl -s --max-time 5 -w '%{http_code}' "http://127.0.0.1:$port$1" "${@:2}" || true
}
