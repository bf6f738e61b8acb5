/* Pipes, sockets and sleeps in simulations: they wait in virtual time, and fail by the seed. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <troupe/check.h>

#include "support/suite.h"
#include "sim/scenarios.h"

/* Run it under one seed; what it leaves behind ends the test. */
static void simulate(void (*fn)(void *arg), void *arg, tr_sim_options options)
{
    if (options.seed == 0)
        options.seed = 1;
    ck_assert_int_eq(tr_sim_run(fn, arg, &options, NULL), 0);
}

static void close_both(const int ends[2])
{
    EXPECT(close(ends[0]) == 0 && close(ends[1]) == 0);
}

/* ---- all of so many bytes, whatever comes between ---- */

static char byte_at(size_t i)
{
    return (char)(i * 31 + i / 251);
}

static bool is_passing(int error)
{
    return error == EINTR || error == EAGAIN;
}

static void write_all(int fd, size_t bytes)
{
    char part[1000];
    size_t done = 0;

    while (done < bytes) {
        size_t count = bytes - done < sizeof(part) ? bytes - done : sizeof(part);
        ssize_t n;

        for (size_t i = 0; i < count; i++)
            part[i] = byte_at(done + i);
        n = write(fd, part, count);
        EXPECT(n > 0 || is_passing(errno));
        done += n > 0 ? (size_t)n : 0;
    }
}

static void read_all(int fd, size_t bytes)
{
    char part[1000];
    size_t done = 0;

    while (done < bytes) {
        ssize_t n = read(fd, part, sizeof(part));

        EXPECT(n > 0 || (n < 0 && is_passing(errno)));
        for (ssize_t i = 0; i < n; i++)
            EXPECT(part[i] == byte_at(done + (size_t)i));
        done += n > 0 ? (size_t)n : 0;
    }
    EXPECT(done == bytes);
}

/* ---- waiting ---- */

static void *write_in_an_hour(void *fd)
{
    EXPECT(sleep(3600) == 0);
    EXPECT(write(*(int *)fd, "x", 1) == 1);
    return NULL;
}

static void read_what_comes_in_an_hour(void *arg)
{
    tr_sim_thread *writer;
    int ends[2];
    char byte = 0;

    (void)arg;
    EXPECT(pipe(ends) == 0);
    EXPECT(tr_sim_thread_start(&writer, "writer", write_in_an_hour, &ends[1]) == 0);
    EXPECT(read(ends[0], &byte, 1) == 1 && byte == 'x');
    EXPECT(tr_sim_now() >= 3600 && tr_sim_now() < 3601);
    EXPECT(tr_sim_thread_join(writer) == NULL);
    close_both(ends);
}

START_TEST(a_read_waits_in_virtual_time)
{
    simulate(read_what_comes_in_an_hour, NULL, (tr_sim_options){ 0 });
}
END_TEST

enum { MUCH = 1 << 20 };

static void *read_much(void *fd)
{
    read_all(*(int *)fd, MUCH);
    return NULL;
}

static void write_more_than_a_pipe_holds(void *arg)
{
    static char much[MUCH];
    tr_sim_thread *reader;
    int ends[2];

    (void)arg;
    for (size_t i = 0; i < MUCH; i++)
        much[i] = byte_at(i);
    EXPECT(pipe(ends) == 0);
    EXPECT(tr_sim_thread_start(&reader, "reader", read_much, &ends[0]) == 0);
    EXPECT(write(ends[1], much, MUCH) == MUCH);
    EXPECT(tr_sim_thread_join(reader) == NULL);
    close_both(ends);
}

START_TEST(a_write_waits_until_all_is_written)
{
    simulate(write_more_than_a_pipe_holds, NULL, (tr_sim_options){ 0 });
}
END_TEST

static void *send_in_parts(void *fd)
{
    struct iovec parts[] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } };

    for (int i = 0; i < 10; i++) {
        EXPECT(usleep(1000) == 0);
        EXPECT(writev(*(int *)fd, parts, 3) == 7);
    }
    return NULL;
}

