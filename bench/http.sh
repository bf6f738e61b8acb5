#!/bin/bash
# HTTP servers beside each other: what a request costs the server.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
http=$here/http
built=$top/build/http-bench # programs, logs, results
release=$top/build/release/bench

usage() {
    cat <<'END'
bench/http.sh [--rounds N] [--seconds S] [--only PATTERN] [--json FILE] [--list]

Runs the same requests against troupe's server and others, in turn, round after round, and prints the
medians of what a request costs the server: microseconds of CPU, of its own and of the system's, from
/proc. Servers have one thread each, on core 0; the load is on core 1. Installs the Debian packages
that are missing; what can't be had is left out, and said.

  --rounds N      rounds (default 3)
  --seconds S     of each measurement (default 4)
  --only PATTERN  only `workload server` lines that match: 'hello', 'room troupe'
  --json FILE     write all results there, too
  --list          list the workloads and servers

Workloads: hello, pipelined (16 at a time), orders (JSON that is checked), room (a message to 200
WebSocket clients), idle (bytes of memory for each of 10,000 connections), held (100,000 connections
at once, of as many processes as descriptors demand). See bench/http/README.md.
END
}

die() {
    printf 'http: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

rounds=3
seconds=4
only=.
json=
list=no

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --rounds | --seconds)
            [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "$1 takes a number"
            if [ "$1" = --rounds ]; then rounds=$2; else seconds=$2; fi
            shift
            ;;
        --only | --json)
            [ -n "${2:-}" ] || die "$1 takes an argument"
            if [ "$1" = --only ]; then only=$2; else json=$2; fi
            shift
            ;;
        --list) list=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) die "unknown option $1 (--help)" ;;
        esac
        shift
    done
}

# ---- which servers can do what ----

declare -A servers=(
    [hello]='troupe floor nginx h2o go node fastapi aiohttp'
    [pipelined]='troupe floor nginx h2o go node'
    [orders]='troupe go node fastapi aiohttp'
    [room]='troupe node websockets aiohttp'
    [idle]='troupe nginx go node'
    [held]='troupe'
)
workloads=(hello pipelined orders room idle held)

wanted() { # workload server
    [[ "$1 $2" =~ $only ]]
}

list_all() {
    local workload server
    for workload in "${workloads[@]}"; do
        for server in ${servers[$workload]}; do
            ! wanted "$workload" "$server" || printf '%s %s\n' "$workload" "$server"
        done
    done
}

# ---- packages and programs ----

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

need() {
    local package missing=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "http: installing ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install \
        "${missing[@]}" >&2
}

packages_of() { # server
    case $1 in
    nginx) echo nginx-light ;;
    h2o) echo h2o ;;
    go) echo golang-go ;;
    fastapi) echo python3-fastapi python3-uvicorn python3-uvloop python3-httptools ;;
    aiohttp) echo python3-aiohttp python3-uvloop ;;
    websockets) echo python3-websockets python3-uvloop ;;
    esac
}

build_server() {
    case $1 in
    floor) gcc -O2 -D_GNU_SOURCE -o "$built/floor" "$http/floor/server.c" ;;
    go) (cd "$http/go" && GOCACHE="$built/go-cache" go build -o "$built/go" main.go) ;;
    node)
        command -v node >/dev/null || return 1
        [ -d "$built/node_modules/ws" ] ||
            npm install --silent --no-audit --no-fund --prefix "$built" ws >/dev/null ||
            say 'http: npm has no ws: node has no room'
        cp "$http/node/server.js" "$built/node-server.js"
        ;;
    nginx) write_nginx ;;
    h2o) write_h2o ;;
    *) ;;
    esac
}

write_nginx() {
    cat >"$built/nginx.conf" <<END
daemon off;
master_process off;
worker_processes 1;
error_log $built/nginx.log;
pid $built/nginx.pid;
worker_rlimit_nofile 250000;
events { worker_connections 120000; }
http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300;
    default_type text/plain;
    server {
        listen 127.0.0.1:PORT;
        location / { return 200 "Hello, World!"; }
    }
}
END
}

