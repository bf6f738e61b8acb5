/* Compression of messages. */
#include "http/deflate.h"

#include <limits.h>
#include <troupe/core.h>
#include <zlib.h>

#include "base/seam.h"

enum { LEVEL = 1, MEMORY = 8, PIECE = 16 * 1024, BLOCK_ENDED = 128 /* in data_type, of inflate */ };

/* What the end of each message is left out of (RFC 7692, 7.2.1). */
static const unsigned char tail[] = { 0, 0, 0xff, 0xff };

static void *allocate(void *unused, unsigned items, unsigned bytes)
{
    (void)unused;
    return tr__alloc_zeroed((size_t)items *
                            bytes); /* zeroed: zlib may read what it has not written */
}

static void release(void *unused, void *block)
{
    (void)unused;
    tr__free(block);
}

/* Made for each message: a compressor takes 256 KiB, which no thread should keep; clearing it costs
 * about as much as compressing a few KiB. */
static int begin_deflate(z_stream *stream)
{
    *stream = (z_stream){ .zalloc = allocate, .zfree = release };
    return deflateInit2(stream, LEVEL, Z_DEFLATED, -MAX_WBITS, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : TR_ENOMEM;
}

int tr__deflate_message(tr__slice data, tr__buffer *out)
{
    size_t before = out->end;
    z_stream stream;
    int rc = data.bytes > UINT_MAX / 2 ? TR_ETOOLARGE : begin_deflate(&stream);
    size_t bound;

    if (rc < 0)
        return rc;
    bound = deflateBound(&stream, (uLong)data.bytes) + 16;
    if (!tr__buffer_reserve(out, bound)) {
        (void)deflateEnd(&stream);
        return TR_ENOMEM;
    }
    stream.next_in = (Bytef *)(uintptr_t)data.at;
    stream.avail_in = (uInt)data.bytes;
    stream.next_out = (Bytef *)out->bytes + out->end;
    stream.avail_out = (uInt)bound;
    (void)deflate(&stream, Z_SYNC_FLUSH); /* there is room for all of it */
    out->end += bound - stream.avail_out - sizeof(tail);
    (void)deflateEnd(&stream);
    return out->end >= before ? 0 : TR_ESYNTAX;
}

/* Inflate what stream has at hand. It must end with a block, for the tail was one: else the message
 * was cut. A block that says it is the last (7.2.3.4) ends all; what stands behind is not looked
 * at. */
static int inflate_some(z_stream *stream, tr__buffer *out, size_t most, size_t begin,
                        bool *is_at_end)
{
    int z;

    do {
        size_t done = out->end - begin;
        size_t room = PIECE;

        if (!tr__buffer_reserve(out, room + 1))
            return TR_ENOMEM;
        stream->next_out = (Bytef *)out->bytes + out->end;
        stream->avail_out = (uInt)room;
        z = inflate(stream, Z_SYNC_FLUSH);
        out->end += room - stream->avail_out;
        if (z == Z_MEM_ERROR)
            return TR_ENOMEM;
        if (z != Z_OK && z != Z_BUF_ERROR && z != Z_STREAM_END)
            return TR_ESYNTAX;
        if (done + (room - stream->avail_out) > most)
            return TR_ETOOLARGE;
    } while (z == Z_OK && (stream->avail_in > 0 || stream->avail_out == 0));
    *is_at_end = z == Z_STREAM_END || (stream->data_type & BLOCK_ENDED) != 0;
    return 0;
}

int tr__inflate_message(tr__slice data, tr__buffer *out, size_t most)
{
    z_stream stream = { .zalloc = allocate, .zfree = release };
    size_t begin = out->end;
    bool is_at_end;
    int rc;

    if (data.bytes > UINT_MAX / 2)
        return TR_ETOOLARGE;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return TR_ENOMEM;
    stream.next_in = (Bytef *)(uintptr_t)data.at;
    stream.avail_in = (uInt)data.bytes;
    rc = inflate_some(&stream, out, most, begin, &is_at_end);
    if (rc == 0) {
        stream.next_in = (Bytef *)(uintptr_t)tail;
        stream.avail_in = sizeof(tail);
        rc = inflate_some(&stream, out, most, begin, &is_at_end);
    }
    (void)inflateEnd(&stream);
    return rc == 0 && !is_at_end ? TR_ESYNTAX : rc;
}
