/* Streams, inside: a task that puts into a queue. */
#ifndef TR_SYNC_STREAM_H
#define TR_SYNC_STREAM_H

#include <troupe/stream.h>

#include "runtime/future.h"

struct tr_stream {
    tr_stream_options options;
    tr_queue *items;
    tr_stream_fn fn;
    void *arg;
    tr_future *end;     /* of its generator; NULL: it has not begun */
    tr__waiter at_end;  /* told of that, on the generator's loop; */
    tr_event has_ended; /* set then, */
    int generated;      /* and how it has ended */
    int status;         /* when it is over */
    bool is_over;
    tr_stream **sources; /* its own; freed with it */
    size_t source_count;
    struct tr_stream *next;  /* to be closed with it */
    void (*fini)(void *arg); /* NULL: nothing to do */
};

/* Have fini(arg) called when the stream is freed, with the generator's own arg, and after it has
 * ended, if it ever began. */
TR__SHARED void tr__stream_own(tr_stream *s, void (*fini)(void *arg));

/* A stream that is made of others: they are its own from now on, also on error. args is copied. */
int tr__stream_from(tr_stream **out, tr_stream *const *sources, size_t source_count,
                    const tr_stream_options *options, tr_stream_fn fn, const void *args,
                    size_t args_size);

#endif
