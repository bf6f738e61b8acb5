#!/bin/bash
# Measures the HTTP client beside others: CPU a request.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=client
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$here/common.sh"

usage() {
    cat <<'END'
bench/client.sh [--rounds N] [--requests N] [--in-flight N] [--only PATTERN]... [--json [FILE]] [--list]

Builds troupe's client and its peers, and lets each in turn ask the same server, round after round;
prints a table. The client is bound to one core, the server, nginx, to another. Installs the packages
of Debian and npm that are missing; a peer that is not to be had is left out, and named.

  --rounds N      rounds (default: 3)
  --requests N    of each measurement (default: 100000)
  --in-flight N   requests at a time, each on a connection that is kept (default: 100)
  --only PATTERN  run only peers that match this extended regular expression; several: one of them
  --json [FILE]   write the figures for machines to FILE, or in the place of the table
  --list          print the peers, and do nothing

bench/client/README.md says what is counted.
Output: bench/out/client.txt (all runs), client.md, client-versions.txt.
END
}

# ---- options ----

rounds=3
requests=100000
in_flight=100
json=
list=no
patterns=()

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --rounds | --requests | --in-flight)
            [[ ${2:-} =~ ^[1-9][0-9]{0,7}$ ]] || die "$1 takes a number"
            case $1 in
            --rounds) rounds=$2 ;;
            --requests) requests=$2 ;;
            *) in_flight=$2 ;;
            esac
            shift
            ;;
        --only)
            [ -n "${2:-}" ] || die "$1 takes an argument"
            patterns+=("$2")
            shift
            ;;
        --json)
            json=-
            [ -z "${2:-}" ] || [[ $2 = --* ]] || {
                json=$2
                shift
            }
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

peers() { # ours first
    printf '%s\n' troupe libcurl go undici aiohttp |
        grep -E "$(IFS='|' && printf '%s' "${patterns[*]}")" || true
}

# Build all that is wanted, and drop what does not build.
build_peers() {
    local one
    for one in "${!wanted[@]}"; do
        build_peer "${wanted[one]}" || unset "wanted[one]"
    done
    [ ${#wanted[@]} -gt 0 ] || die "nothing is left to measure"
    write_versions "${wanted[@]}"
    /usr/sbin/nginx -v 2>&1 | sed 's/^/server: /' >>"$out/client-versions.txt"
}

# ---- measuring ----

start_server() {
    port=$("$load" port)
    mkdir -p "$built/nginx"
    (exec setpriv --pdeathsig TERM taskset -c "${cores[0]}" "$here/http/nginx/run.sh" serve \
        "$built/nginx" "$port") >"$built/nginx.log" 2>&1 </dev/null &
    server=$!
    await_server || die "nginx does not start; see $built/nginx.log"
    [ "$(ask /)" = 'Hello, World!200' ] || die "nginx's answer is wrong"
}

# The client's own figures, and how busy the machine was with other things.
run_peer() { # round peer
    local line=failed
    if with_load 300 "$load" run "$server" "$here/client/$2/run.sh" fetch "$built/$2" \
        "http://127.0.0.1:$port/" "$requests" "$in_flight"; then
        line=$(grep -E '^(requests|user) ' "$built/load.txt" | paste -sd ' ')
    fi
    printf '%s %s\n' "$2" "$line" >>"$out/client.txt"
    say "round $1: $2: $line"
}

parse "$@"
mapfile -t wanted < <(peers)
[ ${#wanted[@]} -gt 0 ] || die "no peer matches ${patterns[*]}; --list prints all"
if [ $list = yes ]; then
    printf '%s\n' "${wanted[@]}"
    exit
fi
find_cores
mkdir -p "$out" "$built"
need nginx-light curl python3 util-linux || die "nginx, curl, python3 and util-linux are needed"
build_load
build_peers
: >"$out/client.txt"
clean_up_at_exit
start_server
for ((round = 1; round <= rounds; round++)); do
    for one in "${wanted[@]}"; do
        run_peer "$round" "$one"
    done
done
clean_up
"$here/client/summary.py" "$out" ${json:+"$json"}
