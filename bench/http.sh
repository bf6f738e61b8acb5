#!/bin/bash
# Measures the HTTP server beside others: server CPU a request, a delivery; memory a connection.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=http
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$here/common.sh"

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

# ---- servers ----

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
    local how=become_server
    [ "$2" != held ] || how=become_servers
    port=$("$load" port)
    (
        ulimit -n 262144 2>/dev/null || ulimit -n "$(ulimit -Hn)"
        "$how" "$1"
    ) >"$built/$1-serve.log" 2>&1 </dev/null &
    server=$!
    await_server || return 1
    [ "$2" != held ] || sleep 1 # until all of them listen
}

# ---- does it answer as it should? ----

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
clean_up_at_exit
for ((round = 1; round <= rounds; round++)); do
    run_round "$round"
done
"$here/http/summary.py" "$out" ${json:+"$json"}
