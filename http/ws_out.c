/* What a WebSocket sends. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/seam.h"
#include "http/print.h"
#include "http/utf8.h"
#include "http/ws.h"
#include "runtime/task.h"

enum {
    RING_FIRST = 8,
    PARTS = 64, /* frames that go out by one call */
    HEADER_MOST = 10,
    MASK_BYTES = 4,
    DEFLATED_LEAST = 128 /* of a message: a shorter one gains nothing */
};

/* ---- frames ---- */

tr__frame *tr__frame_new(tr_bytes *bytes, bool is_control)
{
    tr__frame *frame = bytes != NULL ? tr__alloc(sizeof(*frame)) : NULL;

    if (frame == NULL) {
        tr_bytes_unref(bytes);
        return NULL;
    }
    *frame = (tr__frame){ .refs = 1, .is_control = is_control, .bytes = bytes };
    return frame;
}

void tr__frame_unref(tr__frame *frame)
{
    if (frame == NULL || --frame->refs > 0)
        return;
    tr_bytes_unref(frame->bytes);
    tr__free(frame);
}

static void free_block(void *data, void *unused)
{
    (void)unused;
    tr__free(data);
}

/* The header of RFC 6455, 5.2: FIN, one frame a message. */
static size_t put_header(unsigned char *at, int opcode, size_t bytes, bool is_deflated)
{
    size_t count = 2;

    at[0] = (unsigned char)(0x80 | (is_deflated ? 0x40 : 0) | opcode);
    if (bytes < 126) {
        at[1] = (unsigned char)bytes;
        return count;
    }
    at[1] = bytes <= UINT16_MAX ? 126 : 127;
    for (int shift = bytes <= UINT16_MAX ? 8 : 56; shift >= 0; shift -= 8)
        at[count++] = (unsigned char)((uint64_t)bytes >> shift);
    return count;
}

/* Each frame is masked otherwise, as nobody can foresee (RFC 6455, 10.3). */
static void put_masked(unsigned char *at, tr__slice data)
{
    uint64_t bits = tr__dice();
    unsigned char mask[MASK_BYTES];

    memcpy(mask, &bits, sizeof(mask));
    memcpy(at, mask, sizeof(mask));
    for (size_t i = 0; i < data.bytes; i++)
        at[MASK_BYTES + i] = (unsigned char)data.at[i] ^ mask[i % MASK_BYTES];
}

tr_bytes *tr__frame_encode(int opcode, tr__slice data, bool is_deflated, bool is_masked)
{
    unsigned char header[HEADER_MOST];
    size_t count = put_header(header, opcode, data.bytes, is_deflated);
    size_t whole = count + (is_masked ? MASK_BYTES : 0) + data.bytes;
    unsigned char *block = whole > data.bytes ? tr__alloc(whole) : NULL;
    tr_bytes *bytes;

    if (block == NULL)
        return NULL;
    header[1] |= is_masked ? 0x80 : 0;
    memcpy(block, header, count);
    if (is_masked)
        put_masked(block + count, data);
    else if (data.bytes > 0)
        memcpy(block + count, data.at, data.bytes);
    if (tr_bytes_adopt(&bytes, block, whole, free_block, NULL) < 0)
        tr__free(block);
    return bytes;
}

/* ---- the queue ---- */

static bool make_room(tr__frames *frames)
{
    size_t capacity = frames->capacity == 0 ? RING_FIRST : frames->capacity * 2;
    tr__frame **larger;

    if (frames->count < frames->capacity)
        return true;
    larger = tr__alloc(capacity * sizeof(tr__frame *));
    if (larger == NULL)
        return false;
    for (size_t i = 0; i < frames->count; i++)
        larger[i] = frames->ring[(frames->first + i) & (frames->capacity - 1)];
    tr__free(frames->ring);
    frames->ring = larger;
    frames->capacity = capacity;
    frames->first = 0;
    return true;
}

static tr__frame *frame_at(const tr__frames *frames, size_t i)
{
    return frames->ring[(frames->first + i) & (frames->capacity - 1)];
}

