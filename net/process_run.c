/* Programs that are run to their end, and what they say. */
#include <string.h>

#include "base/seam.h"
#include "net/io.h"
#include "net/process.h"

enum { PIECE = 4096, MOST = 16 * 1024 * 1024 };

struct feed_args {
    tr_io *to;
    const void *data;
    size_t bytes;
};

/* That it does not read all is its own affair. */
static int feed(void *arg)
{
    const struct feed_args *a = arg;
    int rc = tr_write_all(a->to, a->data, a->bytes);

    if (rc == 0)
        rc = tr_close_write(a->to);
    return rc == TR_EPIPE ? 0 : rc;
}

struct collect_args {
    tr_io *from;
    tr__buffer *into;
    size_t most;
};

/* One byte more than is allowed is room for the 0. */
static int collect(void *arg)
{
    const struct collect_args *a = arg;
    ssize_t count;

    do {
        if (!tr__buffer_reserve(a->into, PIECE))
            return TR_ENOMEM;
        count = tr_read(a->from, a->into->bytes + a->into->end, a->into->capacity - a->into->end);
        if (count > 0)
            a->into->end += (size_t)count;
        if (tr__buffer_count(a->into) > a->most)
            return TR_ETOOLARGE;
    } while (count > 0);
    if (count == 0 && !tr__buffer_reserve(a->into, 1))
        return TR_ENOMEM;
    return (int)count;
}

static int converse(tr_process *p, const tr_process_options *o, tr__buffer *out, tr__buffer *err)
{
    tr_io *in = tr_process_stdin(p);
    int rc = 0;

    TR_SCOPE(s, &rc) {
        if (in != NULL)
            (void)tr_go(s, feed, .to = in, .data = o->input, .bytes = o->input_bytes);
        if (tr_process_stdout(p) != NULL)
            (void)tr_go(s, collect, .from = tr_process_stdout(p), .into = out, .most = o->most);
        if (tr_process_stderr(p) != NULL)
            (void)tr_go(s, collect, .from = tr_process_stderr(p), .into = err, .most = o->most);
    } /* a spawn that fails is the scope's failure */
    return rc;
}

static void hand_over(const tr__buffer *from, char **text, size_t *bytes)
{
    if (from->bytes == NULL)
        return;
    *text = from->bytes; /* nothing was taken from its beginning */
    *bytes = from->end;
    from->bytes[from->end] = 0;
}

static int run(tr_process_result *result, const char *const *argv, const tr_process_options *o)
{
    tr__buffer out = { 0 };
    tr__buffer err = { 0 };
    tr_process *p = NULL;
    int rc = tr__process_start(&p, argv, o);

    if (rc < 0)
        return rc;
    rc = converse(p, o, &out, &err);
    if (rc == 0)
        rc = tr_process_wait(p, &result->status);
    (void)tr_process_free(p); /* it is this loop's */
    if (rc < 0) {
        tr__buffer_free(&out);
        tr__buffer_free(&err);
        return rc;
    }
    hand_over(&out, &result->out, &result->out_bytes);
    hand_over(&err, &result->err, &result->err_bytes);
    return 0;
}

int tr__process_run(tr_process_result *result, const char *const *argv,
                    const tr_process_options *options, size_t options_size)
{
    tr_process_options o = { 0 };

    if (result == NULL)
        return TR_EINVAL;
    memset(result, 0, sizeof(*result));
    if (options != NULL)
        memcpy(&o, options, options_size < sizeof(o) ? options_size : sizeof(o));
    if ((o.input == NULL && o.input_bytes > 0) || o.in == TR_STDIO_PIPE)
        return TR_EINVAL;
    if (o.input != NULL)
        o.in = TR_STDIO_PIPE;
    else if (o.in == TR_STDIO_INHERIT)
        o.in = TR_STDIO_NULL;
    if (o.out == TR_STDIO_INHERIT)
        o.out = TR_STDIO_PIPE;
    if (o.err == TR_STDIO_INHERIT)
        o.err = TR_STDIO_PIPE;
    if (o.most == 0)
        o.most = MOST;
    return run(result, argv, &o);
}

void tr_process_result_free(tr_process_result *result)
{
    if (result == NULL)
        return;
    tr__free(result->out);
    tr__free(result->err);
    memset(result, 0, sizeof(*result));
}
