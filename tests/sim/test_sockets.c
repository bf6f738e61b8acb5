/* The simulated network: datagrams, Unix sockets, and the calls that programs make besides. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/un.h>

#include "sim/sockets.h"

/* ---- datagrams ---- */

static int receiver_at(uint16_t port)
{
    struct sockaddr_in name = at(LOCALHOST, port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    EXPECT(fd >= 0 && bind(fd, (sockaddr *)&name, sizeof(name)) == 0);
    return fd;
}

static ssize_t send_number(int fd, uint16_t port, int number)
{
    struct sockaddr_in name = at(LOCALHOST, port);

    return sendto(fd, &number, sizeof(number), 0, (sockaddr *)&name, sizeof(name));
}

/* -1: none comes. */
static int receive_number(int fd)
{
    int number = -1;

    if (events_of(fd, POLLIN, 1000) == POLLIN)
        EXPECT(recv(fd, &number, sizeof(number), MSG_DONTWAIT) == sizeof(number));
    return number;
}

static void send_datagrams(void *unused)
{
    struct sockaddr_in from;
    socklen_t bytes = sizeof(from);
    int server = receiver_at(53), client = socket(AF_INET, SOCK_DGRAM, 0);
    char got[4];

    (void)unused;
    EXPECT(send(client, "x", 1, 0) == -1 && errno == EDESTADDRREQ);
    for (int i = 0; i < 20; i++)
        EXPECT(send_number(client, 53, i) == sizeof(int));
    for (int i = 0; i < 20; i++)
        EXPECT(receive_number(server) == i);
    EXPECT(connect_with(client, LOCALHOST, 53) == 0 && send(client, "", 0, 0) == 0);
    EXPECT(recvfrom(server, got, 4, 0, (sockaddr *)&from, &bytes) == 0 && bytes == sizeof(from));
    EXPECT(ntohs(from.sin_port) == port_of(client));
    EXPECT(sendto(server, "0123456", 7, 0, (sockaddr *)&from, bytes) == 7);
    EXPECT(recv(client, got, 2, MSG_PEEK) == 2 && memcmp(got, "01", 2) == 0);
    EXPECT(recv(client, got, 4, MSG_TRUNC) == 7 && memcmp(got, "0123", 4) == 0);
    EXPECT(recv(client, got, 4, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    EXPECT(close(client) == 0 && close(server) == 0);
}

START_TEST(datagrams_come_whole_and_in_order)
{
    simulate_often(send_datagrams, (tr_sim_options){ .short_transfer = 1, .reset = 1 });
}
END_TEST

static void send_to_nobody(void *unused)
{
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    char byte;

    (void)unused;
    EXPECT(send_number(client, 53, 1) == sizeof(int)); /* whoever is not connected hears nothing */
    EXPECT(connect_with(client, LOCALHOST, 53) == 0);
    EXPECT(send(client, "x", 1, 0) == 1);
    EXPECT(recv(client, &byte, 1, 0) == -1 && errno == ECONNREFUSED);
    EXPECT(send(client, "x", 1, 0) == 1 && events_of(client, POLLIN, -1) == POLLIN);
    EXPECT(send(client, "x", 1, 0) == -1 && errno == ECONNREFUSED);
    EXPECT(recv(client, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    EXPECT(connect(client, &(sockaddr){ .sa_family = AF_UNSPEC }, sizeof(sockaddr)) == 0);
    EXPECT(send(client, "x", 1, 0) == -1 && errno == EDESTADDRREQ);
    EXPECT(close(client) == 0);
}

START_TEST(a_connected_socket_hears_that_nobody_receives)
{
    simulate_often(send_to_nobody, (tr_sim_options){ 0 });
}
END_TEST

static void send_ten(int got[10])
{
    int server = receiver_at(53), client = socket(AF_INET, SOCK_DGRAM, 0);
    int number;

    for (int i = 0; i < 10; i++) {
        EXPECT(send_number(client, 53, i) == sizeof(int));
        tr_sim_sleep(0.0005);
    }
    for (int i = 0; (number = receive_number(server)) >= 0; i++)
        if (i < 10)
            got[number]++;
    EXPECT(close(client) == 0 && close(server) == 0);
}

static void lose_all(void *unused)
{
    int got[10] = { 0 };

    (void)unused;
    send_ten(got);
    for (int i = 0; i < 10; i++)
        EXPECT(got[i] == 0);
}

static void double_all(void *unused)
{
    int server = receiver_at(53), client = socket(AF_INET, SOCK_DGRAM, 0);

    (void)unused;
    EXPECT(send_number(client, 53, 7) == sizeof(int));
    EXPECT(receive_number(server) == 7 && receive_number(server) == 7);
    EXPECT(receive_number(server) == -1);
    EXPECT(close(client) == 0 && close(server) == 0);
}

START_TEST(datagrams_are_lost_and_doubled_by_chance)
{
    simulate(lose_all, (tr_sim_options){ .drop = 1 });
    simulate(double_all, (tr_sim_options){ .duplicate = 1 });
}
END_TEST

static int overtaken;

static void count_overtaken(void *unused)
{
    int server = receiver_at(53), client = socket(AF_INET, SOCK_DGRAM, 0);
    int last = -1;

    (void)unused;
    for (int i = 0; i < 10; i++)
        EXPECT(send_number(client, 53, i) == sizeof(int));
    for (int i = 0; i < 10; i++) {
        int number = receive_number(server);

        EXPECT(number >= 0);
        overtaken += number < last;
        last = number;
    }
    EXPECT(close(client) == 0 && close(server) == 0);
}

START_TEST(datagrams_overtake_each_other_by_chance)
{
    simulate(count_overtaken, (tr_sim_options){ 0 });
    ck_assert_int_eq(overtaken, 0);
    simulate(count_overtaken, (tr_sim_options){ .reorder = 0.5 });
    ck_assert_int_gt(overtaken, 0);
}
END_TEST

/* ---- Unix sockets ---- */

static socklen_t name_unix(struct sockaddr_un *name, const char *path)
{
    memset(name, 0, sizeof(*name));
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path, path, strlen(path + 1) + 1);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path + 1) + 1);
}

static void speak_at(const char *path)
{
    struct sockaddr_un name;
    socklen_t bytes = name_unix(&name, path);
    int listening = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    int ends[2] = { socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0) };
    char byte;

    EXPECT(connect(ends[0], (sockaddr *)&name, bytes) == -1);
    EXPECT(errno == (*path != 0 ? ENOENT : ECONNREFUSED));
    EXPECT(listen(listening, 1) == -1 && errno == EINVAL);
    EXPECT(bind(listening, (sockaddr *)&name, bytes) == 0);
    EXPECT(bind(other, (sockaddr *)&name, bytes) == -1 && errno == EADDRINUSE);
    EXPECT(connect(ends[0], (sockaddr *)&name, bytes) == -1 && errno == ECONNREFUSED);
    EXPECT(listen(listening, 0) == 0 && connect(ends[0], (sockaddr *)&name, bytes) == 0);
    ends[1] = accept(listening, NULL, NULL);
    EXPECT(write(ends[0], "x", 1) == 1 && read(ends[1], &byte, 1) == 1 && byte == 'x');
    memset(&name, 0xff, sizeof(name));
    EXPECT(getpeername(ends[0], (sockaddr *)&name, &bytes) == 0);
    EXPECT(memcmp(name.sun_path, path, strlen(path + 1) + 1) == 0);
    close_both(ends);
    EXPECT(close(listening) == 0 && close(other) == 0);
}

static char unix_path[64];

static void speak_at_both(void *unused)
{
    struct sockaddr_un name;
    socklen_t bytes = name_unix(&name, unix_path);
    int fd;

    (void)unused;
    speak_at("\0abstract");
    speak_at(unix_path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(connect(fd, (sockaddr *)&name, bytes) == -1 && errno == ECONNREFUSED); /* it is stale */
    EXPECT(unlink(unix_path) == 0 && close(fd) == 0);
}

START_TEST(unix_sockets_are_found_in_the_file_system_or_by_a_name)
{
    (void)snprintf(unix_path, sizeof(unix_path), "/tmp/troupe-sim-%d", (int)getpid());
    simulate_often(speak_at_both, (tr_sim_options){ 0 });
}
END_TEST

/* ---- other calls ---- */

static void pass_a_file(void *unused)
{
    int ends[2], in[2];
    FILE *file = tmpfile();
    char got[8] = "";

    (void)unused;
    connect_pair(ends);
    EXPECT(file != NULL && fwrite("abcdefg", 7, 1, file) == 1 && fflush(file) == 0);
    EXPECT(sendfile(ends[0], fileno(file), &(off_t){ 2 }, 5) == 5);
    EXPECT(recv(ends[1], got, 5, MSG_WAITALL) == 5 && strcmp(got, "cdefg") == 0);
    EXPECT(pipe(in) == 0 && write(in[1], "xyz", 3) == 3);
    EXPECT(splice(in[0], NULL, ends[0], NULL, 3, 0) == 3);
    EXPECT(events_of(ends[1], POLLIN, -1) == POLLIN);
    EXPECT(recv(ends[1], got, 1, MSG_PEEK) == 1 && got[0] == 'x');
    EXPECT(splice(ends[1], NULL, in[1], NULL, 1, 0) == 1 && read(in[0], got, 8) == 1);
    EXPECT(got[0] == 'x' && fclose(file) == 0);
    close_both(ends);
    close_both(in);
}

START_TEST(bytes_go_from_a_file_or_a_pipe_to_a_connection)
{
    simulate_often(pass_a_file, (tr_sim_options){ 0 });
}
END_TEST

static void duplicate(void *unused)
{
    int ends[2], copy;
    char byte;

    (void)unused;
    connect_pair(ends);
    copy = dup(ends[0]);
    EXPECT(close(ends[0]) == 0 && write(copy, "x", 1) == 1 && port_of(copy) > 0);
    EXPECT(read(ends[1], &byte, 1) == 1 && events_of(ends[1], POLLIN, 1000) == 0);
    EXPECT(close(copy) == 0 && read(ends[1], &byte, 1) == 0 && close(ends[1]) == 0);
}

START_TEST(a_connection_lives_as_long_as_its_last_descriptor)
{
    simulate_often(duplicate, (tr_sim_options){ 0 });
}
END_TEST

static void close_by_a_stream(void *unused)
{
    int ends[2];
    FILE *stream;
    char byte;

    (void)unused;
    connect_pair(ends);
    stream = fdopen(ends[0], "w");
    EXPECT(stream != NULL && fputs("abc", stream) >= 0 && fclose(stream) == 0);
    for (int i = 0; i < 3; i++)
        EXPECT(read(ends[1], &byte, 1) == 1 && byte == "abc"[i]);
    EXPECT(read(ends[1], &byte, 1) == 0 && close(ends[1]) == 0);
}

START_TEST(what_goes_past_the_simulation_is_noticed_in_time)
{
    simulate_often(close_by_a_stream, (tr_sim_options){ 0 });
}
END_TEST

static void ask_for_options(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int value = -1;
    socklen_t bytes = sizeof(value);

    (void)unused;
    set(fd, IPPROTO_TCP, TCP_NODELAY);
    EXPECT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &bytes) == 0 && value == 1);
    EXPECT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &bytes) == 0 && value == 0);
    EXPECT(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &bytes) == 0 && value == AF_INET);
    EXPECT(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &bytes) == 0 && value == SOCK_STREAM);
    EXPECT(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes) == 0 && value == 0);
    EXPECT(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == -1 && errno == EOPNOTSUPP);
    EXPECT(accept(fd, NULL, NULL) == -1 && errno == EINVAL);
    EXPECT(shutdown(fd, SHUT_WR) == -1 && errno == ENOTCONN && close(fd) == 0);
}

