/* An HTTP/1.1 server.
 *
 *     static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
 *     {
 *         (void)ctx;
 *         return tr_http_text(res, 200, "hello, %s\n", tr_http_param(req, "name"));
 *     }
 *
 *     static int app(void *arg)
 *     {
 *         tr_http_server *srv = NULL;
 *         int rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = "127.0.0.1:8080" });
 *         if (rc < 0)
 *             return rc;
 *         tr_http_route(srv, "GET", "/hello/:name", hello, NULL);
 *         return tr_http_serve(srv);
 *     }
 *
 * A handler runs as a task, on the loop that accepted the connection: it may await. A connection
 * has a task only while its handlers run. One that idles costs some hundred bytes; one that sends
 * its head slowly, what it has sent besides; its body, some 4 KiB and what has come of it; one that
 * takes its answer slowly, what is left of that. Requests that come at once are answered in order,
 * by one write.
 *
 * What a handler returns: 0 or more, when it has answered; below 0, an error that is answered with
 * the status of its code (TR_EINVAL 400, TR_ENOENT 404, TR_EEXIST and TR_ECONSTRAINT 409, TR_EBUSY
 * and TR_ENOSPC 503, TR_ETIMEDOUT 504, ...; 502 where whom it has asked has failed; else 500) and a
 * problem document (RFC 9457), and is logged where the server is at fault. One that returns 0
 * without an answer has answered 204. When the client resets the connection, the handler is
 * cancelled; one that only says that it sends no more may still want the answer. */
#ifndef TROUPE_HTTP_H
#define TROUPE_HTTP_H

#include <stdarg.h>
#include <sys/types.h>
#include <troupe/core.h>
#include <troupe/declare.h>
#include <troupe/io.h>
#include <troupe/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_http_server tr_http_server;
typedef struct tr_http_request tr_http_request;
typedef struct tr_http_response tr_http_response;
typedef struct tr_http_next tr_http_next;

typedef int (*tr_http_handler)(tr_http_request *req, tr_http_response *res, void *ctx);

/* ---- the server ---- */

/* Zero means the default in each field; a limit below 0: none. Times are seconds. */
typedef struct tr_http_config {
    const char *listen; /* "127.0.0.1:8080", ":80", "unix:/run/x"; default "127.0.0.1:8080" */
    tr_tls *tls;        /* HTTPS, with a context of tr_tls_server_new; NULL: plain */
    int loops;          /* it is served on so many of the loops, from loop 0 on; default: all */
    /* Limits. What exceeds them is refused with the status that says so, and costs nobody else. */
    size_t head_bytes_most; /* of a request line with its headers; default 32 KiB: 431 */
    size_t headers_most;    /* lines; default 100: 431 */
    size_t target_most;     /* bytes of the URL; default 8 KiB: 414 */
    size_t body_most;       /* bytes of a body; default 1 MiB: 413 */
    long connections_most;  /* in all; default 100,000, or what descriptors allow: closed at once */
    long connections_each;  /* of one address, or network of IPv6 (/64); default none */
    double head_timeout;    /* from a request's first byte to the end of its head; 15: 408. As long
                               for a handshake of TLS: closed */
    double body_timeout;    /* without a byte of the body; 30: 408 */
    double idle_timeout;    /* of a connection between requests; 75: closed */
    double write_timeout;   /* without the client taking a byte; 60: closed */
    double handler_timeout; /* of a handler, which is cancelled; default none: 504 */
    double drain;           /* for what runs when the server is stopped; 10 */
    /* What the server says. */
    const char *server_name; /* the Server header; default none */
    const char *title; /* of the API at /openapi.json, with its version; default none: there is
                                no such page, nor /docs */
    const char *version;
} tr_http_config;

TR_API int tr__http_server_new(tr_http_server **out, const tr_http_config *config,
                               size_t config_size);

/* Make a server: tr_http_server_new(&srv, &config). It listens when it is served. *out is NULL on
 * error.
 * Ownership: the caller's, until tr_http_serve or tr_http_server_free; what the config points to is
 *            copied; its tls gets one more reference.
 * Threads:   any.
 * Errors:    TR_EINVAL; TR_ENOMEM. */
#define tr_http_server_new(out, ...)                                                               \
    tr__http_server_new((out), (__VA_ARGS__), sizeof(tr_http_config))

/* Free a server that was not served. NULL is allowed.
 * Threads: any. */
TR_API void tr_http_server_free(tr_http_server *srv);

