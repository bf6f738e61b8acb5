#!/usr/bin/env bash
# Start each sample that serves, talk to it as a person would, stop it by SIGTERM, and compare what was
# heard with what must be.
#
#   tests/samples/services.sh SAMPLE_DIR SOURCE_DIR
#
# Ends with status 1 at any difference, after all checks were made; leaves nothing behind.
set -u
export LC_ALL=C

if [ $# -ne 2 ] || [ ! -d "$1" ] || [ ! -d "$2" ]; then
    echo "usage: $0 SAMPLE_DIR SOURCE_DIR (where the built samples are, and the tree)" >&2
    exit 2
fi
samples=$(cd "$1" && pwd) || exit 2
sources=$(cd "$2" && pwd) || exit 2
work=$(mktemp -d -t troupe_services.XXXXXX) || exit 2
failures=0
checks=0
server=
address=

clean_up()
{
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

# equal NAME EXPECTED ACTUAL
equal()
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] || {
        failures=$((failures + 1))
        printf 'FAIL: %s: expected:\n%s\ngot:\n%s\n' "$1" "$2" "$3" >&2
    }
}

# start NAME ARGUMENTS...: it listens when this returns, at $address. $before: what comes before the address.
start()
{
    local tries
    : >"$work/out" # what the last one said must not be taken for what this one says
    "$samples/$1" ${before:+"$before"} 127.0.0.1:0 "${@:2}" >"$work/out" 2>"$work/err" &
    server=$!
    for ((tries = 0; tries < 600; tries++)); do
        address=$(sed -n 's/^listening on //p' "$work/out" 2>/dev/null)
        [ -z "$address" ] || return 0
        kill -0 "$server" 2>/dev/null || break
        sleep 0.05
    done
    equal "$1 starts" 'listening' "$(cat "$work/out" "$work/err")"
    return 1
}

# stop NAME: it ends well.
stop()
{
    local status=0
    kill -TERM "$server"
    wait "$server" || status=$?
    server=
    equal "$1 ends with status" 0 "$status"
    equal "$1 complains" '' "$(cat "$work/err")"
}

ask()
{
    curl -sS -m 60 "$@"
}

if start echo; then
    equal 'echo says what it is told' 'hello, echo' "$(python3 - "$address" <<'END'
import socket, sys
host, port = sys.argv[1].rsplit(":", 1)
with socket.create_connection((host, int(port)), 60) as s:
    s.sendall(b"hello, echo")
    s.shutdown(socket.SHUT_WR)
    print(b"".join(iter(lambda: s.recv(100), b"")).decode())
END
)"
    stop echo
fi

if start web_hello; then
    equal 'web_hello greets' 'ahoy, world!' "$(ask "http://$address/hello/world?greeting=ahoy")"
    equal 'web_hello takes an order' '{"name":"a chair","total":100}' \
        "$(ask -H 'Content-Type: application/json' -d '{"name":"a chair","price":25,"pieces":4}' \
            "http://$address/orders")"
    equal 'web_hello says what is wrong' '422 ["/price", "/pieces"]' \
        "$(ask -o "$work/answer" -w '%{http_code} ' -H 'Content-Type: application/json' \
            -d '{"name":"a chair","price":-1,"pieces":1000}' "http://$address/orders")$(
            python3 -c 'import json, sys; print(json.dumps([e["where"] for e in json.load(open(sys.argv[1]))["errors"]]))' \
                "$work/answer")"
    equal 'web_hello is described' '["/hello/{name}", "/orders"]' \
        "$(ask "http://$address/openapi.json" |
            python3 -c 'import json, sys; print(json.dumps(sorted(json.load(sys.stdin)["paths"])))')"
    equal 'web_hello shows its page' 200 "$(ask -o /dev/null -w '%{http_code}' "http://$address/docs")"
    equal 'web_hello is healthy' ok "$(ask "http://$address/healthz")"
    stop web_hello
fi

if start chat "$sources/samples/chat"; then
    equal 'chat shows its page' 'text/html; charset=utf-8' \
        "$(ask -o /dev/null -w '%{content_type}' "http://$address/")"
    equal 'two people hear each other' $'ann comes in\nbob comes in\nbob: hello\nbob has left' \
        "$(python3 "$sources/tests/samples/talk.py" "$address")"
    stop chat
fi

# It is not built where SQLite's or OpenSSL's library is missing.
if [ -x "$samples/ledger" ] && before=--listen start ledger --db "$work/ledger.db" --accounts 3; then
    equal 'ledger knows its accounts' '{"id":1,"owner":"Ann","cents":100000}' "$(ask "http://$address/accounts/1")"
    for _ in once again; do
        equal 'ledger moves money once' '{"id":4,"from":1,"to":2,"cents":500,"memo":""' \
            "$(ask --json '{"from":1,"to":2,"cents":500}' -H 'Idempotency-Key: rent-may' \
                "http://$address/transfers" | sed 's/,"at".*//')"
    done
    equal 'ledger says why not' '409 Account 3 has less than 100001 cents.' \
        "$(ask -w '%{http_code} ' -o "$work/answer" --json '{"from":3,"to":2,"cents":100001}' \
            -H 'Idempotency-Key: too-much' "http://$address/transfers")$(
            python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["detail"])' "$work/answer")"
    equal 'ledger tells what was done' '"opening",100000 "",99500' \
        "$(ask -H 'Accept: text/csv' "http://$address/accounts/1/statement" |
            tr -d '\r' | awk -F, 'NR > 1 { print $6 "," $5 }' | paste -sd ' ')"
    equal 'ledger has all its money' '{"holds":true,"accounts":4,"transfers":4,"total":1000000000000000' \
        "$(ask "http://$address/audit" | sed 's/,"supply".*//')"
    equal 'ledger shows its page' 'text/html; charset=utf-8' \
        "$(ask -o /dev/null -w '%{content_type}' "http://$address/")"
    stop ledger
fi

printf '%d checks, %d failures\n' "$checks" "$failures"
[ "$failures" -eq 0 ]
