/* Message types, interned: a number for each identity, and what is known of it. */
#ifndef TR_ACTORS_TYPE_H
#define TR_ACTORS_TYPE_H

#include <troupe/message.h>

#include "runtime/loop.h"

typedef struct tr__type_info {
    const char *name;
    const char *file;
    uint32_t line;
    uint32_t hash;
    size_t size;
    void (*drop)(void *payload);
} tr__type_info;

/* What an id, as in a message's head, stands for. It never changes.
 * Threads: any. */
const tr__type_info *tr__type_info_of(uint32_t id);

/* Call a type's drop, which may not await: it runs in the middle of what we do. */
static inline void tr__drop_call(void (*drop)(void *payload), const void *payload)
{
    tr_task *task = tr__await_forbid(tr__loop_here());

    drop((void *)(uintptr_t)payload);
    tr__await_allow(tr__loop_here(), task);
}

/* A payload that is not sent: what it owns is dropped. */
static inline void tr__payload_drop(const tr_type *type, const void *payload)
{
    if (type->tr__drop != NULL)
        tr__drop_call(type->tr__drop, payload);
}

#endif
