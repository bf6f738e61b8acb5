#!/bin/bash
# Counts the words of one large text with the sample wordcount, with C on one thread, and with Go, in
# turn, and compares the times.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
built=$top/build/wordcount # programs, the text, results
troupe=$top/build/release/samples/wordcount

usage() {
    cat <<'END'
bench/wordcount.sh [--bytes N] [--runs N]

Builds everything, generates a text, checks that all programs find the same words in it, runs them
in turn, round after round, and prints medians. Installs the Debian packages that are missing.

  --bytes N   of text (default: 1000000000)
  --runs N    rounds (default: 5)
END
}

die() {
    printf 'wordcount: %s\n' "$*" >&2
    exit 1
}

# ---- options ----

bytes=1000000000
runs=5
while [ $# -gt 0 ]; do
    case $1 in
    --bytes | --runs)
        [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "$1 needs a number"
        [ "$1" = --bytes ] && bytes=$2 || runs=$2
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        die "what is $1?"
        ;;
    esac
    shift
done

# ---- the programs ----

if ! command -v go >/dev/null; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    printf 'wordcount: installing golang-go\n' >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends \
        install golang-go >&2 || die 'could not install golang-go'
fi
"$top/dev" build release >&2
mkdir -p "$built"

compile() { # name source...
    local name=$1
    shift
    cc -std=gnu11 -O2 -Wall -Wextra -I"$top/include" -I"$top/samples/wordcount" "$@" \
        -L"$top/build/release" -Wl,--as-needed,-rpath,"$top/build/release" -ltroupe \
        -o "$built/$name"
}

words=$top/samples/wordcount
compile generate_text "$here/wordcount/generate_text.c"
compile wordcount_single "$here/wordcount/wordcount_single.c"
compile wordcount_alone "$here/wordcount/wordcount_alone.c" "$words/scan.c" "$words/table.c"
GO111MODULE=off go build -o "$built/wordcount_go" "$here/wordcount/wordcount.go"

text=$built/text_$bytes
if [ "$(stat -c %s "$text" 2>/dev/null)" != "$bytes" ]; then
    printf 'wordcount: generating %d bytes of text\n' "$bytes" >&2
    "$built/generate_text" --bytes "$bytes" >"$text"
fi

# What is measured; the first is what the others are compared with.
names=("C, one thread" "C, one thread, same scan" "troupe, 1 loop" "troupe, 2 loops" "Go, all cores")

run() { # index: print the 1000 most frequent words
    case $1 in
    0) "$built/wordcount_single" 1000 "$text" ;;
    1) "$built/wordcount_alone" 1000 "$text" ;;
    2) "$troupe" --loops 1 --top 1000 "$text" | head -n 1000 ;;
    3) "$troupe" --loops 2 --top 1000 "$text" | head -n 1000 ;;
    4) "$built/wordcount_go" 1000 "$text" ;;
    esac
}

# ---- the same result? It also brings the text into memory. ----

for i in "${!names[@]}"; do
    run "$i" >"$built/words_$i"
    cmp -s "$built/words_0" "$built/words_$i" ||
        die "${names[$i]} finds other words than ${names[0]}: see $built/words_0 and words_$i"
done

# ---- times ----

for ((round = 0; round < runs; round++)); do
    for i in "${!names[@]}"; do
        start=${EPOCHREALTIME/./}
        run "$i" >/dev/null
        printf '%d %d\n' "$i" $((${EPOCHREALTIME/./} - start)) # microseconds
    done
done >"$built/times"

median() { # index
    awk -v i="$1" '$1 == i { print $2 }' "$built/times" | sort -n |
        awk '{ t[NR] = $1 } END { print NR % 2 ? t[(NR + 1) / 2] : (t[NR / 2] + t[NR / 2 + 1]) / 2 }'
}

base=$(median 0)
printf '%d bytes, medians of %d rounds, %d cores; %s\n' "$bytes" "$runs" "$(nproc)" "$(go version)"
printf '%-26s %8s %8s %8s %8s\n' '' s min MB/s ratio
for i in "${!names[@]}"; do
    awk -v name="${names[$i]}" -v us="$(median "$i")" -v base="$base" -v bytes="$bytes" -v i="$i" '
        $1 == i && (!min || $2 < min) { min = $2 }
        END { printf "%-26s %8.3f %8.3f %8.1f %8.2f\n", name, us / 1e6, min / 1e6, bytes / us, base / us }
    ' "$built/times"
done
