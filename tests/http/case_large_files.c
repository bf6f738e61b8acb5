/* Files that go out in pieces. */
#include <sys/stat.h>
#include <unistd.h>

#include "http/service.h"

enum { BYTES = 1300 * 1000 }; /* more than two pieces, and than any socket holds */

typedef struct site {
    service s;
    char folder[64];
} site;

static char byte_at(size_t i)
{
    return (char)('a' + (i + i / 1000) % 26);
}

static void path_of(const site *at, char path[128])
{
    (void)snprintf(path, 128, "%s/large.txt", at->folder);
}

static void begin(site *at, bool is_compressed)
{
    bool is_fast = access("/dev/shm", W_OK) == 0;
    tr_http_server *server = new_server(&(tr_http_config){ 0 });
    char path[128];
    FILE *f;

    (void)snprintf(at->folder, sizeof(at->folder), "%s/troupe-large-XXXXXX",
                   is_fast ? "/dev/shm" : "/tmp");
    EXPECT(mkdtemp(at->folder) != NULL);
    path_of(at, path);
    f = fopen(path, "w");
    EXPECT(f != NULL);
    for (size_t i = 0; i < BYTES; i++)
        (void)putc(byte_at(i), f);
    EXPECT(fclose(f) == 0);
    if (is_compressed)
        EXPECT(tr_http_use(server, tr_http_compress(NULL)) == 0);
    EXPECT(tr_http_files(server, "/", at->folder, NULL) == 0);
    begin_service(&at->s, server);
}

static void end(site *at)
{
    char path[128];

    end_service(&at->s);
    path_of(at, path);
    EXPECT(unlink(path) == 0 && rmdir(at->folder) == 0);
}

/* An answer, read slowly, whose body is this part of the file. */
static void expect_part(tr_io *io, int status, size_t first, size_t bytes)
{
    char head[1024];
    char buffer[7000];
    const char *text;
    ssize_t count = tr_read_until(io, &text, "\r\n\r\n", sizeof(head) - 1);

    EXPECT(count > 0);
    memcpy(head, text, (size_t)count);
    head[count] = 0;
    EXPECT(strtol(head + 9, NULL, 10) == status);
    EXPECT(strtoul(strstr(head, "Content-Length: ") + 16, NULL, 10) == bytes);
    for (size_t at = 0; at < bytes;) {
        size_t wanted = bytes - at < sizeof(buffer) ? bytes - at : sizeof(buffer);

        EXPECT(tr_read_exact(io, buffer, wanted) == 0);
        for (size_t i = 0; i < wanted; i++)
            EXPECT(buffer[i] == byte_at(first + at++));
    }
}

CASE(whole_ones_and_parts_of_them_come_one_after_the_other)
{
    site at;
    tr_io *io;

    begin(&at, false);
    io = open_client(&at.s);
    say(io, "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n"
            "HEAD /large.txt HTTP/1.1\r\nHost: a\r\n\r\n"
            "GET /large.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=600000-1200000\r\n\r\n"
            "GET /large.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=-70000\r\n\r\n");
    expect_part(io, 200, 0, BYTES);
    EXPECT(tr_read_until(io, &(const char *){ NULL }, "\r\n\r\n", 1024) > 0); /* has no body */
    expect_part(io, 206, 600000, 600001);
    expect_part(io, 206, BYTES - 70000, 70000);
    EXPECT(tr_close(io) == 0);
    end(&at);
}

/* A client that does not take it compressed has it as it is. */
CASE(compression_leaves_them_whole)
{
    site at;
    tr_io *io;

    begin(&at, true);
    io = open_client(&at.s);
    say(io, "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_part(io, 200, 0, BYTES);
    say(io, "GET /large.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    EXPECT(tr_read_until(io, &(const char *){ NULL }, ": gzip\r\n", 1024) > 0);
    EXPECT(tr_close(io) == 0);
    end(&at);
}

CASE(a_client_that_goes_away_leaves_nothing_behind)
{
    site at;
    tr_io *io;

    begin(&at, false);
    for (int i = 0; i < 3; i++) {
        io = open_client(&at.s);
        say(io, "GET /large.txt HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT(tr_read_exact(io, (char[1000]){ 0 }, 1000) == 0);
        EXPECT(tr_close(io) == 0);
    }
    end(&at);
}

CASES("large_files", whole_ones_and_parts_of_them_come_one_after_the_other,
      compression_leaves_them_whole, a_client_that_goes_away_leaves_nothing_behind)
