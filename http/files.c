/* Files of a folder: conditions, ranges (RFC 9110, 13 and 14), and nothing outside of it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <troupe/pool.h>

#include "base/seam.h"
#include "http/date.h"
#include "http/etag.h"
#include "http/mime.h"
#include "http/negotiate.h"
#include "http/percent.h"
#include "http/range.h"
#include "http/response.h"
#include "http/route.h"
#include "net/system.h"
#include "net/system_file.h"

enum {
    SMALL = 64 * 1024,  /* of a file that is read whole, in one job */
    PIECE = 128 * 1024, /* of a larger one */
    ETAG_BYTES = 48,
    NAME_BYTES = 4096
};
#define NS_PER_S 1e9

typedef struct folder {
    int fd;
    tr_http_files_options options; /* its texts are copies */
} folder;

/* A file that was asked for. */
typedef struct subject {
    const folder *folder;
    const char *path;      /* in the folder */
    const char *gzip_path; /* of what may be sent in its place; NULL */
    bool is_gzip;
    int fd;     /* -1: it was read whole */
    char *data; /* of a small one */
    struct stat status;
    char etag[ETAG_BYTES];
    /* For the next piece. */
    tr__file_pipe pipe; /* closed: it is copied */
    char *piece;
    uint64_t at, end;
    ssize_t got;
} subject;

/* ---- on the IO pool ---- */

static int read_small(subject *s)
{
    size_t bytes = (size_t)s->status.st_size;
    ssize_t got;

    s->data = tr__alloc(bytes + 1);
    if (s->data == NULL)
        return TR_ENOMEM;
    got = tr__sys_file_read(s->fd, s->data, bytes, 0);
    if (got < 0)
        return (int)got;
    s->status.st_size = got; /* if it has become shorter just now */
    return 0;
}

/* A compressed one beside it, which is not older, takes its place. */
static void prefer_gzip(subject *s)
{
    struct stat status;
    int fd = s->gzip_path != NULL
                 ? tr__sys_open_beneath(s->folder->fd, s->gzip_path, O_RDONLY | O_NONBLOCK)
                 : TR_ENOENT;

    if (fd < 0)
        return;
    if (tr__sys_stat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
        status.st_mtim.tv_sec < s->status.st_mtim.tv_sec) {
        tr__sys_close(fd);
        return;
    }
    tr__sys_close(s->fd);
    s->fd = fd;
    s->status = status;
    s->is_gzip = true;
}

static int open_subject(void *arg)
{
    subject *s = arg;
    int rc;

    s->fd = tr__sys_open_beneath(s->folder->fd, s->path, O_RDONLY | O_NONBLOCK);
    if (s->fd < 0)
        return s->fd;
    rc = tr__sys_stat(s->fd, &s->status);
    if (rc == 0 && S_ISDIR(s->status.st_mode))
        rc = -EISDIR;
    else if (rc == 0 && !S_ISREG(s->status.st_mode))
        rc = TR_ENOENT; /* a device, or a pipe: nobody's business */
    if (rc == 0)
        prefer_gzip(s);
    if (rc == 0 && s->status.st_size <= SMALL)
        rc = read_small(s);
    if (rc < 0 || s->data != NULL) {
        tr__sys_close(s->fd);
        s->fd = -1;
    }
    return rc;
}

/* Whether it is still what was said of it. */
static bool is_unchanged(const subject *s)
{
    struct stat now;

    return tr__sys_stat(s->fd, &now) == 0 && now.st_size == s->status.st_size &&
           now.st_mtim.tv_sec == s->status.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == s->status.st_mtim.tv_nsec;
}

static ssize_t fill_pipe(subject *s)
{
    int64_t at = (int64_t)s->at;

    return tr__file_pipe_fill(&s->pipe, s->fd, &at, (size_t)(s->end - s->at));
}

static ssize_t copy_piece(subject *s)
{
    size_t wanted = s->end - s->at < PIECE ? (size_t)(s->end - s->at) : PIECE;

    if (s->piece == NULL)
        s->piece = tr__alloc(PIECE);
    return s->piece != NULL ? tr__sys_file_read(s->fd, s->piece, wanted, (int64_t)s->at)
                            : TR_ENOMEM;
}

/* The last piece is held back where the file has changed meanwhile: the client must not take the
 * answer for whole. */