static void receive_all_at_once(void *arg)
{
    tr_sim_thread *sender;
    int ends[2];
    char all[70];

    (void)arg;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    EXPECT(tr_sim_thread_start(&sender, "sender", send_in_parts, &ends[1]) == 0);
    EXPECT(recv(ends[0], all, sizeof(all), MSG_WAITALL) == sizeof(all));
    for (size_t i = 0; i < sizeof(all); i++)
        EXPECT(all[i] == "abcdefg"[i % 7]);
    EXPECT(tr_sim_thread_join(sender) == NULL);
    EXPECT(recv(ends[0], all, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    close_both(ends);
}

START_TEST(a_read_of_all_waits_for_all)
{
    simulate(receive_all_at_once, NULL, (tr_sim_options){ 0 });
}
END_TEST

static void poll_an_inbox(void *arg)
{
    struct pollfd pollfd = { .events = POLLIN };
    tr_inbox *in;

    (void)arg;
    EXPECT(tr_start(&(tr_config){ .loops = 1 }) == 0);
    EXPECT(tr_inbox_new(&in, 0) == 0);
    pollfd.fd = tr_inbox_fd(in);
    EXPECT(poll(&pollfd, 1, 5000) == 0);
    EXPECT(tr_sim_now() >= 5 && tr_sim_now() < 6);
    EXPECT(tr_send(tr_inbox_pid(in), number, .value = 3) == 0);
    EXPECT(poll(&pollfd, 1, -1) == 1);
    EXPECT(tr_sim_expect(in, 0, number)->value == 3);
    tr_inbox_free(in);
    EXPECT(tr_shutdown(1) == 0);
}

START_TEST(an_inbox_is_polled_in_virtual_time)
{
    simulate(poll_an_inbox, NULL, (tr_sim_options){ 0 });
}
END_TEST

/* ---- sleeping ---- */

static void sleep_in_all_ways(void *arg)
{
    struct timespec time;

    (void)arg;
    EXPECT(nanosleep(&(struct timespec){ 60, 1 }, NULL) == 0);
    EXPECT(nanosleep(&(struct timespec){ 0, 1000000000 }, NULL) == -1 && errno == EINVAL);
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    time.tv_sec += 60;
    EXPECT(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == 0);
    EXPECT(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_sec += 60;
    EXPECT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL) == 0);
    EXPECT(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL) == 0); /* past */
    EXPECT(tr_sim_now() >= 180 && tr_sim_now() < 180.01);
}

START_TEST(sleeps_are_virtual)
{
    simulate(sleep_in_all_ways, NULL, (tr_sim_options){ 0 });
}
END_TEST

START_TEST(outside_of_a_run_sleeps_are_real)
{
    struct timespec begin, end;

    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &begin), 0);
    ck_assert_int_eq(usleep(2000), 0);
    ck_assert_int_eq(nanosleep(&(struct timespec){ 0, -1 }, NULL), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &end), 0);
    ck_assert_int_ge((end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec,
                     2000000);
}
END_TEST

static int nap(void *arg)
{
    *(int *)arg = 5;
    (void)sleep(10);
    return 0;
}

static int await_a_nap(void *arg)
{
    int result = 0;

    (void)arg;
    EXPECT(tr_to_thread(nap, &result) == 0 && result == 5);
    return 0;
}

static void run_a_slow_job(void *arg)
{
    EXPECT(tr_run(await_a_nap, NULL, &(tr_config){ .loops = 1, .signals = -1 }) == 0);
    EXPECT(tr_sim_now() > 10);
    *(double *)arg = tr_sim_now();
}

START_TEST(a_slow_job_takes_longer_than_the_same_otherwise)
{
    double usual, slow;

    simulate(run_a_slow_job, &usual, (tr_sim_options){ 0 });
    simulate(run_a_slow_job, &slow, (tr_sim_options){ .slow_job = 1 });
    ck_assert_double_gt(slow, usual + 0.001);
    ck_assert_double_lt(slow, usual + 1.001);
}
END_TEST

/* ---- failures ---- */

