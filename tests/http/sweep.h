/* Sweeps over a server and its clients (support/sweep.h): over all calls, the server's and the
 * client's, from the time when it serves until the client has heard all. What must hold:
 *
 *     an answer is the right one, or says that the server has failed (500, 503), or is seen to be
 *     cut; asked once more, the same server gives the right one.
 *
 *     static void talk(client *c)
 *     {
 *         ask(c, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 200, "hello");
 *     }
 *     SWEEP(an_answer_comes_or_is_seen_to_fail, { .build = build, .talk = talk }) */
#ifndef TR_TESTS_HTTP_SWEEP_H
#define TR_TESTS_HTTP_SWEEP_H

#include <troupe/net.h>

#include "support/sweep.h"

enum { SWEEP_ROOM = 512 * 1024 };

typedef struct client client;

typedef struct scene {
    const tr_http_config *config;         /* NULL: all defaults; it listens where the sweep says */
    int (*build)(tr_http_server *server); /* its routes: what has failed, or 0 */
    void (*talk)(client *c);
    void (*end)(void); /* what build has made for all to use is given back; NULL: nothing */
    int loops;         /* 0: one */
    bool has_all;      /* also what fails while the server is made, begins and ends */
} scene;

struct client {
    const char *address;
    tr_tls *tls; /* NULL: plain */
    tr_io *io;   /* NULL: none is open */
    /* The last answer. */
    int status; /* 0: it was cut */
    char head[16 * 1024];
    size_t bytes;
    char body[SWEEP_ROOM];
};

static const scene *sweep_scene; /* that is played */
static client sweep_client;

/* ---- a client ---- */

static inline void hang_up(client *c)
{
    (void)tr_close(c->io); /* what has failed may be told once more */
    c->io = NULL;
}

static inline int get_connected(client *c)
{
    if (c->io != NULL)
        return 0;
    if (c->tls != NULL)
        return tr_tls_connect(&c->io, c->address, c->tls, NULL);
    return tr_tcp_connect(&c->io, c->address, NULL);
}

static inline int hear_bytes(client *c, size_t bytes)
{
    int rc;

    MUST(c->bytes + bytes < sizeof(c->body));
    rc = bytes > 0 ? tr_read_exact(c->io, c->body + c->bytes, bytes) : 0;
    c->bytes += rc == 0 ? bytes : 0;
    return rc;
}

static inline int hear_chunks(client *c)
{
    const char *line;
    size_t bytes;

    do {
        ssize_t count = tr_read_until(c->io, &line, "\r\n", 100);

        if (count <= 0)
            return count < 0 ? (int)count : TR_EEND;
        bytes = strtoul(line, NULL, 16);
        if (hear_bytes(c, bytes) < 0 || tr_read_until(c->io, &line, "\r\n", 2) != 2)
            return TR_EEND;
    } while (bytes > 0);
    return 0;
}

static inline int hear_to_end(client *c)
{
    ssize_t count;

    do {
        MUST(c->bytes < sizeof(c->body) - 1);
        count = tr_read(c->io, c->body + c->bytes, sizeof(c->body) - 1 - c->bytes);
        c->bytes += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    return (int)count;
}

static inline int hear_head(client *c)
{
    const char *head;
    ssize_t bytes;

    do {
        bytes = tr_read_until(c->io, &head, "\r\n\r\n", sizeof(c->head) - 1);
        if (bytes <= 0)
            return bytes < 0 ? (int)bytes : TR_EEND;
        memcpy(c->head, head, (size_t)bytes);
        c->head[bytes] = 0;
        MUST(strncmp(c->head, "HTTP/1.1 ", 9) == 0);
        c->status = (int)strtol(c->head + 9, NULL, 10);
    } while (c->status == 100);
    return 0;
}

static inline bool says(const client *c, const char *text)
{
    return strstr(c->head, text) != NULL;
}

/* Hear an answer to its end; below 0: it was cut, or could not be heard. */
static inline int hear(client *c, bool is_head)
{
    const char *length;
    int rc;

    rc = hear_head(c);
    length = strstr(c->head, "Content-Length: ");
    if (rc < 0 || is_head || c->status == 204 || c->status == 304 || c->status == 101)
        ;
    else if (says(c, "Transfer-Encoding: chunked"))
        rc = hear_chunks(c);
    else if (length != NULL)
        rc = hear_bytes(c, strtoul(length + 16, NULL, 10));
    else
        rc = hear_to_end(c);
    c->status = rc < 0 ? 0 : c->status;
    c->body[c->bytes] = 0;
    return rc;
}

/* Ask, and hear the answer, once. */
static inline int try_to_ask(client *c, const char *request, size_t bytes)
{
    int rc = get_connected(c);

    c->status = 0;
    c->head[0] = 0;
    c->bytes = 0;
    if (rc == 0)
        rc = tr_write_all(c->io, request, bytes);
    if (rc == 0)
        rc = hear(c, strncmp(request, "HEAD ", 5) == 0);
    if (rc < 0 || says(c, "Connection: close"))
        hang_up(c);
    return rc;
}

/* An answer that the server may give when it has failed. It says nothing of what it is not. */
static inline bool is_failure(const client *c)
{
    return c->status == 0 ||
           ((c->status == 500 || c->status == 503) && !says(c, "Content-Encoding: ") &&
            !says(c, "Content-Range: ") && !says(c, "ETag: ") && !says(c, "Last-Modified: ") &&
            !says(c, "max-age"));
}

/* body: of the right answer; NULL: the caller looks at it. */
static inline bool is_right(const client *c, int status, const char *body)
{
    return c->status == status &&
           (body == NULL || (c->bytes == strlen(body) && memcmp(c->body, body, c->bytes) == 0));
}

/* It is answered so; where something has failed, when it is asked once more. */
static inline void ask_bytes(client *c, const char *request, size_t bytes, int status,
                             const char *body)
{
    bool had_struck = has_struck();

    (void)try_to_ask(c, request, bytes);
    if (is_right(c, status, body))
        return;
    if (!is_failure(c) || !has_struck())
        (void)fprintf(stderr, "asked: %.100s\nheard: %d %.300s\n%.300s\n", request, c->status,
                      c->head, c->body);
    MUST(is_failure(c) && has_struck());
    if (had_struck && c->status != 0)
        return; /* what had failed was this connection's */
    hang_up(c);
    (void)try_to_ask(c, request, bytes);
    if (!is_right(c, status, body))
        (void)fprintf(stderr, "asked again: %.100s\nheard: %d %.300s\n%.300s\n", request, c->status,
                      c->head, c->body);
    MUST(is_right(c, status, body));
}

static inline void ask(client *c, const char *request, int status, const char *body)
{
    ask_bytes(c, request, strlen(request), status, body);
}

/* GET, with more headers. */
static inline void get(client *c, const char *path, const char *more, int status, const char *body)
{
    char request[1024];

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, more);
    ask(c, request, status, body);
}