static int read_piece(void *arg)
{
    subject *s = arg;

    s->got = tr__file_pipe_is_open(&s->pipe) ? fill_pipe(s) : -1;
    if (s->got < 0) { /* it can't be moved without a copy */
        tr__file_pipe_close(&s->pipe);
        s->got = copy_piece(s);
    }
    return s->got <= 0 || s->at + (uint64_t)s->got < s->end || is_unchanged(s) ? 0 : TR_EEND;
}

/* ---- conditions ---- */

static int64_t seconds_of(const subject *s)
{
    return s->status.st_mtim.tv_sec;
}

static bool is_later_than(const subject *s, const char *date)
{
    int64_t when;
    int64_t now = (int64_t)(tr__sys_wall_ns() / (uint64_t)NS_PER_S);

    return !tr__date_parse(tr__slice_of(date), now, &when) || seconds_of(s) > when;
}

/* 0: go on; 304; 412 (13.2.2). */
static int check_conditions(tr_http_request *req, const subject *s)
{
    tr__slice etag = tr__slice_of(s->etag);
    const char *match = tr_http_header(req, "If-Match");
    const char *none = tr_http_header(req, "If-None-Match");
    const char *since = tr_http_header(req, "If-Modified-Since");
    const char *before = tr_http_header(req, "If-Unmodified-Since");

    if (match != NULL && !tr__if_match(tr__slice_of(match), etag))
        return 412;
    if (match == NULL && before != NULL && is_later_than(s, before))
        return 412;
    if (none != NULL)
        return tr__if_none_match(tr__slice_of(none), etag) ? 0 : 304;
    return since != NULL && !is_later_than(s, since) ? 304 : 0;
}

/* A range counts only for the very thing that the client has a part of (13.1.5). */
static bool is_range_wanted(tr_http_request *req, const subject *s)
{
    const char *condition = tr_http_header(req, "If-Range");

    if (tr_http_header(req, "Range") == NULL)
        return false;
    if (condition == NULL)
        return true;
    if (condition[0] == '"')
        return tr__etag_equals_strongly(tr__slice_of(condition), tr__slice_of(s->etag));
    return condition[0] != 'W' && !is_later_than(s, condition);
}

/* One range is answered; several by all, as a server may. 0: all; 206, 416. */
static int choose_range(tr_http_request *req, const subject *s, tr__range *range)
{
    tr__range ranges[TR__RANGES_MOST];
    size_t count;

    *range = (tr__range){ 0, (uint64_t)s->status.st_size };
    if (!is_range_wanted(req, s))
        return 0;
    switch (tr__range_parse(tr__slice_of(tr_http_header(req, "Range")), (uint64_t)s->status.st_size,
                            ranges, &count)) {
    case TR__RANGE_NONE:
        return 416;
    case TR__RANGE_SOME:
        if (count != 1)
            return 0;
        *range = ranges[0];
        return 206;
    default:
        return 0;
    }
}

/* ---- answering ---- */

static int set_headers(tr_http_response *res, const subject *s)
{
    char date[TR__DATE_BYTES + 1];
    char age[48];
    int rc = tr_http_set_header(res, "ETag", s->etag);

    tr__date_format(seconds_of(s), date);
    if (rc == 0)
        rc = tr_http_set_header(res, "Last-Modified", date);
    if (rc == 0)
        rc = tr_http_set_header(res, "Accept-Ranges", "bytes");
    if (rc == 0)
        rc = tr_http_set_header(res, "X-Content-Type-Options", "nosniff");
    if (rc == 0 && !s->folder->options.is_uncompressed)
        rc = tr_http_set_header(res, "Vary", "Accept-Encoding");
    if (rc == 0 && s->is_gzip)
        rc = tr_http_set_header(res, "Content-Encoding", "gzip");
    if (rc == 0 && s->folder->options.max_age > 0) {
        (void)snprintf(age, sizeof(age), "max-age=%.0f", s->folder->options.max_age);
        rc = tr_http_set_header(res, "Cache-Control", age);
    }
    return rc;
}

static int send_piece(tr_http_response *res, subject *s)
{
    int rc = tr_to_thread(read_piece, s);

    if (rc == 0 && s->got <= 0)
        rc = s->got < 0 ? (int)s->got : TR_EEND; /* it has become shorter: the answer is cut */
    if (rc < 0)
        return rc;
    s->at += (uint64_t)s->got;
    return tr__file_pipe_is_open(&s->pipe) ? tr__response_put_file(res, &s->pipe)
                                           : tr_http_write(res, s->piece, (size_t)s->got);
}

