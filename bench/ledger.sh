#!/bin/bash
# Measures the ledger beside the same service in FastAPI and in Go: transfers, and reading while others
# log in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=ledger
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$here/common.sh"

usage() {
    cat <<'END'
bench/ledger.sh [--rounds N] [--seconds S] [--only PATTERN]... [--folder DIR] [--json [FILE]] [--list]

Builds the ledger and its peers, and lets each in turn answer the same load, round after round; prints
a table. Installs the packages of Debian that are missing; a peer that is not to be had is left out,
and named.

  --rounds N      rounds (default: 3)
  --seconds S     of each measurement (default: 3)
  --only PATTERN  run only cases that match this extended regular expression; several: one of them:
                  transfers, 'logins/(troupe|go)$', /fastapi
  --folder DIR    where the databases are made, each anew (default: in build/): the disk counts
  --json [FILE]   write the figures for machines to FILE, or in the place of the table
  --list          print the cases, workload/variant, and do nothing

Workloads: transfers, logins: bench/ledger/README.md says what they are.
Output: bench/out/ledger.txt (all runs), ledger.md, ledger-versions.txt.
END
}

# ---- options ----

rounds=3
seconds=3
folder=$built/databases
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
        --only | --folder)
            [ -n "${2:-}" ] || die "$1 takes an argument"
            if [ "$1" = --only ]; then patterns+=("$2"); else folder=$(realpath -m "$2"); fi
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

# ---- cases ----

peers=(troupe go fastapi)
variants=()
declare -A peer_of # variant -> peer

find_variants() {
    local peer variant
    for peer in "${peers[@]}"; do
        for variant in $("$here/ledger/$peer/run.sh" variants); do
            variants+=("$variant")
            peer_of[$variant]=$peer
        done
    done
}

# All cases that are wanted, workload/variant. Variants differ in how they write: logins need one of
# each peer.
cases() {
    {
        printf 'transfers/%s\n' "${variants[@]}"
        printf 'logins/%s\n' "${peers[@]}"
    } | grep -E "$(IFS='|' && printf '%s' "${patterns[*]}")" || true
}

# Build all that is wanted, and drop the cases of what does not build.
build_peers() {
    local one peer have=' '
    for peer in "${peers[@]}"; do
        ! build_peer "$peer" || have+="$peer "
    done
    for one in "${!wanted[@]}"; do
        [[ $have = *" ${peer_of[${wanted[one]#*/}]} "* ]] || unset "wanted[one]"
    done
    [ ${#wanted[@]} -gt 0 ] || die "nothing is left to measure"
    # shellcheck disable=SC2086 # words are wanted
    write_versions $have
}

# ---- servers ----

# Start one on an empty database: on one core for transfers, where the load has the other; on all for
# logins, which are to fill them.
start_server() { # workload variant
    local on=${cores[0]}
    [ "$1" = transfers ] || on=$(IFS=, && printf '%s' "${cores[*]}")
    port=$("$load" port)
    rm -rf "$folder"
    mkdir -p "$folder"
    (exec setpriv --pdeathsig TERM taskset -c "$on" "$here/ledger/${peer_of[$2]}/run.sh" serve \
        "$built/${peer_of[$2]}" "$2" "$port" "$folder/ledger.db") >"$built/$2-serve.log" 2>&1 </dev/null &
    server=$!
    await_server
}

# ---- does it do what it should? ----

json_of() { # name: the number or text of that name in the last answer
    sed -nE 's/.*"'"$1"'": *"?([^",}]*).*/\1/p' <<<"$answer" | head -n 1
}

# Ask, for an answer of this status.
expect() { # status path curl-argument...
    answer=$(ask "$2" -H 'Content-Type: application/json' "${@:3}")
    [[ $answer = *$1 ]] || {
        say "$2 ${*:3}: it answers $answer instead of $1"
        return 1
    }
}

transfer() { # status key from to cents
    expect "$1" /transfers -H "Idempotency-Key: $2" \
        -d '{"from":'"$3"',"to":'"$4"',"cents":'"$5"'}'
}

has() { # account cents
    expect 200 "/accounts/$1" && [ "$(json_of cents)" = "$2" ]
}

# A transfer is made once, whatever its key is sent; or not at all.
is_right() {
    local a b id
    expect 201 /accounts -d '{"owner":"a","cents":100}' && a=$(json_of id) &&
        expect 201 /accounts -d '{"owner":"b","cents":0}' && b=$(json_of id) &&
        transfer 200 first "$a" "$b" 30 && id=$(json_of id) &&
        transfer 200 first "$a" "$b" 30 && [ "$(json_of id)" = "$id" ] &&
        transfer 422 first "$a" "$b" 31 && transfer 409 second "$a" "$b" 71 &&
        transfer 404 third "$a" 999999 1 && transfer 422 fourth "$a" "$b" -1 &&
        has "$a" 70 && has "$b" 30 &&
        expect 200 /login -d '{"user":"demo","password":"demo-demo"}' &&
        expect 401 /login -d '{"user":"demo","password":"demo-dem0"}'
}

# ---- measuring ----

login='{"user":"demo","password":"demo-demo"}'

# The figures are in load.txt then; a line for each number of connections, or of those that log in.
measure() { # workload
    if [ "$1" = transfers ]; then
        with_load $((seconds * 3 + 120)) "$load" transfers "$port" "$server" "$seconds" 1000 1 16 64
    else
        # Only the server waits for a core: what is measured is how late it is, not the load.
        with_load $((seconds * 2 + 60)) "${first[@]}" "$load" logins "$port" "$server" "$seconds" \
            $((${#cores[@]} * 2)) "$login"
    fi
}

run_case() { # round workload variant
    local line lines=(failed)
    if ! start_server "$2" "$3"; then
        say "$2/$3: the server does not start; see $built/$3-serve.log"
    elif ! is_right; then
        say "$2/$3: the server does not do what it should"
    elif measure "$2"; then
        mapfile -t lines <"$built/load.txt"
    fi
    clean_up
    for line in "${lines[@]}"; do
        printf '%s %s %s\n' "$2" "$3" "$line" >>"$out/ledger.txt"
        say "round $1: $2 $3: $line"
    done
}

# What the disk takes: an fsync of a page that was appended.
run_disk() { # round
    mkdir -p "$folder"
    with_load 60 "$load" disk "$folder/probe" 1 || return 0
    say "round $1: disk: $(cat "$built/load.txt")"
    sed 's/^/disk disk /' "$built/load.txt" >>"$out/ledger.txt"
}

parse "$@"
find_variants
mapfile -t wanted < <(cases)
[ ${#wanted[@]} -gt 0 ] || die "no case matches ${patterns[*]}; --list prints all"
if [ $list = yes ]; then
    printf '%s\n' "${wanted[@]}"
    exit
fi
find_cores
mkdir -p "$out" "$built"
need curl python3 util-linux || die "curl, python3 and util-linux are needed"
build_load
build_peers
first=(chrt -f 1)
"${first[@]}" true 2>/dev/null || {
    first=()
    say "no right to a higher priority: figures of logins contain what the load itself waited for"
}
: >"$out/ledger.txt"
clean_up_at_exit
for ((round = 1; round <= rounds; round++)); do
    run_disk "$round"
    for one in "${wanted[@]}"; do
        run_case "$round" "${one%/*}" "${one#*/}"
    done
done
rm -rf "$folder"
"$here/ledger/summary.py" "$out" ${json:+"$json"}
