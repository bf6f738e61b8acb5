/* A strict reader of frames. */
#include "fuzz/frames.h"

#include <string.h>
#include <zlib.h>

#include "fuzz/fuzz.h"
#include "http/utf8.h"

enum { FIN = 0x80, RSV1 = 0x40, RSV = 0x70, CONTROL = 8, MASKED = 0x80, CONTROL_MOST = 125 };

typedef struct frame {
    uint8_t first; /* byte */
    uint8_t opcode;
    bool is_masked;
    uint64_t bytes;
    const uint8_t *mask;
    const uint8_t *payload;
} frame;

/* A message that has begun. */
typedef struct partial {
    uint8_t opcode; /* 0: there is none */
    bool is_deflated;
    char data[FUZZ_MESSAGE_BYTES];
    size_t bytes;
} partial;

/* ---- frames ---- */

/* How many bytes the header has without its mask; 0: it is cut. */
static size_t read_length(const uint8_t *at, size_t left, frame *out)
{
    size_t count = 2;
    size_t more;

    if (left < 2)
        return 0;
    out->bytes = at[1] & 127;
    more = out->bytes == 126 ? 2 : out->bytes == 127 ? 8 : 0;
    if (left < count + more)
        return 0;
    if (more > 0)
        out->bytes = 0;
    for (size_t i = 0; i < more; i++)
        out->bytes = out->bytes << 8 | at[count++];
    return count;
}

static bool is_length_minimal(const uint8_t *at, uint64_t bytes)
{
    int told = at[1] & 127;

    return told < 126 || (told == 126 ? bytes > 125 : bytes > UINT16_MAX && bytes >> 63 == 0);
}

static bool is_header_fine(const frame *f, const partial *p, const fuzz_dialect *dialect)
{
    bool begins = f->opcode == FUZZ_TEXT || f->opcode == FUZZ_BINARY;
    uint8_t allowed = dialect->is_deflating && begins ? RSV1 : 0;

    if (f->is_masked != dialect->is_masked || (f->first & RSV & ~allowed) != 0)
        return false;
    if (f->opcode >= CONTROL)
        return f->opcode <= FUZZ_PONG && (f->first & FIN) != 0 && f->bytes <= CONTROL_MOST;
    return f->opcode <= FUZZ_BINARY && begins == (p->opcode == 0);
}

/* ---- messages ---- */

static tr__slice keep(fuzz_frames *out, const char *data, size_t bytes)
{
    char *at = out->room + out->used;

    EXPECT(bytes <= sizeof(out->room) - out->used);
    if (bytes > 0)
        memcpy(at, data, bytes);
    out->used += bytes;
    return (tr__slice){ at, bytes };
}

static fuzz_event *add(fuzz_frames *out, uint8_t opcode, tr__slice data)
{
    fuzz_event *event = &out->events[out->count++];

    EXPECT(out->count <= FUZZ_EVENTS);
    *event = (fuzz_event){ .opcode = opcode, .data = data };
    return event;
}

/* Inflated to the end of a block (RFC 7692, 7.2.2); what stands behind a last one is not looked at.
 * false: it is malformed, or too large. */
static bool inflate_all(const partial *p, size_t most, char *room, size_t *bytes,
                        bool *is_too_large)
{
    static char whole[FUZZ_MESSAGE_BYTES + 4];
    static const char tail[] = { 0, 0, (char)0xff, (char)0xff };
    z_stream stream = { .next_in = (Bytef *)whole, .avail_in = (uInt)p->bytes + sizeof(tail) };
    int z;

    memcpy(whole, p->data, p->bytes);
    memcpy(whole + p->bytes, tail, sizeof(tail));
    stream.next_out = (Bytef *)room;
    stream.avail_out = (uInt)most + 1;
    EXPECT(inflateInit2(&stream, -MAX_WBITS) == Z_OK);
    z = inflate(&stream, Z_SYNC_FLUSH);
    *bytes = most + 1 - stream.avail_out;
    *is_too_large = *bytes > most;
    (void)inflateEnd(&stream);
    return !*is_too_large && (z == Z_STREAM_END ||
                              (z == Z_OK && stream.avail_in == 0 && (stream.data_type & 128) != 0));
}

