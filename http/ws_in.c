/* What a WebSocket receives. */
#include <errno.h>
#include <string.h>

#include "base/seam.h"
#include "http/utf8.h"
#include "http/ws.h"
#include "runtime/task.h"

enum {
    READ_MOST = 64 * 1024,      /* at one time */
    INCOMING_MOST = 256 * 1024, /* that wait for the handler; besides one message */
};

/* ---- messages ---- */

static void free_incoming(tr_ws *ws)
{
    while (ws->first != NULL) {
        tr__incoming *next = ws->first->next;

        tr__free(ws->first);
        ws->first = next;
    }
    ws->last = &ws->first;
    ws->incoming_bytes = 0;
}

static int keep(tr_ws *ws, tr_ws_type type, tr__slice data)
{
    tr__incoming *message = tr__alloc(sizeof(*message) + data.bytes + 1);

    if (message == NULL)
        return TR_ENOMEM;
    *message = (tr__incoming){ .type = type, .bytes = data.bytes };
    if (data.bytes > 0)
        memcpy(message->data, data.at, data.bytes);
    message->data[data.bytes] = 0;
    *ws->last = message;
    ws->last = &message->next;
    ws->incoming_bytes += data.bytes;
    (void)tr_event_set(&ws->arrived); /* it is an event */
    return 0;
}

static int keep_inflated(tr_ws *ws, tr_ws_type type, tr__slice data)
{
    tr__buffer inflated = { 0 };
    int rc = tr__inflate_message(data, &inflated, ws->options.message_most);
    size_t bytes = tr__buffer_count(&inflated);

    if (rc == 0 && type == TR_WS_TEXT && !tr__utf8_is_valid(inflated.bytes, bytes))
        rc = TR_ESYNTAX;
    if (rc == 0)
        rc = keep(ws, type, (tr__slice){ inflated.bytes, bytes });
    tr__buffer_free(&inflated);
    return rc;
}

/* What we close it with, and what the handler is told. */
static void give_up(tr_ws *ws, int rc)
{
    int code = rc == TR_ETOOLARGE ? WSLAY_CODE_MESSAGE_TOO_BIG
               : rc == TR_ESYNTAX ? WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA
                                  : WSLAY_CODE_INTERNAL_SERVER_ERROR;

    tr__ws_say_goodbye(ws, code, "");
    tr__ws_note_end(ws, rc);
}

/* ---- what wslay calls ---- */

static void on_message(wslay_event_context_ptr wslay, const struct wslay_event_on_msg_recv_arg *arg,
                       void *user)
{
    tr_ws *ws = user;
    tr__slice data = { (const char *)arg->msg, arg->msg_length };
    int rc;

    (void)wslay;
    ws->was_heard = true;
    ws->is_pinged = false;
    if (arg->opcode == WSLAY_CONNECTION_CLOSE)
        ws->close_code = arg->status_code;
    if ((arg->opcode != WSLAY_TEXT_FRAME && arg->opcode != WSLAY_BINARY_FRAME) || ws->has_end)
        return;
    rc = wslay_get_rsv1(arg->rsv) ? keep_inflated(ws, (tr_ws_type)arg->opcode, data)
                                  : keep(ws, (tr_ws_type)arg->opcode, data);
    if (rc < 0)
        give_up(ws, rc);
}

static ssize_t read_some(tr_ws *ws, void *buffer, size_t bytes)
{
    tr__buffer *in = &ws->io->in;
    size_t count = tr__buffer_count(in);

    if (count == 0)
        return ws->io->kind->try_read(ws->io, buffer, bytes);
    count = count < bytes ? count : bytes;
    memcpy(buffer, in->bytes + in->begin, count);
    tr__buffer_take(in, count);
    return (ssize_t)count;
}

