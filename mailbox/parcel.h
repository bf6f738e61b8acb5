/* A parcel: what travels between threads, by value.
 *
 *   bytes 0        8     12    16               32
 *         +--------+-----+-----+----------------+
 *         | to     | head| from| word 0, word 1 |
 *         +--------+-----+-----+----------------+
 *
 * The highest four bits of head are its kind; the rest is its owner's. A message of at most 16
 * bytes travels whole (head and words are the message's own); a larger one by pointer. */
#ifndef TR_MAILBOX_PARCEL_H
#define TR_MAILBOX_PARCEL_H

#include <stdint.h>

typedef struct tr__parcel {
    uint64_t to;
    uint32_t head;
    uint32_t from;
    uint64_t word[2];
} tr__parcel;

_Static_assert(sizeof(tr__parcel) == 32, "two fill a cache line");

#define TR__PARCEL_KIND_SHIFT 28

typedef enum tr__parcel_kind {
    TR__PARCEL_SMALL = 0, /* a message: 0 is also the size class that it lands in */
    TR__PARCEL_LARGE = 1, /* word 0 points to a message */
    TR__PARCEL_CALL = 2,  /* word 0 is a function, word 1 its argument */
    TR__PARCEL_START = 3, /* an actor begins at its new home */
    TR__PARCEL_END = 4,   /* stop or kill: word 0 is the reason */
    TR__PARCEL_FAIL = 5,  /* a request fails: word 0 is its ref, word 1 the error */
    TR__PARCEL_ASK = 6    /* an inbox asks: word 0 points to the message, word 1 is whom */
} tr__parcel_kind;

static inline tr__parcel tr__parcel_call(void (*fn)(void *arg), void *arg)
{
    return (tr__parcel){
        .head = (uint32_t)TR__PARCEL_CALL << TR__PARCEL_KIND_SHIFT,
        .word = { (uint64_t)(uintptr_t)fn, (uint64_t)(uintptr_t)arg },
    };
}

static inline tr__parcel_kind tr__parcel_kind_of(const tr__parcel *parcel)
{
    return (tr__parcel_kind)(parcel->head >> TR__PARCEL_KIND_SHIFT);
}

#endif
