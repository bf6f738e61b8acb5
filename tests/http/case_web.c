/* What stands around handlers: forms, files of a folder, health, the description. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/service.h"

/* ---- forms ---- */

/* What large files are full of: each '\r' may be the begin of a delimiter. */
static const char lines[] = "ab\r\n";

static void expect_lines(int fd)
{
    char piece[4096];
    ssize_t count;

    for (off_t at = 0; (count = pread(fd, piece, sizeof(piece), at)) > 0; at += count)
        for (ssize_t i = 0; i < count; i++)
            EXPECT(piece[i] == lines[(at + i) % 4]);
    EXPECT(count == 0);
}

static int show_form(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_http_upload file;
    int rc = tr_http_form_read(req);

    (void)ctx;
    if (rc < 0)
        return rc;
    rc = tr_http_upload_at(req, "file", 0, &file);
    if (rc == TR_ENOENT)
        return tr_http_text(res, 200, "%s|%s|none", tr_http_form(req, "a"),
                            tr_http_form_at(req, "a", 1));
    EXPECT(rc == 0);
    if (file.fd >= 0)
        expect_lines(file.fd);
    return tr_http_text(res, 200, "%s|%s|%s|%d|%d", tr_http_form(req, "a"), file.filename,
                        file.type, (int)file.bytes, file.fd >= 0);
}

static void begin_forms(service *s)
{
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    EXPECT(tr_http_route(server, "POST", "/form", show_form, NULL) == 0);
    EXPECT(tr_http_route_with(
               server, "POST", "/large", show_form, NULL,
               &(tr_http_route_options){ .streams_body = true, .body_most = 4 << 20 }) == 0);
    begin_service(s, server);
}

static void post(tr_io *io, const char *path, const char *type, const char *body, size_t bytes)
{
    char head[256];

    (void)snprintf(head, sizeof(head),
                   "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                   path, type, bytes);
    say(io, head);
    EXPECT(tr_write_all(io, body, bytes) == 0);
}

CASE(forms_of_both_codings_are_read)
{
    static const char pairs[] = "a=1+2&b=x&a=%C3%A4";
    static const char parts[] =
        "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n"
        "--B\r\nContent-Disposition: form-data; name=\"file\"; "
        "filename=\"x.png\"\r\nContent-Type: image/png\r\n\r\n12345\r\n--B--\r\n";
    char text[1024];
    service s;
    tr_io *io;

    begin_forms(&s);
    io = open_client(&s);
    for (int i = 0; i < 2; i++) {
        const char *path = i == 0 ? "/form" : "/large";

        post(io, path, "application/x-www-form-urlencoded", pairs, strlen(pairs));
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(strstr(text, "1 2|\xc3\xa4|none") != NULL);
        post(io, path, "multipart/form-data; boundary=B", parts, strlen(parts));
        EXPECT(hear(io, text, sizeof(text)) == 200);
        EXPECT(strstr(text, "hello|x.png|image/png|5|0") != NULL);
    }
    post(io, "/form", "text/plain", "a=1", 3);
    EXPECT(hear(io, text, sizeof(text)) == 400);
    post(io, "/form", "multipart/form-data; boundary=B", "--B", 3);
    EXPECT(hear(io, text, sizeof(text)) == 400);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
}

/* It goes to disk while it comes, in large pieces, although it is made of small ones. */
CASE(a_large_file_goes_to_disk)
{
    enum { LARGE = 600000 };
    static const char head[] = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n"
                               "--B\r\nContent-Disposition: form-data; name=\"file\"; "
                               "filename=\"big\"\r\n\r\n";
    static const char tail[] = "\r\n--B--\r\n";
    char *body = malloc(sizeof(head) + LARGE + sizeof(tail));
    tr_stats before, after;
    char text[1024];
    size_t bytes;
    service s;
    tr_io *io;

    EXPECT(body != NULL);
    memcpy(body, head, sizeof(head) - 1);
    for (size_t i = 0; i < LARGE; i++)
        body[sizeof(head) - 1 + i] = lines[i % 4];
    memcpy(body + sizeof(head) - 1 + LARGE, tail, sizeof(tail) - 1);
    bytes = sizeof(head) - 1 + LARGE + sizeof(tail) - 1;
    begin_forms(&s);
    EXPECT(tr_stats_get(&before) == 0);
    io = open_client(&s);
    post(io, "/large", "multipart/form-data; boundary=B", body, bytes);
    EXPECT(hear(io, text, sizeof(text)) == 200);
    EXPECT(tr_stats_get(&after) == 0 && after.jobs_submitted - before.jobs_submitted < 20);
    EXPECT(strstr(text, "hello|big|application/octet-stream|600000|1") != NULL);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
    free(body);
}

/* ---- files ---- */

typedef struct web_site {
    service s;
    char folder[64];
} web_site;

static void put_file(const web_site *at, const char *name, const char *text, int times)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", at->folder, name);
    file = fopen(path, "w");
    EXPECT(file != NULL);
    for (int i = 0; i < times; i++)
        EXPECT(fputs(text, file) >= 0);
    EXPECT(fclose(file) == 0);
}

