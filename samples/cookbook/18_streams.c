/* Streams: a server that answers line by line, and its client.
 *
 *   Prints:  HELLO
 *            HOW ARE YOU */
#include <ctype.h>
#include <stdio.h>
#include <troupe/net.h>

enum { LONGEST_LINE = 1000 };

static int serve(void *listener)
{
    tr_io *io tr_cleanup_io = NULL; /* closed however this ends */
    char answer[LONGEST_LINE];
    const char *line; /* lent until the next read */
    ssize_t bytes;
    int rc = tr_accept(&io, listener);

    while (rc == 0 && (bytes = tr_read_until(io, &line, "\n", LONGEST_LINE)) != 0) {
        for (ssize_t i = 0; i < bytes; i++)
            answer[i] = (char)toupper((unsigned char)line[i]);
        rc = bytes < 0 ? (int)bytes : tr_write_all(io, answer, (size_t)bytes);
    }
    return rc;
}

static int ask(void *address)
{
    tr_io *io tr_cleanup_io = NULL;
    char answer[LONGEST_LINE];
    ssize_t bytes;
    int rc = tr_tcp_connect(&io, address, &(tr_connect_options){ .timeout = 5 });

    if (rc == 0)
        rc = tr_write_all(io, "hello\nhow are you\n", 18);
    if (rc == 0)
        rc = tr_close_write(io); /* the server reads the end; its answers still come */
    while (rc == 0 && (bytes = tr_read(io, answer, sizeof(answer))) != 0)
        rc = bytes < 0 ? (int)bytes : printf("%.*s", (int)bytes, answer) < 0;
    return rc;
}

static int app(void *arg)
{
    tr_listener *listener tr_cleanup_listener = NULL;
    int rc = tr_listen(&listener, "127.0.0.1:0", NULL); /* at any port that is free */

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, serve, listener);
        tr_scope_spawn(s, ask, (void *)tr_listener_address(listener));
    }
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
