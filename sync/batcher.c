/* Batches: see troupe/batcher.h.
 *
 * The first item begins a batch: a task, which waits until the batch is due, takes all who stand in
 * line for it, calls fn, and lets them go on.
 *
 *     open ------ full, flushed, or closed ------> due ------ its task comes -----> taken ---> done
 *       |            (nobody joins any more)                                          ^
 *       +------------------------ its time is over -----------------------------------+
 *
 * A caller is a waiter of wait_queue.h, in the line of his batch: one who was taken has been
 * granted, and stays until he is woken. Who leaves before leaves his place to another, if the batch
 * is open still; he may not touch a batch that is not.
 *
 * The end of its task frees the batch; if that had no memory for a stack, and never ran, it lets
 * those in line go on with that error, too.
 *
 * The batcher's lock guards all of this but what was taken. */
#include <troupe/batcher.h>
#include <troupe/event.h>

#include <math.h>
#include <string.h>

#include "base/seam.h"
#include "sync/wait_queue.h"

/* What a waiter wants, when it was taken. */
enum { TAKEN = 1 };

enum { MOST_DEFAULT = 100, MOST_LIMIT = 1 << 20 };

typedef struct batch {
    tr_batcher *batcher;
    uint64_t number;
    tr__waiter end; /* of its task */
    tr_event is_due;
    tr__line line; /* `place`: the item */
    size_t count;  /* while it is open: how many stand in line, or are just leaving */
    bool has_run;
    /* When it was taken. */
    tr__wakes wakes;
    size_t n;
    void *items[];
} batch;

struct tr_batcher {
    tr__latch latch;
    batch *open;     /* that is collected; NULL */
    uint64_t number; /* of the last batch */
    size_t users;    /* batches that are not done, and callers who have not been taken or left */
    tr__line joiners;
    bool is_closed;
    tr_batcher_options options;
};

/* ---- making and freeing ---- */

static int read_options(tr_batcher_options *o, const tr_batcher_options *options, size_t size)
{
    memset(o, 0, sizeof(*o));
    if (options == NULL || size == 0 || size > sizeof(*o))
        return TR_EINVAL;
    memcpy(o, options, size);
    if (o->most == 0)
        o->most = MOST_DEFAULT;
    if (o->longest == 0)
        o->longest = 0.01;
    return o->fn != NULL && o->most <= MOST_LIMIT && !isnan(o->longest) && o->on >= 0 ? 0
                                                                                      : TR_EINVAL;
}

int tr__batcher_new(tr_batcher **out, const tr_batcher_options *options, size_t options_size)
{
    tr_batcher_options o;
    tr_batcher *b;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (read_options(&o, options, options_size) < 0)
        return TR_EINVAL;
    b = tr__alloc_zeroed(sizeof(*b));
    if (b == NULL)
        return TR_ENOMEM;
    b->options = o;
    *out = b;
    return 0;
}

int tr_batcher_free(tr_batcher *b)
{
    bool is_used;

    if (b == NULL)
        return 0;
    tr__latch_lock(&b->latch); /* so that who has done the last batch has let go */
    is_used = b->users > 0;
    tr__latch_unlock(&b->latch);
    if (is_used)
        return TR_EBUSY;
    tr__free(b);
    return 0;
}

/* ---- a batch's task ---- */

/* Take all who stand in line. */
static void take(batch *this)
{
    tr_batcher *b = this->batcher;
    tr__queued *waiter;

    tr__wakes_init(&this->wakes);
    tr__latch_lock(&b->latch);
    if (b->open == this)
        b->open = NULL;
    while ((waiter = tr__claim_first(&this->line)) != NULL) {
        this->items[this->n++] = waiter->place;
        waiter->wants = TAKEN;
        tr__grant_claimed(waiter, 0, &this->wakes); /* the result comes later */
    }
    tr__latch_unlock(&b->latch);
}

/* So many do not use it any more. It may be freed as soon as its lock is given back. */
static void let_go(tr_batcher *b, size_t users, tr__wakes *wakes)
{
    b->users -= users;
    if (b->users == 0)
        tr__grant_all(&b->joiners, 0, wakes);
    tr__latch_unlock(&b->latch);
    tr__wakes_send(wakes);
}

/* Let those who were taken go on. */
static void settle(batch *this, int result)
{
    tr_batcher *b = this->batcher;

    for (tr__queued *waiter = this->wakes.first; waiter != NULL; waiter = waiter->next)
        waiter->result = result;
    tr__latch_lock(&b->latch);
    let_go(b, this->n + 1, &this->wakes);
}

