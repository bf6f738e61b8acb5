/* Sweeps over forms, and files of a folder: see sweep.h. */
#include <sys/stat.h>

#include "http/sweep.h"

/* ---- forms ---- */

enum { LARGE = 300000 };

/* What came, and whether it went to disk. */
static int show_form(tr_http_request *req, tr_http_response *res, void *ctx)
{
    tr_http_upload file;
    int rc = tr_http_form_read(req);
    char last = 0;

    (void)ctx;
    if (rc == 0)
        rc = tr_http_upload_at(req, "file", 0, &file);
    if (rc == TR_ENOENT)
        return tr_http_text(res, 200, "%s|%s|none", tr_http_form(req, "a"),
                            tr_http_form_at(req, "a", 1));
    if (rc < 0)
        return rc;
    if (file.fd >= 0)
        MUST(pread(file.fd, &last, 1, (off_t)file.bytes - 1) == 1);
    else
        last = file.data[file.bytes - 1];
    return tr_http_text(res, 200, "%s|%s|%s|%d|%d|%c", tr_http_form(req, "a"), file.filename,
                        file.type, (int)file.bytes, file.fd >= 0, last);
}

/* Without looking whether it could be read. */
static int show_field(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *a = tr_http_form(req, "a");

    (void)ctx;
    return tr_http_text(res, 200, "%s", a != NULL ? a : "none");
}

static int build_forms(tr_http_server *server)
{
    const tr_http_route_options streams = { .streams_body = true };
    int rc = tr_http_route(server, "POST", "/form", show_form, NULL);

    if (rc == 0)
        rc = tr_http_route(server, "POST", "/field", show_field, NULL);
    return rc == 0 ? tr_http_route_with(server, "POST", "/stream", show_form, NULL, &streams) : rc;
}

static void post(client *c, const char *path, const char *type, const char *body, size_t bytes,
                 const char *expected)
{
    char *request = malloc(bytes + 512);
    int head;

    MUST(request != NULL);
    head = snprintf(request, 512,
                    "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                    "\r\n",
                    path, type, bytes);
    memcpy(request + head, body, bytes);
    ask_bytes(c, request, (size_t)head + bytes, 200, expected);
    free(request);
}

static void post_pairs(client *c, const char *path, const char *expected)
{
    static const char pairs[] = "a=1+2&b=x&a=%C3%A4";

    post(c, path, "application/x-www-form-urlencoded", pairs, sizeof(pairs) - 1, expected);
}

static const char parts_head[] =
    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nhello\r\n"
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.png\"\r\n"
    "Content-Type: image/png\r\n\r\n";
static const char parts_tail[] = "\r\n--B--\r\n";

static void post_file(client *c, const char *path, size_t bytes, const char *expected)
{
    size_t all = sizeof(parts_head) - 1 + bytes + sizeof(parts_tail) - 1;
    char *body = malloc(all);

    MUST(body != NULL);
    memcpy(body, parts_head, sizeof(parts_head) - 1);
    memset(body + sizeof(parts_head) - 1, 'x', bytes - 1);
    body[sizeof(parts_head) - 2 + bytes] = 'z';
    memcpy(body + sizeof(parts_head) - 1 + bytes, parts_tail, sizeof(parts_tail) - 1);
    post(c, path, "multipart/form-data; boundary=B", body, all, expected);
    free(body);
}

static void talk_of_forms(client *c)
{
    static const char *const paths[] = { "/form", "/stream" };

    for (int i = 0; i < 2; i++) {
        post_pairs(c, paths[i], "1 2|\xc3\xa4|none");
        post_file(c, paths[i], 5, "hello|x.png|image/png|5|0|z");
    }
    post_pairs(c, "/field", "1 2");
    post_file(c, "/field", 5, "hello");
}

SWEEP(a_form_is_read_whole_or_not_at_all, { .build = build_forms, .talk = talk_of_forms })

static void talk_of_large_forms(client *c)
{
    post_file(c, "/form", LARGE, "hello|x.png|image/png|300000|1|z");
    post_file(c, "/stream", LARGE, "hello|x.png|image/png|300000|1|z");
    post_file(c, "/field", LARGE, "hello");
}

SWEEP(a_file_that_can_not_go_to_disk_is_not_lost_unseen,
      { .build = build_forms, .talk = talk_of_large_forms })

/* ---- files ---- */

enum { BIG = 300000 };

static char folder[64];
#define NNNNNNNNNN(x) x x x x x x x x x x
/* Encoded, its name takes more than a request has at hand. */
#define LONG_NAME    NNNNNNNNNN(NNNNNNNNNN("nn"))
#define LONG_ENCODED NNNNNNNNNN(NNNNNNNNNN("%6e%6e"))
static const char *const names[] = { "index.html",  "big.txt",      "plain.js",
                                     "plain.js.gz", "sub/page.css", LONG_NAME };

