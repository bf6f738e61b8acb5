/* See shard.h. */
#include "shard.h"

#include <stdlib.h>

#include "output.h"
#include "table.h"

typedef struct {
    struct table table;
    uint64_t words;
    double counting;
} shard;

void shard_top_drop(struct shard_top *t)
{
    tr_bytes_unref(t->top);
}

static int shard_init(tr_self *self, void *state, const void *args)
{
    shard *s = state;

    (void)self;
    (void)args;
    return table_init(&s->table, 0);
}

static int shard_count(shard *s, const tr_bytes *words)
{
    double start = cpu_now();
    struct entry entry;
    size_t offset = 0;
    int rc = 0;

    while (rc >= 0 && batch_read(&entry, words, &offset)) {
        rc = table_add(&s->table, &entry);
        s->words += entry.count;
    }
    s->counting += cpu_now() - start;
    return rc;
}

/* The most frequent words as a batch. */
static int shard_pack_top(const shard *s, size_t top, tr_bytes **out)
{
    struct batch_writer writer = { 0 };
    struct entry *sorted;
    size_t n;
    int rc = table_top(&s->table, top, &sorted, &n);

    *out = NULL;
    for (size_t i = 0; rc >= 0 && i < n && i < top; i++)
        rc = batch_write(&writer, &sorted[i]);
    free(sorted);
    if (rc >= 0)
        rc = batch_take(out, &writer);
    free(writer.data); /* NULL if it was taken */
    return rc;
}

static int shard_receive(tr_self *self, void *state, tr_msg *msg)
{
    shard *s = state;
    const struct batch *b;
    const struct top_wanted *t;
    tr_bytes *top;
    int rc;

    if ((b = tr_as(msg, batch))) {
        rc = shard_count(s, b->words);
        return rc < 0 ? rc : tr_reply(self, batch_counted);
    }
    if ((t = tr_as(msg, top_wanted))) {
        rc = shard_pack_top(s, t->top, &top);
        return rc < 0 ? rc
                      : tr_reply(self, shard_top, .words = s->words, .distinct = s->table.used,
                                 .counting = s->counting, .top = top);
    }
    return TR_UNHANDLED;
}

static void shard_stop(tr_self *self, void *state, int reason)
{
    shard *s = state;

    (void)self;
    (void)reason;
    table_fini(&s->table);
}

const tr_actor_class shard_class = {
    .name = "shard",
    .state_size = sizeof(shard),
    .init = shard_init,
    .receive = shard_receive,
    .stop = shard_stop,
};
