/* A WebSocket, inside. wslay takes what comes apart into frames; messages are made of them here, so
 * that what they take is counted, and is the library's memory (wslay itself allocates once, when a
 * socket is opened: 4 KiB to read into). Frames that go out are made here, too: a server's are not
 * masked, so that one frame serves all members of a room.
 *
 *     descriptor --> tr_io --> wslay --> messages --> tr_ws_receive
 *     tr_ws_send, rooms, pongs, pings --> frames --> tr_io --> descriptor
 *
 * Receiving is done by a callback, so that pings are answered whatever the handler does; it stops
 * while more than a few messages wait, or more pongs than the other side takes. Frames wait in a
 * queue, by reference, and go out together when all that is ready has run.
 *
 * It goes through these states:  open --> closing (our goodbye is out, or queued) --> over (nothing
 * more comes, or goes out).
 *
 * Threads: its loop's. */
#ifndef TR_HTTP_WS_H
#define TR_HTTP_WS_H

#include <troupe/bytes.h>
#include <troupe/event.h>
#include <troupe/websocket.h>
#include <wslay/wslay.h>

#include "http/deflate.h"
#include "http/slice.h"
#include "net/io.h"
#include "runtime/timer.h"

/* A frame as it goes out: shared by the sockets of one loop. */
typedef struct tr__frame {
    uint32_t refs;   /* of this loop */
    bool is_control; /* a ping, a pong, a goodbye */
    tr_bytes *bytes; /* shared by all loops */
} tr__frame;

/* NULL: out of memory. Takes the bytes also on error. */
tr__frame *tr__frame_new(tr_bytes *bytes, bool is_control);
static inline tr__frame *tr__frame_ref(tr__frame *frame)
{
    frame->refs++;
    return frame;
}
void tr__frame_unref(tr__frame *frame);

/* Frames that wait, a ring. */
typedef struct tr__frames {
    tr__frame **ring;
    size_t capacity; /* a power of two, or 0 */
    size_t first, count;
    size_t sent;     /* bytes of the first one */
    size_t bytes;    /* that are left, of all */
    size_t controls; /* bytes of control frames, of which some may be sent */
    bool has_moved;  /* some have gone out since the timer of pings was started */
} tr__frames;

typedef struct tr__incoming {
    struct tr__incoming *next;
    tr_ws_type type;
    size_t bytes;
    char data[];
} tr__incoming;

/* What is understood of a message that has not come to its end; and of a control frame within. */
typedef struct tr__partial {
    tr__buffer data;
    uint8_t type; /* 0: no message has begun */
    bool is_deflated;
    bool is_in_frame;    /* of whose payload more comes: */
    uint64_t frame_left; /* so many bytes */
    uint8_t control[125];
    uint8_t control_bytes;
} tr__partial;

struct tr_ws {
    tr_io *io;
    wslay_frame_context_ptr wslay;
    uint32_t users; /* tasks that are in a call: it is freed when the last of them has left */
    bool is_freed;
    tr_ws_options options; /* with all defaults */
    bool is_client;
    bool is_deflating; /* permessage-deflate was agreed on */
    char *protocol;
    /* Receiving. */
    tr__way_waiter reader;
    tr__partial partial;
    tr__incoming *first, **last; /* messages that have come */
    size_t incoming_bytes;       /* that they take */
    tr__incoming *lent;          /* to the handler */
    bool is_receiving;           /* a task waits, or looks */
    size_t read_now;             /* by the callback that runs */
    bool has_more;               /* it has stopped, though there may be more */
    tr_event arrived;            /* a message, or the end */
    /* Sending. */
    tr__frames frames;
    tr__flush flush;
    tr__way_waiter writer;
    tr_event room_made;
    uint64_t dropped;
    /* Its end. */
    bool is_closing; /* our goodbye is queued */
    bool has_parted; /* theirs has come, or nothing more will */
    bool is_refused; /* what came was wrong: what still comes is not looked at */
    bool is_over;
    bool has_end; /* nothing more is received, for this reason: */
    int end;      /* what tr_ws_receive returns; 0: it was closed properly */
    int close_code;
    /* Pings. */
    tr__timer timer;
    bool was_heard; /* since the timer was started */
    bool is_pinged;
    /* Rooms that it is in. */
    tr__list memberships;
};

/* Make one over a stream, which stays open until it is freed.
 * Ownership: takes the stream, also on error.
 * Errors:    TR_ENOMEM. */
int tr__ws_new(tr_ws **out, tr_io *io, bool is_client, bool is_deflating,
               const tr_ws_options *options);
/* Something has come: it lives. */
void tr__ws_note_heard(tr_ws *ws);
/* Close the stream, and free it; later, where a task is in a call. */
void tr__ws_free(tr_ws *ws);
/* A task begins a call that may wait, and ends it. */
static inline void tr__ws_enter(tr_ws *ws)
{
    ws->users++;
}
int tr__ws_leave(tr_ws *ws, int rc);
/* All defaults. */
void tr__ws_fill_options(tr_ws_options *options);
/* Nothing more is received, so: whoever waits for it is told. The first one counts. */
void tr__ws_note_end(tr_ws *ws, int end);
/* The same; and nothing more is sent. */
void tr__ws_end(tr_ws *ws, int end);
/* Queue our goodbye, once. */
void tr__ws_say_goodbye(tr_ws *ws, int code, const char *reason);
/* Say goodbye, and wait for the other side's. In a task. */
void tr__ws_part(tr_ws *ws, int code, const char *reason);

/* ---- ws_out.c ---- */

/* Queue a room's frame; NULL: there was no memory for it. Where it is not queued, the socket's
 * options say what becomes of it. */
void tr__ws_offer(tr_ws *ws, tr__frame *frame);
/* Queue a control frame; false: out of memory. */
bool tr__ws_put_control(tr_ws *ws, int opcode, tr__slice data);
void tr__ws_init_sending(tr_ws *ws);
void tr__ws_fini_sending(tr_ws *ws);
/* A frame that is a whole message, deflated if the bytes are; a client's is masked. NULL: out of
 * memory. */
tr_bytes *tr__frame_encode(int opcode, tr__slice data, bool is_deflated, bool is_masked);

/* ---- ws_in.c ---- */

int tr__ws_init_receiving(tr_ws *ws);
void tr__ws_fini_receiving(tr_ws *ws);
/* Understand what has come, and wait for more. */
void tr__ws_read(tr_ws *ws);
/* Forget the messages that have come. */
void tr__ws_drop_incoming(tr_ws *ws);
/* Whether it is not read, for too much waits for the handler. */
bool tr__ws_is_paused(const tr_ws *ws);
/* Whether it is a code that may be said (RFC 6455, 7.4, and the registry of IANA). */
bool tr__ws_is_code(int code);
/* Go on reading, if that was paused and may go on. */
void tr__ws_resume(tr_ws *ws);

/* ---- room.c ---- */

void tr__rooms_leave(tr_ws *ws);

#endif