write_h2o() {
    mkdir -p "$built/h2o"
    printf 'Hello, World!' >"$built/h2o/index.html"
    cat >"$built/h2o.conf" <<END
num-threads: 1
listen:
  host: 127.0.0.1
  port: PORT
hosts:
  default:
    paths:
      /:
        file.dir: $built/h2o
END
}

declare -A usable=()

prepare() { # server: once
    local packages
    [ -z "${usable[$1]:-}" ] || return 0
    usable[$1]=no
    packages=$(packages_of "$1")
    # shellcheck disable=SC2086 # several words
    if need $packages && build_server "$1" >"$built/$1.build" 2>&1; then
        usable[$1]=yes
    else
        say "http: $1 can't be had; see $built/$1.build"
    fi
}

# ---- starting and stopping ----

server_pid=
load_pid=
port=0

stop_all() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || true
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
    [ -z "$server_pid" ] || wait "$server_pid" 2>/dev/null || true
    load_pid=
    server_pid=
}
trap stop_all EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

command_of() { # server: its words, one a line
    case $1 in
    troupe) printf '%s\n' "$release/http-troupe" "127.0.0.1:$port" ;;
    floor) printf '%s\n' "$built/floor" "$port" ;;
    go) printf '%s\n' "$built/go" "$port" ;;
    node) printf '%s\n' node "$built/node-server.js" "$port" ;;
    nginx)
        sed "s/PORT/$port/" "$built/nginx.conf" >"$built/nginx-now.conf"
        printf '%s\n' /usr/sbin/nginx -p "$built" -c "$built/nginx-now.conf"
        ;;
    h2o)
        sed "s/PORT/$port/" "$built/h2o.conf" >"$built/h2o-now.conf"
        printf '%s\n' h2o -m worker -c "$built/h2o-now.conf"
        ;;
    fastapi)
        printf '%s\n' /usr/bin/python3 -m uvicorn --app-dir "$http/python" --port "$port" \
            --no-access-log --log-level error --loop uvloop --http httptools fastapi_app:app
        ;;
    aiohttp) printf '%s\n' /usr/bin/python3 "$http/python/aiohttp_app.py" "$port" ;;
    websockets) printf '%s\n' /usr/bin/python3 "$http/python/websockets_room.py" "$port" ;;
    esac
}

answers() {
    local code
    code=$(curl -s -m 2 -o "$built/answer" -w '%{http_code}' "http://127.0.0.1:$port/" || true)
    [ "$code" = 200 ] && [ "$(cat "$built/answer")" = 'Hello, World!' ]
}

listens() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

start() { # server
    local words i
    port=$(free_port)
    mapfile -t words < <(command_of "$1")
    taskset -c 0 "${words[@]}" >"$built/$1.log" 2>&1 &
    server_pid=$!
    for ((i = 0; i < 100; i++)); do
        if [ "$1" = websockets ]; then
            ! listens || return 0
        else
            ! answers || return 0
        fi
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.1
    done
    say "http: $1 does not answer; see $built/$1.log"
    stop_all
    return 1
}

# ---- measuring ----

# User and system ticks of the server and its children, so far.
ticks() {
    local pid all=("$server_pid") user=0 sys=0 fields
    mapfile -t -O 1 all < <(pgrep -P "$server_pid" || true)
    for pid in "${all[@]}"; do
        fields=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null) || continue
        # shellcheck disable=SC2086 # the fields
        set -- $fields
        user=$((user + ${12}))
        sys=$((sys + ${13}))
    done
    printf '%d %d\n' "$user" "$sys"
}

hz=$(getconf CLK_TCK)

# cost USER SYS COUNT: microseconds each
cost() {
    awk -v u="$1" -v s="$2" -v n="$3" -v hz="$hz" \
        'BEGIN { printf "%.3f %.3f %.3f", u * 1e6 / hz / n, s * 1e6 / hz / n, (u + s) * 1e6 / hz / n }'
}