static ssize_t on_recv(wslay_event_context_ptr wslay, uint8_t *buffer, size_t bytes, int flags,
                       void *user)
{
    tr_ws *ws = user;
    ssize_t count;

    ws->has_more = ws->read_now >= READ_MOST || ws->incoming_bytes > INCOMING_MOST;
    count = ws->has_more ? -EAGAIN : read_some(ws, buffer, bytes);

    (void)flags;
    if (count > 0) {
        ws->read_now += (size_t)count;
        return count;
    }
    if (count == -EAGAIN) {
        wslay_event_set_error(wslay, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    tr__ws_end(ws, count == 0 ? TR_EEND : (int)count);
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr wslay, const uint8_t *data, size_t bytes, int flags,
                       void *user)
{
    (void)flags;
    if (tr__ws_put(user, data, bytes))
        return (ssize_t)bytes;
    wslay_event_set_error(wslay, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int on_mask(wslay_event_context_ptr wslay, uint8_t *buffer, size_t bytes, void *user)
{
    (void)wslay;
    (void)user;
    for (size_t i = 0; i < bytes; i += sizeof(uint64_t)) {
        uint64_t bits = tr__dice();

        memcpy(buffer + i, &bits, bytes - i < sizeof(bits) ? bytes - i : sizeof(bits));
    }
    return 0;
}

static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_recv,
    .send_callback = on_send,
    .genmask_callback = on_mask,
    .on_msg_recv_callback = on_message,
};

/* ---- reading ---- */

/* wslay has closed it by itself: it was malformed, or too large. */
static void note_refusal(tr_ws *ws)
{
    ws->is_closing = true;
    tr__ws_note_end(ws, wslay_event_get_status_code_sent(ws->wslay) == WSLAY_CODE_MESSAGE_TOO_BIG
                            ? TR_ETOOLARGE
                            : TR_ESYNTAX);
}

static void understand(tr_ws *ws)
{
    ws->read_now = 0;
    if (wslay_event_recv(ws->wslay) != 0 && !ws->is_over)
        tr__ws_end(ws, TR_ENOMEM);
    if (!ws->is_over && wslay_event_want_write(ws->wslay) && wslay_event_send(ws->wslay) != 0)
        tr__ws_end(ws, TR_ENOMEM);
    if (ws->is_over)
        return;
    if (wslay_event_get_close_received(ws->wslay)) {
        ws->is_closing = true; /* wslay has said goodbye, too */
        tr__ws_note_end(ws, 0);
    } else if (wslay_event_get_close_sent(ws->wslay) && !ws->is_closing) {
        note_refusal(ws);
    }
}

void tr__ws_read(tr_ws *ws)
{
    if (ws->is_over || ws->io->ready.net == NULL)
        return;
    understand(ws);
    if (ws->is_over || !wslay_event_get_read_enabled(ws->wslay) ||
        ws->incoming_bytes > INCOMING_MOST || ws->io->ready.in.waiter != NULL)
        return;
    tr__ready_call(&ws->io->ready, &ws->io->ready.in, &ws->reader);
    if (ws->has_more) /* TLS may have it already: the descriptor would not tell */
        ev_feed_event(ws->io->ready.net->ev, &ws->io->ready.in.watcher, EV_READ);
}

static void on_readable(tr__way_waiter *waiter, int result)
{
    tr_ws *ws = TR__CONTAINER_OF(waiter, tr_ws, reader);

    if (result == 0)
        tr__ws_read(ws);
    else
        tr__ws_end(ws, result);
}

int tr__ws_init_receiving(tr_ws *ws)
{
    int rc = ws->is_client ? wslay_event_context_client_init(&ws->wslay, &callbacks, ws)
                           : wslay_event_context_server_init(&ws->wslay, &callbacks, ws);

    ws->last = &ws->first;
    ws->reader.end = on_readable;
    if (rc != 0)
        return TR_ENOMEM;
    wslay_event_config_set_max_recv_msg_length(ws->wslay, ws->options.message_most);
    if (ws->is_deflating)
        wslay_event_config_set_allowed_rsv_bits(ws->wslay, WSLAY_RSV1_BIT);
    return 0;
}

void tr__ws_fini_receiving(tr_ws *ws)
{
    tr__ready_call_off(&ws->io->ready.in, &ws->reader);
    free_incoming(ws);
    tr__free(ws->lent);
    if (ws->wslay != NULL)
        wslay_event_context_free(ws->wslay);
}

/* ---- the API ---- */

static int take(tr_ws *ws, tr_ws_message *m)
{
    tr__incoming *message = ws->first;

    ws->first = message->next;
    if (ws->first == NULL)
        ws->last = &ws->first;
    ws->incoming_bytes -= message->bytes;
    ws->lent = message;
    *m = (tr_ws_message){ .type = message->type, .data = message->data, .bytes = message->bytes };
    return 1;
}

static int receive(tr_ws *ws, tr_ws_message *m)
{
    int rc = 0;

    while (ws->first == NULL && !ws->has_end) {
        tr__ws_read(ws); /* if it was paused */
        if (ws->first != NULL || ws->has_end)
            break;
        (void)tr_event_clear(&ws->arrived); /* it is an event */
        rc = tr_event_wait(&ws->arrived);
        if (rc < 0)
            return rc;
    }
    return ws->first != NULL ? take(ws, m) : ws->end;
}

int tr_ws_receive(tr_ws *ws, tr_ws_message *m)
{
    int rc;

    if (ws == NULL || m == NULL)
        return TR_EINVAL;
    *m = (tr_ws_message){ 0 };
    if (tr__task_here() == NULL ||
        (ws->io->ready.net != NULL && ws->io->ready.net->loop != tr__loop_here()))
        return TR_EWRONGPLACE;
    if (ws->is_receiving)
        return TR_EBUSY;
    tr__free(ws->lent);
    ws->lent = NULL;
    ws->is_receiving = true;
    rc = receive(ws, m);
    ws->is_receiving = false;
    return rc;
}