/* Listen, and serve until the calling task is cancelled, or tr_http_stop is called; then
 * gracefully: nobody is accepted any more, who was accepted is answered, and what still runs after
 * `drain` seconds is cancelled.
 * Ownership: srv is gone, also on error.
 * Threads:   tasks.
 * Errors:    TR_EADDRINUSE and others of listening; TR_EINVAL a route could not be added before
 *            (the log says which); TR_ENOMEM; TR_EWRONGPLACE: srv is not gone. 0 when it was
 *            stopped; TR_ECANCELED. */
TR_API int tr_http_serve(tr_http_server *srv);

/* Let tr_http_serve end. It may be called again.
 * Threads: any, as long as it serves. */
TR_API void tr_http_stop(tr_http_server *srv);

/* Await that it listens: 0; then tr_http_address tells where ("127.0.0.1:40123"), and tr_http_port
 * at which port, for who let the system choose.
 * Ownership: the text is lent until the server is gone. A task of the same loop that was started
 *            before tr_http_serve was called is in time, also where that fails at once.
 * Threads:   tr_http_await_ready: tasks, foreign threads; the others: any.
 * Errors:    of listening; TR_ECANCELED; "" and 0: it does not listen. */
TR_API int tr_http_await_ready(tr_http_server *srv);
TR_API const char *tr_http_address(const tr_http_server *srv);
TR_API int tr_http_port(const tr_http_server *srv);

/* ---- routes ---- */

/* A parameter of the query, for the description. */
typedef struct tr_http_parameter {
    const char *name;
    const char *about; /* a sentence for people; may be NULL */
    tr_field_kind kind;
    bool required;
} tr_http_parameter;

/* What else there is to say of a route. */
typedef struct tr_http_route_options {
    /* The body: checked against a declaration, and filled into a struct before the handler is
     * called, which reads it with tr_http_body_as; a wrong one is answered with 422 and the list of
     * what is wrong where. */
    const tr_declaration *body;
    const tr_declaration *answer; /* for the description only */
    bool streams_body;            /* the handler reads it by tr_http_read, while it comes */
    size_t body_most;             /* 0: the server's */
    double timeout;               /* of the handler; 0: the server's */
    size_t stack_bytes;           /* of the handler's task; 0: the default */
    /* For /openapi.json. */
    const char *summary;
    const char *tag;
    bool is_hidden; /* not described */
    /* Parameters of its query; one without a name ends the list, which must live as long as the
     * server. They are described, not checked. */
    const tr_http_parameter *query;
} tr_http_route_options;

TR_API int tr__http_route_add(tr_http_server *srv, const char *method, const char *pattern,
                              tr_http_handler fn, void *ctx, const tr_http_route_options *options,
                              size_t options_size);

/* Add a route. A pattern is a path whose segments may be names: "/users/:id/files/" + "*path".
 * ":id" takes one segment, which is not empty; "*path", at the end, takes the rest, which may be.
 * Where several patterns match, the most literal segment wins, from the left. HEAD is answered by
 * the handler of GET, whose body is left out; OPTIONS by the list of methods; a method that a path
 * does not have by 405 with Allow. An error is remembered, too, and returned by tr_http_serve: it
 * need not be looked at here.
 * Ownership: the texts are copied; ctx stays the caller's, and must live as long as the server.
 * Threads:   before it is served.
 * Errors:    TR_EINVAL the method or pattern is malformed; TR_EALREADY the route exists; TR_ENOMEM;
 *            TR_EBUSY it is being served. */
#define tr_http_route(srv, method, pattern, fn, ...)                                               \
    tr__http_route_add((srv), (method), (pattern), (fn), (__VA_ARGS__), NULL, 0)
/* The same with options: tr_http_route_with(srv, "POST", "/items", fn, ctx, &options). */
#define tr_http_route_with(srv, method, pattern, fn, ctx, ...)                                     \
    tr__http_route_add((srv), (method), (pattern), (fn), (ctx), (__VA_ARGS__),                     \
                       sizeof(tr_http_route_options))

/* A group: routes that share the beginning of their pattern, and middleware. It is used as a server
 * is, by tr_http_route, tr_http_use and tr_http_group.
 * Ownership: *group is lent until the server is gone.
 * Threads, Errors: as tr_http_route; *group is NULL on error. */
TR_API int tr_http_group(tr_http_server **group, tr_http_server *srv, const char *prefix);

/* What stands around handlers: it may answer itself, or call tr_http_next_call(next), which returns
 * what the handler (or what stands further in) has returned, and look at the answer then. */
typedef struct tr_http_middleware {
    int (*fn)(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx);
    void *ctx;
    void (*drop)(void *ctx); /* when the server is gone; NULL: nothing to do */
    int error;               /* why it could not be made; 0 */
} tr_http_middleware;