static int run_batch(void *arg)
{
    batch *this = arg;
    const tr_batcher_options *o = &this->batcher->options;

    this->has_run = true;
    /* If a shutdown cancels it, it is time, too: then fn's awaits fail. */
    if (o->longest > 0)
        (void)tr_event_wait_for(&this->is_due, o->longest);
    else
        (void)tr_yield();
    take(this);
    settle(this, this->n > 0 ? o->fn(this->items, this->n, o->ctx) : 0);
    return 0;
}

/* On its loop. */
static void on_end(tr__waiter *end, int status)
{
    batch *this = TR__CONTAINER_OF(end, batch, end);

    if (!this->has_run) {
        take(this);
        settle(this, status);
    }
    tr__free(this);
}

/* ---- beginning one, with the lock ---- */

static batch *make_batch(tr_batcher *b)
{
    batch *this = tr__alloc(sizeof(*this) + b->options.most * sizeof(this->items[0]));

    if (this == NULL)
        return NULL;
    *this = (batch){ .batcher = b, .number = b->number + 1, .end = { .notify = on_end } };
    return this;
}

static int begin_batch(tr_batcher *b)
{
    batch *this = make_batch(b);
    int rc = TR_ENOMEM;

    if (this != NULL)
        rc = tr__task_submit_watched(NULL, b->options.on, run_batch, this, "a batch", &this->end);
    if (rc < 0) {
        tr__free(this);
        return rc;
    }
    b->open = this;
    b->number++;
    b->users++;
    return 0;
}

/* The open batch is open no more. Its task can't take it before the lock is given back. */
static void make_due(tr_batcher *b)
{
    batch *this = b->open;

    if (this == NULL)
        return;
    b->open = NULL;
    (void)tr_event_set(&this->is_due); /* it is valid */
}

/* ---- callers ---- */

/* One has left the line of a batch. */
static void give_up_place(tr_batcher *b, uint64_t number)
{
    tr__wakes wakes;

    tr__wakes_init(&wakes);
    tr__latch_lock(&b->latch);
    if (b->open != NULL && b->open->number == number)
        b->open->count--;
    let_go(b, 1, &wakes);
}

static const tr__sought its_result = {
    .what = "the result of a batch",
    .line_offset = offsetof(batch, line),
};

int tr_batcher_call(tr_batcher *b, void *item)
{
    tr__queued waiter = { .sought = &its_result, .place = item };
    uint64_t number;
    tr__line *line;
    int rc = b != NULL && item != NULL ? tr__may_wait() : TR_EINVAL;

    if (rc < 0)
        return rc;
    tr__latch_lock(&b->latch);
    if (b->is_closed)
        rc = TR_EPIPE;
    else if (b->open == NULL)
        rc = begin_batch(b);
    if (rc < 0) {
        tr__latch_unlock(&b->latch);
        return rc;
    }
    b->users++;
    number = b->open->number;
    line = &b->open->line;
    if (++b->open->count == b->options.most)
        make_due(b);
    rc = tr__wait_in_line(&b->latch, line, &waiter, TR_FOREVER);
    if (rc == TR_ECANCELED && waiter.wants != TAKEN) /* else it is fn's result */
        give_up_place(b, number);
    return rc;
}

/* ---- for all of them ---- */

int tr_batcher_flush(tr_batcher *b)
{
    if (b == NULL)
        return TR_EINVAL;
    tr__latch_lock(&b->latch);
    make_due(b);
    tr__latch_unlock(&b->latch);
    return 0;
}

int tr_batcher_close(tr_batcher *b)
{
    if (b == NULL)
        return TR_EINVAL;
    tr__latch_lock(&b->latch);
    b->is_closed = true;
    make_due(b);
    tr__latch_unlock(&b->latch);
    return 0;
}

static const tr__sought all_results = {
    .what = "the end of all batches",
    .line_offset = offsetof(tr_batcher, joiners),
};

int tr_batcher_join_for(tr_batcher *b, double timeout)
{
    tr__queued waiter = { .sought = &all_results };
    int rc = b != NULL && !isnan(timeout) ? tr__may_wait() : TR_EINVAL;

    if (rc < 0)
        return rc;
    tr__latch_lock(&b->latch);
    if (b->users > 0)
        return tr__wait_in_line(&b->latch, &b->joiners, &waiter, timeout);
    tr__latch_unlock(&b->latch);
    return 0;
}