static void write_and_read_some(void *arg)
{
    int ends[2];
    char buffer[10];
    ssize_t written, got;

    (void)arg;
    EXPECT(pipe(ends) == 0);
    written = write(ends[1], "0123456789", 10);
    EXPECT(written > 0 && written < 10);
    EXPECT(write(ends[1], "xyz", 1) == 1); /* of one byte there is no less */
    got = read(ends[0], buffer, sizeof(buffer));
    EXPECT(got > 0 && got < 10);
    EXPECT(memcmp(buffer, "0123456789x", (size_t)got) == 0 || got == written + 1);
    close_both(ends);
}

START_TEST(a_short_transfer_moves_some_but_not_all)
{
    for (uint64_t seed = 1; seed <= 20; seed++)
        simulate(write_and_read_some, NULL, (tr_sim_options){ .seed = seed, .short_transfer = 1 });
}
END_TEST

static void send_a_datagram(void *arg)
{
    int ends[2];
    char buffer[10];

    (void)arg;
    EXPECT(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    EXPECT(send(ends[0], "0123456789", 10, 0) == 10);
    EXPECT(recv(ends[1], buffer, sizeof(buffer), 0) == 10);
    close_both(ends);
}

START_TEST(datagrams_stay_whole)
{
    simulate(send_a_datagram, NULL, (tr_sim_options){ .short_transfer = 1, .reset = 1 });
}
END_TEST

static void meet_refusals(void *arg)
{
    struct pollfd pollfd = { .events = POLLIN };
    int ends[2];
    char byte;

    (void)arg;
    EXPECT(pipe(ends) == 0);
    EXPECT(write(ends[1], "x", 1) == -1 && errno == EINTR);
    EXPECT(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    EXPECT(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
    pollfd.fd = ends[0];
    EXPECT(poll(&pollfd, 1, -1) == -1 && errno == EINTR);
    EXPECT(poll(&pollfd, 1, 0) == 0);
    close_both(ends);
}

START_TEST(a_call_that_waits_may_be_interrupted_and_another_refused)
{
    simulate(meet_refusals, NULL, (tr_sim_options){ .fail_call = 1 });
}
END_TEST

static void lose_a_connection(void *arg)
{
    struct pollfd other = { .events = POLLRDHUP };
    int ends[2];
    char byte;

    (void)arg;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    EXPECT(recv(ends[0], &byte, 1, 0) == -1 && errno == ECONNRESET);
    other.fd = ends[1];
    EXPECT(poll(&other, 1, -1) == 1 && (other.revents & POLLRDHUP) != 0);
    close_both(ends);
}

START_TEST(a_reset_connection_is_closed_on_both_sides)
{
    simulate(lose_a_connection, NULL, (tr_sim_options){ .reset = 1 });
}
END_TEST

static void pass_a_descriptor(void *arg)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    struct msghdr message = {
        .msg_iov = &(struct iovec){ "x", 1 },
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    int ends[2], passed[2], got;
    char byte = 0;

    (void)arg;
    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && pipe(passed) == 0);
    memcpy(CMSG_DATA(&control.header), &passed[1], sizeof(int));
    EXPECT(sendmsg(ends[0], &message, 0) == 1);
    memset(&control, 0, sizeof(control));
    message.msg_iov->iov_base = &byte;
    EXPECT(recvmsg(ends[1], &message, 0) == 1 && byte == 'x');
    memcpy(&got, CMSG_DATA(&control.header), sizeof(got));
    EXPECT(write(got, "y", 1) == 1 && read(passed[0], &byte, 1) == 1 && byte == 'y');
    EXPECT(close(got) == 0);
    close_both(ends);
    close_both(passed);
}

START_TEST(messages_carry_what_they_always_carry)
{
    simulate(pass_a_descriptor, NULL, (tr_sim_options){ 0 });
}
END_TEST

/* ---- a whole conversation ---- */

enum { TALK = 20 * 1000 };

/* Else the kernel keeps a small piece back until the one before is acknowledged, in real time. */
static void send_at_once(int fd)
{
    EXPECT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) == 0);
}

static void *serve_once(void *listening)
{
    int fd;

    do
        fd = accept4(*(int *)listening, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == EMFILE));
    EXPECT(fd >= 0);
    send_at_once(fd);
    read_all(fd, TALK);
    write_all(fd, TALK);
    EXPECT(close(fd) == 0);
    return NULL;
}

