/* Streams that are closed, cancelled or broken while others use them; and what is buffered then. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

enum { MUCH = 1 << 20 };

static char much[MUCH];

typedef struct user {
    tr_io *io;
    tr_io *other;
    long count;
} user;

static int write_much(void *arg)
{
    return tr_write_all(((user *)arg)->io, much, MUCH);
}

static int write_little(void *arg)
{
    return tr_write_all(((user *)arg)->io, "x", 1);
}

/* Reads to the end, and counts. */
static int read_all(void *arg)
{
    user *u = arg;
    char piece[5000];
    ssize_t n;

    while ((n = tr_read(u->io, piece, sizeof(piece))) > 0)
        u->count += n;
    return (int)n;
}

static int read_one_and_close_the_other(void *arg)
{
    user *u = arg;
    char byte;
    int rc = (int)tr_read(u->io, &byte, 1);

    if (rc > 0)
        EXPECT(tr_close(u->other) == 0);
    return rc;
}

static int end_of(tr_task *task)
{
    int rc = tr_task_wait(task, TR_FOREVER);

    tr_task_unref(task);
    return rc;
}

/* Fill what the system takes, so that the next write has to wait. */
static void fill(tr_io *io)
{
    int rc = 0;

    TR_DEADLINE(0.01, &rc) {
        rc = tr_write_all(io, much, MUCH);
    }
    EXPECT(rc == TR_ETIMEDOUT);
}

CASE(a_closed_stream_tells_who_writes_and_who_waits_for_the_turn)
{
    tr_task *first, *second;
    tr_io *one, *other;
    user u;

    EXPECT(tr_socketpair(&one, &other) == 0);
    u = (user){ .io = one };
    EXPECT(tr_task_spawn(&first, write_much, &u) == 0);
    let_others_run();
    EXPECT(tr_task_spawn(&second, write_little, &u) == 0);
    let_others_run();
    EXPECT(tr_close(one) == 0);
    EXPECT(end_of(first) == TR_EPIPE && end_of(second) == TR_EPIPE);
    EXPECT(tr_close(other) == 0);
}

/* Both are ready at the same time; whoever runs first closes the other's. */
CASE(a_stream_is_closed_when_it_was_ready_and_its_task_has_not_run)
{
    tr_io *one[2], *other[2];
    tr_task *tasks[2];
    user users[2];
    int rcs[2];

    for (int i = 0; i < 2; i++)
        EXPECT(tr_socketpair(&one[i], &other[i]) == 0);
    for (int i = 0; i < 2; i++) {
        users[i] = (user){ .io = one[i], .other = one[1 - i] };
        EXPECT(tr_task_spawn(&tasks[i], read_one_and_close_the_other, &users[i]) == 0);
    }
    let_others_run();
    for (int i = 0; i < 2; i++)
        EXPECT(tr_write_all(other[i], "x", 1) == 0);
    for (int i = 0; i < 2; i++)
        rcs[i] = end_of(tasks[i]);
    EXPECT((rcs[0] == 1 && rcs[1] == TR_EPIPE) || (rcs[0] == TR_EPIPE && rcs[1] == 1));
    for (int i = 0; i < 2; i++) {
        if (rcs[i] == 1)
            EXPECT(tr_close(one[i]) == 0);
        EXPECT(tr_close(other[i]) == 0);
    }
}

CASE(a_cancelled_writer_gives_the_turn_to_the_next)
{
    tr_task *first, *second, *reader;
    tr_io *one, *other;
    user u, r;

    EXPECT(tr_socketpair(&one, &other) == 0);
    u = (user){ .io = one };
    r = (user){ .io = other };
    EXPECT(tr_task_spawn(&first, write_much, &u) == 0);
    let_others_run();
    EXPECT(tr_task_spawn(&second, write_little, &u) == 0);
    let_others_run();
    EXPECT(tr_task_cancel(first) >= 0);
    EXPECT(end_of(first) == TR_ECANCELED);
    EXPECT(tr_task_spawn(&reader, read_all, &r) == 0);
    EXPECT(end_of(second) == 0);
    EXPECT(tr_close(one) == 0 && end_of(reader) == 0);
    EXPECT(r.count > 0 && r.count < MUCH);
    EXPECT(tr_close(other) == 0);
}

