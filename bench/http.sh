#!/bin/bash
# Measures the HTTP server beside others: server CPU a request, a delivery; memory a connection.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
out=$here/out         # results
built=$top/build/http # programs and logs
load=$top/build/release/bench/http-load

usage() {
    cat <<'END'
bench/http.sh [--rounds N] [--seconds S] [--only PATTERN]... [--json FILE] [--list]

Builds troupe's server and its peers, and lets each in turn answer the same load, round after round;
prints a table. The server is bound to one core, the load to another. Installs the packages of
Debian and npm that are missing; a peer that is not to be had is left out, and named.

  --rounds N      rounds (default: 3)
  --seconds S     of each measurement (default: 3)
  --only PATTERN  run only cases that match this extended regular expression; several: one of them:
                  orders, 'hello/(troupe|nginx)', /go
  --json FILE     write the figures there, too, for machines
  --list          print the cases, workload/peer, and do nothing

Workloads: hello, pipelined, orders, room, idle, held: bench/http/README.md says what they are.
Output: bench/out/http.txt (all runs), http.md, http-versions.txt.
END
}

die() {
    printf 'http: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

# ---- options ----

rounds=3
seconds=3
json=
list=no
patterns=()

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --rounds | --seconds)
            [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || die "$1 takes a number"
            if [ "$1" = --rounds ]; then rounds=$2; else seconds=$2; fi
            shift
            ;;
        --only | --json)
            [ -n "${2:-}" ] || die "$1 takes an argument"
            if [ "$1" = --only ]; then patterns+=("$2"); else json=$2; fi
            shift
            ;;
        --list) list=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die "unknown argument $1 (--help)" ;;
        esac
        shift
    done
    [ ${#patterns[@]} -gt 0 ] || patterns=(.)
}

# ---- cases ----

workloads=(hello pipelined orders room idle held)

peers() { # ours first
    local file
    echo troupe
    for file in "$here"/http/*/run.sh; do
        basename "$(dirname "$file")"
    done | grep -vx troupe
}

# All cases that are wanted, workload/peer, by workload.
cases() {
    local workload peer
    for workload in "${workloads[@]}"; do
        for peer in $(peers); do
            [[ " $("$here/http/$peer/run.sh" workloads) " != *" $workload "* ]] ||
                printf '%s/%s\n' "$workload" "$peer"
        done
    done | grep -E "$(IFS='|' && printf '%s' "${patterns[*]}")" || true
}

# ---- packages and programs ----

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

# Build it, unless it is as it was; false: it is left out.
build_peer() { # peer
    local folder=$built/$1 packages
    mkdir -p "$folder"
    packages=$("$here/http/$1/run.sh" packages)
    # shellcheck disable=SC2086 # words are wanted
    need $packages || {
        say "without $1: its packages can't be installed"
        return 1
    }
    if [ "$1" != troupe ] && [ -e "$folder/.built" ] &&
        [ -z "$(find "$here/http/$1" -newer "$folder/.built")" ]; then
        return 0
    fi
    say "building $1"
    timeout 900 "$here/http/$1/run.sh" build "$folder" >"$built/$1.log" 2>&1 || {
        say "without $1: it does not build; see $built/$1.log"
        return 1
    }
    : >"$folder/.built"
}

# Build all that is wanted, and drop the cases of what does not build.
build_peers() {
    local peer one have=()
    for peer in $(printf '%s\n' troupe "${wanted[@]#*/}" | sort -u); do
        if build_peer "$peer"; then
            have+=("$peer")
        elif [ "$peer" = troupe ]; then
            die "the load generator comes with troupe: nothing can be measured"
        fi
    done
    for one in "${!wanted[@]}"; do
        [[ " ${have[*]} " = *" ${wanted[one]#*/} "* ]] || unset "wanted[one]"
    done
    [ ${#wanted[@]} -gt 0 ] || die "nothing is left to measure"
    write_versions "${have[@]}"
}

write_versions() { # peer...
    local peer
    {
        printf 'machine: %s, %s cores, Linux %s\n' \
            "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
        for peer in "$@"; do
            "$here/http/$peer/run.sh" version | sed "s/^/$peer: /"
        done
    } >"$out/http-versions.txt"
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

# Become a server on its core. It ends with its parent, whatever becomes of that: setpriv sees to it.
become_server() { # peer
    exec setpriv --pdeathsig TERM taskset -c "${cores[0]}" \
        "$here/http/$1/run.sh" serve "$built/$1" "$port"
}

# Become as many servers on one port as it takes to hold 100,000 connections, where a process may not
# have so many descriptors. The system spreads connections over them, not quite evenly.
become_servers() { # peer
    local i most
    most=$(ulimit -n)
    for ((i = 0; i * most < 110000; i++)); do
        (become_server "$1") &
    done
    while kill -0 $$; do sleep 1; done # as long as this script runs
}

# Start a peer's server, with as many descriptors as the machine allows.
start_server() { # peer workload
    local tries how=become_server
    [ "$2" != held ] || how=become_servers
    port=$("$load" port)
    (
        ulimit -n 262144 2>/dev/null || ulimit -n "$(ulimit -Hn)"
        "$how" "$1"
    ) >"$built/$1-serve.log" 2>&1 </dev/null &
    server=$!
    for ((tries = 0; tries < 150; tries++)); do
        kill -0 "$server" 2>/dev/null || return 1
        if (: <>/dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
            [ "$2" != held ] || sleep 1 # until all of them listen
            return 0
        fi
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

# ---- does it answer as it should? ----

# The answer's body, and its status at the end.
ask() { # path curl-argument...
    curl -s --max-time 5 -w '%{http_code}' "http://127.0.0.1:$port$1" "${@:2}" || true
}

# Ask with an order that was changed by sed.
order() { # sed-command
    sed "$1" "$here/http/order.json" |
        ask /orders -H 'Content-Type: application/json' --data-binary @- | tr -d ' \n'
}

# What an order must not be: each is to be refused.
wrong_orders=(
    's/a garden chair of beech//' 's/"price":129.9,//' 's/129.9/0/' 's/:4,/:1001,/' 's/:4,/:"four",/'
    's/green/pink/' 's/true/7/' 's/}$//' 's/please/'"$(printf 'x%.0s' {1..200})"'/'
)

checks_orders() {
    local one
    [ "$(order '')" = '{"name":"agardenchairofbeech","total":519.6,"quantity":4}200' ] || return 1
    for one in "${wrong_orders[@]}"; do
        [[ $(order "$one") =~ 4(00|22)$ ]] || {
            say "it takes a wrong order: $one"
            return 1
        }
    done
}

is_right() { # workload
    case $1 in
    orders) checks_orders ;;
    room) ;; # the load looks at each message
    *) [ "$(ask /)" = 'Hello, World!200' ] ;;
    esac
}

# ---- measuring ----

with_wrk() { # seconds workload
    with_load $(($1 + 30)) "$load" run "$server" wrk -t1 -c64 -d "${1}s" --latency \
        -s "$here/http/load.lua" "http://127.0.0.1:$port/" -- "$2" "$here/http/order.json"
}

# Measure the server that runs: the figures are in load.txt then. All have warmed up before.
measure() { # workload
    case $1 in
    room) with_load $((seconds + 60)) "$load" room "$port" "$server" 200 "$seconds" ;;
    idle) with_wrk 1 hello && with_load 120 "$load" idle "$port" "$server" 10000 ;;
    held) with_load 300 "$load" idle "$port" "$server" 100000 ;;
    *) with_wrk 1 "$1" && with_wrk "$seconds" "$1" ;;
    esac
}

