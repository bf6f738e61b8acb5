/* Middleware: answers compressed by gzip (RFC 1952), for who accepts it. */
#include "http/compress.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <troupe/pool.h>
#include <zlib.h>

#include "base/seam.h"
#include "http/middleware.h"
#include "http/negotiate.h"

enum {
    LEAST = 1024,
    LEVEL = 5,
    GZIP = 16, /* what zlib adds to the window's bits for that format */
    MEMORY = 8,
    PIECE = 16 * 1024,
    MARK_BYTES = 256,        /* of the headers that tell of it */
    ON_LOOP_MOST = 64 * 1024 /* a larger body would hold the loop for a millisecond and more */
};

struct tr__encoder {
    z_stream stream;
    unsigned char piece[PIECE];
};

/* ---- what is worth it ---- */

static bool is_compressible(const char *type)
{
    static const char *const types[] = {
        "text/",
        "application/json",
        "application/problem+json",
        "application/javascript",
        "application/xml",
        "application/ld+json",
        "application/manifest+json",
        "image/svg+xml",
        "application/openapi+json",
        "application/wasm",
    };

    if (type == NULL || strncasecmp(type, "text/event-stream", 17) == 0)
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strncasecmp(type, types[i], strlen(types[i])) == 0)
            return true;
    return false;
}

static bool is_eligible(const tr_http_response *res)
{
    return res->status != 206 && !tr__status_is_bare(res->status) && is_compressible(res->type) &&
           tr__response_header(res, "Content-Encoding").at == NULL;
}

/* Compressed, it is another representation: its ETag is a weak one, then (RFC 9110, 8.8.3). false:
 * out of memory; nothing was said. */
