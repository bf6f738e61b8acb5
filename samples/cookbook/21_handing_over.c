/* Handing a connection over: accepted on one loop, served on another.
 *
 *   Prints:  hello, 127.0.0.1: you have come to 127.0.0.1 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/net.h>
#include <unistd.h>

static int greet(void *arg) /* on whichever loop */
{
    tr_io *io tr_cleanup_io = NULL;
    int *fd = arg;
    char text[100];
    int rc = tr_io_open(&io, *fd);

    if (rc < 0)
        return rc;
    *fd = -1;                          /* it is the stream's from now on */
    const char *from = tr_io_peer(io), *to = tr_io_local(io); /* 127.0.0.1:40123 */
    int bytes = snprintf(text, sizeof(text), "hello, %.*s: you have come to %.*s\n",
                         (int)strcspn(from, ":"), from, (int)strcspn(to, ":"), to);
    return tr_write_all(io, text, (size_t)bytes);
}

static int accept_fd(tr_listener *listener)
{
    tr_io *io tr_cleanup_io = NULL;
    int rc = tr_accept(&io, listener);

    if (rc < 0)
        return rc;
    (void)setsockopt(tr_io_fd(io), SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
    return tr_io_take_fd(&io); /* it belongs to no loop now */
}

static void close_fd(void *fd)
{
    if (*(int *)fd >= 0)
        (void)close(*(int *)fd);
}

static int app(void *arg)
{
    tr_listener *listener tr_cleanup_listener = NULL;
    tr_io *io tr_cleanup_io = NULL;
    const char *line = "";
    int rc = tr_listen(&listener, "127.0.0.1:0", NULL), bytes = 0, fd = -1;

    (void)arg;
    if (rc == 0) /* the system accepts, before the program does */
        rc = tr_tcp_connect(&io, tr_listener_address(listener), NULL);
    if (rc < 0 || (fd = accept_fd(listener)) < 0)
        return rc < 0 ? rc : fd;
    TR_DEFER(close_fd, &fd); /* if nobody has opened it */
    TR_SCOPE(s, &rc) {
        tr_scope_spawn_on(s, TR_LOOP(tr_loop_count() - 1), greet, &fd);
        bytes = (int)tr_read_until(io, &line, "\n", 100);
    }
    return rc < 0 || bytes < 0 ? (rc < 0 ? rc : bytes) : printf("%.*s", bytes, line);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