/* That the flush was late is not the fault of what was written. */
CASE(what_is_buffered_goes_out_though_a_flush_was_late)
{
    char piece[100];
    tr_task *reader;
    tr_io *one, *other;
    ssize_t count;
    int rc = 0;
    user r;

    EXPECT(tr_socketpair(&one, &other) == 0);
    r = (user){ .io = other };
    fill(one);
    EXPECT(tr_write(one, "last", 4) == 0);
    TR_DEADLINE(0.01, &rc) {
        rc = tr_flush(one);
    }
    EXPECT(rc == TR_ETIMEDOUT);
    do
        EXPECT((count = tr_read(other, piece, sizeof(piece))) > 0);
    while (memchr(piece, 't', (size_t)count) == NULL);
    EXPECT(tr_task_spawn(&reader, read_all, &r) == 0);
    EXPECT(tr_close(one) == 0 && end_of(reader) == 0 && r.count == 0);
    EXPECT(tr_close(other) == 0);
}

CASE(marks_may_be_the_same)
{
    tr_task *reader;
    tr_io *one, *other;
    user r;

    for (size_t mark = 1; mark <= 40000; mark += 39999) {
        const size_t bytes = mark == 1 ? 100 : MUCH;

        EXPECT(tr_socketpair(&one, &other) == 0);
        r = (user){ .io = other };
        EXPECT(tr_task_spawn(&reader, read_all, &r) == 0);
        EXPECT(tr_io_set_water(one, mark, mark) == 0);
        EXPECT(tr_write(one, much, bytes) == 0);
        EXPECT(tr_close(one) == 0 && end_of(reader) == 0 && r.count == (long)bytes);
        EXPECT(tr_close(other) == 0);
    }
}

/* And no signal ends the process. */
CASE(a_failure_in_the_background_is_told_by_the_next_write)
{
    tr_io *one, *other;

    EXPECT(tr_socketpair(&one, &other) == 0);
    EXPECT(tr_close(other) == 0);
    EXPECT(tr_write(one, "x", 1) == 0);
    let_others_run();
    EXPECT(tr_write(one, "x", 1) == TR_EPIPE && tr_flush(one) == TR_EPIPE);
    EXPECT(tr_write_all(one, "x", 1) == TR_EPIPE && tr_close_write(one) == TR_EPIPE);
    EXPECT(tr_close(one) == TR_EPIPE);
}

static void use_elsewhere(void *arg)
{
    tr_io *io = arg;
    char byte;

    EXPECT(tr_read(io, &byte, 1) == TR_EWRONGPLACE && tr_write(io, "x", 1) == TR_EWRONGPLACE);
    EXPECT(tr_flush(io) == TR_EWRONGPLACE && tr_close_write(io) == TR_EWRONGPLACE);
    EXPECT(tr_io_take_fd(&io) == TR_EWRONGPLACE && tr_io_set_water(io, 1, 1) == TR_EWRONGPLACE);
    EXPECT(tr_close(io) == TR_EWRONGPLACE);
}

CASE(a_stream_is_refused_elsewhere)
{
    tr_io *one, *other;

    EXPECT(tr_socketpair(&one, &other) == 0);
    for (where there = OTHER_LOOP; there < PLACES; there++)
        in_place(there, use_elsewhere, one);
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0);
}

typedef struct flag {
    bool has_run;
} flag;

static int raise_flag(void *arg)
{
    ((flag *)arg)->has_run = true;
    return 0;
}

CASE(reads_that_never_wait_let_others_run)
{
    flag f = { false };
    tr_io *one, *other;
    tr_task *task;
    char byte;
    int reads = 0;

    EXPECT(tr_socketpair(&one, &other) == 0);
    EXPECT(tr_write_all(one, much, 1000) == 0 && tr_task_spawn(&task, raise_flag, &f) == 0);
    for (; !f.has_run && reads < 1000; reads++)
        EXPECT(tr_read(other, &byte, 1) == 1);
    EXPECT(f.has_run && end_of(task) == 0);
    EXPECT(tr_close(one) == 0 && tr_close(other) == 0);
}

CASES("io_ends", a_closed_stream_tells_who_writes_and_who_waits_for_the_turn,
      a_stream_is_closed_when_it_was_ready_and_its_task_has_not_run,
      a_cancelled_writer_gives_the_turn_to_the_next,
      what_is_buffered_goes_out_though_a_flush_was_late, marks_may_be_the_same,
      a_failure_in_the_background_is_told_by_the_next_write, a_stream_is_refused_elsewhere,
      reads_that_never_wait_let_others_run)
