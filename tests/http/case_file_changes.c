/* Files of a folder that change while they are sent: what the client takes for whole is so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/service.h"

/* So large that it can't be under way at once: the rest is read when the client has taken some. */
enum { WHOLE = CASES_SIMULATED ? 600 << 10 : 8 << 20, FIRST = 100 };

typedef struct site {
    service s;
    char folder[64];
    char path[96];
} site;

static char byte_at(size_t i)
{
    return (char)('a' + i % 25);
}

static void write_file(const char *path, char *text, size_t bytes)
{
    FILE *file = fopen(path, "w");

    EXPECT(file != NULL && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0);
}

static void put_file(const char *path, size_t bytes)
{
    char *text = malloc(bytes);

    EXPECT(text != NULL);
    for (size_t i = 0; i < bytes; i++)
        text[i] = byte_at(i);
    write_file(path, text, bytes);
    free(text);
    /* The system's clock of files ticks: what is written now has another time than this. */
    EXPECT(utimensat(AT_FDCWD, path, (struct timespec[2]){ { .tv_sec = 1 }, { .tv_sec = 1 } }, 0) ==
           0);
}

static void begin_site(site *at)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    (void)snprintf(at->folder, sizeof(at->folder), "/tmp/troupe_changes.XXXXXX");
    EXPECT(mkdtemp(at->folder) != NULL);
    (void)snprintf(at->path, sizeof(at->path), "%s/file", at->folder);
    put_file(at->path, WHOLE);
    EXPECT(tr_http_files(server, "/", at->folder, NULL) == 0);
    begin_service(&at->s, server);
}

static void end_site(site *at)
{
    end_service(&at->s);
    (void)unlink(at->path); /* one is gone already */
    EXPECT(rmdir(at->folder) == 0);
}

/* A download that has begun, and waits. */
static tr_io *begin_download(const site *at)
{
    tr_io *io = open_client(&at->s);
    const char *head;
    char first[FIRST];
    char length[48];
    ssize_t bytes;

    say(io, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
    bytes = tr_read_until(io, &head, "\r\n\r\n", 4000);
    EXPECT(bytes > 0 && strncmp(head, "HTTP/1.1 200 ", 13) == 0);
    (void)snprintf(length, sizeof(length), "Content-Length: %d\r\n", WHOLE);
    EXPECT(memmem(head, (size_t)bytes, length, strlen(length)) != NULL);
    EXPECT(tr_read_exact(io, first, FIRST) == 0);
    for (size_t i = 0; i < FIRST; i++)
        EXPECT(first[i] == byte_at(i));
    return io;
}

/* How many bytes came in all, until the end; *is_same: as the file was at first. */
static size_t end_download(tr_io *io, bool *is_same)
{
    char *piece = malloc(65536);
    size_t all = FIRST;
    ssize_t count = 1;

    EXPECT(piece != NULL);
    *is_same = true;
    while (all < WHOLE && (count = tr_read(io, piece, 65536)) > 0)
        for (ssize_t i = 0; i < count; i++)
            *is_same &= piece[i] == byte_at(all++);
    free(piece);
    EXPECT(tr_close(io) == 0);
    return all;
}

CASE(a_file_that_stays_as_it_is_comes_whole)
{
    bool is_same;
    site at;
    tr_io *io;

    begin_site(&at);
    io = begin_download(&at);
    EXPECT(end_download(io, &is_same) == WHOLE && is_same);
    end_site(&at);
}

/* What had been read of it may be cleared meanwhile: it was not copied. */
CASE(a_file_that_becomes_shorter_is_cut)
{
    bool is_same;
    site at;
    tr_io *io;

    begin_site(&at);
    io = begin_download(&at);
    EXPECT(truncate(at.path, WHOLE / 2) == 0);
    EXPECT(end_download(io, &is_same) < WHOLE);
    end_site(&at);
}

/* What was promised has come, but not at one time. */
CASE(a_file_that_grows_is_cut)
{
    bool is_same;
    FILE *file;
    site at;
    tr_io *io;

    begin_site(&at);
    io = begin_download(&at);
    file = fopen(at.path, "a");
    EXPECT(file != NULL && fputs("more", file) >= 0 && fclose(file) == 0);
    EXPECT(end_download(io, &is_same) < WHOLE && is_same);
    end_site(&at);
}

CASE(a_file_that_is_written_over_is_cut)
{
    char *text = malloc(WHOLE);
    bool is_same;
    site at;
    tr_io *io;

    EXPECT(text != NULL);
    memset(text, 'z', WHOLE);
    begin_site(&at);
    io = begin_download(&at);
    write_file(at.path, text, WHOLE);
    EXPECT(end_download(io, &is_same) < WHOLE);
    end_site(&at);
    free(text);
}

/* Who has opened it has the one that it was. */
CASE(a_file_that_is_replaced_comes_as_it_was)
{
    char fresh[128];
    bool is_same;
    site at;
    tr_io *io;

    begin_site(&at);
    io = begin_download(&at);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", at.path);
    write_file(fresh, "fresh", 5);
    EXPECT(rename(fresh, at.path) == 0);
    EXPECT(end_download(io, &is_same) == WHOLE && is_same);
    end_site(&at);
}

CASE(a_file_that_is_removed_comes_as_it_was)
{
    bool is_same;
    site at;
    tr_io *io;

    begin_site(&at);
    io = begin_download(&at);
    EXPECT(unlink(at.path) == 0);
    EXPECT(end_download(io, &is_same) == WHOLE && is_same);
    end_site(&at);
}

CASES("file_changes", a_file_that_stays_as_it_is_comes_whole, a_file_that_becomes_shorter_is_cut,
      a_file_that_grows_is_cut, a_file_that_is_written_over_is_cut,
      a_file_that_is_replaced_comes_as_it_was, a_file_that_is_removed_comes_as_it_was)
