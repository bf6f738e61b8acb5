/* Connecting, listening, serving; datagrams. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <troupe/net.h>

#include "sync/cases.h"

/* ---- connecting and accepting ---- */

static void open_both(tr_listener *l, tr_io **client, tr_io **server)
{
    EXPECT(tr_tcp_connect(client, tr_listener_address(l), NULL) == 0);
    EXPECT(tr_accept(server, l) == 0);
}

CASE(who_connects_is_accepted_and_both_know_where_they_are)
{
    tr_listener *l;
    tr_io *client, *server;
    char text[8];

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_listener_port(l) > 0);
    open_both(l, &client, &server);
    EXPECT(strcmp(tr_io_peer(client), tr_listener_address(l)) == 0);
    EXPECT(strcmp(tr_io_peer(server), tr_io_local(client)) == 0);
    EXPECT(tr_write_all(client, "hello", 5) == 0 && tr_close_write(client) == 0);
    EXPECT(tr_read_exact(server, text, 5) == 0 && tr_read(server, text, 1) == 0);
    EXPECT(tr_write_all(server, "bye", 3) == 0 && tr_close(server) == 0);
    EXPECT(tr_read_exact(client, text, 3) == 0 && tr_read(client, text, 1) == 0);
    EXPECT(tr_write_all(client, "x", 1) == TR_EPIPE);
    EXPECT(tr_close(client) == 0 && tr_listener_close(l) == 0);
}

CASE(nobody_listens_there)
{
    char address[64];
    tr_listener *l;
    tr_io *io;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(address, sizeof(address), "%s", tr_listener_address(l));
    EXPECT(tr_listener_close(l) == 0);
    EXPECT(tr_tcp_connect(&io, address, NULL) == TR_ECONNREFUSED && io == NULL);
    EXPECT(tr_tcp_connect(&io, "unix:/nowhere/at/all", NULL) == TR_ENOENT && io == NULL);
}

CASE(bad_addresses_and_options_are_refused)
{
    static const char *const bad[] = {
        "", "127.0.0.1", ":", "127.0.0.1:65536", "127.0.0.1:-1", "[::1", "::1:80", "unix:", "a b:1"
    };
    tr_listener *l;
    tr_io *io;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT(tr_tcp_connect(&io, bad[i], NULL) < 0 && io == NULL);
        EXPECT(tr_listen(&l, bad[i], NULL) == TR_EINVAL && l == NULL);
    }
    EXPECT(tr_tcp_connect(NULL, "127.0.0.1:1", NULL) == TR_EINVAL);
    EXPECT(tr_tcp_connect(&io, NULL, NULL) == TR_EINVAL);
    EXPECT(tr_tcp_connect(&io, "127.0.0.1:1", &(tr_connect_options){ .timeout = NAN }) ==
           TR_EINVAL);
    EXPECT(tr_listen(NULL, "127.0.0.1:0", NULL) == TR_EINVAL);
    EXPECT(tr_accept(&io, NULL) == TR_EINVAL && tr_accept(NULL, NULL) == TR_EINVAL);
    EXPECT(tr_listener_close(NULL) == 0 && tr_close(NULL) == 0);
}

/* "unix:" and a path of this process's alone. */
static void name_file(char address[128], const char *kind)
{
    (void)snprintf(address, 128, "unix:/tmp/troupe_%s.%d.%p", kind, (int)getpid(), (void *)address);
}