/* Put it around all routes of a server, or a group, whenever they are added; the first one that is
 * used is the outermost. That of a server is also around what no route answers (404, 405).
 * Ownership: takes the middleware, also on error.
 * Threads, Errors: as tr_http_route; the middleware's own error. */
TR_API int tr_http_use(tr_http_server *srv, tr_http_middleware middleware);
TR_API int tr_http_next_call(tr_http_next *next);

/* Whether the program is ready for requests: 0 or more; or why not. It may await. */
typedef int (*tr_http_ready_check)(void *ctx);

/* Answer orchestrators: /healthz, 200 as long as the process lives; /readyz, 200 or 503: not while
 * the server drains, nor while check (which may be NULL) says so.
 * Ownership, Threads, Errors: as tr_http_route. */
TR_API int tr_http_health(tr_http_server *srv, tr_http_ready_check check, void *ctx);

/* ---- files ---- */

/* Zero means the default. */
typedef struct tr_http_files_options {
    const char *index; /* what a folder shows; default "index.html" */
    double max_age; /* seconds that a copy is good for without asking; default 0: nothing is said */
    bool is_uncompressed; /* a file beside it, of its name and ".gz", is not sent in its place */
} tr_http_files_options;

TR_API int tr__http_files(tr_http_server *srv, const char *prefix, const char *folder,
                          const tr_http_files_options *options, size_t options_size);

/* Serve the files of a folder below a prefix: tr_http_files(srv, "/static", "public", &options);
 * options may be NULL. Types by extension, ETag and Last-Modified, conditions and one range; a
 * compressed file beside it, "a.css.gz", for who accepts gzip. They are read by the IO pool,
 * and large ones moved to the socket by the kernel, without a copy (not by TLS, nor compressed);
 * the answer is cut where a large file changes while it is sent. (One that is overwritten in place
 * at the very end may yet arrive mixed: put another in its place, as tr_file_save does.) Nothing
 * outside of the folder is served, wherever links in it lead, nor what begins with a dot; folders
 * are not listed.
 * Ownership: the texts are copied; the folder stays open as long as the server is there.
 * Threads:   before it is served; it blocks, for a moment.
 * Errors:    as tr_http_route; of opening the folder. */
#define tr_http_files(srv, prefix, folder, ...)                                                    \
    tr__http_files((srv), (prefix), (folder), (__VA_ARGS__), sizeof(tr_http_files_options))

/* ---- a request ----
 *
 * All texts are lent until the handler returns. Names of headers may be in any case. What is asked
 * for and is not there is NULL. So is what can't be told for want of memory; then the request is
 * answered with 503, whatever its handler says, or its answer is cut, where a part of it is out.
 * Threads: the handler's task, and tasks of its loop that end before it. */

TR_API const char *tr_http_method(const tr_http_request *req);
/* The path, decoded and free of "." and ".." segments; and as it came, with its query. */
TR_API const char *tr_http_path(const tr_http_request *req);
TR_API const char *tr_http_target(const tr_http_request *req);
/* The pattern of the route, "/users/:id"; "" if there is none. */
TR_API const char *tr_http_pattern(const tr_http_request *req);
/* The part of the path that a name of the pattern stands for, decoded. */
TR_API const char *tr_http_param(const tr_http_request *req, const char *name);
/* The value of a header; several of one name are joined by ", " (RFC 9110). */
TR_API const char *tr_http_header(tr_http_request *req, const char *name);
/* The i-th header, as it came: false behind the last. */
TR_API bool tr_http_header_at(tr_http_request *req, size_t i, const char **name,
                              const char **value);
/* The first value of a name of the query, decoded; the i-th. */
TR_API const char *tr_http_query(tr_http_request *req, const char *name);
TR_API const char *tr_http_query_at(tr_http_request *req, const char *name, size_t i);
TR_API const char *tr_http_cookie(tr_http_request *req, const char *name);
/* Which of some media types ("text/html") the client likes best, by its header Accept (RFC 9110,
 * 12.5.1): its index, the first of those that are liked equally. Who answers by it says so:
 * tr_http_add_header(res, "Vary", "Accept").
 * Errors: TR_ENOENT none of them, which is 406; TR_EINVAL. */
TR_API int tr_http_accepts(tr_http_request *req, const char *const *types, int count);

/* A field of a form, of either coding (application/x-www-form-urlencoded, multipart/form-data): the
 * first of that name, or the i-th; NULL, too, where the body is no form, or malformed: which of
 * these tr_http_form_read tells. In a route that streams its body the form is read while it comes,
 * when it is first asked for: it may be larger than memory, for files go to disk.
 * Errors: TR_EINVAL it is no form; TR_ESYNTAX; TR_ETOOLARGE; as tr_http_read; of the file. */
