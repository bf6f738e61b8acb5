/* A shard: an actor that owns all words with a certain hash, and is the only one to count them. */
#ifndef WORDCOUNT_SHARD_H
#define WORDCOUNT_SHARD_H

#include <troupe.h>

/* A batch of words is to be counted. Who asks keeps the bytes until it is answered. */
TR_NOTICE(batch_counted);
TR_REQUEST(batch, batch_counted)
{
    const tr_bytes *words;
};

/* What the most frequent words are. The answer owns what it has found. */
TR_MESSAGE_OWNING(shard_top, shard_top_drop)
{
    uint64_t words;
    uint64_t distinct;
    double counting; /* CPU seconds */
    tr_bytes *top;   /* a batch; NULL: no words */
};
TR_REQUEST(top_wanted, shard_top)
{
    size_t top;
};

extern const tr_actor_class shard_class;

#endif
