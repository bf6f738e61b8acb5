/* What tr_select can wait for: each kind of case is a table of this form. A room above may bring
 * kinds of its own (an inbox). */
#ifndef TR_SYNC_SELECT_H
#define TR_SYNC_SELECT_H

#include <troupe/select.h>

#include "sync/wait_queue.h"

typedef struct tr__case_kind {
    /* Take it if that needs no waiting: true, and *status is its result. */
    bool (*take)(tr_case *c, int *status);
    /* Stand in line, at the case's own place (tr__case_place); false: it could be taken now, and
     * nothing stands in line. Who serves it claims the choice before. */
    bool (*stand)(tr_case *c, tr__choice *choice);
    /* Leave the line, if it stands there. */
    void (*leave)(tr_case *c);
    /* What it waits for, for people, while it stands in line. */
    void (*describe)(tr_case *c, tr__awaited *awaited);
} tr__case_kind;

/* Where a case stands in line: a tr__queued, or what else its kind needs. */
static inline void *tr__case_place(tr_case *c)
{
    return c->tr__opaque;
}

#endif
