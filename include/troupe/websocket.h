/* WebSockets (RFC 6455), with permessage-deflate (RFC 7692): servers, clients, and rooms.
 *
 *     static int chat(tr_ws *ws, tr_http_request *req, void *ctx)      a task for each client
 *     {
 *         tr_room *room = ctx;
 *         tr_ws_message m;
 *         int rc = tr_room_join(room, ws);
 *
 *         (void)req;
 *         while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
 *             rc = tr_room_send(room, m.type, m.data, m.bytes);
 *         return rc;                                                   left and closed by itself
 *     }
 *
 *     tr_http_websocket(srv, "/chat", chat, room, NULL);
 *
 * A socket belongs to the loop that accepted or opened it, and is used by tasks of that loop. Pings
 * are sent and answered by themselves. When the server stops, sockets are told "going away" (1001),
 * and receiving ends. */
#ifndef TROUPE_WEBSOCKET_H
#define TROUPE_WEBSOCKET_H

#include <troupe/http.h>
#include <troupe/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tr_ws tr_ws;
typedef struct tr_room tr_room;

typedef enum tr_ws_type {
    TR_WS_TEXT = 1, /* valid UTF-8 */
    TR_WS_BINARY = 2
} tr_ws_type;

typedef struct tr_ws_message {
    tr_ws_type type;
    const char *data; /* with a 0 behind it */
    size_t bytes;
} tr_ws_message;

/* What becomes of a client that takes too little of what a room sends it; and of one for which
 * there is no memory for a room's message. */
typedef enum tr_ws_slow {
    TR_WS_SLOW_CLOSE, /* it is closed, with 1008; or with 1011 */
    TR_WS_SLOW_DROP   /* such messages are not sent to it: see tr_ws_dropped */
} tr_ws_slow;

/* Zero means the default. */
typedef struct tr_ws_options {
    size_t message_most; /* bytes of one that is received, inflated; default 1 MiB: closed, 1009 */
    size_t queue_most;   /* bytes that may wait to go out; default 1 MiB */
    tr_ws_slow slow;     /* where more would wait, and nobody waits for room */
    double ping_every;  /* seconds without a word from the other side; default 20; below 0: never */
    double pong_within; /* then it is closed; default 20 */
    double close_within;  /* that the other side has to say goodbye; default 2 */
    bool is_uncompressed; /* permessage-deflate is not offered, nor accepted */
    /* Of a server: the origins that may connect ("https://example.org", several separated by
     * spaces). NULL: the server's own host, and clients that tell none. "*": any. */
    const char *origins;
    const char *protocols; /* that it speaks, or asks for: separated by spaces */
    size_t stack_bytes;    /* of the handler's task */
} tr_ws_options;

/* ---- servers ---- */

/* Speak with a client, until the function returns: then it is closed, with 1000, or with 1011 where
 * it returned an error. The request is lent to it. */
typedef int (*tr_ws_handler)(tr_ws *ws, tr_http_request *req, void *ctx);

TR_API int tr__http_websocket(tr_http_server *srv, const char *pattern, tr_ws_handler fn, void *ctx,
                              const tr_ws_options *options, size_t options_size);

/* Add a route for WebSockets: tr_http_websocket(srv, "/chat", fn, ctx, &options); options may be
 * NULL. Middleware stands around it, and may refuse. What is no proper handshake is answered with
 * 400, 403 (origin) or 426.
 * Ownership, Threads, Errors: as tr_http_route. */
#define tr_http_websocket(srv, pattern, fn, ctx, ...)                                              \
    tr__http_websocket((srv), (pattern), (fn), (ctx), (__VA_ARGS__), sizeof(tr_ws_options))

/* ---- clients ---- */

TR_API int tr__ws_connect(tr_ws **out, const char *url, tr_tls *tls, const tr_ws_options *options,
                          size_t options_size);

/* Open one: tr_ws_connect(&ws, "wss://example.org/chat", tls, &options). tls NULL: verified by the
 * system's authorities; options may be NULL. It takes 30 s at most. *out is NULL on error.
 * Ownership: the caller's, until tr_ws_close.
 * Threads:   tasks.
 * Errors:    as tr_tcp_connect, tr_tls_connect; TR_EPROTO the server does not speak it, or has
 *            refused; TR_ETIMEDOUT; TR_EINVAL; TR_ENOMEM; TR_ECANCELED. */