static void put_file(const char *name, const char *text, int times)
{
    char path[512];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    file = fopen(path, "w");
    MUST(file != NULL);
    for (int i = 0; i < times; i++)
        MUST(fputs(text, file) >= 0);
    MUST(fclose(file) == 0);
}

static void make_folder(void)
{
    char path[128];

    (void)snprintf(folder, sizeof(folder), "/tmp/troupe_sweep.XXXXXX");
    MUST(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/sub", folder);
    MUST(mkdir(path, 0700) == 0);
    put_file("index.html", "<p>hello</p>", 1);
    put_file("big.txt", "0123456789", BIG / 10);
    put_file("plain.js", "plain", 1);
    put_file("plain.js.gz", "zipped", 1);
    put_file("sub/page.css", "p {}", 1);
    put_file(LONG_NAME, "long", 1);
}

static void remove_folder(void)
{
    char path[512];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        MUST(unlink(path) == 0);
    }
    (void)snprintf(path, sizeof(path), "%s/sub", folder);
    MUST(rmdir(path) == 0 && rmdir(folder) == 0);
}

static int build_files(tr_http_server *server)
{
    return tr_http_files(server, "/site", folder, &(tr_http_files_options){ .max_age = 60 });
}

/* All of it, or a part; each byte tells where it stands. */
static void get_big(client *c, const char *more, int status, size_t first, size_t bytes)
{
    get(c, "/site/big.txt", more, status, NULL);
    MUST(c->bytes == bytes);
    for (size_t i = 0; i < bytes; i++)
        MUST(c->body[i] == (char)('0' + (first + i) % 10));
}

static void talk_of_files(client *c)
{
    char more[256];
    char etag[128];

    get(c, "/site/", "", 200, "<p>hello</p>");
    MUST(says(c, "Cache-Control: max-age=60\r\n") && says(c, "Content-Type: text/html"));
    get(c, "/site/sub/page.css", "", 200, "p {}");
    get(c, "/site/sub", "", 308, NULL);
    get(c, "/site/" LONG_ENCODED, "", 200, "long");
    get(c, "/site/none", "", 404, NULL);
    get(c, "/site/plain.js", "", 200, "plain");
    get(c, "/site/index.html", "Range: bytes=3-7\r\n", 206, "hello");
    MUST(says(c, "Content-Range: bytes 3-7/12\r\n"));
    MUST(sscanf(strstr(c->head, "ETag: "), "ETag: %127[^\r]", etag) == 1);
    get(c, "/site/index.html", "Range: bytes=20-\r\n", 416, NULL);
    (void)snprintf(more, sizeof(more), "If-None-Match: %s\r\n", etag);
    get(c, "/site/index.html", more, 304, "");
    get(c, "/site/index.html", "If-Match: \"x\"\r\n", 412, NULL);
    ask(c, "HEAD /site/index.html HTTP/1.1\r\nHost: a\r\n\r\n", 200, NULL);
    MUST(says(c, "Content-Length: 12\r\n"));
}

/* Its compressed one is sent where it can be looked at: else it is sent as it is. */
static void talk_of_gzip(client *c)
{
    get(c, "/site/plain.js", "Accept-Encoding: gzip\r\n", 200, NULL);
    if (says(c, "Content-Encoding: gzip\r\n"))
        MUST(is_right(c, 200, "zipped"));
    else
        MUST(is_right(c, 200, "plain") && has_struck());
}

static void talk_of_large_files(client *c)
{
    get_big(c, "", 200, 0, BIG);
    get_big(c, "Range: bytes=100001-\r\n", 206, 100001, BIG - 100001);
    MUST(says(c, "Content-Range: bytes 100001-299999/300000\r\n"));
    ask(c, "HEAD /site/big.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200, NULL);
    MUST(says(c, "Content-Length: 300000\r\n"));
}

#define SWEEP_OF_FILES(name, what)                                                                 \
    START_TEST(name)                                                                               \
    {                                                                                              \
        static const scene s = { .build = build_files, .talk = what };                             \
                                                                                                   \
        make_folder();                                                                             \
        sweep_play(&s);                                                                            \
        remove_folder();                                                                           \
    }                                                                                              \
    END_TEST

SWEEP_OF_FILES(a_file_is_sent_whole_or_seen_to_fail, talk_of_files)
SWEEP_OF_FILES(a_compressed_file_is_told_from_another, talk_of_gzip)
SWEEP_OF_FILES(a_large_file_is_cut_where_something_fails, talk_of_large_files)

SUITE_MAIN("http/sweep_web", a_form_is_read_whole_or_not_at_all,
           a_file_that_can_not_go_to_disk_is_not_lost_unseen, a_file_is_sent_whole_or_seen_to_fail,
           a_compressed_file_is_told_from_another, a_large_file_is_cut_where_something_fails)
