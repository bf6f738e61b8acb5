/* Decompression: whatever the pieces, all of it comes out, or an error says why not. */
#include <stdlib.h>
#include <zlib.h>

#include "client/decompress.h"
#include "support/kit.h"

enum { GZIP = MAX_WBITS + 16, ZLIB = MAX_WBITS, BARE = -MAX_WBITS, TEXT_BYTES = 3000 };

static char text[TEXT_BYTES];

/* Letters that compress neither well nor badly. */
static void fill_text(void)
{
    uint32_t state = 1;

    for (size_t i = 0; i < TEXT_BYTES; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = (char)('a' + (state >> 28));
    }
}

static size_t compress_as(int window_bits, const void *data, size_t bytes, char *out, size_t room)
{
    z_stream stream = { 0 };

    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)bytes;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    ck_assert_int_eq(deflateEnd(&stream), Z_OK);
    return room - stream.avail_out;
}

/* What comes of it when it arrives in pieces of so many bytes, and goes into room for so many: how
 * many bytes, which stand in out, or an error. */
static ssize_t decompress(tr__coding coding, tr__slice wire, size_t piece, size_t room, char *out,
                          size_t out_bytes)
{
    tr__decompressor *d;
    size_t total = 0;
    ssize_t count = 0;
    int rc = tr__decompressor_new(&d, coding);

    ck_assert_int_eq(rc, 0);
    while (count >= 0 && wire.bytes > 0) {
        tr__slice some = tr__slice_head(wire, piece < wire.bytes ? piece : wire.bytes);

        wire = tr__slice_tail(wire, some.bytes);
        do {
            ck_assert_uint_le(room, out_bytes - total);
            count = tr__decompress(d, &some, out + total, room);
            total += count > 0 ? (size_t)count : 0;
        } while (count > 0);
        ck_assert(count < 0 || some.bytes == 0);
    }
    if (count == 0)
        count = tr__decompress_end(d);
    else
        ck_assert_int_eq(tr__decompress_end(d), count); /* it stays so */
    tr__decompressor_free(d);
    return count < 0 ? count : (ssize_t)total;
}

static const struct {
    tr__coding coding;
    int window_bits;
} forms[] = { { TR__CODING_GZIP, GZIP },
              { TR__CODING_DEFLATE, ZLIB },
              { TR__CODING_DEFLATE, BARE } };

enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

START_TEST(whatever_the_pieces_all_comes_out)
{
    static const size_t pieces[] = { 1, 2, 3, 7, 100, 10000 };
    static const size_t rooms[] = { 1, 2, 1000, 10000 };
    static char wire[2 * TEXT_BYTES], out[TEXT_BYTES + 10000];

    fill_text();
    for (int f = 0; f < FORMS; f++) {
        size_t bytes = compress_as(forms[f].window_bits, text, TEXT_BYTES, wire, sizeof(wire));

        for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
            for (size_t r = 0; r < sizeof(rooms) / sizeof(rooms[0]); r++) {
                memset(out, 0, sizeof(out));
                ck_assert_int_eq(decompress(forms[f].coding, (tr__slice){ wire, bytes }, pieces[p],
                                            rooms[r], out, sizeof(out)),
                                 TEXT_BYTES);
                ck_assert_mem_eq(out, text, TEXT_BYTES);
            }
    }
}
END_TEST

START_TEST(what_is_cut_is_seen_to_be_cut)
{
    static char wire[2 * TEXT_BYTES], out[TEXT_BYTES + 10000];

    fill_text();
    for (int f = 0; f < FORMS; f++) {
        size_t bytes = compress_as(forms[f].window_bits, text, 200, wire, sizeof(wire));

        for (size_t cut = 1; cut < bytes; cut++)
            ck_assert_int_eq(
                decompress(forms[f].coding, (tr__slice){ wire, cut }, 50, 1000, out, sizeof(out)),
                TR_EEND);
    }
}
END_TEST

START_TEST(what_stands_behind_the_end_is_refused)
{
    static const char junk[4] = { 'j', 'u', 'n', 'k' };
    static char wire[2 * TEXT_BYTES], out[TEXT_BYTES + 10000];

    fill_text();
    for (int f = 0; f < FORMS; f++) {
        size_t bytes = compress_as(forms[f].window_bits, text, 200, wire, sizeof(wire));

        memcpy(wire + bytes, junk, sizeof(junk));
        for (size_t piece = 1; piece < bytes + 4; piece += 13)
            ck_assert_int_eq(decompress(forms[f].coding, (tr__slice){ wire, bytes + 4 }, piece, 200,
                                        out, sizeof(out)),
                             TR_ESYNTAX);
    }
}
END_TEST

START_TEST(gzip_may_have_several_members)
{
    static char wire[4 * TEXT_BYTES], out[2 * TEXT_BYTES + 1000];
    size_t bytes;

    fill_text();
    bytes = compress_as(GZIP, text, 1000, wire, sizeof(wire));
    bytes += compress_as(GZIP, "", 0, wire + bytes, sizeof(wire) - bytes);
    bytes += compress_as(GZIP, text + 1000, 2000, wire + bytes, sizeof(wire) - bytes);
    for (size_t piece = 1; piece < bytes; piece += 17) {
        ck_assert_int_eq(
            decompress(TR__CODING_GZIP, (tr__slice){ wire, bytes }, piece, 100, out, sizeof(out)),
            3000);
        ck_assert_mem_eq(out, text, 3000);
    }
    ck_assert_int_eq(
        decompress(TR__CODING_GZIP, (tr__slice){ wire, bytes - 1 }, 100, 100, out, sizeof(out)),
        TR_EEND);
}
END_TEST

