/* Forms: fields and files, of either coding.
 *
 * The form is read when it is first asked for: from the body that has come, or, in a route that
 * streams it, while it comes. A file that is larger than MEMORY_MOST, or comes when files have
 * KEPT_MOST together, goes on in a file that has no name, written by the IO pool: so what a form
 * may take of memory is bounded, and so is what it takes of descriptors. What goes there gathers
 * first, for a file of short lines comes in pieces of a few bytes. */
#include "http/form.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <troupe/file.h>

#include "base/seam.h"
#include "http/mime.h"
#include "http/multipart.h"
#include "http/percent.h"
#include "http/query.h"
#include "http/route.h"

enum {
    PARTS_MOST = 1000,
    MEMORY_MOST = 256 * 1024,    /* of a file; the rest of it goes to disk */
    KEPT_MOST = 4 * 1024 * 1024, /* of all files together; then they go to disk, too */
    WRITTEN_MOST = 100,          /* files on disk: each has a descriptor */
    GATHERED_MOST = 16 * 1024,   /* of each, until that is written */
    TEXTS_MOST = 1024 * 1024,    /* of all texts */
    PIECE = 16 * 1024
};

typedef struct field {
    struct field *next;
    const char *name;
    tr__buffer text; /* what has come of it, but for what has been written to the file */
    bool is_file;
    const char *filename;
    const char *type;
    tr_file *file; /* NULL: all is in memory */
    uint64_t bytes;
} field;

struct tr__form {
    tr_http_request *req;
    field *first, **last;
    size_t text_bytes;
    size_t kept_bytes; /* of files, in memory */
    int written;       /* files on disk */
    int error;         /* why it could not be read; 0 */
};

void tr__form_free(tr__form *form)
{
    for (field *f = form != NULL ? form->first : NULL; f != NULL; f = f->next) {
        tr__buffer_free(&f->text);
        (void)tr_file_close(f->file); /* nothing is to be kept of it */
    }
}

/* ---- fields ---- */

static field *add_field(tr__form *form, tr__slice name)
{
    field *f = tr__arena_take_zeroed(&form->req->arena, sizeof(*f));

    if (f == NULL)
        return NULL;
    f->name = tr__arena_copy(&form->req->arena, name.at, name.bytes);
    if (f->name == NULL)
        return NULL;
    *form->last = f;
    form->last = &f->next;
    return f;
}

static int append(tr__buffer *text, const char *at, size_t bytes)
{
    if (!tr__buffer_reserve(text, bytes + 1))
        return TR_ENOMEM;
    memcpy(text->bytes + text->end, at, bytes);
    text->end += bytes;
    text->bytes[text->end] = 0;
    return 0;
}

/* ---- multipart/form-data ---- */

static const char *copy_or(tr__form *form, tr__slice text, const char *otherwise)
{
    return text.at != NULL ? tr__arena_copy(&form->req->arena, text.at, text.bytes) : otherwise;
}

static int on_begin(void *context, const tr__part *part)
{
    tr__form *form = context;
    field *f = add_field(form, part->name);

    if (f == NULL)
        return TR_ENOMEM;
    f->is_file = part->filename.at != NULL;
    f->filename = copy_or(form, part->filename, "");
    f->type = copy_or(form, part->type, f->is_file ? "application/octet-stream" : "text/plain");
    return f->filename != NULL && f->type != NULL ? append(&f->text, "", 0) : TR_ENOMEM;
}

static field *current(const tr__form *form)
{
    return TR__CONTAINER_OF(form->last, field, next);
}

static int write_gathered(field *f)
{
    size_t bytes = tr__buffer_count(&f->text);
    int rc = bytes > 0 ? tr_file_write(f->file, f->text.bytes, bytes) : 0;

    tr__buffer_free(&f->text);
    return rc;
}

/* A file without a name, which goes when it is closed. */
static int open_file(field *f)
{
    const char *folder = P_tmpdir;
    int rc = tr_file_open(&f->file, folder, O_TMPFILE | O_RDWR, 0600);

    return rc < 0 ? rc : write_gathered(f);
}