run_case() { # round workload peer
    local line=failed
    if ! start_server "$3" "$2"; then
        say "$2/$3: the server does not start; see $built/$3-serve.log"
    elif ! is_right "$2"; then
        say "$2/$3: the server's answer is wrong"
    elif measure "$2"; then
        line=$(grep -E '^(requests|user|deliveries|connections) ' "$built/load.txt" | paste -sd ' ')
    fi
    clean_up
    printf '%s %s %s\n' "$2" "$3" "$line" >>"$out/http.txt"
    say "round $1: $2 $3: $line"
}

# Memory hardly varies: it is measured in the first round.
run_round() { # round
    local one
    for one in "${wanted[@]}"; do
        [[ $1 -gt 1 && ${one%/*} =~ ^(idle|held)$ ]] || run_case "$1" "${one%/*}" "${one#*/}"
    done
}

parse "$@"
mapfile -t wanted < <(cases)
[ ${#wanted[@]} -gt 0 ] || die "no case matches ${patterns[*]}; --list prints all"
if [ $list = yes ]; then
    printf '%s\n' "${wanted[@]}"
    exit
fi
find_cores
mkdir -p "$out" "$built"
need wrk curl python3 util-linux || die "wrk, curl and python3 are needed"
build_peers
: >"$out/http.txt"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for ((round = 1; round <= rounds; round++)); do
    run_round "$round"
done
"$here/http/summary.py" "$out" ${json:+"$json"}