#define tr_ws_connect(out, url, tls, ...)                                                          \
    tr__ws_connect((out), (url), (tls), (__VA_ARGS__), sizeof(tr_ws_options))

/* Say goodbye (code 1000 to 4999; 0 means 1000), wait a while for the answer, and free it. NULL is
 * allowed. A server's handler need not call it.
 * Ownership: it is gone (a server's: when its handler has returned).
 * Threads:   tasks of its loop.
 * Errors:    TR_EINVAL; TR_EWRONGPLACE: then it is not gone. */
TR_API int tr_ws_close(tr_ws *ws, int code, const char *reason);

/* ---- both ---- */

/* Receive the next message: 1; 0 when the other side has closed properly.
 * Ownership: what m points to is lent until the next call.
 * Threads:   tasks of its loop; one at a time.
 * Errors:    TR_ECONNRESET, TR_EEND it has gone without a word; TR_ETIMEDOUT it did not answer a
 *            ping; TR_ESYNTAX what it sent was malformed; TR_ETOOLARGE; TR_EFULL it was too slow,
 *            and was closed; TR_ESHUTDOWN the server stops; TR_ECANCELED; TR_EBUSY another task
 *            receives; TR_EPIPE it is closed; TR_EWRONGPLACE; TR_EINVAL. */
TR_API int tr_ws_receive(tr_ws *ws, tr_ws_message *m);

/* Send a message, and wait while too much waits to go out.
 * Threads: tasks of its loop.
 * Errors:  TR_EPIPE it is closed; TR_EINVAL the text is no UTF-8; TR_ETOOLARGE; TR_ENOMEM;
 *          TR_ECANCELED it was not sent; TR_EWRONGPLACE. */
TR_API int tr_ws_send(tr_ws *ws, tr_ws_type type, const void *data, size_t bytes);
/* The same for a text, formatted. */
TR_API __attribute__((format(printf, 2, 3))) int tr_ws_text(tr_ws *ws, const char *format, ...);

/* How many bytes wait to go out; how many messages were dropped, for it was too slow; with which
 * code the other side has closed (0: it has not, or told none); which protocol was agreed on ("":
 * none).
 * Threads: its loop. */
TR_API size_t tr_ws_waiting(const tr_ws *ws);
TR_API uint64_t tr_ws_dropped(const tr_ws *ws);
TR_API int tr_ws_close_code(const tr_ws *ws);
TR_API const char *tr_ws_protocol(const tr_ws *ws);

/* ---- rooms ---- */

/* Make a room: sockets of all loops, to all of which a message is sent at once. *out is NULL on
 * error.
 * Ownership: the caller has one reference, each socket in it another.
 * Threads:   any.
 * Errors:    TR_ENOMEM; TR_EINVAL; TR_ESHUTDOWN. */
TR_API int tr_room_new(tr_room **out);
/* NULL is allowed.
 * Threads: any. */
TR_API tr_room *tr_room_ref(tr_room *room);
TR_API void tr_room_unref(tr_room *room);

/* Let a server's socket be in a room, or no more. It leaves by itself when it is closed. It may be
 * in several.
 * Threads: the socket's loop.
 * Errors:  TR_EALREADY it is in, or not in; TR_ENOMEM; TR_EPIPE it is closed; TR_EWRONGPLACE;
 *          TR_EINVAL, also for a client's: what a room sends is not masked. */
TR_API int tr_room_join(tr_room *room, tr_ws *ws);
TR_API int tr_room_leave(tr_room *room, tr_ws *ws);

/* Send a message to all that are in the room. It is encoded once, and shared by all. Each socket
 * gets the messages of one sender in the order sent; one that is too slow is dealt with as its
 * options say: nobody waits for it.
 * Ownership: data is copied.
 * Threads:   any; never blocks.
 * Errors:    TR_EINVAL, also for a text that is no UTF-8; TR_ENOMEM nobody gets it;
 *            TR_ETOOLARGE. */
TR_API int tr_room_send(tr_room *room, tr_ws_type type, const void *data, size_t bytes);

/* The same for a text, formatted. */
TR_API __attribute__((format(printf, 2, 3))) int tr_room_text(tr_room *room, const char *format,
                                                              ...);

/* How many sockets are in it.
 * Threads: any. */
TR_API size_t tr_room_size(const tr_room *room);

#ifdef __cplusplus
}
#endif
#endif