/* Takes a reference of the caller's on success. */
static bool queue(tr_ws *ws, tr__frame *frame)
{
    tr__frames *frames = &ws->frames;

    if (!make_room(frames))
        return false;
    frames->ring[(frames->first + frames->count++) & (frames->capacity - 1)] = frame;
    frames->bytes += tr_bytes_size(frame->bytes);
    frames->controls += frame->is_control ? tr_bytes_size(frame->bytes) : 0;
    if (ws->io->ready.net != NULL && ws->io->ready.out.waiter == NULL)
        tr__flush_ask(ws->io->ready.net, &ws->flush);
    return true;
}

static void take_sent(tr__frames *frames, size_t bytes)
{
    frames->bytes -= bytes;
    frames->sent += bytes;
    frames->has_moved = true;
    while (frames->count > 0) {
        tr__frame *first = frame_at(frames, 0);
        size_t size = tr_bytes_size(first->bytes);

        if (frames->sent < size)
            break;
        frames->sent -= size;
        frames->controls -= first->is_control ? size : 0;
        frames->first++;
        frames->count--;
        tr__frame_unref(first);
    }
}

static int gather(const tr__frames *frames, struct iovec *parts)
{
    size_t count = frames->count < PARTS ? frames->count : PARTS;

    for (size_t i = 0; i < count; i++) {
        const tr__frame *frame = frame_at(frames, i);
        size_t skipped = i == 0 ? frames->sent : 0;

        parts[i].iov_base = (char *)(uintptr_t)tr_bytes_data(frame->bytes) + skipped;
        parts[i].iov_len = tr_bytes_size(frame->bytes) - skipped;
    }
    return (int)count;
}

static int send_some(tr_ws *ws)
{
    struct iovec parts[PARTS];

    while (ws->frames.count > 0) {
        ssize_t count = ws->io->kind->try_write(ws->io, parts, gather(&ws->frames, parts));

        if (count < 0)
            return (int)count;
        take_sent(&ws->frames, (size_t)count);
    }
    return ws->io->kind->try_flush(ws->io);
}

static void send_frames(tr_ws *ws)
{
    int rc = ws->io->ready.net == NULL ? TR_EPIPE : send_some(ws);

    if (rc == -EAGAIN) {
        tr__ready_call(&ws->io->ready, &ws->io->ready.out, &ws->writer);
    } else if (rc < 0) {
        tr__ws_end(ws, rc);
        return;
    }
    if (ws->frames.bytes <= ws->options.queue_most / 2)
        (void)tr_event_set(&ws->room_made); /* these are events */
    tr__ws_resume(ws);                      /* it may have waited until pongs are out */
    if (!ws->is_closing || ws->frames.count > 0)
        return;
    if (ws->is_refused)
        (void)ws->io->kind->try_end(
            ws->io); /* then the other side closes, too; if not, it is late */
    (void)tr_event_set(&ws->arrived);
}

static void on_flush(tr__flush *flush)
{
    tr_ws *ws = TR__CONTAINER_OF(flush, tr_ws, flush);

    if (!ws->is_over && ws->io->ready.out.waiter == NULL)
        send_frames(ws);
}

static void on_writable(tr__way_waiter *waiter, int result)
{
    tr_ws *ws = TR__CONTAINER_OF(waiter, tr_ws, writer);

    if (ws->is_over)
        return;
    if (result == 0)
        send_frames(ws);
    else
        tr__ws_end(ws, result);
}

void tr__ws_init_sending(tr_ws *ws)
{
    ws->flush.fn = on_flush;
    ws->writer.end = on_writable;
}

void tr__ws_fini_sending(tr_ws *ws)
{
    tr__flush_call_off(&ws->flush);
    tr__ready_call_off(&ws->io->ready.out, &ws->writer);
    while (ws->frames.count > 0)
        take_sent(&ws->frames, tr_bytes_size(frame_at(&ws->frames, 0)->bytes) - ws->frames.sent);
    tr__free(ws->frames.ring);
}

static bool put(tr_ws *ws, tr_bytes *bytes, bool is_control)
{
    tr__frame *frame = tr__frame_new(bytes, is_control);

    if (frame == NULL)
        return false;
    if (!queue(ws, frame)) {
        tr__frame_unref(frame);
        return false;
    }
    return true;
}