/* ---- the run ---- */

static bool sweep_has_begun; /* the task had a stack: so it frees the server at its end */

static int sweep_serve(void *server)
{
    sweep_has_begun = true;
    return tr_http_serve(server);
}

/* Wait until it serves; false: it could not. */
static inline bool sweep_is_serving(tr_http_server *server, tr_task *task)
{
    while (!tr_future_is_done(tr_task_future(task))) {
        if (sweep_has_begun)
            return tr_http_await_ready(server) == 0;
        (void)tr_sleep(0.001); /* a failed one is made up for by the next */
    }
    return false;
}

static inline void sweep_talk(tr_http_server *server)
{
    client *c = &sweep_client;
    char address[64];

    (void)snprintf(address, sizeof(address), "%s", tr_http_address(server));
    c->address = address;
    c->io = NULL;
    if (!sweep_scene->has_all)
        sweep_begins();
    sweep_scene->talk(c);
    hang_up(c);
    if (!sweep_scene->has_all)
        sweep_ends();
}

static inline int sweep_make(tr_http_server **server)
{
    const scene *s = sweep_scene;
    tr_http_config config = s->config != NULL ? *s->config : (tr_http_config){ 0 };
    int rc;

    if (config.listen == NULL)
        config.listen = "127.0.0.1:0";
    rc = tr_http_server_new(server, &config);
    MUST((rc == 0) == (*server != NULL));
    if (rc == 0)
        rc = s->build(*server);
    if (rc < 0)
        tr_http_server_free(*server);
    MUST(rc == 0 || has_struck());
    return rc;
}

static int sweep_root(void *unused)
{
    tr_http_server *server;
    tr_task *task;
    int rc;

    (void)unused;
    if (sweep_make(&server) < 0)
        return 0;
    sweep_has_begun = false;
    rc = tr_task_spawn(&task, sweep_serve, server);
    MUST(rc == 0 || has_struck());
    if (rc < 0) {
        tr_http_server_free(server);
        return 0;
    }
    if (sweep_is_serving(server, task))
        sweep_talk(server);
    if (!tr_future_is_done(tr_task_future(task)))
        tr_http_stop(server);
    rc = tr_task_wait(task, TR_FOREVER);
    MUST(rc == 0 || has_struck());
    tr_task_unref(task);
    if (!sweep_has_begun)
        tr_http_server_free(server);
    return 0;
}

static void sweep_run(void *unused)
{
    const scene *s = sweep_scene;
    const tr_config config = { .loops = s->loops > 0 ? s->loops : 1, .signals = -1 };
    int rc = tr_run(sweep_root, unused, &config);

    MUST(rc == 0 || has_struck());
    if (s->end != NULL)
        s->end();
}

static inline void sweep_play(const scene *s)
{
    sweep_scene = s;
    sweep(sweep_run);
}

#define SWEEP(name, ...)                                                                           \
    START_TEST(name)                                                                               \
    {                                                                                              \
        static const scene s = __VA_ARGS__;                                                        \
                                                                                                   \
        sweep_play(&s);                                                                            \
    }                                                                                              \
    END_TEST

#endif
