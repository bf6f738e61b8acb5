/* Forms of many files: what they take of memory, and of descriptors, is bounded for all together.
 * */
#include <troupe/file.h>

#include "http/service.h"

enum { LARGE = 256 * 1024 };

/* How many files are in memory, and on disk. */
static int count_files(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int kept = 0, written = 0;
    tr_http_upload file;
    int rc = tr_http_form_read(req);

    (void)ctx;
    if (rc < 0)
        return rc;
    for (size_t i = 0; tr_http_upload_at(req, "f", i, &file) == 0; i++) {
        kept += file.data != NULL;
        written += file.fd >= 0;
    }
    return tr_http_text(res, 200, "%d kept, %d written", kept, written);
}

/* So many files behind each other: where they end. */
static char *put_files(char *at, int count, size_t bytes)
{
    for (int i = 0; i < count; i++) {
        at += sprintf(at, "--B\r\nContent-Disposition: form-data; name=\"f\"; "
                          "filename=\"x\"\r\n\r\n");
        memset(at, 'x', bytes);
        at += bytes;
        at += sprintf(at, "\r\n");
    }
    return at;
}

static void expect_counted(const service *s, int large, int small, int status, const char *counts)
{
    char *body = malloc((size_t)large * (LARGE + 100) + (size_t)small * 100 + 100);
    char *end;
    char text[1024];
    tr_io *io = open_client(s);

    EXPECT(body != NULL);
    end = put_files(put_files(body, large, LARGE), small, 1);
    end += sprintf(end, "--B--\r\n");
    (void)snprintf(text, sizeof(text),
                   "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   (size_t)(end - body));
    say(io, text);
    (void)tr_write_all(io, body, (size_t)(end - body)); /* it may be refused before it has come */
    EXPECT(hear(io, text, sizeof(text)) == status);
    if (strstr(text, counts) == NULL)
        fprintf(stderr, "%s\n", text);
    EXPECT(strstr(text, counts) != NULL);
    EXPECT(tr_close(io) == 0);
    free(body);
}

CASE(files_beyond_four_megabytes_go_to_disk_and_a_hundred_of_them_are_enough)
{
    tr_http_server *server = new_server(&(tr_http_config){ .drain = 0.1 });
    service s;

    EXPECT(tr_http_route_with(server, "POST", "/", count_files, NULL,
                              &(tr_http_route_options){ .streams_body = true,
                                                        .body_most = (size_t)1 << 30 }) == 0);
    begin_service(&s, server);
    expect_counted(&s, 0, 999, 200, "999 kept, 0 written");
#if !CASES_SIMULATED
    expect_counted(&s, 15, 10, 200, "25 kept, 0 written");
    expect_counted(&s, 18, 0, 200, "16 kept, 2 written");
    expect_counted(&s, 17, 99, 200, "100 written");
    expect_counted(&s, 17, 100, 413, "");
    expect_counted(&s, 17, 0, 200, "16 kept, 1 written");
#endif
    end_service(&s);
}

CASES("uploads", files_beyond_four_megabytes_go_to_disk_and_a_hundred_of_them_are_enough)
