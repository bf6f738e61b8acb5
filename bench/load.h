/* Messages of the three payload sizes that --size offers, and handlers made for each of them.
 *
 * A handler is written once, with the size as its last argument, and inlined into one function for
 * each size: so a message costs what it would cost in a program that has only one kind of it. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench.h"

TR_MESSAGE(bench_load8)
{
    int64_t value;
};

TR_MESSAGE(bench_load64)
{
    int64_t value;
    char rest[56];
};

TR_MESSAGE(bench_load512)
{
    int64_t value;
    char rest[504];
};

enum { LOAD_SIZES = 3 };

#define LOAD_INLINE static inline __attribute__((always_inline))

LOAD_INLINE int load_send(tr_pid to, int64_t value, size_t size)
{
    if (size == 8)
        return tr_send(to, bench_load8, .value = value);
    if (size == 64)
        return tr_send(to, bench_load64, .value = value);
    return tr_send(to, bench_load512, .value = value);
}

/* The value of a load, or NULL if the message is something else. */
LOAD_INLINE const int64_t *load_value(const tr_msg *msg, size_t size)
{
    const struct bench_load8 *small;
    const struct bench_load64 *middle;
    const struct bench_load512 *large;

    if (size == 8)
        return (small = tr_as(msg, bench_load8)) ? &small->value : NULL;
    if (size == 64)
        return (middle = tr_as(msg, bench_load64)) ? &middle->value : NULL;
    return (large = tr_as(msg, bench_load512)) ? &large->value : NULL;
}

/* Which of the three handlers, or classes, serves a size. */
static inline int load_index(size_t size)
{
    return size == 8 ? 0 : size == 64 ? 1 : 2;
}

static inline bool load_size_is_valid(size_t size)
{
    return size == 8 || size == 64 || size == 512;
}

/* The three handlers of `receive(self, state, msg, size)`. */
#define LOAD_HANDLERS(receive)                                                                     \
    static int receive##_8(tr_self *self, void *state, tr_msg *msg)                                \
    {                                                                                              \
        return receive(self, state, msg, 8);                                                       \
    }                                                                                              \
    static int receive##_64(tr_self *self, void *state, tr_msg *msg)                               \
    {                                                                                              \
        return receive(self, state, msg, 64);                                                      \
    }                                                                                              \
    static int receive##_512(tr_self *self, void *state, tr_msg *msg)                              \
    {                                                                                              \
        return receive(self, state, msg, 512);                                                     \
    }

/* An array of three classes that differ in their handler only; the rest are their other fields. */
#define LOAD_CLASSES(array, receive_fn, ...)                                                       \
    LOAD_HANDLERS(receive_fn)                                                                      \
    static const tr_actor_class array[LOAD_SIZES] = {                                              \
        { .receive = receive_fn##_8, __VA_ARGS__ },                                                \
        { .receive = receive_fn##_64, __VA_ARGS__ },                                               \
        { .receive = receive_fn##_512, __VA_ARGS__ },                                              \
    }

#endif