static bool end_message(partial *p, const fuzz_dialect *dialect, fuzz_frames *out)
{
    static char inflated[FUZZ_MESSAGE_BYTES + 1];
    tr__slice data = { p->data, p->bytes };
    uint8_t opcode = p->opcode;

    p->opcode = 0;
    if (p->is_deflated) {
        data = (tr__slice){ inflated, 0 };
        if (!inflate_all(p, dialect->message_most, inflated, &data.bytes, &out->is_too_large))
            return false;
    }
    if (opcode == FUZZ_TEXT && !tr__utf8_is_valid(data.at, data.bytes))
        return false;
    (void)add(out, opcode, keep(out, data.at, data.bytes));
    return true;
}

static bool take_data(const frame *f, partial *p, const fuzz_dialect *dialect, fuzz_frames *out)
{
    if (f->opcode != FUZZ_CONTINUATION) {
        p->opcode = f->opcode;
        p->is_deflated = (f->first & RSV1) != 0;
        p->bytes = 0;
    }
    for (size_t i = 0; i < f->bytes; i++)
        p->data[p->bytes++] = (char)(f->payload[i] ^ (f->is_masked ? f->mask[i % 4] : 0));
    return (f->first & FIN) == 0 || end_message(p, dialect, out);
}

/* ---- control frames ---- */

static bool is_code(int code)
{
    return code >= 1000 && code < 5000 && (code >= 3000 || code <= 1014) && code != 1004 &&
           code != 1005 && code != 1006;
}

static bool take_control(const frame *f, fuzz_frames *out)
{
    char data[CONTROL_MOST];
    fuzz_event *event;

    for (size_t i = 0; i < f->bytes; i++)
        data[i] = (char)(f->payload[i] ^ (f->is_masked ? f->mask[i % 4] : 0));
    event = add(out, f->opcode, keep(out, data, (size_t)f->bytes));
    if (f->opcode != FUZZ_CLOSE || f->bytes == 0)
        return true;
    out->count--; /* unless it is as it must be */
    if (f->bytes < 2 || !tr__utf8_is_valid(data + 2, (size_t)f->bytes - 2))
        return false;
    event->code = (uint8_t)data[0] << 8 | (uint8_t)data[1];
    if (!is_code(event->code))
        return false;
    out->count++;
    return true;
}

/* ---- all of them ---- */

/* How many bytes it took; 0: it is cut, or malformed. */
static size_t take_frame(tr__slice text, partial *p, const fuzz_dialect *dialect, fuzz_frames *out)
{
    const uint8_t *at = (const uint8_t *)text.at;
    frame f = { 0 };
    size_t count = read_length(at, text.bytes, &f);
    bool is_fine;

    out->is_cut = text.bytes > 0;
    if (count == 0)
        return 0;
    f.first = at[0];
    f.opcode = at[0] & 15;
    f.is_masked = (at[1] & MASKED) != 0;
    f.mask = at + count;
    count += f.is_masked ? 4 : 0;
    out->is_cut = text.bytes <= count;
    if (!is_length_minimal(at, f.bytes) || !is_header_fine(&f, p, dialect)) {
        out->is_malformed = true;
        return 0;
    }
    if (f.opcode < CONTROL &&
        f.bytes > dialect->message_most - (f.opcode == FUZZ_CONTINUATION ? p->bytes : 0)) {
        out->is_too_large = true;
        return 0;
    }
    if (text.bytes < count || text.bytes - count < f.bytes)
        return 0;
    f.payload = at + count;
    is_fine = f.opcode >= CONTROL ? take_control(&f, out) : take_data(&f, p, dialect, out);
    out->is_malformed = !is_fine && !out->is_too_large;
    return is_fine ? count + (size_t)f.bytes : 0;
}

void fuzz_read_frames(tr__slice text, const fuzz_dialect *dialect, fuzz_frames *out)
{
    static partial p;
    size_t taken;

    out->count = out->used = 0;
    out->is_malformed = out->is_too_large = out->is_cut = false;
    p.opcode = 0;
    p.bytes = 0;
    while ((taken = take_frame(text, &p, dialect, out)) > 0) {
        text = tr__slice_tail(text, taken);
        if (out->count > 0 && out->events[out->count - 1].opcode == FUZZ_CLOSE)
            break;
    }
    out->left = text.bytes;
}