TR_API int tr_http_form_read(tr_http_request *req);
TR_API const char *tr_http_form(tr_http_request *req, const char *name);
TR_API const char *tr_http_form_at(tr_http_request *req, const char *name, size_t i);

/* A file of a form. Its name is the client's word, and no path. Beyond 256 KiB, or where all files
 * of the form have 4 MiB already, it is in a file without a name, which goes with the request. A
 * form may have 100 of those: TR_ETOOLARGE. */
typedef struct tr_http_upload {
    const char *filename;
    const char *type;
    uint64_t bytes;
    const char *data; /* NULL: it is in the file */
    int fd;           /* of that, at its end: read it by pread; -1 */
} tr_http_upload;

/* The i-th file of that name. *out is empty on error.
 * Errors: TR_ENOENT there is none; as tr_http_form_read. */
TR_API int tr_http_upload_at(tr_http_request *req, const char *name, size_t i, tr_http_upload *out);

/* The same as numbers. *value is left alone on error: set the default before.
 * Errors: TR_ENOENT it is not there; TR_EINVAL it is no such number, or out of range: return that,
 *         and 400 is answered, with the name. */
TR_API int tr_http_param_int(tr_http_request *req, const char *name, int64_t *value);
TR_API int tr_http_query_int(tr_http_request *req, const char *name, int64_t *value);
TR_API int tr_http_query_double(tr_http_request *req, const char *name, double *value);

/* The whole body; a byte behind it is 0. *bytes may be NULL. "" if there is none. */
TR_API const char *tr_http_body(tr_http_request *req, size_t *bytes);
/* The struct that the body was filled into, of the declaration of the route; NULL: it has none. */
TR_API void *tr_http_body_as(tr_http_request *req);
/* Read some of the body, in a route that streams it: how many bytes; 0 at its end.
 * Errors: TR_ETOOLARGE; TR_ESYNTAX; TR_EEND the client has gone; TR_ETIMEDOUT; TR_ECANCELED;
 *         TR_EWRONGPLACE the route does not stream it. */
TR_API ssize_t tr_http_read(tr_http_request *req, void *buffer, size_t bytes);

/* Who asks: "127.0.0.1:40123"; and whether by TLS. */
TR_API const char *tr_http_peer(tr_http_request *req);
TR_API bool tr_http_is_secure(const tr_http_request *req);
/* Memory that lasts as long as the request; NULL: out of memory. */
TR_API void *tr_http_alloc(tr_http_request *req, size_t bytes);
/* A value of the request, for what stands further in: key is compared by address. drop may be NULL.
 * Errors: TR_ENOMEM; TR_EINVAL. value is taken also on error. */
TR_API int tr_http_set_value(tr_http_request *req, const void *key, void *value,
                             void (*drop)(void *value));
TR_API void *tr_http_value(const tr_http_request *req, const void *key);

/* ---- an answer ----
 *
 * Each of these answers, once: a later one takes the place of one that has not gone out yet, which
 * is not before the handler, and all middleware, have returned.
 * Threads: as for a request.
 * Errors:  TR_ENOMEM; TR_EINVAL the status is not of 200 to 599, a header's name or value is
 *          malformed; TR_EALREADY the answer's head has gone out already. */

/* A text, formatted; text/plain in UTF-8. */
TR_API __attribute__((format(printf, 3, 4))) int tr_http_text(tr_http_response *res, int status,
                                                              const char *format, ...);
/* Bytes, which are copied. type NULL: application/octet-stream. */
TR_API int tr_http_send(tr_http_response *res, int status, const char *type, const void *data,
                        size_t bytes);
/* The same without a copy: drop(data) is called when they have gone out, or will not. */
TR_API int tr_http_send_taken(tr_http_response *res, int status, const char *type, void *data,
                              size_t bytes, void (*drop)(void *data));
/* A struct of a declaration, as JSON. */
TR_API int tr_http_answer(tr_http_response *res, int status, const tr_declaration *declaration,
                          const void *value);
/* A problem document (RFC 9457): what the status is for, and a sentence for whoever asked. */
TR_API __attribute__((format(printf, 3, 4))) int tr_http_problem(tr_http_response *res, int status,
                                                                 const char *format, ...);
/* A status without a body, as 204 or 304. */
TR_API int tr_http_status(tr_http_response *res, int status);
/* 303 to another place; or another status of 300 to 399. */
TR_API int tr_http_redirect(tr_http_response *res, int status, const char *location);