CASE(a_socket_in_the_file_system_is_removed_when_it_is_closed)
{
    char address[128];
    const char *path = address + 5;
    struct stat status;
    tr_listener *l, *other;
    tr_io *client, *server;

    name_file(address, "tcp");
    EXPECT(tr_listen(&l, address, &(tr_listen_options){ .mode = 0600 }) == 0);
    EXPECT(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
    EXPECT(tr_listen(&other, address, NULL) == TR_EADDRINUSE);
    open_both(l, &client, &server);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    EXPECT(tr_listener_close(l) == 0);
    EXPECT(stat(path, &status) < 0);
}

/* As a server leaves it that was killed. */
CASE(a_socket_that_was_left_behind_is_replaced)
{
    char address[128];
    tr_address parsed;
    struct stat status;
    tr_listener *l;
    tr_io *client, *server;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    name_file(address, "left");
    EXPECT(tr_address_parse(&parsed, address) == 0);
    EXPECT(bind(fd, (struct sockaddr *)&parsed.tr__storage, parsed.tr__bytes) == 0);
    EXPECT(close(fd) == 0 && stat(address + 5, &status) == 0);
    EXPECT(tr_listen(&l, address, NULL) == 0);
    open_both(l, &client, &server);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    EXPECT(tr_listener_close(l) == 0);
    EXPECT(stat(address + 5, &status) < 0);
}

/* As deployments do: the old server's file is removed, a new one listens, the old one ends. */
CASE(a_socket_that_another_has_replaced_is_left_to_it)
{
    char address[128];
    struct stat status;
    tr_listener *old, *fresh;
    tr_io *client, *server;

    name_file(address, "shift");
    EXPECT(tr_listen(&old, address, NULL) == 0 && unlink(address + 5) == 0);
    EXPECT(tr_listen(&fresh, address, NULL) == 0);
    EXPECT(tr_listener_close(old) == 0);
    open_both(fresh, &client, &server);
    EXPECT(tr_close(client) == 0 && tr_close(server) == 0);
    EXPECT(tr_listener_close(fresh) == 0);
    EXPECT(stat(address + 5, &status) < 0);
}

static int connect_to(void *address)
{
    tr_io *io;
    int rc = tr_tcp_connect(&io, address, NULL);

    return rc < 0 ? rc : tr_close(io);
}

/* How many may wait is the backlog, and one. */
CASE(at_a_socket_in_the_file_system_who_comes_too_early_waits)
{
    enum { CLIENTS = 8 };
    char address[64];
    tr_task *clients[CLIENTS];
    tr_listener *l;
    tr_io *io;
    int rc = 0;

    (void)snprintf(address, sizeof(address), "unix:@troupe-full-%d", (int)getpid());
    EXPECT(tr_listen(&l, address, &(tr_listen_options){ .backlog = 1 }) == 0);
    for (int i = 0; i < CLIENTS; i++)
        EXPECT(tr_task_spawn(&clients[i], connect_to, address) == 0);
    let_others_run();
    TR_DEADLINE(0.01, &rc) {
        rc = connect_to(address);
    }
    EXPECT(rc == TR_ETIMEDOUT); /* it obeys deadlines */
    for (int i = 0; i < CLIENTS; i++)
        EXPECT(tr_accept(&io, l) == 0 && tr_close(io) == 0);
    for (int i = 0; i < CLIENTS; i++) {
        EXPECT(tr_task_wait(clients[i], TR_FOREVER) == 0);
        tr_task_unref(clients[i]);
    }
    EXPECT(tr_listener_close(l) == 0);
}

CASE(a_file_that_is_no_socket_is_left_alone)
{
    char address[128];
    char *path = address + 5;
    struct stat status;
    tr_listener *l;
    FILE *file;

    name_file(address, "file");
    file = fopen(path, "w");
    EXPECT(file != NULL && fclose(file) == 0);
    EXPECT(tr_listen(&l, address, NULL) == TR_EADDRINUSE && l == NULL);
    EXPECT(stat(path, &status) == 0 && S_ISREG(status.st_mode));
    EXPECT(unlink(path) == 0);
}

static int accept_one(void *listener)
{
    tr_io *io;

    return tr_accept(&io, listener);
}

CASE(who_accepts_is_told_when_the_listener_is_closed)
{
    tr_listener *l;
    tr_task *task;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_task_spawn(&task, accept_one, l) == 0);
    let_others_run();
    EXPECT(tr_listener_close(l) == 0);
    EXPECT(tr_task_wait(task, TR_FOREVER) == TR_EPIPE);
    tr_task_unref(task);
}

CASE(accepting_obeys_a_deadline)
{
    tr_listener *l;
    tr_io *io;
    int rc = 0;

    EXPECT(tr_listen(&l, "127.0.0.1:0", NULL) == 0);
    TR_DEADLINE(0.01, &rc) {
        rc = tr_accept(&io, l);
    }
    EXPECT(rc == TR_ETIMEDOUT && io == NULL);
    EXPECT(tr_listener_close(l) == 0);
}

/* ---- datagrams ---- */

CASE(datagrams_stay_whole_and_tell_where_they_come_from)
{
    char text[8];
    char place[64];
    tr_udp *one, *other;
    tr_address from, to;

    EXPECT(tr_udp_open(&one, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_udp_open(&other, "127.0.0.1:0", NULL) == 0);
    EXPECT(tr_address_parse(&to, tr_udp_address(other)) == 0);
    EXPECT(tr_udp_send(one, &to, "hello", 5) == 0);
    EXPECT(tr_udp_receive(other, text, sizeof(text), &from) == 5);
    EXPECT(tr_address_format(&from, place, sizeof(place)) > 0);
    EXPECT(strcmp(place, tr_udp_address(one)) == 0);
    EXPECT(tr_udp_send(one, &to, "too long for it", 15) == 0);
    EXPECT(tr_udp_receive(other, text, sizeof(text), NULL) == TR_ETOOLARGE);
    EXPECT(tr_udp_send(one, &to, NULL, 0) == 0);
    EXPECT(tr_udp_receive(other, text, sizeof(text), NULL) == 0);
    EXPECT(tr_udp_send(NULL, &to, "x", 1) == TR_EINVAL);
    EXPECT(tr_udp_receive(one, NULL, 1, NULL) == TR_EINVAL);
    EXPECT(tr_udp_close(one) == 0 && tr_udp_close(other) == 0 && tr_udp_close(NULL) == 0);
}

CASES("tcp", who_connects_is_accepted_and_both_know_where_they_are, nobody_listens_there,
      bad_addresses_and_options_are_refused,
      a_socket_in_the_file_system_is_removed_when_it_is_closed,
      a_socket_that_was_left_behind_is_replaced, a_socket_that_another_has_replaced_is_left_to_it,
      at_a_socket_in_the_file_system_who_comes_too_early_waits,
      a_file_that_is_no_socket_is_left_alone, who_accepts_is_told_when_the_listener_is_closed,
      accepting_obeys_a_deadline, datagrams_stay_whole_and_tell_where_they_come_from)
