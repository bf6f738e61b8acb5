/* A service whose answers tell what it has understood, and an exchange of requests behind each
 * other, to be cut anywhere. */
#ifndef TR_TESTS_PIECES_H
#define TR_TESTS_PIECES_H

#include <errno.h>

#include "base/seam.h"
#include "http/connection.h"
#include "http/service.h"
#include "net/system.h"

/* All that it was asked with. */
static inline int mirror(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *param = tr_http_param(req, "name");
    const char *query = tr_http_query(req, "q");
    const char *header = tr_http_header(req, "X-Word");

    (void)ctx;
    return tr_http_text(res, 200, "%s %s %s %s", param != NULL ? param : "-",
                        query != NULL ? query : "-", header != NULL ? header : "-",
                        tr_http_body(req, NULL));
}

/* The same for a body that is read while it comes. */
static inline int sip(tr_http_request *req, tr_http_response *res, void *ctx)
{
    char body[64];
    size_t filled = 0;
    ssize_t count;

    (void)ctx;
    while ((count = tr_http_read(req, body + filled, 3)) > 0)
        filled += (size_t)count;
    body[filled] = 0;
    return count < 0 ? (int)count
                     : tr_http_text(res, 200, "%s %s", tr_http_header(req, "X-Word"), body);
}

/* On this loop alone, so that its connections may be looked at. */
static inline void begin_pieces(service *s)
{
    tr_http_server *server =
        new_server(&(tr_http_config){ .loops = 1, .drain = 0.1, .headers_most = 100 });

    EXPECT(tr_http_route(server, "GET", "/m/:name", mirror, NULL) == 0);
    EXPECT(tr_http_route(server, "POST", "/m", mirror, NULL) == 0);
    EXPECT(tr_http_route_with(server, "POST", "/sip", sip, NULL,
                              &(tr_http_route_options){ .streams_body = true }) == 0);
    begin_service(s, server);
}

typedef struct piece {
    const char *request;
    const char *answer; /* its body */
} piece;

static const piece pieces[] = {
    { "GET /m/a%20b?p=0&q=1 HTTP/1.1\r\nHost: a\r\nX-Word:  one \r\nY:\r\n\r\n", "a b 1 one " },
    { "POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Word: two\r\n\r\nhello",
      "- - two hello" },
    { "POST /m?q=3 HTTP/1.1\r\nX-Word: three\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n"
      "3\r\nabc\r\n1;x\r\nd\r\n0\r\nY: z\r\n\r\n",
      "- 3 three abcd" },
    { "POST /sip HTTP/1.1\r\nHost: a\r\nX-Word: four\r\nContent-Length: 5\r\n\r\nhello",
      "four hello" },
    { "GET /m/c HTTP/1.1\r\nHost: a\r\n\r\n", "c - - " },
};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

/* All of them behind each other, and how many bytes that is. */
static inline size_t join_pieces(char *text)
{
    size_t bytes = 0;

    for (int i = 0; i < PIECES; i++)
        bytes += (size_t)sprintf(text + bytes, "%s", pieces[i].request);
    return bytes;
}

/* How many of them are whole in so many bytes. */
static inline int whole_pieces(size_t bytes)
{
    size_t end = 0;
    int count = 0;

    for (; count < PIECES; count++) {
        end += strlen(pieces[count].request);
        if (end > bytes)
            break;
    }
    return count;
}

static inline void expect_answer(tr_io *io, int number)
{
    char text[1024];
    const char *body;

    EXPECT(hear(io, text, sizeof(text)) == 200);
    body = strstr(text, "\r\n\r\n") + 4;
    if (strcmp(body, pieces[number].answer) != 0)
        fprintf(stderr, "answer %d: '%s', not '%s'\n", number, body, pieces[number].answer);
    EXPECT(strcmp(body, pieces[number].answer) == 0);
}

/* The places where an exchange is cut: each; in a simulation each seed has some of them. */
#define FOR_EACH_CUT(cut, bytes)                                                                   \
    for (size_t step_ = CASES_SIMULATED ? 16 : 1, cut = tr__dice() % step_; cut <= (bytes);        \
         cut += step_)

/* ---- connections, as they are inside ---- */

static inline tr__http_worker *worker_of(const service *s)
{
    return &s->server->workers[0];
}

/* The only one that a limit has; NULL: there is none, or not yet. */
static inline tr__http_conn *conn_under(const service *s, tr__http_limit limit)
{
    tr__list *list = &worker_of(s)->limited[limit];

    return tr__list_is_empty(list) ? NULL : TR__CONTAINER_OF(list->next, tr__http_conn, link);
}

/* Until the server has understood what was said, and waits. */
static inline tr__http_conn *await_conn(const service *s, tr__http_limit limit)
{
    tr__http_conn *conn;

    while ((conn = conn_under(s, limit)) == NULL)
        EXPECT(tr_sleep(0.001) == 0);
    return conn;
}

/* Until nobody is connected. */
static inline void await_nobody(const service *s)
{
    while (worker_of(s)->connections > 0)
        EXPECT(tr_sleep(0.001) == 0);
}

/* Whether the only connection waits for more than has come. */
static inline bool is_waiting(const service *s)
{
    for (int limit = 0; limit < TR__LIMIT_COUNT; limit++) {
        tr__http_conn *conn = conn_under(s, (tr__http_limit)limit);

        if (conn != NULL)
            return tr__sys_peek(conn->watcher.fd) == -EAGAIN;
    }
    return false;
}

/* Say so many bytes, which the server takes before more come. (In a simulation they may be on their
 * way still: then there is another cut.) */
static inline void say_piece(const service *s, tr_io *io, const char *text, size_t bytes)
{
    if (bytes == 0)
        return;
    EXPECT(tr_write_all(io, text, bytes) == 0);
    do
        EXPECT(tr_sleep(0.001) == 0);
    while (!is_waiting(s));
}

#endif