/* Set a header, in the place of one that is there; add one beside it; take it away (value NULL).
 * Not for those that the server writes itself: Content-Length, Transfer-Encoding, Connection, Date,
 * and Content-Type, which is said with the body.
 * Errors: also TR_EINVAL for these. */
TR_API int tr_http_set_header(tr_http_response *res, const char *name, const char *value);
TR_API int tr_http_add_header(tr_http_response *res, const char *name, const char *value);
/* What it was set to; NULL. */
TR_API const char *tr_http_answer_header(const tr_http_response *res, const char *name);

typedef struct tr_http_cookie_options {
    const char *path; /* default "/" */
    const char *domain;
    double max_age;        /* seconds; 0: until the browser ends; below 0: it is deleted */
    bool is_script_seen;   /* not HttpOnly */
    bool is_insecure;      /* not Secure, although it came by TLS */
    bool is_partitioned;   /* of the site that embeds it */
    const char *same_site; /* "Strict", "Lax" or "None"; default "Lax" */
} tr_http_cookie_options;

TR_API int tr__http_set_cookie(tr_http_response *res, const char *name, const char *value,
                               const tr_http_cookie_options *options, size_t options_size);
/* Set a cookie: tr_http_set_cookie(res, "session", id, &options); options may be NULL. */
#define tr_http_set_cookie(res, name, value, ...)                                                  \
    tr__http_set_cookie((res), (name), (value), (__VA_ARGS__), sizeof(tr_http_cookie_options))

/* Answer while it comes into being: the head goes out with the first bytes, and the rest as it is
 * written; the answer ends when the handler returns. bytes is the length of all, or -1: not known
 * (it is sent in chunks, then). */
TR_API int tr_http_begin(tr_http_response *res, int status, const char *type, int64_t bytes);
/* More of it, which is copied; waits while the client is too slow, beyond 64 KiB.
 * Errors: TR_EPIPE, TR_ECONNRESET the client has gone; TR_ETIMEDOUT it takes nothing; TR_ECANCELED;
 *         TR_ETOOLARGE more than was said; TR_EWRONGPLACE not begun. */
TR_API int tr_http_write(tr_http_response *res, const void *data, size_t bytes);
/* Let what was written go out, and wait for that. */
TR_API int tr_http_flush(tr_http_response *res);

/* Speak something else on the connection (RFC 9110, 7.8): answer 101, with the headers that were
 * set, and take the stream. It is for who speaks another protocol, or passes one on; WebSockets are
 * there already (<troupe/websocket.h>). The handler goes on as long as it is spoken: what the
 * server is to wait for when it stops, until `drain` is over, and to cancel then. *out is NULL on
 * error.
 * Ownership: the stream is the caller's.
 * Errors:    TR_EPROTO the client has not asked for it; TR_EALREADY it was answered, or taken;
 *            TR_EWRONGPLACE its body was not read; TR_ESHUTDOWN the server stops; TR_EINVAL it is
 *            no protocol's name; of the connection, and TR_ENOMEM. */
TR_API int tr_http_upgrade(tr_io **out, tr_http_response *res, const char *protocol);

/* ---- server-sent events ----
 *
 * A stream of events for a page (EventSource), in a handler that goes on as long as there are any:
 *
 *     rc = tr_http_events(res);
 *     while (rc == 0 && (rc = tr_queue_get(q, &item)) == 0)
 *         rc = tr_http_event(res, "posting", NULL, item.text);
 *
 * Errors: as tr_http_write; TR_EINVAL a name or id has more than one line, the data is no UTF-8. */

/* Begin: the head goes out at once. */
TR_API int tr_http_events(tr_http_response *res);
/* Send one, and wait until it has gone out. event and id may be NULL; data may have several lines.
 * */
TR_API int tr_http_event(tr_http_response *res, const char *event, const char *id,
                         const char *data);
/* How long the page is to wait before it connects again, in seconds. */
TR_API int tr_http_event_retry(tr_http_response *res, double seconds);
/* Say nothing: so that proxies do not take the connection for dead; every 15 s or so. */
TR_API int tr_http_event_idle(tr_http_response *res);
/* The id of the last event that the page has seen before it lost the connection; "". */
TR_API const char *tr_http_last_event_id(tr_http_request *req);

/* How it was answered so far, for middleware: 0 not yet; and how many bytes the body has. */
TR_API int tr_http_answer_status(const tr_http_response *res);
TR_API uint64_t tr_http_answer_bytes(const tr_http_response *res);

#ifdef __cplusplus
}
#endif
#endif