static int move_to_disk(tr__form *form, field *f)
{
    if (form->written >= WRITTEN_MOST)
        return TR_ETOOLARGE;
    form->written++;
    form->kept_bytes -= tr__buffer_count(&f->text);
    return open_file(f);
}

static bool fits_into_memory(const tr__form *form, const field *f, size_t bytes)
{
    return tr__buffer_count(&f->text) + bytes <= MEMORY_MOST &&
           form->kept_bytes + bytes <= KEPT_MOST;
}

static int on_file_data(tr__form *form, field *f, const char *at, size_t bytes)
{
    int rc = 0;

    f->bytes += bytes;
    if (f->file == NULL && fits_into_memory(form, f, bytes)) {
        form->kept_bytes += bytes;
        return append(&f->text, at, bytes);
    }
    if (f->file == NULL)
        rc = move_to_disk(form, f);
    if (rc == 0 && tr__buffer_count(&f->text) + bytes > GATHERED_MOST)
        rc = write_gathered(f);
    if (rc == 0 && bytes > GATHERED_MOST)
        return tr_file_write(f->file, at, bytes);
    return rc < 0 ? rc : append(&f->text, at, bytes);
}

static int on_data(void *context, const char *at, size_t bytes)
{
    tr__form *form = context;
    field *f = current(form);

    if (f->is_file)
        return on_file_data(form, f, at, bytes);
    form->text_bytes += bytes;
    f->bytes += bytes;
    return form->text_bytes > TEXTS_MOST ? TR_ETOOLARGE : append(&f->text, at, bytes);
}

static int on_end(void *context)
{
    field *f = current(context);

    return f->file != NULL ? write_gathered(f) : 0;
}

static const tr__multipart_events events = { on_begin, on_data, on_end };

static int feed_stream(tr__form *form, tr__multipart *multipart)
{
    char *piece = tr__alloc(PIECE); /* a handler's stack may be small */
    ssize_t count = piece != NULL ? 1 : TR_ENOMEM;
    int rc = 0;

    while (rc == 0 && count > 0) {
        count = tr_http_read(form->req, piece, PIECE);
        if (count > 0)
            rc = tr__multipart_feed(multipart, piece, (size_t)count);
    }
    tr__free(piece);
    return rc < 0 ? rc : (int)(count < 0 ? count : 0);
}

static int read_multipart(tr__form *form, const tr__media_type *media)
{
    char boundary[TR__BOUNDARY_BYTES + 1];
    tr__multipart *multipart = tr__arena_take(&form->req->arena, sizeof(*multipart));
    int rc = tr__media_type_parameter(media, "boundary", boundary, sizeof(boundary));

    if (multipart == NULL || rc < 0)
        return multipart == NULL ? TR_ENOMEM : TR_ESYNTAX;
    rc = tr__multipart_init(multipart, tr__slice_of(boundary), PARTS_MOST, &events, form);
    if (rc == 0 && tr__route_streams(form->req)) {
        rc = feed_stream(form, multipart);
    } else if (rc == 0) {
        size_t bytes;
        const char *body = tr_http_body(form->req, &bytes);

        rc = tr__multipart_feed(multipart, body, bytes);
    }
    return rc < 0 ? rc : tr__multipart_end(multipart);
}

/* ---- application/x-www-form-urlencoded ---- */

static int collect(tr__form *form, tr__buffer *body)
{
    ssize_t count;

    do {
        if (!tr__buffer_reserve(body, PIECE))
            return TR_ENOMEM;
        count = tr_http_read(form->req, body->bytes + body->end, PIECE);
        body->end += count > 0 ? (size_t)count : 0;
        if (tr__buffer_count(body) > TEXTS_MOST)
            return TR_ETOOLARGE;
    } while (count > 0);
    return (int)count;
}

static int decode(tr__buffer *out, tr__slice text)
{
    ssize_t bytes;

    if (!tr__buffer_reserve(out, text.bytes + 1))
        return TR_ENOMEM;
    bytes = tr__percent_decode(text, out->bytes, text.bytes, TR__PERCENT_PLUS);
    if (bytes < 0)
        return (int)bytes;
    out->end = (size_t)bytes;
    out->bytes[bytes] = 0;
    return 0;
}

