/* What stands between: each stage is a generator that takes from its sources. */
#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/cancel.h"
#include "sync/stream.h"

/* ---- what stages share ---- */

static tr_stream *source_of(const tr_stream *out)
{
    return out->sources[0];
}

/* An item that nobody gets. */
static void drop_item(const tr_stream *s, void *item)
{
    if (s->options.drop != NULL)
        s->options.drop(item);
}

/* Hand one on as it is; it is dropped where that fails. */
static int hand_on(tr_stream *out, void *item)
{
    int rc = tr_emit(out, item);

    if (rc < 0)
        drop_item(out, item);
    return rc;
}

/* What a stage does with an item: 0 go on; STOP that was enough; below 0 it ends with that. */
typedef int (*deal_fn)(tr_stream *out, void *args, void *item);
enum { STOP = 1 };

static int deal_with_all(tr_stream *out, double timeout, deal_fn deal, void *args, void *item)
{
    int rc;

    while ((rc = tr_stream_next_for(source_of(out), item, timeout)) == 1) {
        rc = deal(out, args, item);
        if (rc != 0)
            return rc == STOP ? 0 : rc;
    }
    return rc;
}

/* The items of the source one by one; a stage's stack is too small for the largest. */
static int for_each(tr_stream *out, double timeout, deal_fn deal, void *args)
{
    void *item = tr__alloc(source_of(out)->options.item_bytes);
    int rc = item != NULL ? deal_with_all(out, timeout, deal, args, item) : TR_ENOMEM;

    tr__free(item);
    return rc;
}

/* Arguments that are wrong: what was given is freed all the same. */
static int refuse(tr_stream **out, tr_stream *source)
{
    if (out != NULL)
        *out = NULL;
    (void)tr_stream_free(source); /* it has not begun, or the caller may wait for it */
    return TR_EINVAL;
}

/* A stage whose items are the source's. */
static int make_alike(tr_stream **out, tr_stream *source, size_t capacity, tr_stream_fn fn,
                      const void *args, size_t args_size)
{
    tr_stream_options options = source->options;

    options.capacity = capacity;
    return tr__stream_from(out, &source, 1, &options, fn, args, args_size);
}

/* ---- map ---- */

typedef struct map_args {
    int (*fn)(const void *in, void *out, void *ctx);
    void *ctx;
    void *made;
} map_args;

static int map_one(tr_stream *out, void *args, void *item)
{
    const map_args *a = args;
    int rc = a->fn(item, a->made, a->ctx);

    return rc < 0 ? rc : tr_emit(out, a->made);
}

static int map(tr_stream *out, void *args)
{
    map_args *a = args;
    int rc = TR_ENOMEM;

    a->made = tr__alloc(out->options.item_bytes);
    if (a->made != NULL)
        rc = for_each(out, TR_FOREVER, map_one, a);
    tr__free(a->made);
    return rc;
}

int tr_stream_map(tr_stream **out, tr_stream *source, size_t item_bytes,
                  int (*fn)(const void *in, void *out, void *ctx), void *ctx)
{
    map_args args = { fn, ctx, NULL };

    if (source == NULL || fn == NULL)
        return refuse(out, source);
    return tr__stream_from(out, &source, 1, &(tr_stream_options){ .item_bytes = item_bytes }, map,
                           &args, sizeof(args));
}

/* ---- filter ---- */

typedef struct filter_args {
    bool (*keep)(const void *item, void *ctx);
    void *ctx;
} filter_args;

static int keep_one(tr_stream *out, void *args, void *item)
{
    const filter_args *a = args;

    if (a->keep(item, a->ctx))
        return hand_on(out, item);
    drop_item(out, item);
    return 0;
}

static int filter(tr_stream *out, void *args)
{
    return for_each(out, TR_FOREVER, keep_one, args);
}

int tr_stream_filter(tr_stream **out, tr_stream *source, bool (*keep)(const void *item, void *ctx),
                     void *ctx)
{
    filter_args args = { keep, ctx };

    if (source == NULL || keep == NULL)
        return refuse(out, source);
    return make_alike(out, source, 0, filter, &args, sizeof(args));
}

/* ---- take ---- */

static int take_one(tr_stream *out, void *args, void *item)
{
    uint64_t *left = args;
    int rc = hand_on(out, item);

    return rc == 0 && --*left == 0 ? STOP : rc;
}

static int take(tr_stream *out, void *args)
{
    int rc = *(uint64_t *)args > 0 ? for_each(out, TR_FOREVER, take_one, args) : 0;

    (void)tr_stream_close(source_of(out)); /* in a task it can */
    return rc;
}

int tr_stream_take(tr_stream **out, tr_stream *source, uint64_t n)
{
    if (source == NULL)
        return refuse(out, source);
    return make_alike(out, source, 0, take, &n, sizeof(n));
}

/* ---- buffer, timeout, throttle ---- */

static int pass_one(tr_stream *out, void *unused, void *item)
{
    (void)unused;
    return hand_on(out, item);
}

static int pass(tr_stream *out, void *timeout)
{
    return for_each(out, *(double *)timeout, pass_one, NULL);
}

int tr_stream_buffer(tr_stream **out, tr_stream *source, size_t n)
{
    double timeout = TR_FOREVER;

    if (source == NULL)
        return refuse(out, source);
    return make_alike(out, source, n, pass, &timeout, sizeof(timeout));
}