static const char *const names[] = { "index.html",   "big.txt",  ".secret",
                                     "sub/page.css", "plain.js", "plain.js.gz" };

static void begin_site(web_site *at)
{
    char path[128];
    tr_http_server *server = new_server(&(tr_http_config){ 0 });

    (void)snprintf(at->folder, sizeof(at->folder), "/tmp/troupe_web.XXXXXX");
    EXPECT(mkdtemp(at->folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/sub", at->folder);
    EXPECT(mkdir(path, 0700) == 0);
    put_file(at, "index.html", "<p>hello</p>", 1);
    put_file(at, "big.txt", "0123456789", 20000);
    put_file(at, ".secret", "secret", 1);
    put_file(at, "sub/page.css", "p {}", 1);
    put_file(at, "plain.js", "plain", 1);
    put_file(at, "plain.js.gz", "zipped", 1);
    (void)snprintf(path, sizeof(path), "%s/link", at->folder);
    EXPECT(symlink("/etc/passwd", path) == 0);
    EXPECT(tr_http_files(server, "/site", at->folder, &(tr_http_files_options){ .max_age = 60 }) ==
           0);
    begin_service(&at->s, server);
}

static void end_site(web_site *at)
{
    char path[128];

    end_service(&at->s);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", at->folder, names[i]);
        EXPECT(unlink(path) == 0);
    }
    (void)snprintf(path, sizeof(path), "%s/link", at->folder);
    EXPECT(unlink(path) == 0);
    (void)snprintf(path, sizeof(path), "%s/sub", at->folder);
    EXPECT(rmdir(path) == 0 && rmdir(at->folder) == 0);
}

/* GET with more headers; the status. */
static int get(tr_io *io, const char *path, const char *more, char *text, size_t room)
{
    char request[512];

    (void)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n", path, more);
    say(io, request);
    return hear(io, text, room);
}

CASE(files_of_a_folder_are_served_and_nothing_else)
{
    static const char *const nowhere[] = { "/site/.secret", "/site/link", "/site/none",
                                           "/site/sub/..%2f..%2fetc/passwd", "/site/a%00b" };
    char *text = malloc(300000);
    web_site at;
    tr_io *io;

    EXPECT(text != NULL);
    begin_site(&at);
    io = open_client(&at.s);
    EXPECT(get(io, "/site/", "", text, 300000) == 200 && strstr(text, "<p>hello</p>") != NULL);
    EXPECT(strstr(text, "Content-Type: text/html; charset=utf-8") != NULL);
    EXPECT(strstr(text, "Cache-Control: max-age=60") != NULL);
    EXPECT(get(io, "/site/sub/page.css", "", text, 300000) == 200 && strstr(text, "p {}") != NULL);
    EXPECT(get(io, "/site/sub", "", text, 300000) == 308 &&
           strstr(text, "Location: /site/sub/") != NULL);
    EXPECT(get(io, "/site/plain.js", "", text, 300000) == 200 && strstr(text, "\r\n\r\nplain"));
    EXPECT(get(io, "/site/plain.js", "Accept-Encoding: gzip\r\n", text, 300000) == 200);
    EXPECT(strstr(text, "\r\n\r\nzipped") != NULL && strstr(text, "javascript") != NULL);
    EXPECT(strstr(text, "Content-Encoding: gzip\r\n") != NULL && strstr(text, "Vary: ") != NULL);
    EXPECT(get(io, "/site/plain.js", "Accept-Encoding: gzip;q=0\r\n", text, 300000) == 200);
    EXPECT(strstr(text, "\r\n\r\nplain") != NULL);
    EXPECT(get(io, "/site/big.txt", "", text, 300000) == 200);
    EXPECT(strlen(strstr(text, "\r\n\r\n") + 4) == 200000);
    for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        int status = get(io, nowhere[i], "", text, 300000);

        EXPECT(status == 404 || status == 400);
        if (status == 400) { /* no path at all */
            EXPECT(tr_close(io) == 0);
            io = open_client(&at.s);
        }
    }
    EXPECT(tr_close(io) == 0);
    end_site(&at);
    free(text);
}

