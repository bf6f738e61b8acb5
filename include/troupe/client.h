/* An HTTP/1.1 client, for tasks.
 *
 *     tr_http_reply *page tr_cleanup_reply = NULL;
 *     int rc = tr_http_get(&page, "https://example.org/");
 *     if (rc == 0)
 *         printf("%d: %s\n", tr_http_reply_status(page), tr_http_reply_text(page));
 *
 * or with all there is to say:
 *
 *     rc = tr_http_fetch(&reply, client, &(tr_http_call){
 *         .method = "PUT", .url = "/items/7", .json = &tr_declared_item, .value = &item,
 *         .headers = (const char *const[]){ "X-Trace: 17", NULL }, .timeout = 2.0 });
 *
 * A client (tr_http_client) keeps connections alive, for each server its own, on each loop; it
 * follows redirects, decompresses, bounds each phase by a time, and can keep cookies, go through
 * proxies, and try again. NULL in the place of a client is the program's own, with the defaults.
 *
 * An answer of whatever status is a success of the call: tr_http_reply_check makes an error of 400
 * and more. Each call that fails ends with a code that says in which phase, and has left nothing
 * behind: a task that is cancelled takes its connection with it. */
#ifndef TROUPE_CLIENT_H
#define TROUPE_CLIENT_H

#include <sys/types.h>
#include <troupe/core.h>
#include <troupe/declare.h>
#include <troupe/io.h>
#include <troupe/retry.h>
#include <troupe/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_http_client tr_http_client;
typedef struct tr_http_reply tr_http_reply;

/* ---- the client ---- */

/* Zero means the default in each field; a time or limit below 0: none. Times are seconds. */
typedef struct tr_http_client_config {
    const char *base; /* "https://api.example.org/v1": what URLs that begin with "/" are appended
                         to; default none */
    const char *const *headers; /* of each call: "Name: value", ..., NULL */
    const char *user_agent;     /* default "troupe/" and the version */
    tr_tls *tls;                /* for https; default: the system's authorities */
    const char
        *connect_to; /* always connect to there ("unix:/run/x.sock", "127.0.0.1:80"), whatever
                               a URL names; default: where it says */
    /* A proxy: "http://user:password@host:3128", "https://host", "socks5://host:1080". Default: as
     * the environment says (https_proxy, http_proxy, all_proxy, no_proxy), but for this machine
     * itself; "": none. One by https serves http only. */
    const char *proxy;
    /* Connections, on each loop. */
    long connections_each; /* to one server; default 100; calls beyond wait in line */
    long connections_most; /* in all; default 1,000; idle ones make room, then calls wait */
    double idle_timeout;   /* of one that nobody uses; 30: closed */
    /* Times; what takes longer is TR_ETIMEDOUT. */
    double timeout;         /* of a call, redirects and attempts and the answer's body included;
                               default none */
    double wait_timeout;    /* for a connection, in line; 30 */
    double connect_timeout; /* for the name, TCP, the proxy and TLS; 10 */
    double write_timeout;   /* without the server taking a byte; 30 */
    double head_timeout;    /* from the request's end to that of the answer's head; 30 */
    double read_timeout;    /* without a byte of the body; 30 */
    /* Limits of an answer: TR_ETOOLARGE. */
    size_t head_bytes_most; /* default 64 KiB */
    size_t body_most;       /* of a body that is kept in memory, decompressed; default 64 MiB */
    /* Default 10, then TR_EREDIRECTS; below 0: none is followed. From https none leads to http;
     * another origin is not told who asks; where a streamed body is asked for once more, the answer
     * is handed on as it is. */
    int redirects_most;
    /* Trying again, where the server could not be reached, is gone before the answer, or answers
     * 429, 502, 503, 504: only calls that may be repeated (GET, HEAD, OPTIONS, PUT, DELETE, or
     * .is_idempotent) whose body is at hand; a Retry-After is heeded, up to the policy's longest
     * delay. Its is_transient is told the tr_http_call, and asked about answers as about
     * TR_ESTATUS. Default: one attempt (besides one more where a connection that was kept alive
     * turns out to be dead). */
    const tr_retry_policy *retry;
    bool keeps_cookies;   /* in a jar of its own (RFC 6265, and public suffixes) */
    bool is_uncompressed; /* answers are asked for, and taken, as they are; so are those to a call
                             with an Accept-Encoding or Range of its own */
} tr_http_client_config;

