/* echo: a server that says what it is told, over TCP (RFC 862).
 *
 * A listener on each loop, a task for each connection: Go's `for { go handle(conn) }`, asyncio's
 * start_server. The handler reads as if it blocked; SIGTERM ends it all: nobody new is let in, who
 * was let in is served, and after ten seconds those that are left are cancelled.
 *
 *   Build:   cc echo.c $(pkg-config --cflags --libs troupe-net)
 *   Run:     ./echo 127.0.0.1:7007     then, elsewhere: nc 127.0.0.1 7007
 *   Prints:  listening on 127.0.0.1:7007 */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static int echo(tr_io *io, void *arg)
{
    char buffer[4096];
    ssize_t count;
    int rc = 0;

    (void)arg;
    while (rc == 0 && (count = tr_read(io, buffer, sizeof(buffer))) != 0)
        rc = count < 0 ? (int)count : tr_write_all(io, buffer, (size_t)count);
    return rc;
}

static void on_ready(void *arg, const char *address)
{
    (void)arg;
    printf("listening on %s\n", address);
    fflush(stdout);
}

static int serve(void *arg)
{
    int rc = tr_serve(arg, echo, NULL, &(tr_serve_options){ .on_ready = on_ready });

    return rc == TR_ECANCELED ? 0 : rc; /* a signal came: that is how it ends */
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
        printf("usage: %s [ADDRESS]      127.0.0.1:7007, [::1]:7007, :7007, unix:/tmp/echo\n",
               argv[0]);
        return argc > 2 ? 2 : 0;
    }
    return tr_main(argc, argv, serve, argc == 2 ? argv[1] : "127.0.0.1:7007", NULL);
}
