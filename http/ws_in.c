/* What a WebSocket receives. */
#include <errno.h>
#include <string.h>

#include "base/seam.h"
#include "http/utf8.h"
#include "http/ws.h"
#include "runtime/task.h"

enum {
    READ_MOST = 64 * 1024,      /* at one time */
    INCOMING_MOST = 256 * 1024, /* that messages take which wait; besides one message */
    CONTROLS_MOST = 16 * 1024,  /* of pongs that wait to go out */
    DISCARD_BYTES = 4096,
    CODE_BYTES = 2,
    IS_CONTROL = 8 /* a bit of the opcode */
};

bool tr__ws_is_paused(const tr_ws *ws)
{
    return ws->incoming_bytes > INCOMING_MOST;
}

static bool may_read(const tr_ws *ws)
{
    return !tr__ws_is_paused(ws) && ws->frames.controls <= CONTROLS_MOST;
}

/* ---- messages ---- */

static size_t size_of(const tr__incoming *message)
{
    return sizeof(*message) + message->bytes;
}

void tr__ws_drop_incoming(tr_ws *ws)
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
    ws->incoming_bytes += size_of(message);
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

/* A message is whole. */
static int finish(tr_ws *ws, tr__slice data)
{
    tr__partial *partial = &ws->partial;
    tr_ws_type type = (tr_ws_type)partial->type;

    partial->type = 0;
    if (ws->has_end)
        return 0; /* nobody receives it */
    if (partial->is_deflated)
        return keep_inflated(ws, type, data);
    if (type == TR_WS_TEXT && data.bytes > 0 && !tr__utf8_is_valid(data.at, data.bytes))
        return TR_ESYNTAX;
    return keep(ws, type, data);
}

static int finish_partial(tr_ws *ws)
{
    tr__buffer *data = &ws->partial.data;
    int rc = finish(ws, (tr__slice){ data->bytes, tr__buffer_count(data) });

    tr__buffer_free(data);
    *data = (tr__buffer){ 0 }; /* one that idles has none */
    return rc;
}

/* ---- control frames ---- */

