/* Whoever has begun to connect when listening ends. The system completes handshakes of TCP by
 * itself, so quickly that none is seen: here it waits for the first byte (TCP_DEFER_ACCEPT), as it
 * would for the client's last segment. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <troupe/net.h>
#include <unistd.h>

#include "net/listener.h"
#include "support/tasks.h"

static void defer(int fd)
{
    int seconds = 60;

    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)), 0);
}

/* A client that has sent nothing yet. */
static int begin_to_connect(int listener)
{
    struct sockaddr_storage to = { 0 };
    socklen_t bytes = sizeof(to);
    int fd;

    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&to, &bytes), 0);
    fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, bytes), 0);
    return fd;
}

static void send_byte(int fd)
{
    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
}

static int listen_at(int family, const struct sockaddr *address, socklen_t bytes)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert(fd >= 0 && bind(fd, address, bytes) == 0 && listen(fd, 8) == 0);
    return fd;
}

/* ---- what the system tells ---- */

static void expect_to_be_told(int listener)
{
    int client;

    defer(listener);
    ck_assert(!tr__sys_has_handshakes(listener));
    client = begin_to_connect(listener);
    ck_assert(tr__sys_has_handshakes(listener));
    for (uint64_t n = 1;; n++) { /* where it can't be told, there is none */
        bool has;

        tr__fault_arm(n, false);
        has = tr__sys_has_handshakes(listener);
        if (!tr__fault_disarm())
            break;
        ck_assert(!has);
    }
    send_byte(client);
    ck_assert(!tr__sys_has_handshakes(listener));
    ck_assert_int_eq(close(client), 0);
    ck_assert_int_eq(close(listener), 0);
}

START_TEST(the_system_tells_of_handshakes_that_have_begun)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    expect_to_be_told(listen_at(AF_INET, (struct sockaddr *)&four, sizeof(four)));
    if (probe >= 0) {
        ck_assert_int_eq(close(probe), 0);
        expect_to_be_told(listen_at(AF_INET6, (struct sockaddr *)&six, sizeof(six)));
    }
}
END_TEST

START_TEST(what_is_no_socket_of_tcp_has_none)
{
    int ends[2];

    ck_assert(!tr__sys_has_handshakes(-1));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ck_assert(!tr__sys_has_handshakes(ends[0]));
    ck_assert_int_eq(close(ends[0]), 0);
    ck_assert_int_eq(close(ends[1]), 0);
}
END_TEST

/* ---- waiting for them ---- */

static int accepted;

static void on_accept(tr__acceptor *acceptor, int fd, const tr_address *from)
{
    (void)acceptor;
    (void)from;
    accepted++;
    ck_assert_int_eq(close(fd), 0);
}

static int finish_late(void *client)
{
    ck_assert_int_eq(tr_sleep(3 * TR__LISTEN_LINGER_S), 0);
    send_byte(*(const int *)client);
    return 0;
}

static int let_one_finish(void *unused)
{
    tr__acceptor acceptor;
    tr_task *task;
    int client;

    (void)unused;
    ck_assert_int_eq(
        tr__acceptor_open(&acceptor, "127.0.0.1:0", &(tr_listen_options){ 0 }, on_accept), 0);
    defer(acceptor.watcher.fd);
    client = begin_to_connect(acceptor.watcher.fd);
    tr__acceptor_stop(&acceptor);
    task = kit_spawn_task(TR_LOOP(0), finish_late, &client);
    ck_assert_double_ge(tr__acceptor_linger(&acceptor, 60), 2 * TR__LISTEN_LINGER_S);
    tr__acceptor_close(&acceptor);
    ck_assert_int_eq(accepted, 1);
    ck_assert_int_eq(kit_end_task(task), 0);
    ck_assert_int_eq(close(client), 0);
    return 0;
}

START_TEST(who_finishes_late_is_accepted_all_the_same)
{
    kit_run_task(1, let_one_finish, NULL);
}
END_TEST

/* Nobody finishes, and it ends: where nobody has begun, soon. */
static int let_none_finish(void *has_begun)
{
    tr__acceptor acceptor;
    int client = -1;
    double waited;

    ck_assert_int_eq(
        tr__acceptor_open(&acceptor, "127.0.0.1:0", &(tr_listen_options){ 0 }, on_accept), 0);
    defer(acceptor.watcher.fd);
    if (*(const bool *)has_begun)
        client = begin_to_connect(acceptor.watcher.fd);
    tr__acceptor_stop(&acceptor);
    waited = tr__acceptor_linger(&acceptor, 2 * TR__LISTEN_LINGER_S);
    ck_assert(*(const bool *)has_begun ? waited >= 1.9 * TR__LISTEN_LINGER_S
                                       : waited <= TR__LISTEN_LINGER_S);
    tr__acceptor_close(&acceptor);
    ck_assert_int_eq(accepted, 0);
    if (client >= 0)
        ck_assert_int_eq(close(client), 0);
    return 0;
}

START_TEST(who_never_finishes_is_not_waited_for_long)
{
    bool has_begun = false;

    kit_run_task(1, let_none_finish, &has_begun);
    has_begun = true;
    kit_run_task(1, let_none_finish, &has_begun);
}
END_TEST
#if KIT_EMULATED /* qemu does not pass such questions on */
KIT_MAIN("net/handshakes", what_is_no_socket_of_tcp_has_none)
#else
KIT_MAIN("net/handshakes", the_system_tells_of_handshakes_that_have_begun,
         what_is_no_socket_of_tcp_has_none, who_finishes_late_is_accepted_all_the_same,
         who_never_finishes_is_not_waited_for_long)
#endif
