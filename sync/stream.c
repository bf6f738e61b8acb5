/* Streams: the generator is a task that puts into a queue, which is closed when it ends. Its
 * capacity is 0 in general: then putting is a rendezvous with whoever takes. So all that is
 * promised about queues holds: no item is lost or taken twice, whoever is cancelled. */
#include "sync/stream.h"

#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "runtime/task.h"

/* Where a copy of the arguments stands behind a stream: as aligned as malloc's blocks. */
enum { ARGS_AT = (sizeof(tr_stream) + 15) / 16 * 16 };

/* ---- making ---- */

int tr__stream_new(tr_stream **out, const tr_stream_options *options, size_t options_size,
                   tr_stream_fn fn, void *arg, const void *args, size_t args_size)
{
    tr_stream_options o = { 0 };
    tr_stream *s;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (options == NULL || fn == NULL)
        return TR_EINVAL;
    memcpy(&o, options, options_size < sizeof(o) ? options_size : sizeof(o));
    s = tr__alloc_zeroed(ARGS_AT + args_size);
    if (s == NULL)
        return TR_ENOMEM;
    s->options = o;
    s->fn = fn;
    s->arg = arg;
    if (args != NULL) {
        s->arg = (char *)s + ARGS_AT;
        memcpy(s->arg, args, args_size);
    }
    rc = tr_queue_new(&s->items, o.item_bytes, o.capacity, o.drop);
    if (rc < 0)
        tr__free(s);
    else
        *out = s;
    return rc;
}

void tr__stream_own(tr_stream *s, void (*fini)(void *arg))
{
    s->fini = fini;
}

int tr__stream_from(tr_stream **out, tr_stream *const *sources, size_t source_count,
                    const tr_stream_options *options, tr_stream_fn fn, const void *args,
                    size_t args_size)
{
    tr_stream **own = tr__alloc(source_count * sizeof(tr_stream *));
    int rc = TR_ENOMEM;

    if (own != NULL)
        rc = tr__stream_new(out, options, sizeof(*options), fn, NULL, args, args_size);
    else if (out != NULL)
        *out = NULL;
    if (rc == 0) {
        memcpy(own, sources, source_count * sizeof(tr_stream *));
        (*out)->sources = own;
        (*out)->source_count = source_count;
        return 0;
    }
    tr__free(own);
    for (size_t i = 0; i < source_count; i++)
        (void)tr_stream_free(sources[i]); /* where it may not be waited for, it has not begun */
    return rc;
}

/* ---- the generator ---- */

static int generate(void *arg)
{
    tr_stream *s = arg;

    return s->fn(s, s->arg);
}

/* Also of one that never began, for want of a stack. Whoever waits for the event may free the
 * stream. */
static void on_end(tr__waiter *waiter, int status)
{
    tr_stream *s = TR__CONTAINER_OF(waiter, tr_stream, at_end);

    s->generated = status;
    (void)tr_queue_close(s->items); /* neither can fail */
    (void)tr_event_set(&s->has_ended);
}

int tr_emit(tr_stream *out, const void *item)
{
    int rc;

    if (out == NULL || item == NULL)
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    rc = tr_queue_put(out->items, item);
    return rc == TR_EPIPE ? TR_ECANCELED : rc; /* it has been closed: nobody wants more */
}

/* ---- taking ---- */

static int begin(tr_stream *s)
{
    if (s->end != NULL)
        return 0;
    s->at_end.notify = on_end;
    return tr__task_submit_watched(&s->end, TR_LOOP_ANY, generate, s, "a generator", &s->at_end);
}

static int conclude(tr_stream *s, int status)
{
    s->is_over = true;
    s->status = status < 0 ? status : 0;
    return s->status;
}

int tr_stream_next_for(tr_stream *s, void *item, double timeout)
{
    int rc;

    if (s == NULL || item == NULL || isnan(timeout))
        return TR_EINVAL;
    if (s->is_over)
        return s->status;
    rc = tr__loop_here() == NULL || tr__task_here() != NULL ? begin(s) : TR_EWRONGPLACE;
    if (rc == 0)
        rc = tr_queue_get_for(s->items, item, timeout);
    if (rc == 0)
        return 1;
    if (rc != TR_EPIPE)
        return rc;
    rc = tr_event_wait(&s->has_ended); /* it is about to end */
    return rc == 0 ? conclude(s, s->generated) : rc;
}

tr_case tr_case_next(tr_stream *s, void *item)
{
    int rc = s != NULL ? begin(s) : TR_EINVAL;
    tr_case c = tr_case_get(rc == 0 ? s->items : NULL, item);

    if (rc < 0)
        c.tr__error = rc;
    return c;
}

int tr_stream_status(const tr_stream *s)
{
    if (s == NULL)
        return TR_EINVAL;
    return s->is_over ? s->status : TR_EAGAIN;
}

/* ---- closing ---- */

/* What it emits from now on is refused. */
static int end_generator(tr_stream *s)
{
    if (s->end == NULL)
        return 0;
    (void)tr_future_cancel(s->end); /* it may have ended */
    (void)tr_queue_close_now(s->items);
    TR_SHIELD(TR_FOREVER) {
        (void)tr_event_wait(&s->has_ended); /* shielded, or a foreign thread */
    }
    return s->generated;
}

static void close_one(tr_stream *s)
{
    int status = end_generator(s);

    if (!s->is_over)
        (void)conclude(s, status != TR_ECANCELED ? status : 0); /* that is how it was closed */
    (void)tr_queue_close_now(s->items);                         /* it can't fail */
}

/* Close it, and all that it is made of, each after what takes from it; afterwards they stand in a
 * list by `next`, so that deep pipelines take no stack. */
static int close_all(tr_stream *s)
{
    tr_stream *last = s;

    if (tr__loop_here() != NULL && tr__task_here() == NULL && s->end != NULL)
        return TR_EWRONGPLACE;
    s->next = NULL;
    for (tr_stream *at = s; at != NULL; at = at->next) {
        close_one(at);
        for (size_t i = 0; i < at->source_count; i++) {
            last->next = at->sources[i];
            last = last->next;
            last->next = NULL;
        }
    }
    return 0;
}

int tr_stream_close(tr_stream *s)
{
    return s != NULL ? close_all(s) : TR_EINVAL;
}

int tr_stream_free(tr_stream *s)
{
    tr_stream *next;
    int rc = s != NULL ? close_all(s) : 0;

    if (rc < 0)
        return rc;
    for (; s != NULL; s = next) {
        next = s->next;
        tr_future_unref(s->end);
        if (s->fini != NULL)
            s->fini(s->arg);
        (void)tr_queue_free(s->items); /* nobody uses it any more */
        tr__free(s->sources);
        tr__free(s);
    }
    return 0;
}

/* ---- TR_FOREACH ---- */

bool tr__foreach_next(tr_foreach *loop, void *item, size_t item_bytes)
{
    tr_stream *s = loop->tr__stream;
    int rc;

    if (s == NULL || s->options.item_bytes != item_bytes) {
        if (s != NULL && !s->is_over)
            (void)conclude(s, TR_EINVAL);
        return false;
    }
    rc = tr_stream_next(s, item);
    if (rc < 0 && !s->is_over)
        (void)conclude(s, rc);
    return rc == 1;
}

void tr__foreach_leave(tr_foreach *loop)
{
    if (loop->tr__stream != NULL)
        (void)tr_stream_close(loop->tr__stream); /* it may be closed already */
}