run_wrk() { # workload: prints user, system, sum, requests a second
    local script=() before after out count rate
    [ "$1" = hello ] || script=(-s "$http/$1.lua")
    taskset -c 1 wrk -t1 -c64 -d1 "${script[@]}" "http://127.0.0.1:$port/" >/dev/null
    before=$(ticks)
    out=$(taskset -c 1 wrk -t1 -c64 "-d$seconds" "${script[@]}" "http://127.0.0.1:$port/")
    after=$(ticks)
    count=$(awk '/requests in/ { print $1 }' <<<"$out")
    rate=$(awk '/Requests\/sec/ { print $2 }' <<<"$out")
    ! grep -q 'Non-2xx' <<<"$out" || die "wrong answers: $out"
    # shellcheck disable=SC2086 # numbers
    set -- $before $after
    printf '%s %s\n' "$(cost $(($3 - $1)) $(($4 - $2)) "$count")" "$rate"
}

run_room() {
    local before after count messages=$((seconds * 300)) begun ended
    mkfifo "$built/room.pipe"
    taskset -c 1 "$built/room" "$port" 200 "$messages" >"$built/room.pipe" &
    load_pid=$!
    exec 4<"$built/room.pipe"
    rm "$built/room.pipe"
    read -r -u 4 _
    before=$(ticks)
    begun=$(date +%s.%N)
    read -r -u 4 count || die "the room's load failed"
    ended=$(date +%s.%N)
    after=$(ticks)
    exec 4<&-
    wait "$load_pid" || die "the room's load failed"
    load_pid=
    # shellcheck disable=SC2086 # numbers
    set -- $before $after
    printf '%s %s\n' "$(cost $(($3 - $1)) $(($4 - $2)) "$count")" \
        "$(awk -v n="$count" -v a="$begun" -v b="$ended" 'BEGIN { printf "%.0f", n / (b - a) }')"
}

anonymous_bytes() {
    local pid sum=0 kib all=("$server_pid")
    mapfile -t -O 1 all < <(pgrep -P "$server_pid" || true)
    for pid in "${all[@]}"; do
        kib=$(awk '/^Anonymous:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null) || continue
        sum=$((sum + kib * 1024))
    done
    printf '%d\n' "$sum"
}

run_idle() { # bytes a connection, 0, 0, connections
    local before after open
    taskset -c 1 wrk -t1 -c16 -d1 "http://127.0.0.1:$port/" >/dev/null # it has warmed up
    before=$(anonymous_bytes)
    coproc IDLE { exec "$built/idle" "$port" "$idle_connections"; }
    load_pid=$IDLE_PID
    read -r -u "${IDLE[0]}" open
    after=$(anonymous_bytes)
    kill "$load_pid" 2>/dev/null || true
    wait "$load_pid" 2>/dev/null || true
    load_pid=
    printf '%d 0 0 %d\n' $(((after - before) / (open > 0 ? open : 1))) "$open"
}

# A hundred thousand: a process may not have so many descriptors, so there are several, which share the
# port. Bytes a connection, 0, 0, connections.
run_held() {
    local wanted=100000 most before=0 after=0 count sum=0 i pids=("$server_pid") loads=()
    most=$(($(ulimit -n) - 1000))
    count=$(((wanted * 11 / 10 + most - 1) / most)) # the system spreads them, not quite evenly
    for ((i = 1; i < count; i++)); do
        taskset -c 0 "$release/http-troupe" "127.0.0.1:$port" >>"$built/troupe.log" 2>&1 &
        pids+=($!)
    done
    sleep 1
    for i in "${pids[@]}"; do
        before=$((before + $(server_pid=$i anonymous_bytes)))
    done
    for ((i = 0; i < count; i++)); do
        rm -f "$built/held.$i"
        FIRST=$((i * 16)) "$built/idle" "$port" $((wanted / count)) \
            >"$built/held.$i" < <(exec sleep 120) &
        loads+=($!)
    done
    for ((i = 0; i < count; i++)); do
        until [ -s "$built/held.$i" ]; do
            kill -0 "${loads[$i]}" 2>/dev/null || break
            sleep 0.1
        done
        sum=$((sum + $(cat "$built/held.$i")))
    done
    for i in "${pids[@]}"; do
        after=$((after + $(server_pid=$i anonymous_bytes)))
    done
    kill "${loads[@]}" "${pids[@]:1}" 2>/dev/null || true
    wait "${loads[@]}" "${pids[@]:1}" 2>/dev/null || true
    printf '%d 0 0 %d\n' $(((after - before) / sum)) "$sum"
}

measure() { # workload server
    local result
    start "$2" || return 0
    case $1 in
    hello | pipelined | orders) result=$(run_wrk "$1") ;;
    room) result=$(run_room) ;;
    idle) result=$(run_idle) ;;
    held) result=$(run_held) ;;
    esac
    stop_all
    printf '%s %s %s\n' "$1" "$2" "$result" >>"$results"
    say "http: $1 $2: $result"
}

