/* Ranges of bytes. */
#include "http/range.h"

#include <inttypes.h>
#include <stdio.h>

enum { OVERLAPS_MOST = 2 };

/* One piece of the list. false: malformed. out->bytes is 0 if there is nothing there. */
static bool parse_one(tr__slice piece, uint64_t total, tr__range *out)
{
    size_t dash = tr__slice_index(piece, '-');
    uint64_t last = UINT64_MAX;
    tr__slice behind;

    if (dash == piece.bytes)
        return false;
    behind = tr__slice_tail(piece, dash + 1);
    if (behind.bytes > 0 && !tr__slice_to_u64(behind, INT64_MAX, &last))
        return false;
    if (dash == 0) { /* so many of the last */
        if (behind.bytes == 0)
            return false;
        out->bytes = last < total ? last : total;
        out->first = total - out->bytes;
        return true;
    }
    if (!tr__slice_to_u64(tr__slice_head(piece, dash), INT64_MAX, &out->first) || last < out->first)
        return false;
    if (out->first >= total)
        out->bytes = 0;
    else
        out->bytes = (last < total ? last + 1 : total) - out->first;
    return true;
}

/* Whether they overlap or touch. */
static bool meet(const tr__range *a, const tr__range *b)
{
    return a->first <= b->first + b->bytes && b->first <= a->first + a->bytes;
}

static bool overlap(const tr__range *a, const tr__range *b)
{
    return a->first < b->first + b->bytes && b->first < a->first + a->bytes;
}

static tr__range join(const tr__range *a, const tr__range *b)
{
    uint64_t end_a = a->first + a->bytes;
    uint64_t end_b = b->first + b->bytes;
    uint64_t first = a->first < b->first ? a->first : b->first;

    return (tr__range){ first, (end_a > end_b ? end_a : end_b) - first };
}

static void take_out(tr__range *ranges, size_t *count, size_t at)
{
    (*count)--;
    memmove(ranges + at, ranges + at + 1, (*count - at) * sizeof(*ranges));
}

/* Put one among the others, in the place of the first that it meets. There is room for it. */
static void add(tr__range *ranges, size_t *count, tr__range one)
{
    size_t place = *count;
    size_t i = 0;

    while (i < *count) {
        if (!meet(&ranges[i], &one)) {
            i++;
            continue;
        }
        one = join(&ranges[i], &one);
        take_out(ranges, count, i);
        place = i < place ? i : place;
        i = 0; /* it has grown, and may meet those that were passed */
    }
    place = place < *count ? place : *count;
    memmove(ranges + place + 1, ranges + place, (*count - place) * sizeof(*ranges));
    ranges[place] = one;
    (*count)++;
}

tr__ranged tr__range_parse(tr__slice header, uint64_t total, tr__range out[TR__RANGES_MOST],
                           size_t *count)
{
    size_t asked = 0;
    size_t overlaps = 0;
    tr__slice piece;

    *count = 0;
    header = tr__slice_trim(header);
    if (header.bytes < 6 || !tr__slice_is_ignoring_case(tr__slice_head(header, 6), "bytes="))
        return TR__RANGE_ALL;
    header = tr__slice_tail(header, 6);
    while (tr__slice_split(&header, ',', &piece)) {
        tr__range one;

        piece = tr__slice_trim(piece);
        if (piece.bytes == 0)
            continue;
        if (!parse_one(piece, total, &one) || ++asked > TR__RANGES_MOST)
            return TR__RANGE_ALL;
        if (one.bytes == 0)
            continue;
        for (size_t i = 0; i < *count; i++)
            overlaps += overlap(&out[i], &one);
        if (overlaps > OVERLAPS_MOST)
            return TR__RANGE_ALL;
        add(out, count, one);
    }
    if (asked == 0)
        return TR__RANGE_ALL;
    return *count > 0 ? TR__RANGE_SOME : TR__RANGE_NONE;
}

int tr__content_range_format(const tr__range *range, uint64_t total,
                             char text[TR__CONTENT_RANGE_BYTES])
{
    if (range == NULL)
        return snprintf(text, TR__CONTENT_RANGE_BYTES, "bytes */%" PRIu64, total);
    return snprintf(text, TR__CONTENT_RANGE_BYTES, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
                    range->first, range->first + range->bytes - 1, total);
}