START_TEST(an_empty_body_is_an_empty_one)
{
    char wire[64], out[64];

    for (int f = 0; f < FORMS; f++) {
        size_t bytes = compress_as(forms[f].window_bits, "", 0, wire, sizeof(wire));

        ck_assert_int_eq(decompress(forms[f].coding, (tr__slice){ 0 }, 1, 64, out, 64), 0);
        ck_assert_int_eq(decompress(forms[f].coding, (tr__slice){ wire, bytes }, 1, 64, out, 64),
                         0);
    }
}
END_TEST

START_TEST(what_is_no_compression_is_refused)
{
    static const char *const bad[] = { "hello, world", "\x1f\x8b\x07 is no method",
                                       "\x78\x9c\xff\xff\xff" };
    char wire[256], out[256];
    size_t bytes;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(decompress(TR__CODING_GZIP, tr__slice_of(bad[i]), 3, 64, out, 256),
                         TR_ESYNTAX);
    ck_assert_int_eq(decompress(TR__CODING_DEFLATE, tr__slice_of(bad[2]), 3, 64, out, 256),
                     TR_ESYNTAX);
    ck_assert_int_eq(decompress(TR__CODING_DEFLATE, tr__slice_of("\xff\xff\xff"), 3, 64, out, 256),
                     TR_ESYNTAX);
    /* A sum that is not that of what came. */
    bytes = compress_as(GZIP, "hello", 5, wire, sizeof(wire));
    wire[bytes - 5] ^= 1;
    ck_assert_int_eq(decompress(TR__CODING_GZIP, (tr__slice){ wire, bytes }, 99, 64, out, 256),
                     TR_ESYNTAX);
}
END_TEST

/* 10 MiB of zeros are some 10 KiB: they come out as their reader has room for them. */
START_TEST(a_bomb_unfolds_no_more_than_there_is_room_for)
{
    enum { ZEROS = 10 << 20, ROOM = 1000 };
    char *zeros = calloc(1, ZEROS);
    static char wire[32 * 1024], out[ROOM];
    tr__decompressor *d;
    tr__slice in = { wire, compress_as(GZIP, zeros, ZEROS, wire, sizeof(wire)) };

    free(zeros);
    ck_assert_int_eq(tr__decompressor_new(&d, TR__CODING_GZIP), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(tr__decompress(d, &in, out, ROOM), ROOM);
    ck_assert_uint_gt(in.bytes, 5000);
    tr__decompressor_free(d);
}
END_TEST

START_TEST(codings_are_told_by_their_names)
{
    ck_assert_int_eq(tr__coding_of(tr__slice_of("gzip")), TR__CODING_GZIP);
    ck_assert_int_eq(tr__coding_of(tr__slice_of(" X-GZip\t")), TR__CODING_GZIP);
    ck_assert_int_eq(tr__coding_of(tr__slice_of("Deflate")), TR__CODING_DEFLATE);
    ck_assert_int_eq(tr__coding_of(tr__slice_of("identity")), TR__CODING_NONE);
    ck_assert_int_eq(tr__coding_of(tr__slice_of("")), TR__CODING_NONE);
    ck_assert_int_eq(tr__coding_of((tr__slice){ 0 }), TR__CODING_NONE);
    ck_assert_int_eq(tr__coding_of(tr__slice_of("br")), TR__CODING_UNKNOWN);
    ck_assert_int_eq(tr__coding_of(tr__slice_of("gzip, gzip")), TR__CODING_UNKNOWN);
}
END_TEST

static void decompress_once(void *form, int n)
{
    char wire[256], out[64];
    int f = *(int *)form;
    tr__slice in = { wire, compress_as(forms[f].window_bits, "hello", 5, wire, sizeof(wire)) };
    tr__decompressor *d;
    size_t total = 0;
    ssize_t count;
    int rc = tr__decompressor_new(&d, forms[f].coding);

    (void)n;
    ck_assert(rc == 0 || (rc == TR_ENOMEM && d == NULL));
    if (rc < 0)
        return;
    do {
        count = tr__decompress(d, &in, out + total, sizeof(out) - total);
        total += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    rc = tr__decompress_end(d);
    ck_assert_int_eq(rc, count < 0 ? count : 0);
    ck_assert(rc == 0 ? total == 5 : rc == TR_ENOMEM);
    tr__decompressor_free(d);
}

START_TEST(without_memory_nothing_is_decompressed)
{
    for (int f = 0; f < FORMS; f++)
        ck_assert_int_ge(kit_for_every_fault(decompress_once, &f), 2);
}
END_TEST

KIT_MAIN("client/decompress", whatever_the_pieces_all_comes_out, what_is_cut_is_seen_to_be_cut,
         what_stands_behind_the_end_is_refused, gzip_may_have_several_members,
         an_empty_body_is_an_empty_one, what_is_no_compression_is_refused,
         a_bomb_unfolds_no_more_than_there_is_room_for, codings_are_told_by_their_names,
         without_memory_nothing_is_decompressed)