TR_API int tr__http_client_new(tr_http_client **out, const tr_http_client_config *config,
                               size_t config_size);

/* Make a client: tr_http_client_new(&client, &config); config may be NULL. All loops may use it at
 * the same time. *out is NULL on error.
 * Ownership: the caller has one reference; what the config points to is copied; its tls gets one
 *            more reference.
 * Threads:   any.
 * Errors:    TR_EINVAL; TR_ENOMEM. */
#define tr_http_client_new(out, ...)                                                               \
    tr__http_client_new((out), (__VA_ARGS__), sizeof(tr_http_client_config))

/* One more reference; returns client. NULL is NULL.
 * Threads: any. */
TR_API tr_http_client *tr_http_client_ref(tr_http_client *client);

/* Give a reference back; calls that run, and replies, have their own. With the last one idle
 * connections are closed. NULL is allowed.
 * Threads: any. */
TR_API void tr_http_client_unref(tr_http_client *client);

/* What a client did until now, on all loops. */
typedef struct tr_http_client_stats {
    uint64_t calls;       /* that have begun */
    uint64_t failures;    /* that have ended with an error */
    uint64_t connections; /* that were opened */
    uint64_t reused;      /* requests that went over one that was kept alive */
    uint64_t redirects;   /* followed */
    uint64_t retries;
    long open;    /* connections, now */
    long idle;    /* of these */
    long waiting; /* calls in line, now */
} tr_http_client_stats;

/* Threads: any; the figures of other loops may be a moment old.
 * Errors:  TR_EINVAL. */
TR_API int tr_http_client_statistics(tr_http_client *client, tr_http_client_stats *out);

/* ---- a call ---- */

/* Where a body comes from: fill in up to room bytes; returns how many, 0 at its end, or an error,
 * which is that of the call. It runs in the calling task, and may await. */
typedef ssize_t (*tr_http_source)(void *ctx, void *buffer, size_t room);

/* Zero means the default in each field. */
typedef struct tr_http_call {
    const char *method; /* default GET; POST, if there is a body */
    const char *url;    /* "https://example.org/a?b=c"; "/a", to the client's base. What may not
                           stand in a URL is percent-encoded; a fragment is not sent */
    const char *const *query; /* appended to it, encoded: name, value, ..., NULL */
    /* "Name: value", ..., NULL; they take the place of the client's. TR_EINVAL are those that the
     * client writes itself: Content-Length, Transfer-Encoding, Connection, Keep-Alive, Expect, TE,
     * Trailer, Upgrade, Proxy-Authorization, Proxy-Connection. */
    const char *const *headers;
    const char *user; /* Basic authentication, with password */
    const char *password;
    const char *bearer; /* a token */
    /* The body: at most one of these. */
    const void *body; /* body_bytes of it, of a type; default type application/octet-stream */
    size_t body_bytes;
    const char *type;
    const tr_declaration *json; /* value, written as JSON */
    const void *value;
    const char *const *form; /* name, value, ..., NULL, as a form is sent */
    tr_http_source source;   /* streamed, source_bytes of it (0: not known; in chunks) */
    void *source_ctx;
    uint64_t source_bytes;
    bool streams; /* tr_http_fetch returns with the answer's head; its body is read by
                     tr_http_reply_read */
    /* In the place of the client's. */
    double timeout;
    size_t body_most;
    int redirects_most;
    const tr_retry_policy *retry;
    bool is_idempotent; /* it may be repeated, whatever its method */
    /* Ask for another protocol on the connection ("websocket"; RFC 9110, 7.8), with a call that has
     * no body: a server that agrees answers 101, and tr_http_reply_take_io gives the stream; one
     * that does not answers as it likes. */
    const char *upgrade;
} tr_http_call;

TR_API int tr__http_fetch(tr_http_reply **out, tr_http_client *client, const tr_http_call *call,
                          size_t call_size);

/* Send a request, and await the answer, with all of its body unless call.streams:
 * tr_http_fetch(&reply, client, &call). *out is NULL on error.
 * Ownership: the reply is the caller's, and belongs to the loop; what call points to is lent until
 *            this returns.
 * Threads:   tasks.
 * Errors:    TR_EINVAL the URL, method or a header is malformed, or two bodies are given; of
 *            connecting (TR_ENONAME, TR_ECONNREFUSED, TR_ECERTIFICATE, TR_ETLS, ...); TR_EPROXY the
 *            proxy refuses; TR_ETIMEDOUT; TR_ECONNRESET, TR_EPIPE, TR_EEND the server is gone
 *            before the end; TR_ESYNTAX it answers what is no HTTP, or no such compression;
 *            TR_ETOOLARGE; TR_EREDIRECTS; of source; TR_ECANCELED; TR_ENOMEM; TR_ESHUTDOWN;
 *            TR_EWRONGPLACE. */