bool tr__ws_is_code(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int take_goodbye(tr_ws *ws, const unsigned char *data, size_t bytes)
{
    int code = bytes >= CODE_BYTES ? data[0] << 8 | data[1] : 0;

    if (bytes == 1 || (bytes > 0 && !tr__ws_is_code(code)))
        return TR_EPROTO;
    if (bytes > CODE_BYTES &&
        !tr__utf8_is_valid((const char *)data + CODE_BYTES, bytes - CODE_BYTES))
        return TR_ESYNTAX;
    ws->has_parted = true;
    ws->close_code = code;
    tr__ws_say_goodbye(ws, code, "");
    tr__ws_note_end(ws, 0);
    return 0;
}

static int take_control(tr_ws *ws, int opcode)
{
    const tr__partial *partial = &ws->partial;
    tr__slice data = { (const char *)partial->control, partial->control_bytes };

    if (opcode == WSLAY_CONNECTION_CLOSE)
        return take_goodbye(ws, partial->control, partial->control_bytes);
    if (opcode == WSLAY_PING && !ws->is_closing)
        return tr__ws_put_control(ws, WSLAY_PONG, data) ? 0 : TR_ENOMEM;
    return 0;
}

/* ---- frames ---- */

/* Of RSV bits, only the first one may be set: where a message begins that is deflated. */
static int begin_data(tr_ws *ws, const struct wslay_frame_iocb *piece)
{
    tr__partial *partial = &ws->partial;
    bool is_first = piece->opcode != WSLAY_CONTINUATION_FRAME;
    uint8_t allowed = ws->is_deflating && is_first ? WSLAY_RSV1_BIT : WSLAY_RSV_NONE;

    if (piece->opcode > WSLAY_BINARY_FRAME || (piece->rsv & ~allowed) != 0 ||
        is_first != (partial->type == 0))
        return TR_EPROTO;
    if (is_first) {
        partial->type = piece->opcode;
        partial->is_deflated = piece->rsv != 0;
    }
    if (piece->payload_length > ws->options.message_most - tr__buffer_count(&partial->data))
        return TR_ETOOLARGE;
    return 0;
}

static int begin_frame(tr_ws *ws, const struct wslay_frame_iocb *piece)
{
    ws->partial.is_in_frame = true;
    ws->partial.frame_left = piece->payload_length;
    if ((piece->mask != 0) == ws->is_client)
        return TR_EPROTO;
    if ((piece->opcode & IS_CONTROL) == 0)
        return begin_data(ws, piece);
    ws->partial.control_bytes = 0;
    return piece->rsv != 0 || piece->opcode > WSLAY_PONG ? TR_EPROTO : 0;
}

static int append(tr_ws *ws, const struct wslay_frame_iocb *piece)
{
    tr__partial *partial = &ws->partial;

    if (piece->data_length == 0)
        return 0;
    if ((piece->opcode & IS_CONTROL) != 0) { /* wslay lets no longer one through */
        memcpy(partial->control + partial->control_bytes, piece->data, piece->data_length);
        partial->control_bytes += (uint8_t)piece->data_length;
        return 0;
    }
    if (!tr__buffer_reserve(&partial->data, piece->data_length))
        return TR_ENOMEM;
    memcpy(partial->data.bytes + partial->data.end, piece->data, piece->data_length);
    partial->data.end += piece->data_length;
    return 0;
}

/* The next bytes of a frame: all of them, mostly. */
static int take_piece(tr_ws *ws, const struct wslay_frame_iocb *piece)
{
    tr__partial *partial = &ws->partial;
    int rc = partial->is_in_frame ? 0 : begin_frame(ws, piece);
    bool is_control = (piece->opcode & IS_CONTROL) != 0;

    if (rc < 0)
        return rc;
    partial->frame_left -= piece->data_length;
    partial->is_in_frame = partial->frame_left > 0;
    if (!is_control && piece->fin && piece->data_length == piece->payload_length &&
        tr__buffer_count(&partial->data) == 0)
        return finish(ws, (tr__slice){ (const char *)piece->data, piece->data_length });
    rc = append(ws, piece);
    if (rc < 0 || partial->is_in_frame)
        return rc;
    if (is_control)
        return take_control(ws, piece->opcode);
    return piece->fin ? finish_partial(ws) : 0;
}

/* What came was wrong, or too much: what we close it with, and what the handler is told. */
static void refuse(tr_ws *ws, int rc)
{
    int code = rc == TR_ETOOLARGE ? WSLAY_CODE_MESSAGE_TOO_BIG
               : rc == TR_ESYNTAX ? WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA
               : rc == TR_EPROTO  ? WSLAY_CODE_PROTOCOL_ERROR
                                  : WSLAY_CODE_INTERNAL_SERVER_ERROR;

    ws->is_refused = true;
    tr__ws_say_goodbye(ws, code, "");
    tr__ws_note_end(ws, rc == TR_EPROTO ? TR_ESYNTAX : rc);
}

/* ---- what wslay calls ---- */

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

/* At least a byte; else -EAGAIN, or the socket has ended. */
static ssize_t receive_some(tr_ws *ws, void *buffer, size_t bytes)
{
    ssize_t count;

    ws->has_more = ws->read_now >= READ_MOST || !may_read(ws);
    if (ws->has_more)
        return -EAGAIN;
    count = read_some(ws, buffer, bytes);
    if (count > 0) {
        ws->read_now += (size_t)count;
        tr__ws_note_heard(ws);
    } else if (count == 0 && ws->is_refused) {
        ws->has_parted = true; /* that is all: what we have to say may still go out */
        (void)tr_event_set(&ws->arrived);
    } else if (count != -EAGAIN) {
        tr__ws_end(ws, count == 0 ? TR_EEND : (int)count);
    }
    return count;
}

static ssize_t on_recv(uint8_t *buffer, size_t bytes, int flags, void *user)
{
    ssize_t count = receive_some(user, buffer, bytes);

    (void)flags;
    return count > 0 ? count : -1;
}

static const struct wslay_frame_callbacks callbacks = { .recv_callback = on_recv };

/* ---- reading ---- */

static void understand(tr_ws *ws)
{
    while (!ws->is_over && !ws->is_refused && !ws->has_parted) {
        struct wslay_frame_iocb piece = { 0 };
        ssize_t count = wslay_frame_recv(ws->wslay, &piece);
        int rc = count >= 0 ? take_piece(ws, &piece) : TR_EPROTO;

        if (count == WSLAY_ERR_WANT_READ)
            return;
        if (rc < 0)
            refuse(ws, rc);
    }
}

/* What comes behind something wrong is taken from the system nevertheless: a descriptor that is
 * closed while bytes wait is reset, and then what we have said last may be lost. */
static void discard(tr_ws *ws)
{
    char unused[DISCARD_BYTES];

    while (!ws->is_over && !ws->has_parted && receive_some(ws, unused, sizeof(unused)) > 0)
        ;
}

void tr__ws_read(tr_ws *ws)
{
    if (ws->is_over || ws->has_parted || ws->io->ready.net == NULL)
        return;
    ws->read_now = 0;
    understand(ws);
    if (ws->is_refused)
        discard(ws);
    if (ws->is_over || ws->has_parted || !may_read(ws) || ws->io->ready.in.waiter != NULL)
        return;
    tr__ready_call(&ws->io->ready, &ws->io->ready.in, &ws->reader);
    if (ws->has_more) /* TLS may have it already: the descriptor would not tell */
        ev_feed_event(ws->io->ready.net->ev, &ws->io->ready.in.watcher, EV_READ);
}

void tr__ws_resume(tr_ws *ws)
{
    if (may_read(ws) && ws->io->ready.in.waiter == NULL)
        tr__ws_read(ws);
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
    ws->last = &ws->first;
    ws->reader.end = on_readable;
    if (tr__fault_strikes(TR__FAULT_MEMORY) ||
        wslay_frame_context_init(&ws->wslay, &callbacks, ws) != 0)
        return TR_ENOMEM;
    return 0;
}

void tr__ws_fini_receiving(tr_ws *ws)
{
    tr__ready_call_off(&ws->io->ready.in, &ws->reader);
    tr__ws_drop_incoming(ws);
    tr__free(ws->lent);
    tr__buffer_free(&ws->partial.data);
    if (ws->wslay != NULL)
        wslay_frame_context_free(ws->wslay);
}

/* ---- the API ---- */

static int take(tr_ws *ws, tr_ws_message *m)
{
    tr__incoming *message = ws->first;

    ws->first = message->next;
    if (ws->first == NULL)
        ws->last = &ws->first;
    ws->incoming_bytes -= size_of(message);
    ws->lent = message;
    *m = (tr_ws_message){ .type = message->type, .data = message->data, .bytes = message->bytes };
    return 1;
}

static int receive(tr_ws *ws, tr_ws_message *m)
{
    int rc = 0;

    while (ws->first == NULL && !ws->has_end) {
        tr__ws_resume(ws);
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
    tr__ws_enter(ws);
    rc = receive(ws, m);
    ws->is_receiving = false;
    return tr__ws_leave(ws, rc);
}