static void talk_to_a_server(void *arg)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
    socklen_t bytes = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    tr_sim_thread *server;

    (void)arg;
    EXPECT(bind(listening, (struct sockaddr *)&address, sizeof(address)) == 0);
    EXPECT(getsockname(listening, (struct sockaddr *)&address, &bytes) == 0);
    EXPECT(listen(listening, 1) == 0);
    EXPECT(tr_sim_thread_start(&server, "server", serve_once, &listening) == 0);
    EXPECT(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    send_at_once(fd);
    write_all(fd, TALK);
    read_all(fd, TALK);
    EXPECT(tr_sim_thread_join(server) == NULL);
    EXPECT(close(listening) == 0 && close(fd) == 0);
}

START_TEST(a_conversation_survives_what_happens_to_it)
{
    const tr_sim_options options = {
        .seed = 1, .late = 0.1, .stall = 0.02, .fail_call = 0.1, .short_transfer = 0.3
    };

    ck_assert_int_eq(tr_sim_explore(talk_to_a_server, NULL, 50, &options), 0);
}
END_TEST

enum { SOME = 5000 };

static void *read_some(void *fd)
{
    read_all(*(int *)fd, SOME);
    return NULL;
}

static void copy_through_a_pipe(void *arg)
{
    tr_sim_thread *reader;
    int ends[2];

    (void)arg;
    EXPECT(pipe(ends) == 0);
    EXPECT(tr_sim_thread_start(&reader, "reader", read_some, &ends[0]) == 0);
    write_all(ends[1], SOME);
    EXPECT(tr_sim_thread_join(reader) == NULL);
    close_both(ends);
}

START_TEST(each_transfer_may_fail)
{
    tr_sim_figures figures = { .faults = 1 };
    uint64_t at = 0;

    while (figures.faults > 0) {
        const tr_sim_options options = { .seed = 1, .fail_at = ++at };

        ck_assert_int_eq(tr_sim_run(copy_through_a_pipe, NULL, &options, &figures), 0);
    }
    ck_assert_uint_gt(at, 20);
}
END_TEST

START_TEST(the_same_seed_moves_the_same_bytes)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const tr_sim_options options = { .seed = seed, .fail_call = 0.2, .short_transfer = 0.5 };
        tr_sim_figures first, second;

        ck_assert_int_eq(tr_sim_run(copy_through_a_pipe, NULL, &options, &first), 0);
        ck_assert_int_eq(tr_sim_run(copy_through_a_pipe, NULL, &options, &second), 0);
        ck_assert_uint_eq(first.trace, second.trace);
        ck_assert_uint_gt(first.faults, 0);
    }
}
END_TEST

/* Until it is told to stop. */
static void *live_outside(void *stop)
{
    struct timespec now;

    while (!__atomic_load_n((bool *)stop, __ATOMIC_ACQUIRE)) {
        EXPECT(usleep(50) == 0);
        EXPECT(clock_gettime(CLOCK_REALTIME, &now) == 0);
        EXPECT(now.tv_sec > 1700000000); /* a run begins in 2000 */
    }
    return NULL;
}

START_TEST(a_thread_that_does_not_take_part_lives_in_real_time)
{
    bool stop = false;
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, live_outside, &stop), 0);
    for (uint64_t seed = 1; seed <= 200; seed++)
        simulate(copy_through_a_pipe, NULL, (tr_sim_options){ .seed = seed });
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

SUITE_MAIN("sim/descriptors", a_read_waits_in_virtual_time, a_write_waits_until_all_is_written,
           a_read_of_all_waits_for_all, an_inbox_is_polled_in_virtual_time, sleeps_are_virtual,
           outside_of_a_run_sleeps_are_real, a_slow_job_takes_longer_than_the_same_otherwise,
           a_short_transfer_moves_some_but_not_all, datagrams_stay_whole,
           a_call_that_waits_may_be_interrupted_and_another_refused,
           a_reset_connection_is_closed_on_both_sides, messages_carry_what_they_always_carry,
           a_conversation_survives_what_happens_to_it, each_transfer_may_fail,
           the_same_seed_moves_the_same_bytes, a_thread_that_does_not_take_part_lives_in_real_time)
