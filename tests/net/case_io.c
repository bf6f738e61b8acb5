/* Streams of bytes: reading, writing, closing. */
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

static void open_pair(tr_io **one, tr_io **other)
{
    EXPECT(tr_socketpair(one, other) == 0);
}

CASE(what_is_written_is_read)
{
    char buffer[16];
    tr_io *one, *other;

    open_pair(&one, &other);
    EXPECT(tr_write_all(one, "hello", 5) == 0);
    EXPECT(tr_read_exact(other, buffer, 5) == 0);
    EXPECT(memcmp(buffer, "hello", 5) == 0);
    EXPECT(tr_close(one) == 0);
    EXPECT(tr_read(other, buffer, sizeof(buffer)) == 0);
    EXPECT(tr_close(other) == 0);
}

CASE(lines_are_read_one_by_one)
{
    const char *line;
    tr_io *one, *other;

    open_pair(&one, &other);
    EXPECT(tr_write(one, "one\ntw", 6) == 0);
    EXPECT(tr_write(one, "o\nrest", 6) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == 4 && memcmp(line, "one\n", 4) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == 4 && memcmp(line, "two\n", 4) == 0);
    EXPECT(tr_close(one) == 0);
    EXPECT(tr_read_until(other, &line, "\n", 100) == TR_EEND);
    EXPECT(tr_close(other) == 0);
}

CASES("io", what_is_written_is_read, lines_are_read_one_by_one)