#define tr_http_fetch(out, client, ...)                                                            \
    tr__http_fetch((out), (client), (__VA_ARGS__), sizeof(tr_http_call))

/* GET and POST by the program's own client.
 * Ownership, Threads, Errors: as tr_http_fetch. */
TR_API int tr_http_get(tr_http_reply **out, const char *url);
TR_API int tr_http_post(tr_http_reply **out, const char *url, const char *type, const void *body,
                        size_t bytes);

/* ---- a reply ----
 *
 * Texts are lent until it is freed.
 * Threads: tasks of its loop, one at a time; its loop. */

TR_API int tr_http_reply_status(const tr_http_reply *reply);
/* Where it came from in the end, after redirects. */
TR_API const char *tr_http_reply_url(const tr_http_reply *reply);
/* The value of a header, in any case; several of one name are joined by ", ". NULL: none, or there
 * was no memory to join them. */
TR_API const char *tr_http_reply_header(tr_http_reply *reply, const char *name);
/* The i-th header, as it came: false behind the last. */
TR_API bool tr_http_reply_header_at(tr_http_reply *reply, size_t i, const char **name,
                                    const char **value);
/* The whole body; a byte behind it is 0; bytes may be NULL. "" where there is none, or it is
 * streamed. */
TR_API const char *tr_http_reply_body(const tr_http_reply *reply, size_t *bytes);
static inline const char *tr_http_reply_text(const tr_http_reply *reply)
{
    return tr_http_reply_body(reply, NULL);
}

/* 0, or TR_ESTATUS where its status is 400 or more.
 * Errors: TR_ESTATUS; TR_EINVAL. */
TR_API int tr_http_reply_check(const tr_http_reply *reply);

/* The body, parsed as JSON into a declared struct: tr_http_reply_parse(reply, item, &an_item). What
 * it points to is the reply's.
 * Errors: as tr_declared_parse, the problems of which are told by tr_http_reply_parsed. */
#define tr_http_reply_parse(reply, name, out)                                                      \
    tr_http_reply_parse_as((reply), &tr_declared_##name, TR__POINTER_TO(name, out))
TR_API int tr_http_reply_parse_as(tr_http_reply *reply, const tr_declaration *declaration,
                                  void *out);
/* What the last tr_http_reply_parse made, for tr_parsed_problems; lent. NULL: nothing. */
TR_API const tr_parsed *tr_http_reply_parsed(const tr_http_reply *reply);

/* Read some of a streamed body, decompressed: how many bytes; 0 at its end.
 * Errors: as tr_http_fetch; TR_EWRONGPLACE it is not streamed. */
TR_API ssize_t tr_http_reply_read(tr_http_reply *reply, void *buffer, size_t bytes);

/* Take the connection of an answer of 101 (tr_http_call.upgrade): from now on both sides speak the
 * other protocol, and what the server has said of it already is read first. *out is NULL on error.
 * Ownership: the stream is the caller's; where none is taken, tr_http_reply_free closes it.
 * Errors:    TR_EWRONGPLACE it is no such answer, or the stream was taken; TR_ESHUTDOWN; TR_ENOMEM;
 *            TR_EINVAL. */
TR_API int tr_http_reply_take_io(tr_io **out, tr_http_reply *reply);

/* Free it; NULL is allowed. Where a streamed body was not read to its end, its connection is
 * closed, unless the rest is at hand already.
 * Threads: its loop; any, when the runtime has stopped. */
TR_API void tr_http_reply_free(tr_http_reply *reply);

static inline void tr__cleanup_reply(tr_http_reply **at)
{
    tr_http_reply_free(*at);
}
#define tr_cleanup_reply __attribute__((cleanup(tr__cleanup_reply)))

static inline void tr__cleanup_client(tr_http_client **at)
{
    tr_http_client_unref(*at);
}
#define tr_cleanup_client __attribute__((cleanup(tr__cleanup_client)))

#ifdef __cplusplus
}
#endif
#endif
