#!/usr/bin/env bash
# Run every built sample and compare what it prints with what it must print.
#
#   tests/samples/check.sh SAMPLE_DIR [EMULATOR...]
#
# SAMPLE_DIR holds the executables; those of another machine are run by the emulator.
#
# wordcount is compared with the pipeline of coreutils that it claims to equal. Each program runs
# with one loop, with three, and with as many as it chooses; under a sanitizer, to which wordcount or
# thousands of fibers are a minute's work, with three. Ends with status 1 at any difference, after
# all checks were made; leaves nothing behind.
set -u
export LC_ALL=C
unset TROUPE_LOOPS

if [ $# -lt 1 ] || [ ! -d "$1" ]; then
    echo "usage: $0 SAMPLE_DIR [EMULATOR...] (where the built samples are, and what runs them)" >&2
    exit 2
fi
samples=$(cd "$1" && pwd) || exit 2
emulator=("${@:2}")
patience=120 # seconds: a guard against hangs
[ ${#emulator[@]} -eq 0 ] || patience=600
all_loops=(1 3 "")
many_loops=(1 2 3 8)
if grep -qE '__[at]san_init' "$samples/wordcount"; then
    patience=600
    all_loops=(3)
    many_loops=(3)
fi
work=$(mktemp -d -t troupe_samples.XXXXXX) || exit 2
failures=0
checks=0

clean_up()
{
    chmod -R u+rwX "$work" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

fail()
{
    failures=$((failures + 1))
    printf 'FAIL: %s\n' "$1" >&2
}

# same NAME EXPECTED_FILE ACTUAL_FILE
same()
{
    checks=$((checks + 1))
    if ! diff -u "$2" "$3" >"$work/diff"; then
        fail "$1: expected (-) and printed (+) differ:"
        cut -c 1-200 "$work/diff" | head -n 20 >&2
    fi
}

# equal NAME EXPECTED ACTUAL
equal()
{
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# matches NAME REGEX FILE: a line of the file matches
matches()
{
    checks=$((checks + 1))
    grep -Eq -- "$2" "$3" || fail "$1: no line matches '$2' in: $(tail -c 200 "$3")"
}

# run NAME ARG...: output in $work/out and $work/err, exit status in $status
run()
{
    local name=$1

    shift
    timeout "$patience" "${emulator[@]}" "$samples/$name" "$@" >"$work/out" 2>"$work/err"
    status=$?
    [ $status -ne 124 ] || fail "$name $*: did not end within $patience s"
}

# run_clean NAME ARG...: must end with 0 and say nothing on stderr
run_clean()
{
    run "$@"
    equal "$*: exit status" 0 "$status"
    equal "$*: stderr" "" "$(head -c 500 "$work/err")"
}

# The example output in a sample's opening comment is a promise: it is the expected output here.
expect_text()
{
    cat >"$work/expected"
}

check_ping_pong()
{
    run_clean ping_pong
    equal "ping_pong" "100000 rounds played" "$(cat "$work/out")"
    run_clean ping_pong 1
    equal "ping_pong 1" "1 rounds played" "$(cat "$work/out")"
    run_clean ping_pong 0
    equal "ping_pong 0" "0 rounds played" "$(cat "$work/out")"
}

check_request_answer()
{
    expect_text <<'END'
deposit 5.00: the balance is 5.00
deposit -1.00: failed, an argument is invalid
get: the balance is 5.00
deposit 5.00: the balance is 10.00
wait for 10.00: the balance is 10.00
wait for 1000.00: failed, the time limit has passed
get from a closed account: failed, the actor has ended, or never was
END
    run_clean request_answer
    same request_answer "$work/expected" "$work/out"
}

check_named_actors()
{
    expect_text <<'END'
account/alice has 500 cents
account/bob has 500 cents
account/carol has 500 cents
favourite has 500 cents
account/alice has 7 cents
END
    run_clean named_actors
    same named_actors "$work/expected" "$work/out"
}

check_foreign_thread()
{
    expect_text <<'END'
worker 1: my numbers make 50005000
worker 2: my numbers make 50005000
worker 3: my numbers make 50005000
main: 30 reports and 3 goodbyes; in all 150015000
END
    run_clean foreign_thread
    same foreign_thread "$work/expected" "$work/out"
}

check_shared_bytes()
{
    expect_text <<'END'
reader 1: 1048576 bytes, 174762 words
reader 2: 1048576 bytes, 174762 words
reader 3: 1048576 bytes, 174762 words
archive: keeps 1048576 bytes
lost: 1 page since the actor was gone, 1 since it does not read pages
the text was freed 1 time
sent 12 = handled 10 + returned 0 + expired 0 + dead 2
END
    run_clean shared_bytes
    same shared_bytes "$work/expected" "$work/out"
}

# The number of blinks depends on how busy the machine is: at most 4.
check_timers()
{
    expect_text <<'END'
red
green
button pressed: green is cut short
yellow, blinking
red after N blinks
the light goes out
END
    run_clean timers
    sed 's/after [1-4] blinks/after N blinks/' "$work/out" >"$work/actual"
    same timers "$work/expected" "$work/actual"
}

# Standard input is a pipe (in pieces), a file, /dev/null, and what can't be read.
check_libev_guest()
{
    expect_text <<'END'
1: to be
2: or not
2 lines, 11 letters and spaces
END
    run_clean_guest "a pipe" < <(printf 'to b'; sleep 0.1; printf 'e\nor not\n')
    printf 'to be\nor not' >"$work/in" # no newline at the end
    run_clean_guest "a file" <"$work/in"
    echo "0 lines, 0 letters and spaces" >"$work/expected"
    run_clean_guest "/dev/null" </dev/null

    seq 1 20000 >"$work/in"
    { cat -n "$work/in" | sed 's/^ *//; s/\t/: /'
        echo "20000 lines, $(tr -d '\n' <"$work/in" | wc -c) letters and spaces"; } >"$work/expected"
    run_clean_guest "20000 lines" <"$work/in"

    run libev_guest <"$samples" # reading a directory fails
    equal "libev_guest: exit status when input can't be read" 1 "$status"
    matches "libev_guest: says what failed" "standard input: " "$work/err"
}

run_clean_guest()
{
    run_clean libev_guest
    same "libev_guest reading $1" "$work/expected" "$work/out"
}

check_ask_from_main()
{
    expect_text <<'END'
main does not care for todays_special
main is asked: 12 times cake for 36.00? yes
2 times coffee: bill, 5.00
12 times cake: bill, 36.00
1 time unicorn: TR_EINVAL
the clerk's opening hours: TR_EUNHANDLED
1 time tea from a cook who sleeps: TR_ETIMEDOUT
1 time tea from a cook who has left: TR_EDEAD
END
    run_clean ask_from_main
    same ask_from_main "$work/expected" "$work/out"
}

# The killed worker loses one message, and the log says so.
check_worker_pool()
{
    expect_text <<'END'
1 to 1000: 871 takes the most steps, 178
every loop has worked
0 takes long: it is not wanted any more
0: TR_ECANCELED, and a worker has ended: TR_EKILLED
1 to 1000: 871 takes the most steps, 178
every loop has worked
END
    run worker_pool
    equal "worker_pool: exit status" 0 "$status"
    same worker_pool "$work/expected" "$work/out"
    equal "worker_pool: stderr, but for the dead letter" "" \
        "$(grep -v ' 1 dead letter.*: slice to ' "$work/err")"
    matches "worker_pool: the dead letter" ' 1 dead letter.*: slice to ' "$work/err"
}

check_back_pressure()
{
    expect_text <<'END'
damaged: record 13
the disk wrote 19 records in 3 blocks; it was full 5 times, and lost nothing
the display showed 5 numbers, the last was 20; 15 were out of date
END
    run_clean back_pressure
    same back_pressure "$work/expected" "$work/out"
}

check_chat_room()
{
    expect_text <<'END'
to Ann: Ann is here
to Ann: Bob is here
to Ann: Bob says: hello
to Ann: Eve is here
to Ann: Bob has left
to Ann: Eve says: where is Bob?
to Bob: Bob is here
to Bob: Bob says: hello
to Bob: Eve is here
to Bob: Bob has left
to Bob: you are not in the room
to Eve: Eve is here
to Eve: Bob has left
to Eve: Eve says: where is Bob?
END
    run_clean chat_room
    same chat_room "$work/expected" "$work/out"
}

# run_until SIGNAL out|err REGEX NAME ARG...: send the signal when the output has a match; then as
# run. What runs in the background ignores SIGINT, unless that is put right.
run_until()
{
    local signal=$1 output=$work/$2 regex=$3 name=$4 tries=0 pid

    shift 4
    : >"$output" # what is waited for must not be there from an earlier run
    env --default-signal=INT "${emulator[@]}" "$samples/$name" "$@" \
        <&0 >"$work/out" 2>"$work/err" &
    pid=$!
    until grep -Eq -- "$regex" "$output" || [ "$tries" -ge 1200 ] || ! kill -0 "$pid"; do
        tries=$((tries + 1))
        sleep 0.05
    done
    kill -s "$signal" "$pid" || fail "$name: has ended before it got a signal"
    if ! timeout "$patience" tail -s 0.05 --pid="$pid" -f /dev/null; then
        fail "$name: did not end within $patience s after $signal"
        kill -s KILL "$pid"
    fi
    wait "$pid" 2>/dev/null # bash would say how it ended
    status=$?
}

check_hello_task()
{
    expect_text <<'END'
hello, Ann
hello, Bob
6 letters in all
END
    run_clean hello_task
    same hello_task "$work/expected" "$work/out"
    run_clean hello_task world
    equal "hello_task world" "hello, world" "$(head -n 1 "$work/out")"
}

check_gather_sleeps()
{
    expect_text <<'END'
5000 sleeps, 1250 s in all: TR_OK, 5000 slept, together N s
one fails: TR_EAGAIN, 0 slept, 4999 were cancelled
a deadline: TR_ETIMEDOUT, 1 slept, 4999 were cancelled
END
    run_clean gather_sleeps # one after the other they would outlast the guard against hangs
    sed -E 's/together (0\.[5-9]|[1-9][0-9]*\.[0-9]) s/together N s/' "$work/out" >"$work/actual"
    same gather_sleeps "$work/expected" "$work/actual"
}

check_gather_retry()
{
    expect_text <<'END'
all or nothing: TR_EAGAIN; weather TR_ECANCELED, news TR_EAGAIN, prices TR_ECANCELED
what there is: TR_OK; weather TR_OK, news TR_EAGAIN, prices TR_OK
with retries: TR_OK; weather TR_OK, news TR_OK, prices TR_OK
news was asked 5 times, weather 3 times
END
    run_clean gather_retry
    same gather_retry "$work/expected" "$work/out"
}

check_to_thread()
{
    local greeting=$work/greeting missing=$work/missing

    printf hello >"$greeting"
    expect_text <<END
$greeting: a430d84680aabd0b
$missing: No such file or directory
$greeting: a430d84680aabd0b
the loop has ticked meanwhile
END
    run_clean to_thread "$greeting" "$missing" "$greeting"
    same to_thread "$work/expected" "$work/out"
}

check_prime_gaps()
{
    echo "664579 primes below 10000000; the widest gap is 154, from 4652353 to 4652507" \
        >"$work/expected"
    run prime_gaps
    equal "prime_gaps: exit status" 0 "$status"
    same prime_gaps "$work/expected" "$work/out"
    echo "25 primes below 100; the widest gap is 8, from 89 to 97" >"$work/expected"
    run prime_gaps 100
    same "prime_gaps 100" "$work/expected" "$work/out"
}

check_interrupted_read()
{
    cat >"$work/expected" <<'END'
record 1: 10 in all
record 2: 30 in all
record 3: 60 in all
no more in time; the reader has ended: 3 records
END
    run_clean interrupted_read
    same interrupted_read "$work/expected" "$work/out"
}

check_cross_loop_futures()
{
    expect_text <<'END'
loop 0 awaits loop 1: "made on loop 1"
loop 0 awaits a thread: "made on a thread"
a thread waits for a task on loop 1: 42
loop 1 is called when loop 0 is done: TR_ETIMEDOUT
END
    run_clean cross_loop_futures
    same cross_loop_futures "$work/expected" "$work/out"
}

check_connection_pool()
{
    expect_text <<'END'
30 queries were answered
a query that waits 10 ms at most: TR_ETIMEDOUT
END
    run_clean connection_pool
    same connection_pool "$work/expected" "$work/out"
}

check_awaiting_actor()
{
    expect_text <<'END'
Emma: 474 pages, the librarian's 1st book
Dracula: 418 pages, the librarian's 2nd book
Ulysses: 730 pages, the librarian's 3rd book
a book that nobody wrote: an argument is invalid
END
    run_clean awaiting_actor
    same awaiting_actor "$work/expected" "$work/out"
}

# Lines in pieces, none at all, many; and a signal while it waits for more.
check_embedding()
{
    expect_text <<'END'
eb ot
ton ro
end of input
a task has counted 2 lines
a task that sleeps was cancelled: TR_ECANCELED
END
    run_clean_embedding "a pipe" < <(printf 'to b'; sleep 0.1; printf 'e\nor not\n')
    sed -i '1,2d; s/2 lines/0 lines/' "$work/expected"
    run_clean_embedding "/dev/null" </dev/null
    { seq 1 2000 | rev; tail -n 3 "$work/expected" | sed 's/0 lines/2000 lines/'; } >"$work/many"
    mv "$work/many" "$work/expected"
    run_clean_embedding "2000 lines" < <(seq 1 2000)

    expect_text <<'END'
olleh
interrupted
a task has counted 1 lines
a task that sleeps was cancelled: TR_ECANCELED
END
    mkfifo "$work/typed"
    exec 3<>"$work/typed" # it never ends
    echo hello >&3
    run_until INT out "^olleh$" embedding <&3
    exec 3>&-
    rm "$work/typed"
    equal "embedding, interrupted: exit status" 0 "$status"
    same "embedding, interrupted" "$work/expected" "$work/out"
}

run_clean_embedding()
{
    run_clean embedding
    same "embedding reading $1" "$work/expected" "$work/out"
}

check_until_signal()
{
    local signal word

    echo '<4>until_signal: actor PID (sensor) failed: the time limit has passed (TR_ETIMEDOUT)' \
        >"$work/expected_log"
    for signal in INT TERM; do
        [ $signal = INT ] && word=Interrupt || word=Terminated
        expect_text <<END
running with troupe VERSION: Ctrl-C ends it
the sensor ended after 3 readings: TR_ETIMEDOUT
another sensor runs
$word: shutting down
the sensor ended in good order: TR_ESTOPPED
END
        run_until $signal out "^another sensor runs$" until_signal
        equal "until_signal, $signal: exit status" 0 "$status"
        sed -E 's/troupe [0-9]+\.[0-9]+\.[0-9]+:/troupe VERSION:/' "$work/out" >"$work/actual"
        same "until_signal, $signal" "$work/expected" "$work/actual"
        sed -E 's/<[0-9]+\.[0-9]+>/PID/' "$work/err" >"$work/actual"
        same "until_signal, $signal: its log" "$work/expected_log" "$work/actual"
    done
}

check_testing_your_actor()
{
    [ -x "$samples/testing_your_actor" ] || return # there is none with ThreadSanitizer
    run_clean testing_your_actor
    equal testing_your_actor "100%: Checks: 3, Failures: 0, Errors: 0" "$(tail -n 1 "$work/out")"
}

# ---- wordcount ----

# reference FILE|DIRECTORY...: what wordcount must print; the letters are meant as they stand
# shellcheck disable=SC2018,SC2019
reference()
{
    find "$@" -type f -print0 | while IFS= read -r -d '' file; do
        tr -cs 'A-Za-z' '\n' <"$file"
        echo # the end of a file ends a word
    done | tr 'A-Z' 'a-z' | grep -v '^$' | sort | uniq -c | sort -k1,1nr -k2,2
}

# compare_words NAME FILE|DIRECTORY...: in $work/words is what the pipeline says
compare_words()
{
    local name=$1

    shift
    run wordcount --top 1000000000 "$@"
    sed '$d' "$work/out" >"$work/actual"
    same "wordcount: $name" "$work/words" "$work/actual"
    words=$(awk '{ sum += $1 } END { print sum + 0 }' "$work/words")
    matches "wordcount: summary of $name" \
        "^[0-9].* bytes, $words words, $(wc -l <"$work/words") distinct, .* MB/s, [0-9]+ loops; CPU: " \
        "$work/out"
}

# repeat TEXT BYTES: TEXT again and again, cut at so many bytes
repeat()
{
    yes "$1" | tr -d '\n' | head -c "$2"
}

make_tree()
{
    local tree=$1 size

    mkdir -p "$tree/deep/er"
    : >"$tree/empty"
    printf 'no newline at the end' >"$tree/no_newline"
    printf 'The the THE tHe\n' >"$tree/capitals"
    printf "don't stop-me now2go \303\251t\303\251\n" >"$tree/not_letters"
    printf 'alone' >"$tree/deep/er/alone"
    printf '\n\n  \n' >"$tree/blank"
    repeat 'five ' 400000 >"$tree/over_borders"
    repeat 'sevenses' 1048576 >"$tree/one_piece_one_word"
    for size in 7 8 9 15 16 17 255 256 257; do # of letters, and of what is read behind a piece
        { repeat 'Abcdefghij' "$size"; echo; } >>"$tree/lengths"
        { repeat ' ' $((1048576 - 3)); repeat 'Klmnopqrst' "$size"; printf ' after'; } \
            >"$tree/over_border_$size"
    done
    for size in $(seq 1 200); do # many in one piece, which must not grow together
        printf 'small file' >"$tree/deep/small_$size"
    done
    for size in 1048575 1048576 1048577 2097151 2097152 2097153; do # a piece, two, and next to it
        repeat 'abcdefg ' "$size" >"$tree/size_$size"
        { repeat 'abcdefg ' $((size - 10)); printf ' lastwords'; } >"$tree/ends_in_word_$size"
        { repeat 'x' "$size"; printf ' after'; } >"$tree/long_word_$size"
    done
    repeat 'hugeword' 3000000 >"$tree/huge_word"
    { printf 'before '; cat "$tree/huge_word"; printf ' after'; } >"$tree/deep/huge_word_within"
    cat "$BASH" >"$tree/binary"
    head -c 300000 /dev/zero >"$tree/zeros"
    seq 1 300000 | tr '0-9' 'a-j' >"$tree/many_distinct" # more than a table may hold
    ln -s ../capitals "$tree/deep/link"
    mkfifo "$tree/deep/fifo"
}

check_wordcount_words()
{
    local licences=/usr/share/common-licenses loops

    make_tree "$work/tree"
    if [ -d "$licences" ]; then
        reference "$licences" >"$work/words"
        compare_words "the licences, by default"
        equal "wordcount: exit status" 0 "$status"
        run wordcount
        head -n 10 "$work/words" >"$work/expected"
        sed '$d' "$work/out" >"$work/actual"
        same "wordcount: the top 10 of the licences" "$work/expected" "$work/actual"
    else
        echo "note: no $licences here: only generated texts are counted"
    fi
    reference "$work/tree" >"$work/words"
    for loops in "${many_loops[@]}"; do
        compare_words "a tree, $loops loops" --loops "$loops" "$work/tree"
        equal "wordcount: exit status, $loops loops" 0 "$status"
        equal "wordcount: stderr, $loops loops" "" "$(cat "$work/err")"
        matches "wordcount: number of loops" ", $loops loops;" "$work/out"
    done
    reference "$work/tree/capitals" "$work/tree/no_newline" "$work/tree/no_newline" >"$work/words"
    compare_words "files by name, one twice" \
        "$work/tree/capitals" "$work/tree/no_newline" "$work/tree/no_newline"
    : >"$work/words"
    compare_words "nothing but an empty file" "$work/tree/empty"
    run wordcount --top 0 "$work/tree"
    equal "wordcount --top 0: lines" 1 "$(wc -l <"$work/out")"
}

# A user with all rights can read everything: take that right away.
without_rights()
{
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --bounding-set=-dac_override,-dac_read_search -- "$@"
    else
        "$@"
    fi
}

check_wordcount_problems()
{
    local tree=$work/tree

    run wordcount "$tree/missing" "$tree/capitals" "" "$tree/capitals/not_a_directory"
    equal "wordcount, missing files: exit status" 1 "$status"
    matches "wordcount, missing file: named" "/missing: No such file.*; check the name" "$work/err"
    matches "wordcount, a file as a directory" "/not_a_directory: Not a dir.*; check" "$work/err"
    equal "wordcount, missing files: complaints" 3 "$(wc -l <"$work/err")"
    matches "wordcount, missing files: the rest goes on" '^ +4 the$' "$work/out"

    run wordcount "$tree/deep/link" "$tree/deep/fifo" "$tree/capitals"
    equal "wordcount, skipped files: exit status" 0 "$status"
    matches "wordcount, symbolic link" "/link: skipped, a symbolic link; name" "$work/err"
    matches "wordcount, fifo" "/fifo: skipped, not a regular file; " "$work/err"
    matches "wordcount, skipped files: the rest goes on" '^ +4 the$' "$work/out"

    mkdir "$work/closed" && mkdir "$work/closed/directory" && echo a >"$work/closed/file" &&
        echo b >"$work/closed/open" && chmod 0 "$work/closed/directory" "$work/closed/file"
    if without_rights cat "$work/closed/file" >/dev/null 2>&1 || ! without_rights true; then
        echo "note: can't make a file unreadable here: that is not checked"
        return
    fi
    without_rights timeout "$patience" "${emulator[@]}" "$samples/wordcount" "$work/closed" \
        >"$work/out" 2>"$work/err"
    equal "wordcount, unreadable files: exit status" 1 "$?"
    matches "wordcount, unreadable directory" "/directory: Permission denied; run as" "$work/err"
    matches "wordcount, unreadable file" "/file: Permission denied; run as" "$work/err"
    matches "wordcount, unreadable files: the rest goes on" '^ +1 b$' "$work/out"
}

# is_json NAME: what was printed
is_json()
{
    command -v python3 >/dev/null || return
    checks=$((checks + 1))
    python3 -c 'import json, sys; json.load(sys.stdin)' <"$work/out" || fail "$1: not JSON"
}

# 100 GB that take no space keep it busy; what it has read by then, it prints. A second file is read
# to its end before it is interrupted.
check_wordcount_interrupted()
{
    if grep -q __tsan_init "$samples/wordcount"; then
        echo "note: ThreadSanitizer keeps signals back while a thread waits: not checked with it"
        return
    fi
    truncate -s 100G "$work/large" || return
    run_until INT err "1 files, " wordcount --progress "$work/tree/capitals" "$work/large"
    equal "wordcount, interrupted: dies by the signal" $((128 + 2)) "$status"
    matches "wordcount, interrupted: prints what it has" '^ +4 the$' "$work/out"
    matches "wordcount, interrupted: says so" '^partial, interrupted: 1 files, .* 4 words' "$work/out"

    run_until TERM err "1 files, " wordcount --json --progress "$work/tree/capitals" "$work/large"
    equal "wordcount --json, terminated: dies by the signal" $((128 + 15)) "$status"
    matches "wordcount --json, terminated: says so" '"partial":true,"files":1,.*"words":4,' "$work/out"
    is_json "wordcount --json, terminated"
    rm "$work/large"
}

check_wordcount_options()
{
    local bad loops

    run_clean wordcount --help
    matches "wordcount --help" "^Usage: wordcount" "$work/out"
    for loops in 1 3; do
        TROUPE_LOOPS=$loops run_clean wordcount "$work/tree/capitals"
        matches "wordcount with TROUPE_LOOPS=$loops" ", $loops loops;" "$work/out"
        TROUPE_LOOPS=7 run_clean wordcount --loops "$loops" "$work/tree/capitals"
        matches "wordcount --loops $loops with TROUPE_LOOPS=7" ", $loops loops;" "$work/out"
    done
    run_clean wordcount --version
    matches "wordcount --version" "^wordcount .*[0-9]+\.[0-9]+\.[0-9]+$" "$work/out"
    for bad in --top=x --top= --top=-1 --top=1x --top=99999999999999999999999 --loops=0 \
        --loops=1025 --unknown; do
        run wordcount "$bad"
        equal "wordcount $bad: exit status" 2 "$status"
        equal "wordcount $bad: stdout" "" "$(cat "$work/out")"
        matches "wordcount $bad: says what to do" "wordcount --help" "$work/err"
    done
    run_clean wordcount --json --top 2 "$work/tree/capitals" "$work/tree/no_newline"
    matches "wordcount --json" \
        '"partial":false,"files":2,.*"words":9,"distinct":5,.*"top":\[\{"word":"the","count":5\},\{"word":"at",' \
        "$work/out"
    is_json "wordcount --json"
    run wordcount --progress "$work/tree/capitals" # may be too quick to show any
    equal "wordcount --progress: exit status" 0 "$status"
    equal "wordcount --progress: stderr, but for progress" "" \
        "$(sed -E 's/\r\x1b\[K([01] files, [^\r]*)?//g' "$work/err")"
    run wordcount --no-progress "$work/tree"
    equal "wordcount --no-progress: stderr" "" "$(cat "$work/err")"
    if [ -c /dev/full ]; then
        timeout "$patience" "${emulator[@]}" "$samples/wordcount" "$work/tree/capitals" \
            >/dev/full 2>"$work/err"
        equal "wordcount, no space for the output: exit status" 1 "$?"
        matches "wordcount, no space for the output" "standard output" "$work/err"
    fi
}

for loops in "${all_loops[@]}"; do
    if [ -n "$loops" ]; then export TROUPE_LOOPS=$loops; else unset TROUPE_LOOPS; fi
    check_ping_pong
    check_request_answer
    check_named_actors
    check_foreign_thread
    check_shared_bytes
    check_timers
    check_libev_guest
    check_ask_from_main
    check_worker_pool
    check_back_pressure
    check_chat_room
    check_until_signal
    check_hello_task
    check_gather_sleeps
    check_gather_retry
    check_to_thread
    check_prime_gaps
    check_interrupted_read
    check_cross_loop_futures
    check_connection_pool
    check_awaiting_actor
    check_embedding
done
check_testing_your_actor
check_wordcount_words
check_wordcount_problems
check_wordcount_interrupted
check_wordcount_options

if [ "$failures" -ne 0 ]; then
    echo "$failures of $checks checks failed" >&2
    exit 1
fi
echo "all $checks checks passed"
