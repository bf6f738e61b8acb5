/* Shared immutable bytes: a count, and the data behind it or elsewhere. */
#include <troupe/bytes.h>

#include <string.h>

#include "base/atomic.h"
#include "base/seam.h"

struct tr_bytes {
    uint32_t references;
    size_t size;
    void *data;
    void (*free_fn)(void *data, void *arg);
    void *arg;
    char inside[];
};

#define SIZE_LIMIT (SIZE_MAX / 2)

static tr_bytes *make(size_t inside)
{
    tr_bytes *b = tr__alloc(sizeof(*b) + inside);

    if (b != NULL)
        *b = (tr_bytes){ .references = 1 };
    return b;
}

int tr_bytes_new(tr_bytes **out, const void *data, size_t size)
{
    tr_bytes *b;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if ((data == NULL && size != 0) || size > SIZE_LIMIT)
        return TR_EINVAL;
    b = make(size);
    if (b == NULL)
        return TR_ENOMEM;
    if (size != 0)
        memcpy(b->inside, data, size);
    b->data = b->inside;
    b->size = size;
    *out = b;
    return 0;
}

int tr_bytes_adopt(tr_bytes **out, void *data, size_t size, void (*free_fn)(void *data, void *arg),
                   void *arg)
{
    tr_bytes *b;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (data == NULL && size != 0)
        return TR_EINVAL;
    b = make(0);
    if (b == NULL)
        return TR_ENOMEM;
    b->data = data;
    b->size = size;
    b->free_fn = free_fn;
    b->arg = arg;
    *out = b;
    return 0;
}

tr_bytes *tr_bytes_ref(tr_bytes *b)
{
    if (b != NULL)
        /* ordered: more than it needs (the caller has a reference, so it can't end); cold. */
        (void)tr__add_ordered_u32(&b->references, 1);
    return b;
}

void tr_bytes_unref(tr_bytes *b)
{
    /* ordered: all reads through other references come before the end. */
    if (b == NULL || tr__add_ordered_u32(&b->references, (uint32_t)-1) != 1)
        return;
    if (b->free_fn != NULL)
        b->free_fn(b->data, b->arg);
    tr__free(b);
}

const void *tr_bytes_data(const tr_bytes *b)
{
    return b != NULL ? b->data : NULL;
}

size_t tr_bytes_size(const tr_bytes *b)
{
    return b != NULL ? b->size : 0;
}
