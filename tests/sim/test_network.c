/* The simulated network: connections and addresses, and what happens to them by the seed. */
#include <errno.h>
#include <string.h>

#include "sim/sockets.h"

/* ---- connections ---- */

static void speak_once(void *unused)
{
    int ends[2];
    char got[4] = "";
    double begin;

    (void)unused;
    connect_pair(ends);
    begin = tr_sim_now();
    EXPECT(write(ends[0], "abc", 3) == 3);
    EXPECT(recv(ends[1], got, 3, MSG_WAITALL) == 3 && strcmp(got, "abc") == 0);
    EXPECT(tr_sim_now() > begin && tr_sim_now() < begin + 0.01);
    EXPECT(shutdown(ends[0], SHUT_WR) == 0);
    EXPECT(read(ends[1], got, 1) == 0);
    EXPECT(write(ends[1], "d", 1) == 1 && read(ends[0], got, 3) == 1 && got[0] == 'd');
    EXPECT(write(ends[0], "x", 1) == -1 && errno == EPIPE);
    EXPECT(close(ends[1]) == 0 && read(ends[0], got, 1) == 0);
    EXPECT(close(ends[0]) == 0);
}

START_TEST(a_connection_carries_bytes_and_ends_one_way_at_a_time)
{
    simulate_often(speak_once, (tr_sim_options){ 0 });
}
END_TEST

static void speak_slowly(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    connect_pair(ends);
    for (int i = 0; i < 100; i++)
        EXPECT(write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1);
    close_both(ends);
    EXPECT(tr_sim_now() > 100 && tr_sim_now() < 410);
}

START_TEST(what_is_sent_takes_as_long_as_the_options_say)
{
    simulate(speak_slowly, (tr_sim_options){ .latency = 4 });
}
END_TEST

static void speak_at_once(void *unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        speak_once(NULL);
    EXPECT(tr_sim_now() < 0.001);
}

START_TEST(a_latency_below_zero_is_none)
{
    simulate(speak_at_once, (tr_sim_options){ .latency = -1 });
}
END_TEST

static void compare_names(void *unused)
{
    int listening = listen_at(LOCALHOST, 8080, 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    struct sockaddr_in from, name;
    socklen_t bytes = sizeof(from);
    int accepted;

    (void)unused;
    EXPECT(port_of(listening) == 8080);
    EXPECT(getpeername(fd, (sockaddr *)&name, &bytes) == -1 && errno == ENOTCONN);
    EXPECT(connect_with(fd, LOCALHOST, 8080) == 0);
    EXPECT(connect_with(fd, LOCALHOST, 8080) == -1 && errno == EISCONN);
    accepted = accept4(listening, (sockaddr *)&from, &bytes, SOCK_NONBLOCK);
    EXPECT(accepted >= 0 && bytes == sizeof(from) && ntohs(from.sin_port) == port_of(fd));
    EXPECT((fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0 && fcntl(accepted, F_GETFD) == 0);
    EXPECT(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    EXPECT(port_of(accepted) == 8080 && port_of(fd) == 32768);
    EXPECT(getpeername(fd, (sockaddr *)&name, &bytes) == 0 && name.sin_port == htons(8080));
    EXPECT(getpeername(accepted, (sockaddr *)&name, &bytes) == 0);
    EXPECT(name.sin_port == from.sin_port && name.sin_addr.s_addr == htonl(LOCALHOST));
    EXPECT(close(accepted) == 0 && close(fd) == 0 && close(listening) == 0);
}

START_TEST(both_sides_know_each_other_by_name)
{
    simulate(compare_names, (tr_sim_options){ 0 });
}
END_TEST

static void connect_to_both_families(void *unused)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
    int listening = socket(AF_INET6, SOCK_STREAM, 0);
    int four = socket(AF_INET, SOCK_STREAM, 0);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    socklen_t bytes = sizeof(name);
    int accepted[2];

    (void)unused;
    EXPECT(bind(listening, (sockaddr *)&name, sizeof(name)) == 0 && listen(listening, 5) == 0);
    EXPECT(connect_with(four, 0x0a000001, 80) == 0);
    accepted[0] = accept(listening, (sockaddr *)&name, &bytes);
    EXPECT(accepted[0] >= 0 && name.sin6_family == AF_INET6);
    EXPECT(IN6_IS_ADDR_V4MAPPED(&name.sin6_addr) && name.sin6_addr.s6_addr[12] == 10);
    name = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(80) };
    EXPECT(connect(six, (sockaddr *)&name, sizeof(name)) == 0);
    accepted[1] = accept(listening, (sockaddr *)&name, &bytes);
    EXPECT(accepted[1] >= 0 && IN6_IS_ADDR_LOOPBACK(&name.sin6_addr));
    EXPECT(connect(six, (sockaddr *)&(struct sockaddr_in){ .sin_family = AF_INET }, 16) == -1);
    close_both(accepted);
    EXPECT(close(four) == 0 && close(six) == 0 && close(listening) == 0);
}

START_TEST(a_socket_of_ipv6_takes_ipv4_with_it)
{
    simulate(connect_to_both_families, (tr_sim_options){ 0 });
}
END_TEST

static void find_nobody(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int hasty = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    char byte;

    (void)unused;
    EXPECT(read(fd, &byte, 1) == -1 && errno == ENOTCONN);
    EXPECT(write(fd, "x", 1) == -1 && errno == EPIPE);
    EXPECT(connect_with(fd, LOCALHOST, 80) == -1 && errno == ECONNREFUSED);
    EXPECT(connect_with(hasty, LOCALHOST, 80) == -1 && errno == EINPROGRESS);
    EXPECT(events_of(hasty, POLLOUT, 0) == 0);
    EXPECT(connect_with(hasty, LOCALHOST, 80) == -1 && errno == EALREADY);
    EXPECT(write(hasty, "x", 1) == -1 && errno == EAGAIN);
    EXPECT((events_of(hasty, POLLOUT, -1) & (POLLOUT | POLLERR)) == (POLLOUT | POLLERR));
    EXPECT(error_of(hasty) == ECONNREFUSED);
    EXPECT(error_of(hasty) == 0);
    EXPECT(close(fd) == 0 && close(hasty) == 0);
}

START_TEST(a_connection_is_refused_where_nobody_listens)
{
    simulate_often(find_nobody, (tr_sim_options){ 0 });
}
END_TEST

static void ask_nobody(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)unused;
    EXPECT(connect_with(fd, NOWHERE, 80) == -1 && errno == ETIMEDOUT);
    EXPECT(tr_sim_now() > 120 && tr_sim_now() < 130);
    EXPECT(close(fd) == 0);
}

