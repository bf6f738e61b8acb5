/* What a message is made of, and where it comes from and goes back to.
 *
 *   bytes 0        8     12    16                      32 << class
 *         +--------+-----+-----+-----------------------+
 *         | next   | head| from| payload ...  [ ask ]  |
 *         +--------+-----+-----+-----------------------+
 *
 *   head, from bit 0:   type 20 | owns 1 | flags 7 | size class 4
 *
 * A message that asks, or answers, carries a tr__ask in the last bytes of its block, so that the
 * payload's place never changes, and the 32-byte case does not grow. Blocks come from the loop's
 * slab; those too large for it, and those that leave for foreign threads, from the allocator, with
 * their size in a prefix.
 *
 * Ownership: a message has one owner: a sender, a queue, a handler's activation, or the user. */
#ifndef TR_MAILBOX_MESSAGE_H
#define TR_MAILBOX_MESSAGE_H

#include <troupe/message.h>

#include "base/assert.h"
#include "base/slab.h"

#define TR__MSG_OWNS    (UINT32_C(1) << 20) /* its type has a drop, which is still to run */
#define TR__MSG_ASKS    (UINT32_C(1) << 21) /* somebody waits for an answer */
#define TR__MSG_ANSWERS (UINT32_C(1) << 22) /* it is one, on its way; its ask says to what */
#define TR__MSG_TIMED                                                                              \
    (UINT32_C(1) << 23) /* a timer's, which stands at the end of the block instead of an ask */
#define TR__MSG_LENT     (UINT32_C(1) << 24) /* by an inbox; next points to the owner's pointer */
#define TR__MSG_CONTROL  (UINT32_C(1) << 25) /* is let into a full mailbox */
#define TR__MSG_EXTENDED (UINT32_C(1) << 26) /* a tr__ask stands at the end of the block */
#define TR__MSG_TAGGED   (UINT32_C(1) << 27) /* it was one; the ref of its ask is the tag */
/* Flags that a dispatcher must look at before it calls a handler. */
#define TR__MSG_SPECIAL (TR__MSG_ASKS | TR__MSG_TIMED)
/* Flags that end when a message is sent on. */
#define TR__MSG_PASSING (TR__MSG_TAGGED | TR__MSG_CONTROL)

#define TR__MSG_CLASS_SHIFT 28
#define TR__MSG_CLASS_HEAP  UINT32_C(15)
#define TR__MSG_HEADER      offsetof(tr_msg, tr__payload)

/* A payload may be this large: what asks for more is a mistake, and no size overflows. */
#define TR__PAYLOAD_MAX ((size_t)1 << 40)

/* Who waits for an answer, or for whom it is. */
typedef struct tr__ask {
    tr_pid pid;           /* of the asker */
    uint64_t ref;         /* which of its requests; of an answer that has arrived, the tag */
    uint64_t deadline_ns; /* of the request; UINT64_MAX: none */
    uint32_t answer;      /* type of the answer that is expected; 0: any */
    uint32_t unused;
} tr__ask;

/* The prefix of a block from the allocator; a multiple of its alignment. */
typedef struct tr__heap_prefix {
    size_t bytes; /* of the message, this prefix not counted */
    size_t unused;
} tr__heap_prefix;

_Static_assert(sizeof(tr_msg) == TR__CLASS_MIN_BYTES, "a small message fills the smallest class");
_Static_assert(sizeof(tr__ask) == 32, "an ask with 16 bytes of payload fits class 1");
_Static_assert(sizeof(tr__heap_prefix) % 16 == 0, "keeps the payload aligned");

static inline unsigned tr__msg_class(const tr_msg *msg)
{
    return msg->tr__head >> TR__MSG_CLASS_SHIFT;
}

static inline tr__heap_prefix *tr__msg_prefix(const tr_msg *msg)
{
    return (tr__heap_prefix *)(void *)((char *)(uintptr_t)msg - sizeof(tr__heap_prefix));
}

/* How much memory a message takes. */
static inline size_t tr__msg_bytes(const tr_msg *msg)
{
    unsigned size_class = tr__msg_class(msg);

    return size_class == TR__MSG_CLASS_HEAP ? tr__msg_prefix(msg)->bytes
                                            : tr__class_bytes(size_class);
}

/* Only for a message with TR__MSG_EXTENDED. */
static inline tr__ask *tr__msg_ask(const tr_msg *msg)
{
    TR_DCHECK(msg->tr__head & TR__MSG_EXTENDED);
    return (tr__ask *)(void *)((char *)(uintptr_t)msg + tr__msg_bytes(msg) - sizeof(tr__ask));
}

/* Copy a payload; the usual sizes without a call. */
static TR__ALWAYS_INLINE void tr__payload_copy(void *to, const void *from, size_t bytes)
{
    switch (bytes) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    case 16:
        memcpy(to, from, 16);
        break;
    default:
        memcpy(to, from, bytes);
    }
}

/* A message with room for payload bytes and, if extended, an ask. Its head has the class and
 * TR__MSG_EXTENDED only; all else is undefined. NULL: out of memory.
 * slab NULL: from the allocator, for any thread to free.
 * Threads: the slab's loop. */
tr_msg *tr__msg_take(tr__slab *slab, size_t payload_bytes, bool extended);

/* The same from a slab whose magazine has a block; NULL: it has none, or none is so large.
 * Threads: the slab's loop. */
static TR__ALWAYS_INLINE tr_msg *tr__msg_take_ready(tr__slab *slab, size_t payload_bytes,
                                                    bool extended)
{
    size_t bytes = TR__MSG_HEADER + payload_bytes + (extended ? sizeof(tr__ask) : 0);
    tr_msg *msg = NULL;
    unsigned size_class;

    if (TR__LIKELY(payload_bytes < TR__CLASS_MAX_BYTES && bytes <= TR__CLASS_MAX_BYTES)) {
        size_class = tr__class_of(bytes);
        msg = tr__slab_take_ready(slab, size_class);
        if (TR__LIKELY(msg != NULL))
            msg->tr__head =
                (uint32_t)size_class << TR__MSG_CLASS_SHIFT | (extended ? TR__MSG_EXTENDED : 0);
    }
    return msg;
}

/* Give the block back; what it owns is not dropped. slab NULL: the caller has none; depot is then
 * where blocks of slabs go, and may be NULL when the message is known to be from the allocator.
 * Threads: the slab's loop. */
void tr__msg_give(tr__slab *slab, tr__depot *depot, tr_msg *msg);

#endif