static int read_pairs(tr__form *form, tr__slice body)
{
    tr__slice name, value;

    if (!tr__query_is_valid(body, PARTS_MOST))
        return TR_ESYNTAX;
    while (tr__query_next(&body, &name, &value)) {
        tr__buffer decoded = { 0 };
        int rc = decode(&decoded, name);
        field *f = rc == 0 ? add_field(form, (tr__slice){ decoded.bytes, decoded.end }) : NULL;

        tr__buffer_free(&decoded);
        if (f == NULL)
            return rc < 0 ? rc : TR_ENOMEM;
        f->type = "text/plain";
        rc = decode(&f->text, value);
        if (rc < 0)
            return rc;
        f->bytes = tr__buffer_count(&f->text);
    }
    return 0;
}

static int read_urlencoded(tr__form *form)
{
    tr__buffer collected = { 0 };
    size_t bytes;
    const char *body;
    int rc;

    if (!tr__route_streams(form->req)) {
        body = tr_http_body(form->req, &bytes);
        return read_pairs(form, (tr__slice){ body, bytes });
    }
    rc = collect(form, &collected);
    if (rc == 0)
        rc = read_pairs(form, (tr__slice){ collected.bytes, tr__buffer_count(&collected) });
    tr__buffer_free(&collected);
    return rc;
}

/* ---- reading ---- */

static int read_form(tr__form *form)
{
    tr__slice type = tr__request_known(form->req, TR__KNOWN_CONTENT_TYPE);
    tr__media_type media;

    if (type.at == NULL || !tr__media_type_parse(type, &media))
        return TR_EINVAL;
    if (tr__media_type_is(&media, "multipart", "form-data"))
        return read_multipart(form, &media);
    if (tr__media_type_is(&media, "application", "x-www-form-urlencoded"))
        return read_urlencoded(form);
    return TR_EINVAL;
}

/* Whether it is the client's doing that a form can't be read. */
static bool is_of_client(int rc)
{
    return rc == TR_EINVAL || rc == TR_ESYNTAX || rc == TR_ETOOLARGE || rc == TR_EEND;
}

static int form_of(tr_http_request *req, tr__form **out)
{
    tr__form *form;

    *out = NULL;
    if (req == NULL)
        return TR_EINVAL;
    form = req->form;
    if (form == NULL) {
        form = tr__arena_take_zeroed(&req->arena, sizeof(*form));
        if (form == NULL)
            return TR_ENOMEM;
        req->form = form;
        form->req = req;
        form->last = &form->first;
        form->error = read_form(form);
    }
    *out = form;
    return form->error;
}

static const field *find(const tr__form *form, const char *name, size_t i, bool is_file)
{
    for (const field *f = form->first; f != NULL; f = f->next)
        if (f->is_file == is_file && strcmp(f->name, name) == 0 && i-- == 0)
            return f;
    return NULL;
}

/* ---- the API ---- */

int tr_http_form_read(tr_http_request *req)
{
    tr__form *form;

    return form_of(req, &form);
}

const char *tr_http_form_at(tr_http_request *req, const char *name, size_t i)
{
    tr__form *form;
    const field *f;
    int rc = name != NULL ? form_of(req, &form) : TR_EINVAL;

    if (rc < 0)
        return is_of_client(rc) ? NULL : tr__request_lose(req, rc);
    f = find(form, name, i, false);
    return f != NULL ? f->text.bytes : NULL;
}

const char *tr_http_form(tr_http_request *req, const char *name)
{
    return tr_http_form_at(req, name, 0);
}

int tr_http_upload_at(tr_http_request *req, const char *name, size_t i, tr_http_upload *out)
{
    tr__form *form;
    const field *f;
    int rc;

    if (out == NULL || name == NULL)
        return TR_EINVAL;
    *out = (tr_http_upload){ .fd = -1 };
    rc = form_of(req, &form);
    if (rc < 0)
        return rc;
    f = find(form, name, i, true);
    if (f == NULL)
        return TR_ENOENT;
    *out = (tr_http_upload){
        .filename = f->filename,
        .type = f->type,
        .bytes = f->bytes,
        .data = f->file == NULL ? f->text.bytes : NULL,
        .fd = f->file != NULL ? tr_file_fd(f->file) : -1,
    };
    return 0;
}