START_TEST(nobody_answers_at_an_address_of_documentation)
{
    simulate(ask_nobody, (tr_sim_options){ 0 });
}
END_TEST

static void connect_more_than_may_wait(void *unused)
{
    int listening = listen_at(LOCALHOST, 80, 1);
    int fds[3];
    int accepted;

    (void)unused;
    for (int i = 0; i < 3; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        EXPECT(connect_with(fds[i], LOCALHOST, 80) == -1 && errno == EINPROGRESS);
        EXPECT((events_of(fds[i], POLLOUT, 100) == POLLOUT) == (i < 2));
    }
    accepted = accept(listening, NULL, NULL);
    EXPECT(accepted >= 0 && events_of(fds[2], POLLOUT, -1) == POLLOUT && error_of(fds[2]) == 0);
    EXPECT(tr_sim_now() > 1 && tr_sim_now() < 10);
    EXPECT(close(listening) == 0 && close(accepted) == 0);
    EXPECT((events_of(fds[1], POLLIN, -1) & POLLIN) != 0);
    EXPECT(read(fds[1], &(char){ 0 }, 1) == -1 && errno == ECONNRESET);
    for (int i = 0; i < 3; i++)
        EXPECT(close(fds[i]) == 0);
}

START_TEST(whoever_finds_the_backlog_full_tries_again)
{
    simulate(connect_more_than_may_wait, (tr_sim_options){ 0 });
}
END_TEST

/* ---- names ---- */

static void bind_twice(void *unused)
{
    int listening = listen_at(LOCALHOST, 80, 1);
    struct sockaddr_in same = at(LOCALHOST, 80), other = at(LOCALHOST + 1, 80), any = at(0, 80);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM, 0);

    (void)unused;
    EXPECT(bind(fd, (sockaddr *)&same, sizeof(same)) == -1 && errno == EADDRINUSE);
    EXPECT(bind(fd, (sockaddr *)&any, sizeof(any)) == -1 && errno == EADDRINUSE);
    EXPECT(bind(fd, (sockaddr *)&same, 3) == -1 && errno == EINVAL);
    EXPECT(bind(fd, (sockaddr *)&other, sizeof(other)) == 0);
    EXPECT(bind(fd, (sockaddr *)&other, sizeof(other)) == -1 && errno == EINVAL);
    EXPECT(bind(datagrams, (sockaddr *)&same, sizeof(same)) == 0);
    EXPECT(listen(datagrams, 1) == -1 && errno == EOPNOTSUPP);
    EXPECT(close(fd) == 0 && close(listening) == 0 && close(datagrams) == 0);
    fd = listen_at(LOCALHOST, 80, 1); /* it is free again */
    EXPECT(close(fd) == 0);
}

