/* Decompression of answers. */
#include "client/decompress.h"

#include <limits.h>
#include <troupe/core.h>
#include <zlib.h>

#include "base/seam.h"

enum {
    GZIP = 16,       /* what zlib adds to the window's bits for that format */
    ZLIB_HEADER = 2, /* bytes, by which it is told from the bare form */
    MOST = UINT_MAX / 2
};

struct tr__decompressor {
    z_stream stream;
    tr__coding coding;
    bool has_begun; /* a byte has come */
    bool is_open;   /* the stream is ready */
    bool is_at_end; /* of a member of gzip, or of all */
    int failure;
    /* The first bytes of deflate, until it is known what they are. */
    unsigned char head[ZLIB_HEADER];
    unsigned head_bytes;
    unsigned head_taken; /* by the stream */
};

/* ---- codings ---- */

tr__coding tr__coding_of(tr__slice header)
{
    tr__slice token = tr__slice_trim(header);

    if (token.bytes == 0 || tr__slice_is_ignoring_case(token, "identity"))
        return TR__CODING_NONE;
    if (tr__slice_is_ignoring_case(token, "gzip") || tr__slice_is_ignoring_case(token, "x-gzip"))
        return TR__CODING_GZIP;
    return tr__slice_is_ignoring_case(token, "deflate") ? TR__CODING_DEFLATE : TR__CODING_UNKNOWN;
}

/* ---- zlib ---- */

static void *allocate(void *unused, unsigned items, unsigned bytes)
{
    (void)unused;
    return tr__alloc_zeroed((size_t)items * bytes); /* zlib may read what it has not written */
}

static void release(void *unused, void *block)
{
    (void)unused;
    tr__free(block);
}

static int open_stream(tr__decompressor *d, int window_bits)
{
    d->stream.zalloc = allocate;
    d->stream.zfree = release;
    d->is_open = inflateInit2(&d->stream, window_bits) == Z_OK;
    return d->is_open ? 0 : TR_ENOMEM;
}

int tr__decompressor_new(tr__decompressor **out, tr__coding coding)
{
    tr__decompressor *d = tr__alloc_zeroed(sizeof(*d));

    *out = NULL;
    if (d == NULL)
        return TR_ENOMEM;
    d->coding = coding;
    if (coding == TR__CODING_GZIP && open_stream(d, MAX_WBITS + GZIP) < 0) {
        tr__free(d);
        return TR_ENOMEM;
    }
    *out = d;
    return 0;
}

void tr__decompressor_free(tr__decompressor *d)
{
    if (d == NULL)
        return;
    if (d->is_open)
        (void)inflateEnd(&d->stream);
    tr__free(d);
}

/* ---- deflate, of whichever form ---- */

static void take_head(tr__decompressor *d, tr__slice *in)
{
    while (d->head_bytes < ZLIB_HEADER && in->bytes > 0) {
        d->head[d->head_bytes++] = (unsigned char)in->at[0];
        *in = tr__slice_tail(*in, 1);
    }
}

/* Whether these are the first bytes of RFC 1950. A bare stream that begins so would have a stored
 * block whose lengths do not match, but for one in some thousands. */
static bool is_zlib(const unsigned char head[ZLIB_HEADER])
{
    return (head[0] & 15) == Z_DEFLATED && head[0] >> 4 <= MAX_WBITS - 8 &&
           (head[0] * 256 + head[1]) % 31 == 0;
}

/* ---- decompressing ---- */

/* Let the stream have its input, the head first: what zlib says. */
static int inflate_some(tr__decompressor *d, tr__slice *in)
{
    bool is_head = d->head_taken < d->head_bytes;
    size_t bytes = in->bytes < MOST ? in->bytes : MOST;
    int z;

    d->stream.next_in = is_head ? d->head + d->head_taken : (Bytef *)(uintptr_t)in->at;
    d->stream.avail_in = is_head ? d->head_bytes - d->head_taken : (uInt)bytes;
    z = inflate(&d->stream, Z_NO_FLUSH);
    if (is_head)
        d->head_taken = d->head_bytes - d->stream.avail_in;
    else
        *in = tr__slice_tail(*in, bytes - d->stream.avail_in);
    return z;
}

static bool has_input(const tr__decompressor *d, tr__slice in)
{
    return in.bytes > 0 || d->head_taken < d->head_bytes;
}

/* Behind an end more has come: another member, or what has no business there. */
static int go_on(tr__decompressor *d)
{
    if (d->coding != TR__CODING_GZIP)
        return TR_ESYNTAX;
    d->is_at_end = false;
    return inflateReset(&d->stream) == Z_OK ? 0 : TR_ESYNTAX;
}

static int inflate_all(tr__decompressor *d, tr__slice *in)
{
    int z;
    int rc;

    /* Without input there may still be output, which had no room the last time. */
    do {
        if (d->is_at_end && !has_input(d, *in))
            return 0;
        if (d->is_at_end && (rc = go_on(d)) < 0)
            return rc;
        z = inflate_some(d, in);
        if (z == Z_STREAM_END)
            d->is_at_end = true;
        else if (z == Z_BUF_ERROR)
            return 0;
        else if (z != Z_OK)
            return z == Z_MEM_ERROR ? TR_ENOMEM : TR_ESYNTAX;
    } while (d->stream.avail_out > 0);
    return 0;
}

static int begin(tr__decompressor *d, tr__slice *in)
{
    d->has_begun = d->has_begun || in->bytes > 0;
    if (d->is_open)
        return 0;
    take_head(d, in);
    if (d->head_bytes < ZLIB_HEADER)
        return 0;
    return open_stream(d, is_zlib(d->head) ? MAX_WBITS : -MAX_WBITS);
}

ssize_t tr__decompress(tr__decompressor *d, tr__slice *in, char *out, size_t room)
{
    uInt most = (uInt)(room < MOST ? room : MOST);

    if (d->failure == 0)
        d->failure = begin(d, in);
    if (d->failure < 0 || !d->is_open)
        return d->failure;
    d->stream.next_out = (Bytef *)out;
    d->stream.avail_out = most;
    d->failure = inflate_all(d, in);
    /* What has come out before is as good as it was. */
    return d->stream.avail_out < most ? (ssize_t)(most - d->stream.avail_out) : d->failure;
}

int tr__decompress_end(const tr__decompressor *d)
{
    if (d->failure < 0)
        return d->failure;
    return d->is_at_end || !d->has_begun ? 0 : TR_EEND;
}
