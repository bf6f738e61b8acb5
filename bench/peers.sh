#!/bin/bash
# Runs the same workloads on troupe and on other runtimes, in turn, and compares them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
out=$here/out          # results
built=$top/build/peers # programs and logs
bench=$top/build/release/bench/troupe-bench

usage() {
    cat <<'END'
bench/peers.sh [PATTERN...] [--runs N] [--quick]

Builds troupe-bench and the peers, runs every case of bench/peers/cases.txt on both sides, round
after round, and prints a table. Installs the Debian packages that are missing.

  PATTERN    run only workloads that match this extended regular expression, or one of several:
             mutex queue, 'ring|big', ^ask (ask alone is in taskspawn, too)
  --runs N   N rounds, however long they take (default: as many as fit, 5 at most)
  --quick    leave out the slow cases; 4 minutes instead of 15

Output: bench/out/results.txt (all runs), table.md, plot.svg, versions.txt.
Environment: TRIES (2) how often a run is made that other programs disturbed; MAX_OTHER (0.1)
how many cores they may keep busy; LIMIT (120) seconds for a run.
END
}

die() {
    printf 'peers: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

# ---- options ----

patterns=()
runs=0
quick=0

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --runs)
            [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "--runs takes a number"
            runs=$2
            shift
            ;;
        --quick) quick=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*) die "unknown option $1 (--help)" ;;
        *) patterns+=("$1") ;;
        esac
        shift
    done
    [ ${#patterns[@]} -gt 0 ] || patterns=(.)
}

# ---- packages ----

packages_of() { # peer
    case $1 in
    troupe) echo gcc libc6-dev cmake ninja-build libck-dev libev-dev check ;;
    go) echo golang-go golang-golang-x-sync-dev ;;
    erlang) echo erlang-base ;;
    caf) echo libcaf-dev g++ ;;
    tokio) echo librust-tokio-dev cargo ;;
    libuv) echo libuv1-dev gcc ;;
    asyncio) echo python3 ;;
    uvloop) echo python3 python3-uvloop ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() { # package...
    local package missing=()
    command -v dpkg-query >/dev/null || {
        say "not a Debian system; these packages (or their like) are needed: $*"
        return
    }
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing ${missing[*]}"
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        "${missing[@]}" >&2
}

# ---- building ----

build_troupe() {
    say "building troupe-bench"
    (cd "$top" && cmake --preset release && cmake --build --preset release --target troupe-bench) \
        >"$built/troupe.log" ||
        die "troupe-bench does not build: see $built/troupe.log"
}

build_peer() { # peer
    local folder=$built/$1
    if [ -e "$folder/.built" ] && [ -z "$(find "$here/peers/$1" -newer "$folder/.built")" ]; then
        return
    fi
    say "building $1"
    mkdir -p "$folder"
    "$here/peers/$1/run.sh" build "$folder" >"$built/$1.log" 2>&1 ||
        die "$1 does not build: see $built/$1.log"
    : >"$folder/.built"
}

write_versions() { # peer...
    local peer
    for peer in "$@"; do
        "$here/peers/$peer/run.sh" version | sed "s/^/$peer: /"
    done >"$out/versions.txt"
}

# ---- running ----

# The cases to run whose workload matches: peer workload n workers.
select_cases() { # pattern
    "$bench" --list | awk -v pattern="$1" -v quick="$quick" '
        FNR == NR { known[$1] = 1; next }
        /^#/ || NF < 4 { next }
        { base = $2; sub(/-.*/, "", base) }
        !(base in known) || $2 !~ pattern || (quick && $5 == "slow") { next }
        { print $1, $2, $3, $4 }' - "$here/peers/cases.txt"
}

# A pattern that nothing matches is a slip: better to hear of it before an hour of runs.
check_patterns() {
    local one
    for one in "${patterns[@]}"; do
        [ -n "$(select_cases "$one")" ] ||
            die "no case matches $one; bench/peers/cases.txt lists them all"
    done
}

run_case() { # peer workload n workers
    local command
    if [ "$1" = troupe ]; then
        command=("$bench" "$2" --n "$3" --loops "$4")
    else
        command=("$here/peers/$1/run.sh" run "$built/$1" "$2" "$3" "$4")
    fi
    timeout "${LIMIT:-120}" "$here/peers/quiet.py" "${command[@]}" </dev/null
}

# Runs a case until nobody disturbs it; prints its lines.
try_case() { # peer workload n workers
    local try rc
    for ((try = 0; try < ${TRIES:-2}; try++)); do
        rc=0
        run_case "$@" || rc=$?
        [ $rc = 9 ] || break # quiet.py: others were busy meanwhile
    done
    [ $rc = 0 ] || [ $rc = 9 ] || echo "$2 $1 $4 $3 failed $rc 0"
}

run_round() { # round
    local peer workload n workers line at=0
    while read -r peer workload n workers; do
        at=$((at + 1))
        line=$(try_case "$peer" "$workload" "$n" "$workers")
        printf '%s\n' "$line" >>"$out/results.txt"
        say "round $1, $at of $total: $(tail -n 1 <<<"$line" | awk '{ print $1, $2, $3 ":", $6 }')"
    done <<<"$cases"
}

# Rounds until --runs, or until the next one would not fit into the time.
run_rounds() {
    local round took limit_s=900
    [ "$quick" = 0 ] || limit_s=240
    for ((round = 1; round <= (runs ? runs : 5); round++)); do
        took=$SECONDS
        run_round "$round"
        took=$((SECONDS - took))
        [ "$runs" = 0 ] || continue
        [ $((SECONDS - began + took)) -le $limit_s ] || break
    done
}

parse "$@"
mkdir -p "$out" "$built"
# shellcheck disable=SC2046 # words are wanted
install_packages $(packages_of troupe) python3 gnuplot-nox
build_troupe
check_patterns
cases=$(select_cases "$(IFS='|' && printf '%s' "${patterns[*]}")")
total=$(wc -l <<<"$cases")
mapfile -t peers < <(cut -d ' ' -f 1 <<<"$cases" | grep -v '^troupe$' | sort -u)
for peer in "${peers[@]}"; do
    # shellcheck disable=SC2046 # words are wanted
    install_packages $(packages_of "$peer")
    build_peer "$peer"
done
write_versions "${peers[@]}"
: >"$out/results.txt"
began=$SECONDS
run_rounds
"$here/peers/summary.py" "$out/results.txt" "$out"
