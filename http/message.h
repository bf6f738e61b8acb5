/* A request and its answer, inside.
 *
 * The head of a request stays in the connection's input buffer, where it came, until it has been
 * answered: what points into it is an offset from the head's begin, for the buffer may move. Texts
 * are ended there, in place of what stood behind them, when they are asked for.
 *
 * A request is lent by its worker (server.h) to a connection, from the first byte to the last of
 * the answer.
 *
 * Threads: the connection's loop. */
#ifndef TR_HTTP_MESSAGE_H
#define TR_HTTP_MESSAGE_H

#include <llhttp.h>
#include <troupe/http.h>
#include <troupe/middleware.h>

#include "http/arena.h"
#include "http/header_name.h"
#include "http/router.h"
#include "http/slice.h"
#include "net/io.h"

typedef struct tr__http_conn tr__http_conn;
typedef struct tr__http_route tr__http_route;
typedef struct tr__http_worker tr__http_worker;

/* A piece of the head. */
typedef struct tr__span {
    uint32_t at; /* from the head's begin */
    uint32_t bytes;
} tr__span;

typedef struct tr__http_line {
    tr__span name;
    tr__span value;
} tr__http_line;

typedef enum tr__http_piece {
    TR__PIECE_NONE,
    TR__PIECE_TARGET,
    TR__PIECE_NAME,
    TR__PIECE_VALUE
} tr__http_piece;

/* How far an answer is. */
typedef enum tr__http_stage {
    TR__ANSWER_NONE,
    TR__ANSWER_WHOLE, /* it waits for the handler's end */
    TR__ANSWER_BEGUN, /* it was begun, and nothing has gone out */
    TR__ANSWER_OUT    /* its head has gone out */
} tr__http_stage;

struct tr_http_response {
    int status;
    tr__http_stage stage;
    const char *type; /* NULL: none */
    tr__buffer lines; /* headers, as they go out */
    /* The body of a whole one: in the buffer, or taken. */
    tr__buffer body;
    void *taken;
    size_t taken_bytes;
    void (*drop)(void *data);
    /* Of one that is written piece by piece. */
    int64_t promised; /* bytes; -1: not known */
    bool is_chunked;
    uint64_t written;
    /* Compression, if it was asked for: see compress.c. */
    const tr_http_compress_options *compress;
    struct tr__encoder *encoder;
};

typedef struct tr__encoder tr__encoder;

typedef struct tr__http_value {
    struct tr__http_value *next;
    const void *key;
    void *value;
    void (*drop)(void *value);
} tr__http_value;

struct tr_http_request {
    tr_http_request *next; /* a spare one */
    tr__http_conn *conn;
    llhttp_t parser;
    /* The head. */
    tr__span target;
    uint32_t line_count;
    tr__http_piece last;
    uint8_t known[TR__KNOWN_COUNT]; /* which line is the first of that name, plus one; 0: none */
    bool has_head;
    bool is_complete; /* the body has come, too */
    bool wants_continue;
    bool is_settled;     /* its handlers have ended, and there is an answer: */
    bool is_lost;        /* that they have failed */
    uint64_t due_ns;     /* its handlers are cancelled then; UINT64_MAX: never */
    uint32_t head_bytes; /* that are kept */
    const char *moved;   /* where the head was copied to, so that more can be read; NULL */
    size_t total_bytes;  /* of the request, in the input buffer */
    /* Why it is refused: a status; 0. */
    int refusal;
    const char *reason;
    int failure; /* why something of it could not be told, though it is there; 0: nothing was */
    /* Where it leads. */
    const char *path; /* normalized, not decoded; in the arena */
    const char *decoded_path;
    const tr__http_route *route; /* NULL: there is none */
    tr__match match;
    const char *params[TR__PARAMS_MOST]; /* decoded, when asked for */
    /* The body. */
    tr__slice whole;       /* where it stands in the input buffer, all of it */
    tr__buffer body;       /* else what has come so far; or, streamed, what was not read yet */
    uint64_t body_bytes;   /* that have come */
    uint64_t parsed_bytes; /* of all of it, before what is parsed now: */
    const char *parsed;
    char last_byte; /* of that before */
    uint64_t body_most;
    void *declared;        /* the struct that it was filled into */
    struct tr__form *form; /* NULL: nobody has asked for it yet */
    /* All that lasts as long as it. */
    tr__arena arena;
    tr__http_value *values;
    tr_http_response res;
    tr__http_line lines[]; /* as many as the server allows */
};

static inline tr_http_request *tr__request_of(tr_http_response *res)
{
    return TR__CONTAINER_OF(res, tr_http_request, res);
}

/* ---- parser.c ---- */

typedef enum tr__parsed {
    TR__PARSED_SOME,    /* more must come */
    TR__PARSED_HEAD,    /* the head, of a route that streams its body */
    TR__PARSED_ALL,     /* the request is complete */
    TR__PARSED_REFUSED, /* see refusal and reason */
    TR__PARSED_NO_MEMORY
} tr__parsed;

void tr__parse_begin(tr_http_request *req);
/* Go on with bytes that stand at the end of the connection's input buffer; *used: how many of them
 * belong to this request. */
tr__parsed tr__parse(tr_http_request *req, const char *bytes, size_t count, size_t *used);

/* ---- request.c ---- */

/* Where its head stands. */
const char *tr__request_head(const tr_http_request *req);
static inline tr__slice tr__request_slice(const tr_http_request *req, tr__span span)
{
    return (tr__slice){ tr__request_head(req) + span.at, span.bytes };
}
/* The value of a well-known header; at is NULL if it has none. */
tr__slice tr__request_known(const tr_http_request *req, tr__known known);
/* What stands behind the question mark of its target. */
tr__slice tr__request_query(const tr_http_request *req);
/* Something of it can't be told, for want of memory or for another error of the server's: where a
 * handler is told that it is not there, its answer is not believed. Returns NULL. */
void *tr__request_lose(tr_http_request *req, int rc);
/* Let go of all that it has. */
void tr__request_clear(tr_http_request *req);

/* ---- response.c ---- */

/* The handlers have ended: what they have answered goes out; is_lost: they have failed, so that an
 * answer of which a part is out is cut. */
void tr__response_finish(tr_http_response *res, bool is_lost);
/* Headers that were set for a content that is not sent after all. */
void tr__response_forget_content(tr_http_response *res);
/* Another body in the place of a whole one's.
 * Ownership: takes data, of tr__alloc. */
void tr__response_replace_body(tr_http_response *res, void *data, size_t bytes);
/* The value of a header that it was given, until the next one is set; at is NULL: none. */
tr__slice tr__response_header(const tr_http_response *res, const char *name);
/* Answer what is refused. */
void tr__response_refuse(tr_http_request *req);

void tr__response_clear(tr_http_response *res);
/* Whether the answer of this status has no body, whatever was given. */
static inline bool tr__status_is_bare(int status)
{
    return status == 204 || status == 304;
}
const char *tr__status_text(int status);

#endif
