/* The life of a WebSocket. */
#include "http/ws.h"

#include <string.h>

#include "base/seam.h"
#include "http/utf8.h"
#include "runtime/task.h"

#define NS_PER_S 1e9

enum {
    CONTROL_MOST = 125, /* of the payload of a control frame */
    CODE_BYTES = 2
};

/* ---- options ---- */

static void fill_size(size_t *value, size_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

static void fill_seconds(double *value, double otherwise)
{
    if (!(*value > 0))
        *value = otherwise;
}

void tr__ws_fill_options(tr_ws_options *options)
{
    static const size_t MIB = 1024 * 1024;

    fill_size(&options->message_most, MIB);
    fill_size(&options->queue_most, MIB);
    if (!(options->ping_every < 0)) /* else never */
        fill_seconds(&options->ping_every, 20);
    fill_seconds(&options->pong_within, 20);
    fill_seconds(&options->close_within, 2);
}

/* ---- pings ---- */

static void on_timer(tr__timer *timer);

static void start_timer(tr_ws *ws, double seconds)
{
    tr__loop *loop = ws->io->ready.net->loop;

    if (seconds >= 0 && seconds < 1e9)
        tr__timer_start(&loop->wheel, &ws->timer, loop->now_ns + (uint64_t)(seconds * NS_PER_S),
                        on_timer);
}

static void stop_timer(tr_ws *ws)
{
    if (ws->io->ready.net != NULL)
        tr__timer_stop(&ws->io->ready.net->loop->wheel, &ws->timer);
}

/* Whether there was a sign of life since the timer was started: it was heard; or it takes what
 * waits to go out, be it slowly, and a ping waits behind that. Where nothing is read, for too much
 * waits for the handler, it is not the other side that is silent. */
static bool is_alive(const tr_ws *ws)
{
    if (ws->was_heard)
        return true;
    if (ws->io->ready.out.waiter != NULL)
        return ws->frames.has_moved;
    return tr__ws_is_paused(ws);
}

static void on_timer(tr__timer *timer)
{
    tr_ws *ws = TR__CONTAINER_OF(timer, tr_ws, timer);

    if (ws->is_over || ws->is_closing)
        return;
    if (is_alive(ws)) {
        ws->was_heard = false;
        ws->is_pinged = false;
        ws->frames.has_moved = false;
        start_timer(ws, ws->options.ping_every);
    } else if (ws->is_pinged) {
        tr__ws_end(ws, TR_ETIMEDOUT);
    } else if (tr__ws_put_control(ws, WSLAY_PING, (tr__slice){ "", 0 })) {
        ws->is_pinged = true;
        start_timer(ws, ws->options.pong_within);
    } else {
        tr__ws_end(ws, TR_ENOMEM);
    }
}

/* Who has answered a ping is asked again when the next is due, however long it might have taken. */
void tr__ws_note_heard(tr_ws *ws)
{
    ws->was_heard = !ws->is_pinged;
    if (!ws->is_pinged)
        return;
    ws->is_pinged = false;
    stop_timer(ws);
    start_timer(ws, ws->options.ping_every);
}

/* ---- its end ---- */

void tr__ws_note_end(tr_ws *ws, int end)
{
    if (!ws->has_end) {
        ws->has_end = true;
        ws->end = end;
    }
    (void)tr_event_set(&ws->arrived); /* these are events */
    (void)tr_event_set(&ws->room_made);
}

void tr__ws_end(tr_ws *ws, int end)
{
    if (ws->is_over)
        return;
    ws->is_over = true;
    stop_timer(ws);
    tr__ready_call_off(&ws->io->ready.in, &ws->reader);
    tr__ready_call_off(&ws->io->ready.out, &ws->writer);
    tr__ws_note_end(ws, end);
}

void tr__ws_say_goodbye(tr_ws *ws, int code, const char *reason)
{
    char text[CONTROL_MOST];
    size_t bytes = code != 0 ? CODE_BYTES : 0; /* 0: theirs told none */

    if (ws->is_over || ws->is_closing)
        return;
    if (bytes > 0) {
        text[0] = (char)(code >> 8);
        text[1] = (char)code;
        bytes += tr__utf8_cut(reason, CONTROL_MOST - CODE_BYTES);
        memcpy(text + CODE_BYTES, reason, bytes - CODE_BYTES);
    }
    if (!tr__ws_put_control(ws, WSLAY_CONNECTION_CLOSE, (tr__slice){ text, bytes })) {
        tr__ws_end(ws, TR_ENOMEM);
        return;
    }
    ws->is_closing = true;
}

/* Both have said goodbye, and ours is out. */
static bool has_parted(const tr_ws *ws)
{
    return ws->is_over || (ws->has_parted && ws->frames.count == 0);
}

void tr__ws_part(tr_ws *ws, int code, const char *reason)
{
    tr__ws_say_goodbye(ws, code, reason);
    tr__ws_note_end(ws, TR_EPIPE);
    TR_SHIELD(ws->options.close_within) {
        while (!has_parted(ws)) {
            tr__ws_drop_incoming(ws);
            tr__ws_resume(ws);
            (void)tr_event_clear(&ws->arrived); /* it is an event */
            if (has_parted(ws) || tr_event_wait(&ws->arrived) < 0)
                break;
        }
    }
    tr__ws_end(ws, TR_EPIPE);
}

/* ---- making, freeing ---- */

int tr__ws_new(tr_ws **out, tr_io *io, bool is_client, bool is_deflating,
               const tr_ws_options *options)
{
    tr_ws *ws = tr__alloc_zeroed(sizeof(*ws));

    *out = NULL;
    if (ws == NULL) {
        (void)tr_close(io); /* on its loop */
        return TR_ENOMEM;
    }
    ws->io = io;
    ws->is_client = is_client;
    ws->is_deflating = is_deflating;
    ws->options = *options;
    ws->was_heard = true;
    tr__list_init(&ws->memberships);
    tr__ws_init_sending(ws);
    if (tr__ws_init_receiving(ws) < 0) {
        tr__ws_free(ws);
        return TR_ENOMEM;
    }
    start_timer(ws, ws->options.ping_every);
    tr__ws_read(ws);
    *out = ws;
    return 0;
}

static void release(tr_ws *ws)
{
    tr__ws_fini_sending(ws);
    tr__ws_fini_receiving(ws);
    (void)tr_close(ws->io); /* on its loop */
    tr__free(ws->protocol);
    tr__free(ws);
}

void tr__ws_free(tr_ws *ws)
{
    tr__rooms_leave(ws);
    tr__ws_end(ws, TR_EPIPE);
    ws->is_freed = true;
    if (ws->users == 0)
        release(ws);
}

int tr__ws_leave(tr_ws *ws, int rc)
{
    if (--ws->users == 0 && ws->is_freed)
        release(ws);
    return rc;
}

int tr_ws_close(tr_ws *ws, int code, const char *reason)
{
    const char *text = reason != NULL ? reason : "";

    if (ws == NULL)
        return 0;
    if ((code != 0 && !tr__ws_is_code(code)) || !tr__utf8_is_valid(text, strlen(text)))
        return TR_EINVAL;
    if (tr__task_here() == NULL ||
        (ws->io->ready.net != NULL && ws->io->ready.net->loop != tr__loop_here()))
        return TR_EWRONGPLACE;
    tr__ws_enter(ws);
    tr__ws_part(ws, code != 0 ? code : WSLAY_CODE_NORMAL_CLOSURE, text);
    if (ws->is_client)
        tr__ws_free(ws);
    return tr__ws_leave(ws, 0);
}

int tr_ws_close_code(const tr_ws *ws)
{
    return ws != NULL ? ws->close_code : 0;
}

const char *tr_ws_protocol(const tr_ws *ws)
{
    return ws != NULL && ws->protocol != NULL ? ws->protocol : "";
}