# ---- the table ----

print_table() {
    python3 - "$results" "${json:-}" <<'END'
import collections, json, statistics, sys

runs = collections.defaultdict(list)
for line in open(sys.argv[1]):
    workload, server, *figures = line.split()
    runs[workload, server].append([float(f) for f in figures])
medians = {key: [statistics.median(column) for column in zip(*rows)] for key, rows in runs.items()}
titles = {
    "hello": "GET, 64 connections: us of the server's CPU a request",
    "pipelined": "the same, 16 at a time",
    "orders": "POST of JSON that is checked, and JSON back",
    "room": "a message to 200 WebSocket clients: us a delivery",
    "idle": "bytes of memory for an idle connection",
    "held": "bytes of memory for each of a hundred thousand that are held at once",
}
for workload in dict.fromkeys(key[0] for key in medians):
    ours = medians.get((workload, "troupe"))
    print(f"\n{titles[workload]} (medians of {max(len(r) for k, r in runs.items() if k[0] == workload)})\n")
    if workload == "idle":
        print(f"{'':12}{'bytes':>8}{'of':>9}")
    else:
        print(f"{'':12}{'user':>8}{'system':>8}{'sum':>8}{'to ours':>9}{'a second':>12}")
    for (w, server), m in sorted(medians.items(), key=lambda item: item[1][2] or item[1][0]):
        if w != workload:
            continue
        if workload in ("idle", "held"):
            print(f"{server:12}{m[0]:8.0f}{m[3]:9.0f}")
            continue
        ratio = f"{m[2] / ours[2]:8.2f}x" if ours else ""
        print(f"{server:12}{m[0]:8.2f}{m[1]:8.2f}{m[2]:8.2f}{ratio:>9}{m[3]:12.0f}")
if sys.argv[2]:
    with open(sys.argv[2], "w") as out:
        json.dump([{"workload": w, "server": s, "runs": r} for (w, s), r in runs.items()], out, indent=1)
END
}

# ---- all of it ----

parse "$@"
if [ "$list" = yes ]; then
    list_all
    exit 0
fi
mkdir -p "$built"
need wrk curl python3 gcc
idle_connections=10000
# Connections are descriptors: as many as are allowed.
ulimit -n 250000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 11000 ] || idle_connections=$(($(ulimit -n) - 1000))
(cd "$top" && ./dev build release >&2)
for load in room idle; do
    gcc -O2 -D_GNU_SOURCE -o "$built/$load" "$http/load/$load.c"
done
results=$built/results.txt
: >"$results"
for ((round = 1; round <= rounds; round++)); do
    while read -r workload server; do
        prepare "$server"
        [ "${usable[$server]}" = no ] || measure "$workload" "$server"
    done < <(list_all) 3<&-
done
[ -s "$results" ] || die "nothing was measured: --list shows what there is"
print_table
