/* Ranges of bytes (RFC 9110, 14).
 *
 * Threads: any. */
#ifndef TR_HTTP_RANGE_H
#define TR_HTTP_RANGE_H

#include "http/slice.h"

/* Whoever asks for more at once has other reasons than to read. */
enum { TR__RANGES_MOST = 16, TR__CONTENT_RANGE_BYTES = 72 };

typedef struct tr__range {
    uint64_t first;
    uint64_t bytes; /* at least 1 */
} tr__range;

typedef enum tr__ranged {
    TR__RANGE_ALL,  /* answer with all: malformed, of another unit, or too much is asked for */
    TR__RANGE_SOME, /* 206 */
    TR__RANGE_NONE  /* 416 */
} tr__ranged;

/* What a Range header asks of something of so many bytes. Ranges that overlap or touch are one; the
 * others stay in their order. More than TR__RANGES_MOST, or more than two that overlap, are too
 * much (14.2).
 * *count: of those in out. */
tr__ranged tr__range_parse(tr__slice header, uint64_t total, tr__range out[TR__RANGES_MOST],
                           size_t *count);
/* The value of a Content-Range: of a range, or, NULL, of an answer of 416. Its length, without the
 * 0 behind it. */
int tr__content_range_format(const tr__range *range, uint64_t total,
                             char text[TR__CONTENT_RANGE_BYTES]);

#endif