static int send_pieces(tr_http_response *res, subject *s, const tr__range *range)
{
    int rc = tr__response_count(res, 0); /* the head is settled, whether it is compressed, too */

    if (rc < 0)
        return rc;
    rc = 0;
    s->at = range->first;
    s->end = range->first + range->bytes;
    if (tr__response_takes_files(res))
        (void)tr__file_pipe_open(&s->pipe); /* else it is copied */
    while (rc == 0 && s->at < s->end)
        rc = send_piece(res, s);
    tr__file_pipe_close(&s->pipe);
    tr__free(s->piece);
    return rc;
}

static int send_body(tr_http_request *req, tr_http_response *res, subject *s, int status,
                     const tr__range *range)
{
    const char *type = tr__mime_of_file(tr__slice_of(s->path));
    int rc;

    if (s->data != NULL)
        return tr_http_send(res, status, type, s->data + range->first, (size_t)range->bytes);
    rc = tr_http_begin(res, status, type, (int64_t)range->bytes);
    if (rc < 0 || req->parser.method == HTTP_HEAD)
        return rc;
    return send_pieces(res, s, range);
}

/* What was said of the file is not so of what is answered in its place. */
static void take_back(tr_http_response *res)
{
    tr__response_forget_content(res);
    (void)tr_http_set_header(res, "Cache-Control", NULL); /* to take away can't fail, unless a part
                                                             is out: then it has no effect */
}

static int refuse_range(tr_http_response *res, const subject *s)
{
    char text[TR__CONTENT_RANGE_BYTES];
    int rc;

    take_back(res);
    (void)tr__content_range_format(NULL, (uint64_t)s->status.st_size, text);
    rc = tr_http_set_header(res, "Content-Range", text);
    return rc < 0 ? rc
                  : tr_http_problem(res, 416, "it has %lld bytes", (long long)s->status.st_size);
}

static int answer(tr_http_request *req, tr_http_response *res, subject *s)
{
    char text[TR__CONTENT_RANGE_BYTES];
    tr__range range;
    int status;
    int rc = set_headers(res, s);

    if (rc < 0)
        return rc;
    status = check_conditions(req, s);
    if (status == 304)
        return tr_http_status(res, 304);
    if (status == 412) {
        take_back(res);
        return tr_http_problem(res, 412, "it has changed");
    }
    status = choose_range(req, s, &range);
    if (status == 416)
        return refuse_range(res, s);
    if (status == 206) {
        (void)tr__content_range_format(&range, (uint64_t)s->status.st_size, text);
        rc = tr_http_set_header(res, "Content-Range", text);
    }
    if (rc < 0)
        return rc;
    return send_body(req, res, s, status != 0 ? status : 200, &range);
}

/* ---- the handler ---- */

/* A name that begins with a dot is hidden. */
static bool is_hidden(const char *path)
{
    return path[0] == '.' || strstr(path, "/.") != NULL;
}

/* Where it is in the folder.
 * Errors: TR_ENOENT nowhere; TR_ENOMEM. */
static int find_path(tr_http_request *req, const folder *f, const char **out)
{
    tr__slice rest = req->match.params[req->match.param_count - 1];
    size_t index = strlen(f->options.index);
    char *normal = tr__arena_take(&req->arena, rest.bytes + 2);
    char *path = tr__arena_take(&req->arena, rest.bytes + index + 2);
    ssize_t bytes;

    if (normal == NULL || path == NULL)
        return TR_ENOMEM;
    if (rest.bytes > NAME_BYTES)
        return TR_ENOENT;
    normal[0] = '/';
    memcpy(normal + 1, rest.at, rest.bytes);
    bytes = tr__path_decode((tr__slice){ normal, rest.bytes + 1 }, path, rest.bytes + 1);
    if (bytes < 0)
        return TR_ENOENT;
    path[bytes] = 0;
    if (is_hidden(path))
        return TR_ENOENT;
    if (bytes == 0 || path[bytes - 1] == '/')
        memcpy(path + bytes, f->options.index, index + 1);
    *out = path;
    return 0;
}

