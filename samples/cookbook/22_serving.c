/* Serving: on all loops, with limits, until it is cancelled.
 *
 *   Prints:  first: hello
 *            another of that address: closed at once
 *            it serves no more */
#include <stdio.h>
#include <troupe/net.h>

typedef struct service {
    tr_event listens;
    char address[100];
} service;

static int greet(tr_io *io, void *arg) /* a task for each connection, which is closed at its end */
{
    char byte;
    int rc = tr_write_all(io, "hello\n", 6);

    (void)arg;
    return rc < 0 ? rc : (int)tr_read(io, &byte, 1); /* until the other side has gone */
}

static void on_ready(void *arg, const char *address)
{
    service *it = arg;

    (void)snprintf(it->address, sizeof(it->address), "%s", address);
    (void)tr_event_set(&it->listens); /* of zeros it is valid: it can't fail */
}

static int serve(void *it)
{
    const tr_serve_options options = { .most = 10000, .most_each = 1, .on_ready = on_ready };
    int rc = tr_serve("127.0.0.1:0", greet, it, &options);

    return rc == TR_ECANCELED ? printf("it serves no more\n") : rc;
}

static int visit(tr_io **io, const char *address, const char *who)
{
    const char *line;
    int rc = tr_tcp_connect(io, address, NULL);
    ssize_t bytes = rc < 0 ? rc : tr_read_until(*io, &line, "\n", 100);

    if (bytes > 0)
        return printf("%s: %.*s", who, (int)bytes, line);
    return bytes < 0 ? (int)bytes : printf("%s: closed at once\n", who);
}

static int visit_twice(const char *address)
{
    tr_io *first tr_cleanup_io = NULL;
    tr_io *second tr_cleanup_io = NULL;
    int rc = visit(&first, address, "first");

    return rc < 0 ? rc : visit(&second, address, "another of that address");
}

static int app(void *arg)
{
    service it = { 0 };
    int rc, visited;

    (void)arg;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, serve, &it);
        if ((visited = tr_event_wait(&it.listens)) == 0)
            visited = visit_twice(it.address);
        (void)tr_scope_cancel(s); /* nobody new is let in; who is there has ten seconds */
    }
    return rc < 0 ? rc : visited;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