int tr_stream_timeout(tr_stream **out, tr_stream *source, double seconds)
{
    if (source == NULL || isnan(seconds))
        return refuse(out, source);
    return make_alike(out, source, 0, pass, &seconds, sizeof(seconds));
}

static int slow_one(tr_stream *out, void *seconds, void *item)
{
    int rc = hand_on(out, item);

    return rc < 0 ? rc : tr_sleep(*(double *)seconds);
}

static int throttle(tr_stream *out, void *seconds)
{
    return for_each(out, TR_FOREVER, slow_one, seconds);
}

int tr_stream_throttle(tr_stream **out, tr_stream *source, double seconds)
{
    if (source == NULL || isnan(seconds))
        return refuse(out, source);
    return make_alike(out, source, 0, throttle, &seconds, sizeof(seconds));
}

/* ---- merge ---- */

typedef struct pump_args {
    tr_stream *out;
    tr_stream *source;
} pump_args;

static int pump_items(const pump_args *a, void *item)
{
    int rc;

    while ((rc = tr_stream_next(a->source, item)) == 1)
        if ((rc = hand_on(a->out, item)) < 0)
            break;
    return rc;
}

static int pump(void *args)
{
    const pump_args *a = args;
    void *item = tr__alloc(a->out->options.item_bytes);
    int rc = item != NULL ? pump_items(a, item) : TR_ENOMEM;

    tr__free(item);
    return rc;
}

static int merge(tr_stream *out, void *unused)
{
    int rc;

    (void)unused;
    TR_SCOPE(s, &rc) {
        for (size_t i = 0; i < out->source_count; i++) {
            pump_args args = { out, out->sources[i] };

            if (tr__scope_spawn(s, TR_LOOP_ANY, pump, &args, sizeof(args), "merge") < 0)
                break; /* which is the scope's failure */
        }
    }
    return rc;
}

int tr_stream_merge(tr_stream **out, tr_stream *const *sources, size_t n)
{
    bool is_valid = sources != NULL && n > 0;

    for (size_t i = 0; is_valid && i < n; i++)
        is_valid =
            sources[i] != NULL && sources[i]->options.item_bytes == sources[0]->options.item_bytes;
    if (is_valid) {
        tr_stream_options options = sources[0]->options;

        options.capacity = 0;
        return tr__stream_from(out, sources, n, &options, merge, NULL, 0);
    }
    for (size_t i = 0; sources != NULL && i < n; i++)
        (void)tr_stream_free(sources[i]); /* as in refuse */
    return refuse(out, NULL);
}

/* ---- chunk ---- */

typedef struct chunk_args {
    size_t n;
    double seconds;
} chunk_args;

static void *nth_of(const tr_chunk *chunk, size_t i)
{
    return (char *)chunk->items + i * chunk->tr__item_bytes;
}

/* One that nobody takes. */
static void drop_chunk(void *item)
{
    tr_chunk *chunk = item;

    for (size_t i = 0; chunk->tr__drop != NULL && i < chunk->count; i++)
        chunk->tr__drop(nth_of(chunk, i));
    tr_chunk_free(chunk);
}

/* Take until the chunk is full, its time has passed, or the source has ended; how it went, as
 * tr_stream_next says it. */
static int fill(const chunk_args *a, tr_stream *source, tr_chunk *chunk)
{
    uint64_t due_ns = UINT64_MAX;
    double left = TR_FOREVER;
    int rc = 1;

    while (rc == 1 && chunk->count < a->n) {
        rc = tr_stream_next_for(source, nth_of(chunk, chunk->count), left);
        if (rc != 1)
            break;
        if (chunk->count++ == 0)
            due_ns = tr__due_ns(a->seconds);
        if (due_ns != UINT64_MAX)
            left = ((double)due_ns - (double)tr__now_ns()) / 1e9;
    }
    return rc == TR_ETIMEDOUT && chunk->count > 0 ? 1 : rc;
}

/* One chunk; 1: there may be more. */
static int chunk_once(tr_stream *out, const chunk_args *a)
{
    tr_stream *source = source_of(out);
    tr_chunk chunk = {
        .items = tr__alloc(a->n * source->options.item_bytes),
        .tr__item_bytes = source->options.item_bytes,
        .tr__drop = source->options.drop,
    };
    int rc = chunk.items != NULL ? fill(a, source, &chunk) : TR_ENOMEM;
    int emitted = 0;

    if (chunk.count > 0)
        emitted = tr_emit(out, &chunk);
    if (chunk.count == 0 || emitted < 0)
        drop_chunk(&chunk);
    return emitted < 0 ? emitted : rc;
}

static int chunk(tr_stream *out, void *args)
{
    int rc;

    do
        rc = chunk_once(out, args);
    while (rc == 1);
    return rc;
}

void tr_chunk_free(tr_chunk *c)
{
    if (c == NULL)
        return;
    tr__free(c->items);
    c->items = NULL;
    c->count = 0;
}

int tr_stream_chunk(tr_stream **out, tr_stream *source, size_t n, double seconds)
{
    chunk_args args = { n, seconds };

    if (source == NULL || n == 0 || isnan(seconds) || n > SIZE_MAX / source->options.item_bytes)
        return refuse(out, source);
    return tr__stream_from(
        out, &source, 1, &(tr_stream_options){ .item_bytes = sizeof(tr_chunk), .drop = drop_chunk },
        chunk, &args, sizeof(args));
}