static bool mark(tr_http_response *res)
{
    char weak[128] = "W/";
    tr__slice etag;

    if (!tr__buffer_reserve(&res->lines, MARK_BYTES))
        return false;
    (void)tr_http_set_header(res, "Content-Encoding", "gzip"); /* there is room for these */
    etag = tr__response_header(res, "ETag");
    if (etag.at == NULL || etag.at[0] != '"')
        return true;
    if (etag.bytes + sizeof("W/") <= sizeof(weak)) {
        memcpy(weak + 2, etag.at, etag.bytes);
        weak[2 + etag.bytes] = 0;
        (void)tr_http_set_header(res, "ETag", weak);
    } else {
        (void)tr_http_set_header(res, "ETag", NULL);
    }
    return true;
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

static bool begin(z_stream *stream, int level)
{
    *stream = (z_stream){ .zalloc = allocate, .zfree = release };
    return deflateInit2(stream, level, Z_DEFLATED, MAX_WBITS + GZIP, MEMORY, Z_DEFAULT_STRATEGY) ==
           Z_OK;
}

/* ---- whole bodies ---- */

typedef struct job {
    const void *data;
    size_t bytes;
    int level;
    char *packed;
    size_t packed_bytes;
} job;

/* On the loop, or on a thread of the CPU pool. */
static int pack(void *arg)
{
    job *j = arg;
    z_stream stream;
    size_t bound;

    if (!begin(&stream, j->level))
        return TR_ENOMEM;
    bound = deflateBound(&stream, (uLong)j->bytes);
    j->packed = tr__alloc(bound);
    if (j->packed != NULL) {
        stream.next_in = (Bytef *)(uintptr_t)j->data;
        stream.avail_in = (uInt)j->bytes;
        stream.next_out = (Bytef *)j->packed;
        stream.avail_out = (uInt)bound;
        (void)deflate(&stream, Z_FINISH); /* there is room for all of it */
        j->packed_bytes = bound - stream.avail_out;
    }
    (void)deflateEnd(&stream);
    return j->packed != NULL ? 0 : TR_ENOMEM;
}

static int compress_whole(tr_http_response *res, const tr_http_compress_options *options)
{
    bool is_taken = res->taken != NULL;
    job j = {
        .bytes = is_taken ? res->taken_bytes : tr__buffer_count(&res->body),
        .level = options->level,
    };
    int rc;

    if (j.bytes == 0 || j.bytes < options->least || j.bytes > UINT_MAX / 2)
        return 0;
    j.data = is_taken ? res->taken : res->body.bytes + res->body.begin;
    rc = j.bytes <= ON_LOOP_MOST ? pack(&j) : tr_pool_run(TR_POOL_CPU, pack, &j);
    if (rc == TR_ECANCELED && j.packed == NULL)
        return rc;
    if (rc < 0 || j.packed_bytes >= j.bytes || !mark(res)) {
        tr__free(j.packed);
        return 0; /* it goes out as it is */
    }
    tr__response_replace_body(res, j.packed, j.packed_bytes);
    return 0;
}

/* ---- pieces ---- */

/* Without memory it goes out as it is. */
void tr__encoder_begin(tr_http_response *res)
{
    if (res->compress == NULL || !is_eligible(res))
        return;
    res->encoder = tr__alloc(sizeof(*res->encoder));
    if (res->encoder == NULL || !begin(&res->encoder->stream, res->compress->level)) {
        tr__free(res->encoder);
        res->encoder = NULL;
    } else if (!mark(res)) {
        tr__encoder_free(res);
    }
}

bool tr__encode(tr_http_response *res, const char *data, size_t bytes, tr__encode_how how,
                bool (*put)(tr_http_response *res, const char *data, size_t bytes))
{
    static const int flush[] = { Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH };
    tr__encoder *encoder = res->encoder;
    z_stream *stream = &encoder->stream;

    stream->next_in = (Bytef *)(uintptr_t)data;
    stream->avail_in = (uInt)bytes; /* pieces are small */
    do {
        size_t count;

        stream->next_out = encoder->piece;
        stream->avail_out = PIECE;
        (void)deflate(stream, flush[how]); /* it can't fail: there is room, and it has begun */
        count = PIECE - stream->avail_out;
        if (count > 0 && !put(res, (const char *)encoder->piece, count))
            return false;
    } while (stream->avail_out == 0);
    return true;
}

void tr__encoder_free(tr_http_response *res)
{
    if (res->encoder == NULL)
        return;
    (void)deflateEnd(&res->encoder->stream);
    tr__free(res->encoder);
    res->encoder = NULL;
}

/* ---- the middleware ---- */

static bool accepts_gzip(tr_http_request *req)
{
    const char *accepted = tr_http_header(req, "Accept-Encoding");
    static const char *const offers[] = { "gzip", "identity" };

    return accepted != NULL &&
           tr__accept_encoding_choose((tr__slice){ accepted, strlen(accepted) }, offers, 2) == 0;
}

static int compress_answer(tr_http_request *req, tr_http_response *res, tr_http_next *next,
                           void *ctx)
{
    const tr_http_compress_options *options = ctx;
    int rc = tr_http_add_header(res, "Vary", "Accept-Encoding");
    int packed;

    if (rc < 0)
        return rc;
    if (!accepts_gzip(req))
        return tr_http_next_call(next);
    res->compress = options;
    rc = tr_http_next_call(next);
    tr__route_settle(req, rc);
    if (res->stage != TR__ANSWER_WHOLE || !is_eligible(res))
        return rc;
    packed = compress_whole(res, options);
    return packed < 0 ? packed : rc;
}

tr_http_middleware tr_http_compress(const tr_http_compress_options *options)
{
    tr_http_compress_options all = options != NULL ? *options : (tr_http_compress_options){ 0 };

    if (all.least == 0)
        all.least = LEAST;
    if (all.level == 0)
        all.level = LEVEL;
    if (all.level < 1 || all.level > 9)
        return tr__no_middleware(TR_EINVAL);
    return tr__middleware(compress_answer, &all, sizeof(all), NULL);
}
