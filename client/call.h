/* One call: what the program wants, worked out; it stands on the calling task's stack.
 *
 *     tr__http_fetch --> prepare --> attempt --> (elsewhere, again) --> the reply
 *
 * Threads: the calling task. */
#ifndef TR_CLIENT_CALL_H
#define TR_CLIENT_CALL_H

#include "client/again.h"
#include "client/client.h"
#include "client/conns.h"
#include "client/proxy.h"
#include "client/url.h"

enum { TR__CALL_LINES = 8 }; /* headers that need no memory of their own */

/* What comes after an answer. */
typedef enum tr__call_next {
    TR__CALL_ENDS,
    TR__CALL_ELSEWHERE, /* it was a redirect: the call has its URL, and what goes there */
    TR__CALL_AGAIN      /* after a while */
} tr__call_next;

typedef struct tr__client_call {
    tr_http_client *client;
    tr__client_room *room;
    tr_http_call given; /* with what is the client's where it says nothing */
    /* The request. */
    const char *method;
    bool is_head;    /* the answer has no body, whatever it says */
    bool may_repeat; /* it may be sent twice: it is idempotent, and its body is at hand */
    tr__url url;     /* where it goes */
    tr__client_line few[TR__CALL_LINES];
    tr__client_line *lines; /* the call's headers; few, or memory of its own */
    size_t line_count;
    bool has_body;
    const char *type; /* of it; NULL: not said */
    const char *body; /* NULL: none, or it is streamed */
    size_t body_bytes;
    char *made;             /* the body, where it was made here: memory of its own; NULL */
    char *authorization;    /* a header's value, memory of its own; NULL */
    uint64_t due_ns;        /* of the whole call; UINT64_MAX: never */
    const tr__proxy *proxy; /* on the way there; NULL: none */
    char *key;              /* of connections by a proxy; memory of its own; NULL */
    bool decodes;           /* it asks for compressed answers, and decompresses them */
    /* Its way. */
    tr__again again;
    int redirects;
    bool has_left; /* a redirect has led to another origin, which is not told who asks */
    tr__call_next next;
    double wait; /* before it is tried again */
} tr__client_call;

/* Work a call out: call->client and call->given are there, all else is zero.
 * Errors: TR_EINVAL; TR_ENOMEM; what writing the JSON gives. */
int tr__call_prepare(tr__client_call *call);
void tr__call_fini(tr__client_call *call);

/* The head of an answer has come: take its cookies, and see what comes after it, as call->next
 * says then.
 * Errors: TR_EREDIRECTS; TR_ENOMEM. */
int tr__call_judge(tr__client_call *call, const tr_http_reply *reply);
/* Whether an attempt that has failed so is not the last. */
bool tr__call_forgives(tr__client_call *call, int error);
/* There is a next request: it is time for it when this returns.
 * Errors: TR_ECANCELED. */
int tr__call_go_on(tr__client_call *call);
/* Seconds since 1970. */
int64_t tr__call_wall_s(void);

#endif
