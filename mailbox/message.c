/* Blocks for messages. */
#include "mailbox/message.h"

static tr_msg *take_from_heap(size_t bytes)
{
    /* Whole words, so that an ask at the end is aligned. */
    size_t whole = (bytes + 15) / 16 * 16;
    tr__heap_prefix *prefix = tr__alloc(sizeof(*prefix) + whole);
    tr_msg *msg;

    if (prefix == NULL)
        return NULL;
    prefix->bytes = whole;
    msg = (tr_msg *)(void *)(prefix + 1);
    msg->tr__head = TR__MSG_CLASS_HEAP << TR__MSG_CLASS_SHIFT;
    return msg;
}

tr_msg *tr__msg_take(tr__slab *slab, size_t payload_bytes, bool extended)
{
    size_t bytes = TR__MSG_HEADER + payload_bytes + (extended ? sizeof(tr__ask) : 0);
    unsigned size_class = tr__class_of(bytes);
    tr_msg *msg;

    if (payload_bytes > TR__PAYLOAD_MAX)
        return NULL;
    if (slab == NULL || bytes > TR__CLASS_MAX_BYTES) {
        msg = take_from_heap(bytes);
    } else {
        msg = tr__slab_take(slab, size_class);
        if (msg != NULL)
            msg->tr__head = (uint32_t)size_class << TR__MSG_CLASS_SHIFT;
    }
    if (msg != NULL && extended)
        msg->tr__head |= TR__MSG_EXTENDED;
    return msg;
}

void tr__msg_give(tr__slab *slab, tr__depot *depot, tr_msg *msg)
{
    unsigned size_class = tr__msg_class(msg);

    if (size_class == TR__MSG_CLASS_HEAP)
        tr__free(tr__msg_prefix(msg));
    else if (slab != NULL)
        tr__slab_give(slab, msg, size_class);
    else
        tr__depot_put(depot, msg, size_class);
}