bool tr__ws_put_control(tr_ws *ws, int opcode, tr__slice data)
{
    return put(ws, tr__frame_encode(opcode, data, false, ws->is_client), true);
}

static bool is_full(const tr_ws *ws)
{
    return ws->frames.bytes > ws->options.queue_most;
}

/* A message of a room is not sent to it. Nobody there would see the gap: unless it is content with
 * that, it is closed. */
static void miss(tr_ws *ws)
{
    bool is_slow = is_full(ws);

    if (ws->options.slow == TR_WS_SLOW_DROP) {
        ws->dropped++;
        return;
    }
    tr__ws_say_goodbye(ws, is_slow ? WSLAY_CODE_POLICY_VIOLATION : WSLAY_CODE_INTERNAL_SERVER_ERROR,
                       is_slow ? "too slow" : "");
    tr__ws_note_end(ws, is_slow ? TR_EFULL : TR_ENOMEM);
}

void tr__ws_offer(tr_ws *ws, tr__frame *frame)
{
    if (ws->is_closing || ws->is_over)
        return;
    if (is_full(ws) || frame == NULL)
        miss(ws);
    else if (!queue(ws, tr__frame_ref(frame))) {
        tr__frame_unref(frame);
        miss(ws);
    }
}

/* ---- the API ---- */

static int check(const tr_ws *ws)
{
    int rc = ws == NULL ? TR_EINVAL : tr__ready_check(&ws->io->ready);

    if (rc < 0)
        return rc;
    return ws->is_closing || ws->is_over ? TR_EPIPE : 0;
}

static int await_room(tr_ws *ws)
{
    int rc = 0;

    while (rc == 0 && is_full(ws)) {
        (void)tr_event_clear(&ws->room_made); /* it is an event */
        rc = tr_event_wait(&ws->room_made);
        if (rc == 0 && (ws->is_closing || ws->is_over))
            rc = TR_EPIPE;
    }
    return rc;
}

static int send_frame(tr_ws *ws, tr_ws_type type, tr__slice data, bool is_deflated)
{
    return put(ws, tr__frame_encode(type, data, is_deflated, ws->is_client), false) ? 0 : TR_ENOMEM;
}

static int send_deflated(tr_ws *ws, tr_ws_type type, tr__slice data)
{
    tr__buffer deflated = { 0 };
    int rc = tr__deflate_message(data, &deflated);

    if (rc == 0)
        rc = send_frame(ws, type, (tr__slice){ deflated.bytes, tr__buffer_count(&deflated) }, true);
    tr__buffer_free(&deflated);
    return rc;
}

int tr_ws_send(tr_ws *ws, tr_ws_type type, const void *data, size_t bytes)
{
    tr__slice slice = { data != NULL ? data : "", bytes };
    int rc = check(ws);

    if (rc < 0)
        return rc;
    if ((type != TR_WS_TEXT && type != TR_WS_BINARY) || (data == NULL && bytes > 0) ||
        (type == TR_WS_TEXT && !tr__utf8_is_valid(slice.at, bytes)))
        return TR_EINVAL;
    tr__ws_enter(ws);
    rc = await_room(ws);
    if (rc == 0)
        rc = ws->is_deflating && bytes >= DEFLATED_LEAST ? send_deflated(ws, type, slice)
                                                         : send_frame(ws, type, slice, false);
    return tr__ws_leave(ws, rc);
}

int tr_ws_text(tr_ws *ws, const char *format, ...)
{
    char *text;
    size_t bytes;
    va_list args;
    int rc;

    if (format == NULL)
        return TR_EINVAL;
    va_start(args, format);
    rc = tr__print(&text, &bytes, format, args);
    va_end(args);
    if (rc < 0)
        return rc;
    rc = tr_ws_send(ws, TR_WS_TEXT, text, bytes);
    tr__free(text);
    return rc;
}

size_t tr_ws_waiting(const tr_ws *ws)
{
    return ws != NULL ? ws->frames.bytes : 0;
}

uint64_t tr_ws_dropped(const tr_ws *ws)
{
    return ws != NULL ? ws->dropped : 0;
}