START_TEST(an_address_that_is_in_use_is_refused)
{
    simulate(bind_twice, (tr_sim_options){ 0 });
}
END_TEST

static int listen_beside(uint16_t port)
{
    struct sockaddr_in name = at(0, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    set(fd, SOL_SOCKET, SO_REUSEPORT);
    EXPECT(bind(fd, (sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 100) == 0);
    return fd;
}

static void share_a_port(void *unused)
{
    int listening[2] = { listen_beside(80), listen_beside(80) };
    int got[2] = { 0 };

    (void)unused;
    for (int i = 0; i < 40; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        EXPECT(connect_with(fd, LOCALHOST, 80) == 0);
        for (int which = 0; which < 2; which++) {
            int accepted = accept(listening[which], NULL, NULL);

            got[which] += accepted >= 0;
            EXPECT(accepted >= 0 ? close(accepted) == 0 : errno == EAGAIN);
        }
        EXPECT(close(fd) == 0);
    }
    EXPECT(got[0] + got[1] == 40 && got[0] > 4 && got[1] > 4);
    close_both(listening);
}

START_TEST(those_who_share_a_port_share_what_comes)
{
    simulate_often(share_a_port, (tr_sim_options){ 0 });
}
END_TEST

/* ---- how connections go wrong ---- */

static void fill(void *unused)
{
    static char much[100000];
    int ends[2];
    ssize_t n;
    size_t written = 0, got = 0;

    (void)unused;
    connect_pair(ends);
    let_none_wait(ends);
    for (int idle = 0; idle < 3;) {
        for (size_t i = 0; i < sizeof(much); i++)
            much[i] = byte_at(written + i);
        n = write(ends[0], much, sizeof(much));
        EXPECT(n > 0 || errno == EAGAIN);
        written += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        tr_sim_sleep(0.1);
    }
    EXPECT(written > 10000 && written < 1000000 && events_of(ends[0], POLLOUT, 0) == 0);
    EXPECT(close(ends[0]) == 0);
    while ((n = read(ends[1], much, sizeof(much))) != 0) {
        EXPECT(n > 0 || errno == EAGAIN);
        for (ssize_t i = 0; i < n; i++)
            EXPECT(much[i] == byte_at(got + (size_t)i));
        got += n > 0 ? (size_t)n : 0;
        (void)events_of(ends[1], POLLIN, -1);
    }
    EXPECT(got == written && close(ends[1]) == 0);
}

START_TEST(a_reader_that_is_slow_stops_its_writer_and_gets_all)
{
    simulate_often(fill, (tr_sim_options){ 0 });
}
END_TEST

static void close_with_something_unread(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    connect_pair(ends);
    EXPECT(write(ends[0], "abc", 3) == 3 && write(ends[1], "d", 1) == 1);
    EXPECT(events_of(ends[1], POLLIN, -1) == POLLIN && close(ends[1]) == 0);
    EXPECT(read(ends[0], &byte, 1) == 1 && byte == 'd');
    EXPECT(read(ends[0], &byte, 1) == -1 && errno == ECONNRESET);
    EXPECT(read(ends[0], &byte, 1) == 0);
    EXPECT(write(ends[0], "x", 1) == -1 && errno == EPIPE);
    EXPECT(close(ends[0]) == 0);
}

START_TEST(closing_with_something_unread_resets)
{
    simulate_often(close_with_something_unread, (tr_sim_options){ 0 });
}
END_TEST

static void close_without_lingering(void *unused)
{
    const struct linger linger = { .l_onoff = 1 };
    int ends[2];

    (void)unused;
    connect_pair(ends);
    EXPECT(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    EXPECT(close(ends[1]) == 0);
    EXPECT((events_of(ends[0], POLLIN, -1) & POLLHUP) != 0 && error_of(ends[0]) == ECONNRESET);
    EXPECT(close(ends[0]) == 0);
}

START_TEST(closing_without_lingering_resets)
{
    simulate_often(close_without_lingering, (tr_sim_options){ 0 });
}
END_TEST

static void write_to_who_has_left(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    connect_pair(ends);
    EXPECT(close(ends[1]) == 0);
    EXPECT(read(ends[0], &byte, 1) == 0);
    EXPECT(write(ends[0], "x", 1) == 1); /* the answer comes later */
    EXPECT((events_of(ends[0], 0, -1) & POLLHUP) != 0);
    EXPECT(read(ends[0], &byte, 1) == -1 && errno == ECONNRESET);
    EXPECT(write(ends[0], "x", 1) == -1 && errno == EPIPE); /* and no signal */
    EXPECT(close(ends[0]) == 0);
}

START_TEST(writing_to_who_has_left_is_answered_by_a_reset)
{
    simulate_often(write_to_who_has_left, (tr_sim_options){ 0 });
}
END_TEST

static void lose_a_connection(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    connect_pair(ends);
    EXPECT(read(ends[0], &byte, 1) == -1 && errno == ECONNRESET);
    EXPECT((events_of(ends[1], POLLIN, -1) & POLLHUP) != 0);
    EXPECT(read(ends[1], &byte, 1) == -1 && errno == ECONNRESET);
    EXPECT(read(ends[1], &byte, 1) == 0 && read(ends[0], &byte, 1) <= 0);
    close_both(ends);
}

START_TEST(both_sides_see_a_reset_by_chance)
{
    simulate_often(lose_a_connection, (tr_sim_options){ .reset = 1 });
}
END_TEST

static void speak_through_cuts(void *unused)
{
    int ends[2];
    char byte;

    (void)unused;
    connect_pair(ends);
    for (size_t i = 0; i < 10; i++) {
        EXPECT(write(ends[0], &(char){ byte_at(i) }, 1) == 1);
        EXPECT(read(ends[1], &byte, 1) == 1 && byte == byte_at(i));
    }
    close_both(ends);
    EXPECT(tr_sim_now() > 10);
}

START_TEST(what_is_cut_off_comes_later)
{
    simulate_often(speak_through_cuts, (tr_sim_options){ .partition = 1 });
}
END_TEST

/* ---- all at once ---- */

START_TEST(the_same_seed_does_the_same_to_the_network)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const tr_sim_options options = { .seed = seed,
                                         .late = 0.1,
                                         .stall = 0.02,
                                         .partition = 0.01,
                                         .drop = 0.1,
                                         .duplicate = 0.1,
                                         .reorder = 0.1 };
        tr_sim_figures first, second;

        ck_assert_int_eq(tr_sim_run(scenario_network, NULL, &options, &first), 0);
        ck_assert_int_eq(tr_sim_run(scenario_network, NULL, &options, &second), 0);
        ck_assert_uint_eq(first.trace, second.trace);
        ck_assert_uint_eq(first.steps, second.steps);
        ck_assert_double_eq(first.seconds, second.seconds);
    }
}
END_TEST

START_TEST(connections_carry_all_or_are_seen_to_fail_on_both_sides)
{
    const tr_sim_options options[] = {
        { .seed = 1, .reset = 0.02, .short_transfer = 0.3 },
        { .seed = 1, .reset = 0.005, .fail_call = 0.05, .partition = 0.01, .late = 0.1 },
    };

    faults_turn(true);
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        ck_assert_int_eq(tr_sim_explore(scenario_network, NULL, 200, &options[i]), 0);
}
END_TEST

SUITE_MAIN("sim/network", a_connection_carries_bytes_and_ends_one_way_at_a_time,
           what_is_sent_takes_as_long_as_the_options_say, a_latency_below_zero_is_none,
           both_sides_know_each_other_by_name, a_socket_of_ipv6_takes_ipv4_with_it,
           a_connection_is_refused_where_nobody_listens,
           nobody_answers_at_an_address_of_documentation,
           whoever_finds_the_backlog_full_tries_again, an_address_that_is_in_use_is_refused,
           those_who_share_a_port_share_what_comes,
           a_reader_that_is_slow_stops_its_writer_and_gets_all,
           closing_with_something_unread_resets, closing_without_lingering_resets,
           writing_to_who_has_left_is_answered_by_a_reset, both_sides_see_a_reset_by_chance,
           what_is_cut_off_comes_later, the_same_seed_does_the_same_to_the_network,
           connections_carry_all_or_are_seen_to_fail_on_both_sides)