/* Links on a page are relative to its folder only if its URL ends with a slash. */
static int redirect(tr_http_request *req, tr_http_response *res)
{
    size_t bytes = strlen(req->path);
    char *location = tr__arena_take(&req->arena, bytes + 2);

    if (location == NULL)
        return TR_ENOMEM;
    memcpy(location, req->path, bytes);
    memcpy(location + bytes, "/", 2);
    return tr_http_redirect(res, 308, location);
}

/* Where a compressed one would be; NULL: the client does not take it. */
static const char *find_gzip(tr_http_request *req, const subject *s)
{
    const char *accepted = tr_http_header(req, "Accept-Encoding");
    size_t bytes = strlen(s->path);
    char *path;

    if (s->folder->options.is_uncompressed || accepted == NULL ||
        tr__accept_encoding_quality(tr__slice_of(accepted), "gzip") <= 0)
        return NULL;
    path = tr__arena_take(&req->arena, bytes + sizeof(".gz"));
    if (path == NULL)
        return NULL; /* then it is sent as it is */
    memcpy(path, s->path, bytes);
    memcpy(path + bytes, ".gz", sizeof(".gz"));
    return path;
}

static int serve_file(tr_http_request *req, tr_http_response *res, void *ctx)
{
    subject *s = tr__arena_take_zeroed(&req->arena, sizeof(*s));
    int rc;

    if (s == NULL)
        return TR_ENOMEM;
    s->folder = ctx;
    s->fd = -1;
    s->pipe = TR__FILE_PIPE_CLOSED;
    rc = find_path(req, ctx, &s->path);
    if (rc == 0) {
        s->gzip_path = find_gzip(req, s);
        rc = tr_to_thread(open_subject, s);
    }
    if (rc == -EISDIR)
        return redirect(req, res);
    if (rc == TR_ENOENT || rc == -ENOTDIR || rc == -EXDEV || rc == -ELOOP || rc == -ENAMETOOLONG)
        return tr_http_problem(res, 404, "there is nothing at %s", tr_http_path(req));
    if (rc == 0) {
        (void)snprintf(s->etag, sizeof(s->etag), "\"%llx-%lx-%llx%s\"",
                       (unsigned long long)s->status.st_mtim.tv_sec, s->status.st_mtim.tv_nsec,
                       (unsigned long long)s->status.st_size, s->is_gzip ? "-gz" : "");
        rc = answer(req, res, s);
        if (rc < 0)
            take_back(res);
    }
    tr__free(s->data);
    if (s->fd >= 0)
        tr__sys_close(s->fd);
    return rc;
}

/* ---- the route ---- */

static void free_folder(void *arg)
{
    folder *f = arg;

    if (f->fd >= 0)
        tr__sys_close(f->fd);
    tr__free((void *)(uintptr_t)f->options.index);
    tr__free(f);
}

static int open_folder(folder **out, const char *path, const tr_http_files_options *options)
{
    folder *f = tr__alloc_zeroed(sizeof(*f));

    *out = NULL;
    if (f == NULL)
        return TR_ENOMEM;
    f->options = *options;
    f->options.index = tr__copy_string(options->index != NULL ? options->index : "index.html");
    f->fd = f->options.index != NULL ? tr__sys_openat(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0)
                                     : TR_ENOMEM;
    if (f->fd < 0) {
        int rc = f->fd;

        free_folder(f);
        return rc;
    }
    *out = f;
    return 0;
}

int tr__http_files(tr_http_server *srv, const char *prefix, const char *path,
                   const tr_http_files_options *options, size_t options_size)
{
    tr_http_files_options all = { 0 };
    char pattern[NAME_BYTES];
    folder *f;
    int rc;

    if (srv == NULL || prefix == NULL || path == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    if (snprintf(pattern, sizeof(pattern), "%s%s*path", prefix,
                 prefix[0] != 0 && prefix[strlen(prefix) - 1] == '/' ? "" : "/") >=
            (int)sizeof(pattern) ||
        !(all.max_age >= 0))
        return TR_EINVAL;
    rc = open_folder(&f, path, &all);
    if (rc < 0)
        return tr__route_remember(srv, "folder", path, rc);
    return tr__route_add_owning(srv, "GET", pattern, serve_file, f, free_folder,
                                &(tr_http_route_options){ .is_hidden = true });
}