CASE(conditions_and_ranges_of_files_are_heeded)
{
    char *text = malloc(300000);
    char etag[128];
    char more[256];
    web_site at;
    tr_io *io;

    EXPECT(text != NULL);
    begin_site(&at);
    io = open_client(&at.s);
    EXPECT(get(io, "/site/big.txt", "Range: bytes=0-4\r\n", text, 300000) == 206);
    EXPECT(strstr(text, "Content-Range: bytes 0-4/200000") != NULL);
    EXPECT(strstr(text, "\r\n\r\n01234") != NULL);
    EXPECT(sscanf(strstr(text, "ETag: "), "ETag: %127[^\r]", etag) == 1);
    EXPECT(get(io, "/site/big.txt", "Range: bytes=-3\r\n", text, 300000) == 206 &&
           strstr(text, "\r\n\r\n789") != NULL);
    EXPECT(get(io, "/site/big.txt", "Range: bytes=200000-\r\n", text, 300000) == 416);
    (void)snprintf(more, sizeof(more), "If-None-Match: \"x\", %s\r\n", etag);
    EXPECT(get(io, "/site/big.txt", more, text, 300000) == 304);
    (void)snprintf(more, sizeof(more), "If-Range: %s\r\nRange: bytes=1-1\r\n", etag);
    EXPECT(get(io, "/site/big.txt", more, text, 300000) == 206);
    EXPECT(get(io, "/site/big.txt", "If-Range: \"x\"\r\nRange: bytes=1-1\r\n", text, 300000) ==
           200);
    EXPECT(get(io, "/site/big.txt", "If-Match: \"x\"\r\n", text, 300000) == 412);
    EXPECT(strstr(text, "max-age") == NULL && strstr(text, "ETag") == NULL);
    for (int i = 0; i < 2; i++) { /* what is told of the file is no file */
        const char *what = i == 0 ? "Accept-Encoding: gzip\r\nIf-Match: \"x\"\r\n"
                                  : "Accept-Encoding: gzip\r\nRange: bytes=9-\r\n";

        EXPECT(get(io, "/site/plain.js", what, text, 300000) == (i == 0 ? 412 : 416));
        EXPECT(strstr(text, "Content-Encoding") == NULL && strstr(text, "max-age") == NULL);
    }
    EXPECT(strstr(text, "Content-Range: bytes */6\r\n") != NULL);
    EXPECT(get(io, "/site/index.html", "Range: bytes=3-7\r\n", text, 300000) == 206 &&
           strstr(text, "\r\n\r\nhello") != NULL);
    EXPECT(tr_close(io) == 0);
    end_site(&at);
    free(text);
}

/* ---- health, description ---- */

static int is_ready(void *ctx)
{
    return *(int *)ctx;
}

static int nothing(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)req;
    (void)res;
    (void)ctx;
    return 0;
}

CASE(a_server_tells_how_it_is_and_what_it_offers)
{
    static const tr_http_parameter query[] = { { "currency", "Of its price", TR_FIELD_TEXT, false },
                                               { 0 } };
    tr_http_server *server = new_server(&(tr_http_config){ .title = "Shop", .version = "1" });
    char *text = malloc(300000);
    int readiness = 0;
    service s;
    tr_io *io;

    EXPECT(text != NULL);
    EXPECT(tr_http_health(server, is_ready, &readiness) == 0);
    EXPECT(tr_http_route_with(server, "GET", "/orders/:id", nothing, NULL,
                              &(tr_http_route_options){ .summary = "One order", .query = query }) ==
           0);
    begin_service(&s, server);
    io = open_client(&s);
    EXPECT(get(io, "/healthz", "", text, 300000) == 200);
    EXPECT(get(io, "/readyz", "", text, 300000) == 200);
    readiness = TR_EBUSY;
    EXPECT(get(io, "/readyz", "", text, 300000) == 503);
    EXPECT(get(io, "/openapi.json", "", text, 300000) == 200);
    EXPECT(strstr(text, "\"/orders/{id}\"") != NULL && strstr(text, "One order") != NULL);
    EXPECT(strstr(text, "\"currency\"") != NULL && strstr(text, "Of its price") != NULL);
    EXPECT(strstr(text, "healthz") == NULL);
    EXPECT(get(io, "/docs", "", text, 300000) == 200);
    EXPECT(strstr(text, "Content-Security-Policy: default-src 'none'") != NULL);
    EXPECT(get(io, "/orders/1", "", text, 300000) == 204);
    EXPECT(tr_close(io) == 0);
    end_service(&s);
    free(text);
}

CASES("web", forms_of_both_codings_are_read, a_large_file_goes_to_disk,
      files_of_a_folder_are_served_and_nothing_else, conditions_and_ranges_of_files_are_heeded,
      a_server_tells_how_it_is_and_what_it_offers)