START_TEST(options_are_kept)
{
    simulate(ask_for_options, (tr_sim_options){ 0 });
}
END_TEST

static int real_socket;
static struct sockaddr_in real_address;

static void reach_for_the_real_network(void *unused)
{
    (void)unused;
    EXPECT(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EAFNOSUPPORT);
    EXPECT(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) == -1 && errno == ESOCKTNOSUPPORT);
    EXPECT(connect(real_socket, (sockaddr *)&real_address, sizeof(real_address)) == -1);
    EXPECT(errno == ENETUNREACH);
    EXPECT(sendto(real_socket, "x", 1, 0, (sockaddr *)&real_address, 16) == -1);
    EXPECT(errno == ENETUNREACH);
    EXPECT(bind(real_socket, (sockaddr *)&real_address, 16) == -1 && errno == EADDRNOTAVAIL);
    EXPECT(listen(real_socket, 1) == -1 && errno == EOPNOTSUPP);
    EXPECT(accept(real_socket, NULL, NULL) == -1 && errno == EOPNOTSUPP);
}

START_TEST(nothing_reaches_the_real_network)
{
    real_socket = socket(AF_INET, SOCK_DGRAM, 0);
    real_address = at(LOCALHOST, 9);
    simulate(reach_for_the_real_network, (tr_sim_options){ 0 });
    ck_assert_int_eq(close(real_socket), 0);
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    const tr_sim_options wrong[] = {
        { .partition = 1.1 }, { .drop = -1 },      { .duplicate = 2 },
        { .reorder = -0.1 },  { .latency = 3601 },
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        ck_assert_int_eq(tr_sim_run(ask_for_options, NULL, &wrong[i], NULL), TR_EINVAL);
}
END_TEST

SUITE_MAIN("sim/sockets", datagrams_come_whole_and_in_order,
           a_connected_socket_hears_that_nobody_receives, datagrams_are_lost_and_doubled_by_chance,
           datagrams_overtake_each_other_by_chance,
           unix_sockets_are_found_in_the_file_system_or_by_a_name,
           bytes_go_from_a_file_or_a_pipe_to_a_connection,
           a_connection_lives_as_long_as_its_last_descriptor,
           what_goes_past_the_simulation_is_noticed_in_time, options_are_kept,
           nothing_reaches_the_real_network, options_that_make_no_sense_are_refused)
