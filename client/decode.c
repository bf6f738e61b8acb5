/* Bodies of answers, decompressed. */
#include "base/seam.h"
#include "client/decompress.h"
#include "client/exchange.h"

struct tr__decoder {
    tr__decompressor *d;
    tr__slice in; /* of piece, not decompressed yet */
    char piece[TR__BODY_PIECE];
};

int tr__decode_begin(tr_http_reply *reply)
{
    size_t count;
    tr__slice header = tr__reply_known(reply, TR__KNOWN_CONTENT_ENCODING, &count);
    tr__coding coding = tr__coding_of(header);
    tr__decoder *decoder;
    int rc;

    if (count != 1 || (coding != TR__CODING_GZIP && coding != TR__CODING_DEFLATE))
        return 0;
    decoder = tr__alloc(sizeof(*decoder));
    if (decoder == NULL)
        return TR_ENOMEM;
    decoder->in = (tr__slice){ 0 };
    rc = tr__decompressor_new(&decoder->d, coding);
    if (rc < 0)
        tr__free(decoder);
    else
        reply->decoder = decoder;
    return rc;
}

void tr__decode_end(tr_http_reply *reply)
{
    if (reply->decoder == NULL)
        return;
    tr__decompressor_free(reply->decoder->d);
    tr__free(reply->decoder);
    reply->decoder = NULL;
}

ssize_t tr__decode_read(tr_http_reply *reply, void *buffer, size_t bytes)
{
    tr__decoder *decoder = reply->decoder;

    if (decoder == NULL)
        return tr__body_read(reply, buffer, bytes);
    for (;;) {
        ssize_t count = tr__decompress(decoder->d, &decoder->in, buffer, bytes);

        if (count != 0)
            return count;
        count = tr__body_read(reply, decoder->piece, sizeof(decoder->piece));
        if (count <= 0)
            return count == 0 ? tr__decompress_end(decoder->d) : count;
        decoder->in = (tr__slice){ decoder->piece, (size_t)count };
    }
}
